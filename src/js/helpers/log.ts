/** Logs: how much is logged and where, and the lines that the events of a call become. */

import { environment } from "../complete.js";
import { ChatmuxError } from "../errors.js";
import type { ClientOptions, Logger, LogLevel } from "../options.js";
import type { CallEvent } from "../types.js";

/** The levels, by how much they let through. */
const LEVELS: Record<LogLevel, number> = { off: 0, error: 1, warn: 2, info: 3, debug: 4 };
const DEFAULT_LEVEL = "warn";

/** The values that each logger was warned of, for every client made of another reads them anew. */
const warned = new WeakMap<Logger, Set<string>>();

/** The options that say what is seen of calls, with their defaults. @throws {ChatmuxError} for those that cannot be used. */
export function settings({ logger, logLevel, onEvent }: ClientOptions): ClientOptions {
  if (onEvent != null && typeof onEvent !== "function") throw new ChatmuxError("`onEvent` must be a function, which is called with events.");
  const log = logger ?? console;
  if (["error", "warn", "info", "debug"].some((name) => typeof log[name as keyof Logger] !== "function")) {
    throw new ChatmuxError("`logger` must have the functions `error`, `warn`, `info` and `debug`, as `console` has.");
  }
  const level = known(logLevel, "`logLevel`", log) ?? known(environment("CHATMUX_LOG"), "CHATMUX_LOG of the environment", log);
  return { logger: log, logLevel: level ?? DEFAULT_LEVEL };
}

/** A level, if it is one; the logger is warned once of one that is none. */
function known(level: string | undefined, name: string, logger: Logger): LogLevel | undefined {
  if (level == null || Object.hasOwn(LEVELS, level)) return level as LogLevel | undefined;
  const line = `${name} is set to ${JSON.stringify(level)}, which is no level: use one of ${Object.keys(LEVELS).join(", ")}.`;
  const lines = warned.get(logger) ?? new Set();
  warned.set(logger, lines);
  if (!lines.has(line)) write(logger, "warn", line);
  lines.add(line);
  return undefined;
}

/** Whether something is logged at this level. */
export function logs(options: ClientOptions, level: keyof Logger): boolean {
  return options.logger != null && LEVELS[options.logLevel ?? DEFAULT_LEVEL] >= LEVELS[level];
}

/** Logs an event: what matters of it as a line, and at `debug` the rest. The body is that of a request. */
export function log(options: ClientOptions, event: CallEvent, body?: () => unknown): void {
  const at = (level: keyof Logger, line: string, details?: object): void => {
    if (logs(options, level)) write(options.logger!, level, line, details);
  };
  const { call, type, ms, ...facts } = event;
  const id = `log_${call.toString(16).padStart(6, "0")}`;
  switch (event.type) {
    case "request":
      if (logs(options, "debug")) at("debug", `[${id}] sending request ${event.method} ${event.url}`, { ...facts, body: body?.() });
      break;
    case "response": {
      const { requestID, method, url, status, attemptMs } = event;
      const outcome = status >= 200 && status < 300 ? "succeeded" : "failed";
      const request = requestID === null ? "" : `, x-request-id: ${JSON.stringify(requestID)}`;
      at("info", `[${id}${request}] ${method} ${url} ${outcome} with status ${status} in ${attemptMs}ms`);
      at("debug", `[${id}] response start`, { ...facts, durationMs: ms });
      break;
    }
    case "retry":
      at("info", `[${id}] ${event.status ?? event.kind}: retrying in ${event.delay}ms, ${count(event.retriesLeft, "attempt")} remaining`);
      at("debug", `[${id}] retry`, facts);
      break;
    case "first_token":
      at("debug", `[${id}] first token (${event.part}) after ${ms}ms`);
      break;
    case "usage":
      at("debug", `[${id}] usage`, event.usage);
      break;
    case "end":
      at("debug", `[${id}] ${event.aborted ? "left" : "finished"} after ${ms}ms`, facts);
      break;
    case "error":
      at("info", `[${id}] failed after ${ms}ms and ${count(event.retryCount, "retry", "retries")}: ${event.name}: ${event.message}`);
      at("debug", `[${id}] error`, facts);
  }
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Logs a line. A logger that fails is no failure of the call. */
function write(logger: Logger, level: keyof Logger, line: string, details?: object): void {
  try {
    if (details) logger[level](line, details);
    else logger[level](line);
  } catch {}
}

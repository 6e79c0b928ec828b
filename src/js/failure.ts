/** The core's errors: data on their way in, errors of this package on their way out. */

import { classes } from "./classes.js";
import { APIConnectionError, APIError, APIUserAbortError, ChatmuxError, type ErrorKind } from "./errors.js";

/** An error as the core describes it. */
interface ErrorData {
  kind: ErrorKind;
  message: string;
  status?: number;
  upstreamStatus?: number;
  code?: string;
  retryCount?: number;
  error?: unknown;
  headers?: Headers;
  cause?: unknown;
}

/** The error for what the core threw; anything that is no error data of the core passes as it is. */
export function toError(thrown: unknown): unknown {
  if (thrown instanceof Error || typeof thrown !== "object" || thrown === null || !("kind" in thrown)) return thrown;
  const { kind, message, status, upstreamStatus, code, retryCount, error, headers, cause } = thrown as ErrorData;
  const Class = Object.values(classes).find(({ prototype }) => prototype.kind === kind) ?? APIError;
  if (Class === APIUserAbortError || Class === APIConnectionError || Class.prototype instanceof APIConnectionError) {
    return Object.assign(new (Class as typeof APIConnectionError)({ message, cause }), { retryCount });
  }
  const options = cause === undefined ? undefined : { cause };
  if (Class === ChatmuxError || kind === "missing_api_key") {
    return Object.defineProperty(new ChatmuxError(message, options), "kind", { value: kind });
  }
  // Some servers send a mere text as the error; it is kept as they sent it.
  const said = (error ?? undefined) as object | undefined;
  const made = new (Class as typeof APIError)(status, said, message, headers, options);
  if (made.kind !== kind) Object.defineProperty(made, "kind", { value: kind });
  return Object.assign(made, { retryCount }, code !== undefined && { code }, upstreamStatus !== undefined && { upstreamStatus });
}

/** What calls do, as events: for `onEvent`, and for the log. */

import type { Items } from "../chunks.js";
import { inContext } from "../context.js";
import { APIError, ChatmuxError, type ErrorKind } from "../errors.js";
import { ChunkSource } from "../glue/chatmux.js";
import type { CallObserver } from "../observe.js";
import type { CallOptions, Fetch } from "../options.js";
import type { Body } from "../response-body.js";
import type { CallEvent, CallFirstTokenEvent, ChatCompletion, ChatCompletionChunk } from "../types.js";
import { log, logs } from "./log.js";
import { Redactor } from "./redact.js";
import { toUsage } from "./usage.js";

/** How often a failed try is repeated where nobody says: see `src/retry.rs`. */
const MAX_RETRIES = 2;

/** The options of a call that is about to be sent. */
export interface Seen extends CallOptions {
  model?: unknown;
}

/** Why the core is to try again: an error as it describes it, and the pause in milliseconds. */
interface Again {
  kind: ErrorKind;
  message: string;
  status?: number;
  delay: number;
}

/** An event, but for what all of them say. */
type Told<Event = CallEvent> = Event extends CallEvent ? Omit<Event, "call" | "ms"> : never;

let calls = 0;

/** Sees a call, where somebody wants to know of it. @throws {ChatmuxError} for an `onEvent` that is none. */
export function observe(options: Seen): CallObserver | undefined {
  const { onEvent } = options;
  if (onEvent == null) return logs(options, "info") ? new Watch(options) : undefined;
  if (typeof onEvent !== "function") throw new ChatmuxError("`onEvent` must be a function, which is called with events.");
  return new Watch(options);
}

/** Sees one call: its tries through its `fetch`, its pauses and its outcome by what it is told. */
class Watch implements CallObserver {
  readonly #call = ++calls;
  readonly #began = performance.now();
  readonly #options: Seen;
  readonly #redactor = new Redactor();
  #attempt = 1;
  /** What the call came to, to be told at the end of the turn: whoever ends a stream may say only then why. */
  #completion: Partial<ChatCompletion> | null = null;
  #error: { thrown: unknown } | undefined;
  #aborted = false;
  #isOver = false;

  constructor(options: Seen) {
    this.#options = options;
    this.#redactor.learn(options.apiKey);
    const fetch = options.fetch ?? globalThis.fetch;
    // What is no function is refused where all options are checked.
    if (typeof fetch === "function") options.fetch = this.#watched(fetch);
    // The core says it in the middle of its work, in which nobody should call it.
    const tell = inContext((again: Again) => this.#tellRetry(again));
    Object.defineProperty(options, "again", { set: (again: Again) => void tell(again) });
  }

  answered(answer?: unknown): void {
    if (answer instanceof ChunkSource) return;
    this.#end(answer as ChatCompletion | null | undefined);
  }

  failed(thrown: unknown): void {
    this.#error ??= { thrown };
    this.#end();
  }

  closed(body: Body): void {
    this.#aborted = body.isAborted;
    this.#end(body.partial());
  }

  reads(items: Items<unknown>): void {
    const { load, take } = items;
    let at = this.#began;
    items.load = (address) => {
      load.call(items, address);
      at = performance.now();
    };
    items.take = () => {
      const item = take.call(items);
      const part = partOf(item);
      if (part) {
        // From here on they are as those of any other stream.
        Object.assign(items, { load, take });
        this.#tell({ type: "first_token", part }, at);
      }
      return item;
    };
  }

  /** The call's `fetch`, which is called once for each try. */
  #watched(fetch: Fetch): Fetch {
    return async (url, init) => {
      this.#redactor.learnAll(init.headers);
      const headers = this.#redactor.headers(init.headers);
      // Whether a base URL is there at all is asked without any header, and is no try of the call.
      if (Object.keys(headers).length === 0) return fetch(url, init);
      const request = { attempt: this.#attempt, method: init.method ?? "GET", url: this.#redactor.url(url) };
      const { model } = this.#options;
      const stream = headers["accept"] === "text/event-stream";
      this.#tell({ type: "request", ...request, headers, ...(typeof model === "string" && { model }), stream }, undefined, init.body);
      const sent = performance.now();
      const response = await fetch(url, init);
      const attemptMs = Math.round(performance.now() - sent);
      try {
        const headers = this.#redactor.headers(response.headers);
        const requestID = headers["x-request-id"] ?? null;
        this.#tell({ type: "response", ...request, status: response.status, requestID, headers, attemptMs });
      } catch {
        // What is no response is refused by the core.
      }
      return response;
    };
  }

  #tellRetry({ kind, status, message, delay }: Again): void {
    const attempt = this.#attempt++;
    const retriesLeft = (this.#options.maxRetries ?? MAX_RETRIES) - attempt + 1;
    const why = { kind, ...(status !== undefined && { status }), ...(message && { message: this.#redactor.text(message) }) };
    this.#tell({ type: "retry", attempt, delay: Math.round(delay), retriesLeft, ...why });
  }

  /** The call is over, with what is known of its answer. */
  #end(completion: Partial<ChatCompletion> | null = null): void {
    this.#completion ??= completion;
    if (!this.#isOver) queueMicrotask(() => this.#tellEnd());
    this.#isOver = true;
  }

  #tellEnd(): void {
    const usage = toUsage(this.#completion);
    const { choices } = this.#completion ?? {};
    if (usage) this.#tell({ type: "usage", usage });
    const retryCount = this.#attempt - 1;
    if (this.#error) return this.#tell(this.#describe(this.#error.thrown, retryCount));
    const finishReasons = Array.isArray(choices) ? choices.map((choice) => choice?.finish_reason ?? null) : [];
    this.#tell({ type: "end", retryCount, finishReasons, aborted: this.#aborted });
  }

  /** An error as data. */
  #describe(thrown: unknown, retryCount: number): Told {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { status, code, requestID } = error instanceof APIError ? error : ({} as Partial<APIError>);
    const told = {
      type: "error" as const,
      retryCount,
      name: error.name,
      ...(error instanceof ChatmuxError && { kind: error.kind }),
      message: this.#redactor.text(error.message),
      ...(status !== undefined && { status }),
      ...(typeof code === "string" && { code: this.#redactor.text(code) }),
      ...(requestID != null && { requestID: this.#redactor.text(requestID) }),
    };
    return Object.defineProperty(told, "error", { value: error }) as typeof told & { error: Error };
  }

  /** Tells an event that happened now, or at this time. Whatever comes of it, the call goes on. */
  #tell(told: Told, at = performance.now(), body?: unknown): void {
    // Whoever has the event may change it, and must not find what it hides of the error among its fields.
    const event = Object.defineProperties(
      { call: this.#call, ms: Math.round(at - this.#began) },
      Object.getOwnPropertyDescriptors(told),
    ) as CallEvent;
    log(this.#options, event, () => this.#redactor.body(body));
    try {
      const returned: unknown = this.#options.onEvent?.(event);
      if (returned instanceof Promise) returned.catch(() => {});
    } catch {}
  }
}

/** What a chunk, or a text, has to say, if anything. */
function partOf(item: unknown): CallFirstTokenEvent["part"] | undefined {
  if (typeof item === "string") return item ? "content" : undefined;
  const { choices } = item as Partial<ChatCompletionChunk>;
  if (!Array.isArray(choices)) return undefined;
  for (const choice of choices as (ChatCompletionChunk["choices"][number] | null)[]) {
    const { content, reasoning, reasoning_content, reasoning_details, refusal, tool_calls } = choice?.delta ?? {};
    if (reasoning || reasoning_content || reasoning_details?.length) return "reasoning";
    if (content) return "content";
    if (refusal) return "refusal";
    if (tool_calls?.length) return "tool_call";
  }
  return undefined;
}

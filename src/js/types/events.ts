/** What a call does, as data: what `onEvent` is told. */

import type { ErrorKind } from "../errors.js";
import type { ChatCompletionChoice } from "./completion.js";
import type { TokenUsage } from "./usage.js";

/**
 * Something that a call did. The order is `request`, `response`, then either `retry` and `request` again, or what the answer
 * is: `first_token` of a stream, `usage` where it is known, and at last exactly one `end` or `error`.
 *
 * Keys are taken out of all that is in it. All of it can be written as JSON.
 *
 * @example
 * const client = new Chatmux({
 *   onEvent: (event) => {
 *     if (event.type === "retry") metrics.count("llm.retry", { status: event.status });
 *     if (event.type === "first_token") metrics.time("llm.first_token", event.ms);
 *   },
 * });
 */
export type CallEvent =
  | CallRequestEvent
  | CallResponseEvent
  | CallRetryEvent
  | CallFirstTokenEvent
  | CallUsageEvent
  | CallEndEvent
  | CallErrorEvent;

/** What all events say. */
export interface CallEventBase {
  /** The number of the call in this process, from 1: what belongs together has the same. */
  call: number;
  /** Milliseconds from the start of the call to the event, whole. */
  ms: number;
}

/** A try is sent. */
export interface CallRequestEvent extends CallEventBase {
  type: "request";
  /** Which try it is, from 1. Another base URL of the same try has the same number. */
  attempt: number;
  method: string;
  /** Where it goes; keys in its query are `***`. */
  url: string;
  /** Its headers, by their names in lower case; those that hold keys are `***`. */
  headers: Record<string, string>;
  /** The model of a chat request. */
  model?: string;
  /** Whether an event stream is asked for. */
  stream: boolean;
}

/** The headers of an answer are there, whatever its status. */
export interface CallResponseEvent extends CallEventBase {
  type: "response";
  /** The number of the try that is answered, from 1. */
  attempt: number;
  method: string;
  url: string;
  status: number;
  /** The id of the request in the provider's logs, from the header `x-request-id`. */
  requestID: string | null;
  headers: Record<string, string>;
  /** Milliseconds since this try was sent. */
  attemptMs: number;
}

/** A try failed, and is to be repeated. It comes before the pause. */
export interface CallRetryEvent extends CallEventBase {
  type: "retry";
  /** The number of the try that failed, from 1. */
  attempt: number;
  /** Milliseconds until the next one. */
  delay: number;
  /** How many retries are left, with the one to come. */
  retriesLeft: number;
  /** Why: what went wrong, the status of the answer, if there was one, and what was said, if that was read. */
  kind: ErrorKind;
  status?: number;
  message?: string;
}

/**
 * The first part of a streamed answer that says something. `ms` is when the read that brought it was decoded; the event
 * itself comes when the stream's reader is given it. A stream is read when its reader asks, so a late reader makes it late.
 */
export interface CallFirstTokenEvent extends CallEventBase {
  type: "first_token";
  /** What it is. Of a stream that is read as text (`textDeltas()`, `text()`) only content is seen. */
  part: "content" | "reasoning" | "refusal" | "tool_call";
}

/** What the answer used, in one form, whoever gave it: see `toUsage`. Also of a stream that broke off, where that is known. */
export interface CallUsageEvent extends CallEventBase {
  type: "usage";
  usage: TokenUsage;
}

/**
 * The call is over: the whole answer is there, or its stream was read to the end or left. With `asResponse()` it is over when
 * the response is handed over. A stream that nobody reads or aborts has no end before the garbage collector finds it.
 */
export interface CallEndEvent extends CallEventBase {
  type: "end";
  /** How many retries were made. */
  retryCount: number;
  /** Why the model stopped, for each choice; `null` where it had not. */
  finishReasons: (ChatCompletionChoice["finish_reason"] | null)[];
  /** Whether a stream was left before its end: by `break`, `return()` or an abort. */
  aborted: boolean;
}

/** The call failed, before or in the middle of its answer. */
export interface CallErrorEvent extends CallEventBase {
  type: "error";
  /** How many retries were made. */
  retryCount: number;
  /** The name of the error's class, and what went wrong; no kind where the error is none of this package. */
  name: string;
  kind?: ErrorKind;
  message: string;
  /** The HTTP status, the provider's code, and the id of the request, where there are any. */
  status?: number;
  code?: string;
  requestID?: string;
  /**
   * The error that the call throws. It is not enumerable, so not logged and not sent on with the event: its `cause` and its
   * `headers` are as they came.
   */
  readonly error: Error;
}

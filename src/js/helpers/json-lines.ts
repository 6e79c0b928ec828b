/** A stream as lines of JSON, as `toReadableStream()` writes it: read. */

import { APIConnectionError, APIError, ChatmuxError, type ErrorKind } from "../errors.js";
import { readerOf, toBytes } from "../response-body.js";
import type { ChatCompletionChunk, ChatCompletionMessageParam } from "../types.js";

/** A message of the conversation between two completions: the result of a tool. */
export interface SentMessage {
  /** Tells it from a chunk. */
  type: "message";
  /** The message. */
  message: ChatCompletionMessageParam;
  /** The ids of the calls that were made before it, where the chunks did not say them. */
  tool_call_ids?: (string | null)[];
}

/** The most bytes that a line may have, unless told otherwise. */
const MAX_LINE = 128 << 20;
/** Before a message that is sent as the `object` of an empty chunk, so that who knows nothing of messages reads a chunk. */
const MESSAGE = "chat.completion.chunk.message:";

/** The chunk that carries a message: written after `chunk`, and of the same completion. */
export function toMessageChunk({ id, created, model }: ChatCompletionChunk, sent: Omit<SentMessage, "type">): ChatCompletionChunk {
  const object = MESSAGE + JSON.stringify({ type: "message", ...sent });
  return { id, choices: [], created, model, object: object as "chat.completion.chunk" };
}

/** The message that an item of a stream carries, if any. */
export function messageOf(item: object): SentMessage | undefined {
  const { type, message, object } = item as { type?: unknown; message?: unknown; object?: unknown };
  if (type === "message" && message) return item as SentMessage;
  if (typeof object !== "string" || !object.startsWith(MESSAGE)) return undefined;
  const sent = parse(object.slice(MESSAGE.length)) as SentMessage;
  return sent.message ? sent : fail("malformed_response", "A message of the stream is none.");
}

/**
 * The objects of a stream of JSON lines. Left early, or aborted, it lets the stream go.
 *
 * @param maxLine the most bytes that a line may have.
 * @throws {APIError} for a line with an `error`, as the server sent it; of kind `malformed_response` for one that is no JSON,
 *   of kind `too_large` for one that is too long.
 * @throws {APIConnectionError} when the stream breaks off.
 */
export async function* readJsonLines(stream: ReadableStream, signal: AbortSignal, maxLine = MAX_LINE): AsyncGenerator<object> {
  const decoder = new TextDecoder();
  const reader = open(stream);
  const leave = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", leave);
  let line = "";
  try {
    for (let isOver = signal.aborted; !isOver; ) {
      const { done, value } = await reader.read().catch(broken);
      isOver = !!done;
      const text = isOver ? `${decoder.decode()}\n` : decoder.decode(toBytes(value), { stream: true });
      const [first, ...others] = text.split(LINE_END);
      line += first;
      for (const next of others) {
        if (signal.aborted) return;
        if (line.trim()) yield parse(line);
        line = next;
      }
      if (line.length > maxLine) fail("too_large", `A line of the stream is longer than \`maxEventBytes\`: ${maxLine}.`);
    }
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}

/** The same, for whoever reads it with `for await`: leaving the loop early aborts. */
export async function* readStream<Item>(stream: ReadableStream, controller: AbortController): AsyncGenerator<Item> {
  let isWhole = false;
  try {
    for await (const item of readJsonLines(stream, controller.signal)) yield item as Item;
    isWhole = true;
  } finally {
    if (!isWhole) controller.abort();
  }
}

const LINE_END = /[\r\n]/;

function open(stream: ReadableStream): ReturnType<typeof readerOf> {
  const isStream = typeof stream === "object" && stream && ("getReader" in stream || Symbol.asyncIterator in stream);
  if (isStream && !stream.locked) return readerOf(stream);
  throw new ChatmuxError("`fromReadableStream()` takes a ReadableStream that nobody else reads, such as the `body` of a response.");
}

/** What this package's own stream throws is told as it is. */
function broken(cause: unknown): never {
  throw cause instanceof ChatmuxError ? cause : new APIConnectionError({ cause });
}

function parse(line: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    fail("malformed_response", "A line of the stream is not JSON.");
  }
  if (typeof value !== "object" || value === null) fail("malformed_response", "A line of the stream is no object.");
  const error = Object.hasOwn(value, "error") && (value as { error: unknown }).error;
  if (typeof error === "object" && error) throw new APIError(undefined, error, undefined, undefined);
  return value;
}

/** Nothing of what was sent is in the error. */
function fail(kind: ErrorKind, message: string): never {
  throw Object.defineProperty(new APIError(undefined, undefined, message, undefined), "kind", { value: kind });
}

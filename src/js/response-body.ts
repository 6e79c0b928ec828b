/** What is behind a stream: the body that is read, the clock, the completion so far; let go of whoever ends it. */

import type { Items } from "./chunks.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import type { ChunkSource } from "./glue/chatmux.js";
import type { CallObserver } from "./observe.js";
import type { ChatCompletion } from "./types.js";
import { hold, memoryBytes, memoryWords, release, trapped } from "./wasm.js";

const [LF, CR] = [10, 13];
const NO_BYTES = new Uint8Array(0);

/** How long the end of a finished response may take before its connection is closed, in milliseconds. */
const LINGER_MS = 100;

/** What an iterator gives when it is over. */
export const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
export const ignore = (): void => {};

/** The limits of time, by their numbers in `src/web/stream.rs`. */
const [FIRST_EVENT, IDLE, TOTAL] = [0, 1, 2];
/** How often the clock of a stream ticks in the time that it may be silent, and the longest time between two ticks. */
const TICKS = 4;
const MAX_TICK_MS = 0x7fffffff;

/**
 * What is behind a stream, to be let go of whoever ends it: its reader, an abort, a limit of time, or the garbage collector
 * where nobody has the stream any more. So it knows nothing of who reads it.
 */
export class Body {
  readonly source: ChunkSource;
  readonly controller: AbortController;
  /** What is read. */
  readonly bytes: Bytes;
  items: Items<unknown> | undefined;
  reader: Reader | undefined;
  closed = false;
  /** Whether it was left before its end, and the error that this is to its reader. */
  isAborted = false;
  error: unknown;
  /** Whether a read is waited for. */
  isAwaited = false;
  /** Whether an event has arrived. */
  begun = false;
  /** Whether something was heard, or asked for, since the last tick; how many ticks nothing was. */
  heard = true;
  #quiet = 0;
  #timer: unknown;
  #total: unknown;
  /** The JSON of the completion, when the source is gone. */
  #partial: Uint8Array = NO_BYTES;

  readonly #leave = (): void => this.leave();
  /** Ends the try behind the stream where the core cannot, for its instance was lost. */
  readonly #endTry: () => void;
  /** Who sees what becomes of it. */
  readonly observer: CallObserver | undefined;

  constructor(source: ChunkSource, endTry: () => void, observer?: CallObserver) {
    this.source = source;
    this.controller = source.controller;
    this.bytes = source.body;
    this.#endTry = endTry;
    this.observer = observer;
    hold(this.#leave);
    const total = source.limit(TOTAL);
    if (total < MAX_TICK_MS) this.#total = setTimeout(() => this.#timeOut(TOTAL), total);
    // The body of a caller's `fetch` may know nothing of the signal: an abort must end a waiting read there as well.
    this.controller.signal.addEventListener("abort", this.#leave);
    if (this.controller.signal.aborted) this.leave();
  }

  /** Notes that a read is waited for, which is the time to look at the clock. */
  wait(): void {
    this.isAwaited = true;
    this.heard = true;
    if (this.#timer === undefined) this.#tick();
  }

  /** Notes what was read: an event, or a line of a comment that keeps the stream alive. */
  hear(bytes: Uint8Array, isEvent: boolean): void {
    if (isEvent && !this.begun) {
      this.begun = true;
      this.#stopClock();
      this.#tick();
    }
    this.heard ||= isEvent || (this.begun && (bytes.includes(LF) || bytes.includes(CR)));
  }

  /** One timer for the stream, which looks now and then whether it is silent: a timer for each read would cost more. */
  #tick(): void {
    if (this.closed) return;
    const limit = this.begun ? IDLE : FIRST_EVENT;
    const ms = this.source.limit(limit) / TICKS;
    if (ms > MAX_TICK_MS) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#quiet = this.heard ? 0 : this.#quiet + 1;
      this.heard = false;
      if (this.#quiet >= TICKS) this.#timeOut(limit);
      else if (this.isAwaited) this.#tick();
    }, ms);
  }

  #timeOut(limit: number): void {
    this.error = this.failed(toError(this.source.timedOut(limit)));
    this.leave();
  }

  #stopClock(): void {
    clearTimeout(this.#timer as number);
    this.#timer = undefined;
    this.#quiet = 0;
  }

  /** An error of the stream knows what had arrived; of what the instance lost, nothing is left. */
  failed(error: unknown): unknown {
    this.observer?.failed(error);
    if (error instanceof ChatmuxError && error.kind !== "wasm_failed") {
      Object.defineProperties(error, {
        partial: { get: () => this.partial() },
        usage: { get: () => this.partial()?.usage },
      });
    }
    return error;
  }

  /** The completion as assembled so far. */
  partial(): ChatCompletion | null {
    const json = this.closed ? this.#partial : this.#assemble();
    return json.length ? JSON.parse(new TextDecoder().decode(json)) : null;
  }

  /** The JSON of the completion, which is nothing before the first chunk. */
  #assemble(): Uint8Array {
    const at = this.source.partial(this.items?.chunks ?? 0) >>> 2;
    const [bytes, words] = [memoryBytes(), memoryWords()];
    const parts = words.subarray(at + 2, at + 2 + 2 * words[at]!);
    const json = new Uint8Array(words[at + 1]!);
    for (let i = 0, to = 0; i < parts.length; to += parts[i + 1]!, i += 2) {
      json.set(bytes.subarray(parts[i], parts[i]! + parts[i + 1]!), to);
    }
    return json;
  }

  /** Ends in the middle, and drops what was read but not asked for. */
  leave(): void {
    if (this.closed) return;
    this.isAborted = true;
    const cancelled = this.#cancel();
    this.close();
    if (this.items) this.items.left = 0;
    cancelled.catch(ignore);
    this.controller.abort();
  }

  /** Lets the body go. One that somebody else is reading cannot be, and is theirs. */
  async #cancel(): Promise<void> {
    const reader = this.reader ?? readerOf(this.bytes);
    const cancelled = reader.cancel();
    reader.releaseLock?.();
    await cancelled;
  }

  close(): void {
    this.closed = true;
    this.#stopClock();
    clearTimeout(this.#total as number);
    try {
      this.#partial = this.#assemble();
      this.source.close();
      this.source.free();
    } catch (cause) {
      this.error = this.failed(trapped(cause));
      this.#endTry();
    }
    release(this.#leave);
    this.observer?.closed(this);
  }
}

/**
 * After `[DONE]` the end of the response is usually there as well; reading it keeps the connection for the next
 * request. A server that leaves the response open has its connection closed.
 */
export function linger(reader: Reader, controller: AbortController): void {
  const leave = (): void => {
    reader.cancel().catch(ignore);
    // To cancel is not enough in Firefox and Bun.
    controller.abort();
  };
  const timer = setTimeout(leave, LINGER_MS);
  reader
    .read()
    .then(({ done }) => done || leave(), ignore)
    .finally(() => {
      clearTimeout(timer);
      reader.releaseLock?.();
    });
}

export type Read = IteratorResult<unknown, unknown>;

/** What is read of a body, and how it is let go. */
interface Reader {
  read(): Promise<Read>;
  cancel(): Promise<unknown>;
  releaseLock?(): void;
}

/** What a response is read from. */
type Bytes = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** The reader of a stream of the web, or of a stream of Node, as `fetch` functions of npm packages give it. */
export function readerOf(body: Bytes): Reader {
  if ("getReader" in body) return body.getReader() as Reader;
  const iterator = body[Symbol.asyncIterator]();
  let end: ((end: Read) => void) | undefined;
  return {
    read: () =>
      new Promise((resolve, reject) => {
        end = resolve;
        iterator.next().then(resolve, reject);
      }),
    cancel: async () => {
      // A generator that waits would not hear of `return()`; a stream of Node is destroyed.
      end?.(END);
      (body as { destroy?: () => void }).destroy?.();
      await iterator.return?.();
    },
  };
}

/** The bytes of one read; a caller's `fetch` may give texts or bare buffers. */
export function toBytes(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === "string") return new TextEncoder().encode(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  return new Uint8Array(part as ArrayBuffer);
}

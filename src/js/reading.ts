/** Behind a stream: the body read, the core fed, its items handed out, and everything let go at the end. */

import { type Items, Texts } from "./chunks.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import type { ChunkSource } from "./glue/chatmux.js";
import type { ChatCompletion } from "./types.js";
import { hold, memoryBytes, memoryWords, release, trapped } from "./wasm.js";

/** How many bytes are decoded in one go. */
const MAX_FEED = 64 << 10;
const NO_BYTES = new Uint8Array(0);

/** How long the end of a finished response may take before its connection is closed, in milliseconds. */
const LINGER_MS = 100;

/** What an iterator gives when it is over. */
export const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
const ignore = (): void => {};

/** The error of who reads a stream twice. */
export function consumed(): ChatmuxError {
  return new ChatmuxError("Cannot iterate over a consumed stream, use `.tee()` to split the stream.");
}

/**
 * Reads the body, feeds the core, hands out its items. Written by hand rather than as a generator: `return()` must end a
 * read that is still waiting, and an item that is there costs no turn of a state machine.
 */
export class Reading<Item = unknown> implements AsyncIterableIterator<Item> {
  /** What the bytes become, once that is known. */
  #items: Items<Item> | undefined;
  readonly #source: ChunkSource;
  readonly #controller: AbortController;
  #reader: Reader | undefined;
  /** What was read and is not decoded yet. */
  #bytes: Uint8Array = NO_BYTES;
  #closed = false;
  /** Whether the next item comes with the next read. */
  #isSteady = false;
  /** Whether it was left before its end. */
  isAborted = false;
  /** The JSON of the completion, when the source is gone. */
  #partial: Uint8Array = NO_BYTES;
  /** How many answers are owed, and the one that was asked for last: they are given one after the other. */
  #waiting = 0;
  #last: Promise<unknown> | undefined;
  readonly #body: Body;
  /** Ends the try behind the stream where the core cannot, for its instance was lost. */
  readonly #endTry: () => void;
  /** The error that the next read is to throw: the instance was lost since the last. */
  #failure: unknown;

  /** Ends in the middle, and drops what was read but not asked for. */
  readonly #leave = (): void => {
    if (this.#closed) return;
    this.isAborted = true;
    const cancelled = this.#cancel();
    this.#close();
    if (this.#items) this.#items.left = 0;
    cancelled.catch(ignore);
    this.#controller.abort();
  };

  constructor(source: ChunkSource, endTry: () => void) {
    this.#source = source;
    this.#controller = source.controller;
    this.#body = source.body;
    this.#endTry = endTry;
    hold(this.#leave);
    // The body of a caller's `fetch` may know nothing of the signal: an abort must end a waiting read there as well.
    this.#controller.signal.addEventListener("abort", this.#leave);
    if (this.#controller.signal.aborted) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Says what the bytes are to become. @throws {ChatmuxError} the second time. */
  begin<Kind>(items: Items<Kind>): Reading<Kind> {
    if (this.#items) throw consumed();
    const reading = this as unknown as Reading<Kind>;
    reading.#items = items;
    if (items instanceof Texts && !this.#closed) this.#source.textOnly();
    return reading;
  }

  next(): Promise<IteratorResult<Item>> {
    const items = this.#items!;
    if (this.#waiting > 0) return (this.#last = this.#answer(items, this.#last));
    if (items.left) return Promise.resolve({ done: false, value: items.take() });
    if (!this.#isSteady) return (this.#last = this.#answer(items));
    this.#waiting++;
    return (this.#last = this.#reader!.read().then(this.#onRead, this.#onBroken));
  }

  async return(): Promise<IteratorResult<Item>> {
    if (!this.#closed) this.#controller.abort();
    return END;
  }

  /** The completion as assembled so far. */
  partial(): ChatCompletion | null {
    const json = this.#closed ? this.#partial : this.#assemble();
    return json.length ? JSON.parse(new TextDecoder().decode(json)) : null;
  }

  /** The JSON of the completion, which is nothing before the first chunk. */
  #assemble(): Uint8Array {
    const at = this.#source.partial(this.#items?.chunks ?? 0) >>> 2;
    const [bytes, words] = [memoryBytes(), memoryWords()];
    const parts = words.subarray(at + 2, at + 2 + 2 * words[at]!);
    const json = new Uint8Array(words[at + 1]!);
    for (let i = 0, to = 0; i < parts.length; to += parts[i + 1]!, i += 2) {
      json.set(bytes.subarray(parts[i], parts[i]! + parts[i + 1]!), to);
    }
    return json;
  }

  /** One read that gives an item, as most do: without an async function, whose turns cost as much as the decoding. */
  readonly #onRead = (read: Read): IteratorResult<Item> | Promise<IteratorResult<Item>> => {
    this.#waiting--;
    const items = this.#items!;
    if (read.done || this.#closed) return this.#answer(items, undefined, read);
    this.#bytes = toBytes(read.value);
    this.#feed(items);
    return items.left ? { done: false, value: items.take() } : this.#answer(items);
  };

  readonly #onBroken = (cause: unknown): typeof END => {
    this.#waiting--;
    return this.#broken(cause);
  };

  /** Answers when the answer `before` is given, in any case there is; `read` is the read that was made for it, if any. */
  async #answer(items: Items<Item>, before?: Promise<unknown>, read?: Read): Promise<IteratorResult<Item>> {
    this.#waiting++;
    if (before) await before.then(ignore, ignore);
    try {
      for (;;) {
        if (items.left) return { done: false, value: items.take() };
        if (this.#closed) return this.#over();
        if (items.last) return this.#end(true);
        if (this.#bytes.length === 0) {
          try {
            this.#reader ??= readerOf(this.#body);
            read ??= await this.#reader.read();
          } catch (cause) {
            return this.#broken(cause);
          }
          if (this.#closed) return this.#over();
          if (read.done) return this.#end(false);
          this.#bytes = toBytes(read.value);
          read = undefined;
        }
        this.#feed(items);
      }
    } finally {
      // Here, and not after the answer was heard: who hears it asks for the next at once, which is to take the short way.
      this.#waiting--;
    }
  }

  /** What is read of a stream that is closed. */
  #over(): typeof END {
    if (this.#failure) throw this.#failed(this.#failure);
    return END;
  }

  /** The body broke off, or was let go. */
  #broken(cause: unknown): typeof END {
    // The error of an abort and the abort itself arrive in either order.
    if (this.#closed || this.#controller.signal.aborted) return this.#over();
    const error = toError(this.#source.broken(cause));
    this.#leave();
    throw this.#failed(error);
  }

  /** An error of the stream knows what had arrived. It is thrown once, and of what the instance lost nothing is left. */
  #failed(error: unknown): unknown {
    this.#failure = undefined;
    if (error instanceof ChatmuxError && error.kind !== "wasm_failed") Object.defineProperty(error, "partial", { get: () => this.partial() });
    return error;
  }

  /** Has the next bytes decoded: not all of a large read at once, for the core would need as much memory. */
  #feed(items: Items<Item>): void {
    const bytes = this.#bytes;
    const length = Math.min(bytes.length, MAX_FEED);
    const whole = length === bytes.length;
    try {
      const room = length > items.space ? this.#source.room(length) : items.spaceAt;
      memoryBytes().set(whole ? bytes : bytes.subarray(0, length), room);
      this.#bytes = whole ? NO_BYTES : bytes.subarray(length);
      items.load(this.#source.feed(length));
    } catch (cause) {
      this.#leave();
      throw this.#failed(trapped(cause));
    }
    this.#isSteady = whole && !items.last;
  }

  /** The stream is over: well, or with the error that the core held back until its last chunk was delivered. */
  #end(unread: boolean): typeof END {
    try {
      this.#source.finish();
    } catch (thrown) {
      this.#leave();
      throw this.#failed(toError(thrown));
    }
    this.#close();
    if (unread && this.#reader) linger(this.#reader);
    return this.#over();
  }

  /** Lets the body go. One that somebody else is reading cannot be, and is theirs. */
  async #cancel(): Promise<void> {
    const reader = this.#reader ?? readerOf(this.#body);
    await reader.cancel();
  }

  #close(): void {
    this.#closed = true;
    this.#isSteady = false;
    try {
      this.#partial = this.#assemble();
      this.#source.close();
      this.#source.free();
    } catch (cause) {
      this.#failure = trapped(cause);
      this.#endTry();
    }
    release(this.#leave);
  }
}

/**
 * After `[DONE]` the end of the response is usually there as well; reading it keeps the connection for the next
 * request. A server that leaves the response open has its connection closed.
 */
function linger(reader: Reader): void {
  const leave = (): void => void reader.cancel().catch(ignore);
  const timer = setTimeout(leave, LINGER_MS);
  reader
    .read()
    .then(({ done }) => done || leave(), ignore)
    .finally(() => clearTimeout(timer));
}

type Read = IteratorResult<unknown, unknown>;

/** What is read of a body, and how it is let go. */
interface Reader {
  read(): Promise<Read>;
  cancel(): Promise<unknown>;
}

type Body = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** The reader of a stream of the web, or of a stream of Node, as `fetch` functions of npm packages give it. */
function readerOf(body: Body): Reader {
  if ("getReader" in body) return body.getReader() as Reader;
  const iterator = body[Symbol.asyncIterator]();
  return {
    read: () => iterator.next(),
    cancel: async () => {
      // A generator that waits would not hear of `return()`; a stream of Node is destroyed.
      (body as { destroy?: () => void }).destroy?.();
      await iterator.return?.();
    },
  };
}

/** The bytes of one read; a caller's `fetch` may give texts or bare buffers. */
function toBytes(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === "string") return new TextEncoder().encode(part);
  if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  return new Uint8Array(part as ArrayBuffer);
}

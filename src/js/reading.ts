/** A stream as it is iterated: the core fed with what is read, its items handed out one by one. */

import { type Items, Texts } from "./chunks.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import type { ChunkSource } from "./glue/chatmux.js";
import type { CallObserver } from "./observe.js";
import { Body, END, ignore, linger, type Read, readerOf, toBytes } from "./response-body.js";
import type { ChatCompletion } from "./types.js";
import { memoryBytes, trapped } from "./wasm.js";

/** How many bytes are decoded in one go. */
const MAX_FEED = 64 << 10;
const NO_BYTES = new Uint8Array(0);

/** The error of who reads a stream twice. */
export function consumed(): ChatmuxError {
  return new ChatmuxError("Cannot iterate over a consumed stream, use `.tee()` to split the stream.");
}

/** Ends what nobody can read any more; a runtime without such a thing has another end for its requests. */
const abandoned = globalThis.FinalizationRegistry && new FinalizationRegistry<Body>((body) => body.leave());

/**
 * Reads the body, feeds the core, hands out its items. Written by hand rather than as a generator: `return()` must end a
 * read that is still waiting, and an item that is there costs no turn of a state machine.
 */
export class Reading<Item = unknown> implements AsyncIterableIterator<Item> {
  /** What the bytes become, once that is known. */
  #items: Items<Item> | undefined;
  readonly #body: Body;
  readonly #source: ChunkSource;
  /** What was read and is not decoded yet. */
  #bytes: Uint8Array = NO_BYTES;
  /** Whether the next item comes with the next read. */
  #isSteady = false;
  /** How many answers are owed, and the one that was asked for last: they are given one after the other. */
  #waiting = 0;
  #last: Promise<unknown> | undefined;

  constructor(source: ChunkSource, endTry: () => void, observer?: CallObserver) {
    this.#source = source;
    this.#body = new Body(source, endTry, observer);
    abandoned?.register(this, this.#body);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether it was left before its end. */
  get isAborted(): boolean {
    return this.#body.isAborted;
  }

  /** Says what the bytes are to become. @throws {ChatmuxError} the second time. */
  begin<Kind>(items: Items<Kind>): Reading<Kind> {
    if (this.#items) throw consumed();
    const reading = this as unknown as Reading<Kind>;
    reading.#items = items;
    this.#body.items = items;
    this.#body.observer?.reads(items);
    if (items instanceof Texts && !this.#body.closed) this.#source.textOnly();
    return reading;
  }

  next(): Promise<IteratorResult<Item>> {
    const items = this.#items!;
    if (this.#waiting > 0) return (this.#last = this.#answer(items, this.#last));
    if (items.left) return Promise.resolve({ done: false, value: items.take() });
    const body = this.#body;
    if (!this.#isSteady || body.closed) return (this.#last = this.#answer(items));
    this.#waiting++;
    body.wait();
    return (this.#last = body.reader!.read().then(this.#onRead, this.#onBroken));
  }

  async return(): Promise<IteratorResult<Item>> {
    if (!this.#body.closed) this.#body.controller.abort();
    return END;
  }

  /** The completion as assembled so far. */
  partial(): ChatCompletion | null {
    return this.#body.partial();
  }

  /** One read that gives an item, as most do: without an async function, whose turns cost as much as the decoding. */
  readonly #onRead = (read: Read): IteratorResult<Item> | Promise<IteratorResult<Item>> => {
    const body = this.#body;
    this.#waiting--;
    body.isAwaited = false;
    const items = this.#items!;
    if (read.done || body.closed) return this.#answer(items, undefined, read);
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
    const body = this.#body;
    this.#waiting++;
    if (before) await before.then(ignore, ignore);
    body.wait();
    try {
      for (;;) {
        if (items.left) return { done: false, value: items.take() };
        if (body.closed) return this.#over();
        if (items.last) return this.#end(true);
        if (this.#bytes.length === 0) {
          try {
            body.reader ??= readerOf(body.bytes);
            read ??= await body.reader.read();
          } catch (cause) {
            return this.#broken(cause);
          }
          if (body.closed) return this.#over();
          if (read.done) return this.#end(false);
          this.#bytes = toBytes(read.value);
          read = undefined;
        }
        this.#feed(items);
      }
    } finally {
      // Here, and not after the answer was heard: who hears it asks for the next at once, which is to take the short way.
      this.#waiting--;
      body.isAwaited = false;
    }
  }

  /** What there is to say once it is closed: the error that closed it, the first time. */
  #over(): typeof END {
    const { error } = this.#body;
    this.#body.error = undefined;
    if (error !== undefined) throw error;
    return END;
  }

  /** The body broke off, or was let go. */
  #broken(cause: unknown): typeof END {
    // The error of an abort and the abort itself arrive in either order.
    if (this.#body.closed || this.#body.controller.signal.aborted) return this.#over();
    const error = toError(this.#source.broken(cause));
    this.#body.leave();
    throw this.#body.failed(error);
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
      this.#body.leave();
      this.#body.error = undefined;
      throw this.#body.failed(trapped(cause));
    }
    const body = this.#body;
    if (!body.heard || !body.begun) body.hear(bytes, items.read > 0);
    this.#isSteady = whole && !items.last;
  }

  /** The stream is over: well, or with the error that the core held back until its last chunk was delivered. */
  #end(unread: boolean): typeof END {
    const { reader, controller } = this.#body;
    try {
      this.#source.finish();
    } catch (thrown) {
      this.#body.leave();
      throw this.#body.failed(toError(thrown));
    }
    this.#body.close();
    if (unread && reader) linger(reader, controller);
    else reader?.releaseLock?.();
    return this.#over();
  }
}

/** A streamed answer: read once, chunk by chunk, no faster than its reader. */

import { Chunks } from "./chunks.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import type { ChunkSource } from "./glue/chatmux.js";
import type { ChatCompletionChunk } from "./types.js";

/** How long the end of a finished response may take before its connection is closed, in milliseconds. */
const LINGER_MS = 100;

/**
 * A stream of items, to be read with `for await`. It can be read once; breaking out of the loop ends the request, and
 * aborting it ends the loop without an error.
 */
export class Stream<Item> implements AsyncIterable<Item> {
  /** Ends the request. */
  readonly controller: AbortController;
  readonly #iterate: () => AsyncIterator<Item>;

  /** Wraps the iterator that `iterate` makes, and the controller of the request behind it. */
  constructor(iterate: () => AsyncIterator<Item>, controller: AbortController) {
    this.controller = controller;
    this.#iterate = iterate;
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return this.#iterate();
  }

  /**
   * Splits the stream in two that can be read at different speeds. What one has read is kept for the other; the
   * request ends when both have been left.
   */
  tee(): [Stream<Item>, Stream<Item>] {
    interface Node {
      result?: Promise<IteratorResult<Item>>;
      next?: Node;
    }
    const source = this[Symbol.asyncIterator]();
    const first: Node = {};
    let open = 2;
    const branch = (): Stream<Item> => {
      let node: Node | undefined = first;
      const iterator: AsyncIterator<Item> = {
        async next() {
          if (!node) return END;
          const { result } = node;
          const current = result ?? (node.result = source.next());
          node = node.next ??= {};
          return current;
        },
        async return() {
          if (node && --open === 0) await source.return?.();
          node = undefined;
          return END;
        },
      };
      return new Stream(once(() => iterator), this.controller);
    };
    return [branch(), branch()];
  }

  /** The items as bytes, one JSON text a line: to send the stream on to someone else. */
  toReadableStream(): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let iterator: AsyncIterator<Item>;
    return new ReadableStream<Uint8Array>(
      {
        start: () => {
          iterator = this[Symbol.asyncIterator]();
        },
        async pull(controller) {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
        },
        async cancel() {
          await iterator.return?.();
        },
      },
      // Nothing is read from the network before somebody asks.
      { highWaterMark: 0 },
    );
  }
}

/**
 * The stream of the chunks that a source of the core decodes.
 * @internal
 */
export function fromSource(source: ChunkSource): Stream<ChatCompletionChunk> {
  const chunks = new ChunkIterator(source);
  return new Stream(
    once(() => chunks),
    source.controller,
  );
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };
const ignore = (): void => {};

function once<Item>(iterate: () => AsyncIterator<Item>): () => AsyncIterator<Item> {
  let consumed = false;
  return () => {
    if (consumed) {
      throw new ChatmuxError("Cannot iterate over a consumed stream, use `.tee()` to split the stream.");
    }
    consumed = true;
    return iterate();
  };
}

/**
 * Reads the body, feeds the core, hands out its chunks. Written by hand rather than as a generator: `return()` must
 * end a read that is still waiting, and a chunk that is there costs no turn of a state machine.
 */
class ChunkIterator implements AsyncIterableIterator<ChatCompletionChunk> {
  readonly #source: ChunkSource;
  readonly #controller: AbortController;
  #reader: Reader | undefined;
  readonly #chunks = new Chunks();
  #closed = false;
  /** How many answers are owed, and the one that was asked for last: they are given one after the other. */
  #waiting = 0;
  #last: Promise<unknown> | undefined;

  constructor(source: ChunkSource) {
    this.#source = source;
    this.#controller = source.controller;
    // The body of a caller's `fetch` may know nothing of the signal: an abort must end a waiting read there as well.
    this.#controller.signal.addEventListener("abort", () => this.#leave());
    if (this.#controller.signal.aborted) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ChatCompletionChunk>> {
    if (this.#waiting === 0 && this.#chunks.left) return Promise.resolve({ done: false, value: this.#chunks.take() });
    return (this.#last = this.#pull(this.#waiting++ ? this.#last : undefined));
  }

  async return(): Promise<IteratorResult<ChatCompletionChunk>> {
    if (!this.#closed) this.#controller.abort();
    return END;
  }

  async #pull(before: Promise<unknown> | undefined): Promise<IteratorResult<ChatCompletionChunk>> {
    if (before) await before.then(ignore, ignore);
    try {
      return await this.#read();
    } finally {
      // Here, and not after the answer was heard: who hears it asks for the next at once, which is to take the short way.
      this.#waiting--;
    }
  }

  async #read(): Promise<IteratorResult<ChatCompletionChunk>> {
    for (;;) {
      if (this.#chunks.left) return { done: false, value: this.#chunks.take() };
      if (this.#closed) return END;
      if (this.#source.ended) return this.#end(true);
      let read: IteratorResult<unknown, unknown>;
      try {
        this.#reader ??= readerOf(this.#source.body);
        read = await this.#reader.read();
      } catch (cause) {
        // The error of an abort and the abort itself arrive in either order.
        if (this.#closed || this.#controller.signal.aborted) return END;
        const error = toError(this.#source.broken(cause));
        this.#leave();
        throw error;
      }
      if (this.#closed) return END;
      if (read.done) return this.#end(false);
      this.#chunks.feed(this.#source, toBytes(read.value));
    }
  }

  /** The stream is over: well, or with the error that the core held back until its last chunk was delivered. */
  #end(unread: boolean): typeof END {
    try {
      this.#source.finish();
    } catch (thrown) {
      this.#leave();
      throw toError(thrown);
    }
    this.#close();
    if (unread && this.#reader) linger(this.#reader);
    return END;
  }

  /** Ends in the middle, and drops what was read but not asked for. */
  #leave(): void {
    if (this.#closed) return;
    const cancelled = this.#cancel();
    this.#close();
    this.#chunks.clear();
    cancelled.catch(ignore);
    this.#controller.abort();
  }

  /** Lets the body go. One that somebody else is reading cannot be, and is theirs. */
  async #cancel(): Promise<void> {
    const reader = this.#reader ?? readerOf(this.#source.body);
    await reader.cancel();
  }

  #close(): void {
    this.#closed = true;
    this.#source.close();
    this.#source.free();
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

/** What is read of a body, and how it is let go. */
interface Reader {
  read(): Promise<IteratorResult<unknown, unknown>>;
  cancel(): Promise<unknown>;
}

/** The reader of a stream of the web, or of a stream of Node, as `fetch` functions of npm packages give it. */
function readerOf(body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Reader {
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

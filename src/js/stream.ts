/** A streamed answer, as its reader has it: read once, chunk by chunk or as text, no faster than its reader. */

import { Chunks, Texts } from "./chunks.js";
import { APIUserAbortError } from "./errors.js";
import type { ChunkSource } from "./glue/chatmux.js";
import type { CallObserver } from "./observe.js";
import type { Warning } from "./options.js";
import { consumed, Reading } from "./reading.js";
import { END } from "./response-body.js";
import type { ChatCompletion, ChatCompletionChunk } from "./types.js";

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

  /**
   * The stream that `toReadableStream()` has written, read again: one of the helpers.
   *
   * @param controller ends it when it is aborted, and is aborted when its loop is left.
   */
  declare static fromReadableStream: <Item>(stream: ReadableStream, controller: AbortController) => Stream<Item>;

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
    let open = 2;
    // Each branch is given its place in the list, and nobody else knows of its beginning: what both have read is forgotten.
    const branch = (node: Node | undefined): Stream<Item> => {
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
    return pair({}, branch);
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
 * A streamed chat completion. It is read once: chunk by chunk, or its text alone.
 *
 * @example
 * const stream = await client.chat.completions.create({ model, messages, stream: true });
 * for await (const text of stream.textDeltas()) write(text);
 * console.log(stream.partial?.usage);
 */
export class ChunkStream extends Stream<ChatCompletionChunk> {
  readonly #reading: Reading;
  /** What was not sent as the caller said it, because the provider has no way to say it; empty where OpenAI's dialect is spoken. */
  readonly warnings: readonly Warning[];

  /** @internal */
  constructor(source: ChunkSource, end: () => void, observer?: CallObserver, warnings: readonly Warning[] = []) {
    const reading = new Reading(source, end, observer);
    super(() => reading.begin(new Chunks()), source.controller);
    this.#reading = reading;
    this.warnings = warnings;
  }

  /**
   * The completion as assembled so far, with all chunks that the loop has been given: text, refusal, reasoning, tool calls,
   * finish reasons, usage. `null` before the first. A new object each time, which is made when it is asked for.
   */
  get partial(): ChatCompletion | null {
    return this.#reading.partial();
  }

  /** The text of the first choice, as it comes: less work than the chunks, where only the text is wanted. */
  textDeltas(): AsyncIterableIterator<string> {
    return this.#reading.begin(new Texts());
  }

  /** The whole text of the first choice, when the stream has ended. @throws {APIUserAbortError} when it was aborted. */
  async text(): Promise<string> {
    const texts = new Texts();
    const reading = this.#reading.begin(texts);
    let text = "";
    for (;;) {
      const { done, value } = await reading.next();
      if (done && reading.isAborted) throw new APIUserAbortError();
      if (done) return text;
      text += value + texts.rest();
    }
  }
}

function pair<Node, Branch>(node: Node, branch: (node: Node) => Branch): [Branch, Branch] {
  return [branch(node), branch(node)];
}

function once<Item>(iterate: () => AsyncIterator<Item>): () => AsyncIterator<Item> {
  let isConsumed = false;
  return () => {
    if (isConsumed) throw consumed();
    isConsumed = true;
    return iterate();
  };
}

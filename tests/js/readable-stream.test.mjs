/** A followed stream read with `for await`, sent on as bytes, and followed again at the other end. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { APIConnectionError, APIError, APIUserAbortError, ChatCompletionStream, ChatmuxError, Stream, StreamTruncatedError } from "chatmux";
import { Stream as OpenAIPlainStream } from "openai/streaming";
import { ChatCompletionStream as OpenAIStream } from "openai/lib/ChatCompletionStream";
import {
  answering, args, begin, classOf, CLIENTS, follow, onBoth, PARAMS, piece, record, START, stop, textStream, usage, USAGE,
} from "./both.mjs";
import { collect, countListeners, failure, forbidStrayRejections, settled, until } from "./support.mjs";

forbidStrayRejections();

const { chatmux: Chatmux, openai: OpenAI } = CLIENTS;
const TEXT = textStream("Hel", "lo");
const CHUNKS = TEXT.slice(0, -1);
const FOLLOWERS = { chatmux: ChatCompletionStream, openai: OpenAIStream };
const WIDE = textStream("grüße", " 日本語", " 🦊", "\u2028", "\\n\"quoted\"\n");
const CALLS = [START, piece({ content: "é" }), begin(0, "call_a", "f", '{"a"'), args(0, ":1}"), begin(1, "call_b", "g", "{}"), stop("tool_calls"), usage(), "[DONE]"];
const encoder = new TextEncoder();

const lines = (...items) => items.map((item) => `${typeof item === "string" ? item : JSON.stringify(item)}\n`).join("");

/** A stream of these bytes in parts of so many, which says whether it was let go. */
function streamOf(bytes, size = Infinity, { hang = false, fail, seen = {} } = {}) {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at < bytes.length) return controller.enqueue(bytes.slice(at, (at += Math.min(size, bytes.length))));
        if (hang) return new Promise(() => {});
        if (fail) return controller.error(fail);
        controller.close();
      },
      cancel: () => void (seen.cancelled = true),
    },
    { highWaterMark: 0 },
  );
}
const read = (text, ...more) => ChatCompletionStream.fromReadableStream(streamOf(typeof text === "string" ? encoder.encode(text) : text, ...more));

/** All bytes of a stream. */
async function bytesOf(stream) {
  return Buffer.concat(await collect(stream));
}

suite("a loop", () => {
  test("has the chunks as they came", async () => {
    const seen = await onBoth((Client) => collect(follow(Client, TEXT)));
    assert.deepEqual(seen.chatmux, CHUNKS);
    assert.deepEqual(seen.openai, CHUNKS);
  });

  test("and events, and a promise, have the same stream", async () => {
    const stream = follow(Chatmux, TEXT);
    const texts = [];
    stream.on("content", (text) => texts.push(text));
    const [chunks, again, content] = await Promise.all([collect(stream), collect(stream), stream.finalContent()]);
    assert.deepEqual(chunks, CHUNKS);
    assert.deepEqual(again, CHUNKS);
    assert.deepEqual(texts, ["Hel", "lo"]);
    assert.equal(content, "Hello");
  });

  test("that begins late has what comes from then on, and after the end nothing", async () => {
    const stream = follow(Chatmux, TEXT);
    await stream.emitted("content");
    const late = collect(stream);
    assert.deepEqual(await late, CHUNKS.slice(2));
    assert.deepEqual(await collect(stream), []);
  });

  test("that is left aborts the request, silently", async () => {
    for (const Client of [Chatmux, OpenAI]) {
      let isCancelled = false;
      const stream = follow(Client, [START, piece({ content: "a" })], { hang: true, onCancel: () => (isCancelled = true) });
      const log = [];
      for (const event of ["error", "abort", "end"]) stream.on(event, () => log.push(event));
      for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
      await until(() => log.length === 2, "the end");
      assert.deepEqual(log, ["abort", "end"]);
      assert.ok(stream.aborted);
      assert.ok(isCancelled);
    }
  });

  test("that throws aborts the request and throws", async () => {
    const stream = follow(Chatmux, [START], { hang: true });
    const mine = new Error("mine");
    const error = await failure((async () => { for await (const _ of stream) throw mine; })());
    assert.equal(error, mine);
    await until(() => stream.aborted, "the abort");
  });

  test("throws what the stream fails with, after the chunks before it", async () => {
    for (const Client of [Chatmux, OpenAI]) {
      const chunks = [];
      const error = await failure((async () => { for await (const chunk of follow(Client, [START, piece({ content: "a" }), "[DONE]"])) chunks.push(chunk); })());
      assert.equal(chunks.length, 2);
      assert.match(error.message, /missing finish_reason/);
    }
  });

  test("throws an abort from elsewhere", async () => {
    const seen = await onBoth(async (Client) => {
      const stream = follow(Client, [START], { hang: true });
      stream.on("chunk", () => setTimeout(() => stream.abort()));
      return classOf(await failure(collect(stream)));
    });
    assert.deepEqual(seen, { chatmux: "APIUserAbortError", openai: "APIUserAbortError" });
  });

  test("by hand: answers are given in the order in which they were asked for, and nothing after it was left", async () => {
    const iterator = follow(Chatmux, TEXT)[Symbol.asyncIterator]();
    const asked = [iterator.next(), iterator.next(), iterator.next()];
    assert.deepEqual((await Promise.all(asked)).map(({ value }) => value), CHUNKS.slice(0, 3));
    const waiting = [iterator.next(), iterator.next()];
    assert.deepEqual(await iterator.return(), { done: true, value: undefined });
    assert.deepEqual((await Promise.all(waiting)).map(({ done }) => done).at(-1), true);
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  });

  test("that is slow is waited for, but not by who waits for the end as well", async () => {
    const many = [START, ...Array.from({ length: 10_000 }, () => piece({ content: "x" })), stop(), "[DONE]"];
    const stream = follow(Chatmux, many);
    let told = 0;
    stream.on("chunk", () => told++);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await until(() => told > 4000, "a full queue");
    for (let i = 0; i < 100; i++) await turn();
    const paused = told;
    assert.ok(paused < 5000, `${paused} chunks are told`);
    for (let i = 0; i < 50; i++) await iterator.next();
    await until(() => told === paused + 50, "as many more");
    for (let i = 0; i < 100; i++) await turn();
    assert.equal(told, paused + 50);
    assert.equal((await settled(stream.finalContent())).length, 10_000);
    let left = 0;
    while (!(await iterator.next()).done) left++;
    assert.equal(left, 10_002 - 51);
  });

  test("that is slow is waited for no longer when it is left, or aborted", async () => {
    const many = [START, ...Array.from({ length: 6000 }, () => piece({ content: "x" })), stop(), "[DONE]"];
    for (const end of [(stream) => stream.abort(), (_, iterator) => iterator.return()]) {
      const stream = follow(Chatmux, many);
      let told = 0;
      stream.on("chunk", () => told++);
      const iterator = stream[Symbol.asyncIterator]();
      await until(() => told > 4000, "a full queue");
      await turn();
      end(stream, iterator);
      await until(() => stream.aborted, "the abort");
    }
  });
});

suite("Stream.fromReadableStream()", () => {
  const written = (...items) => streamOf(encoder.encode(lines(...items)), 3);

  test("gives the items that toReadableStream() has written, as openai's does", async () => {
    const stream = follow(Chatmux, WIDE);
    const items = await collect(Stream.fromReadableStream(stream.toReadableStream(), new AbortController()));
    assert.deepEqual(items, WIDE.slice(0, -1).map((chunk) => (typeof chunk === "string" ? JSON.parse(chunk) : chunk)));
    const theirs = await collect(OpenAIPlainStream.fromReadableStream(follow(Chatmux, WIDE).toReadableStream(), new AbortController()));
    assert.deepEqual(items, theirs);
  });

  test("aborts its controller when it is left early, and not when it was read", async () => {
    const [early, late] = [new AbortController(), new AbortController()];
    for await (const item of Stream.fromReadableStream(written({ a: 1 }, { a: 2 }), early)) {
      assert.deepEqual(item, { a: 1 });
      break;
    }
    await collect(Stream.fromReadableStream(written({ a: 1 }), late));
    assert.deepEqual([early.signal.aborted, late.signal.aborted], [true, false]);
  });

  test("fails for a line that is no JSON, and for an error that was sent", async () => {
    const broken = await failure(collect(Stream.fromReadableStream(written("{"), new AbortController())));
    assert.equal(broken.kind, "malformed_response");
    const sent = await failure(collect(Stream.fromReadableStream(written({ error: { message: "no", code: "x" } }), new AbortController())));
    assert.deepEqual([sent instanceof APIError, sent.code], [true, "x"]);
  });
});

suite("toReadableStream()", () => {
  test("writes the chunks, one JSON text a line, as openai does", async () => {
    const seen = await onBoth(async (Client) => (await bytesOf(follow(Client, TEXT).toReadableStream())).toString());
    assert.equal(seen.chatmux, lines(...CHUNKS));
    assert.equal(seen.openai, seen.chatmux);
  });

  test("that is cancelled aborts the request", async () => {
    const stream = follow(Chatmux, [START], { hang: true });
    stream.on("abort", () => {});
    const reader = stream.toReadableStream().getReader();
    await reader.read();
    await reader.cancel();
    await until(() => stream.aborted, "the abort");
  });

  test("fails as the stream does", async () => {
    const stream = follow(Chatmux, [START, "[DONE]"]);
    const error = await failure(bytesOf(stream.toReadableStream()));
    assert.ok(error instanceof StreamTruncatedError);
  });
});

suite("fromReadableStream()", () => {
  for (const [to, Client] of Object.entries(CLIENTS)) {
    for (const [from, Follower] of Object.entries(FOLLOWERS)) {
      test(`of ${from} follows what ${to} writes`, async () => {
        for (const events of [TEXT, WIDE, CALLS]) {
          const straight = await follow(Client, events).finalChatCompletion();
          const again = Follower.fromReadableStream(follow(Client, events).toReadableStream());
          assert.deepEqual(await again.finalChatCompletion(), straight);
        }
      });
    }
  }

  test("tells the same as the stream that was written, without its messages", async () => {
    for (const events of [TEXT, CALLS]) {
      const straight = follow(Chatmux, events);
      const told = await record(straight);
      const again = ChatCompletionStream.fromReadableStream(follow(Chatmux, events).toReadableStream());
      assert.deepEqual(await record(again), told);
      assert.deepEqual(again.messages, straight.messages.slice(PARAMS.messages.length));
      assert.deepEqual(await again.totalUsage(), await straight.totalUsage());
    }
  });

  test("S1: reads lines that are split anywhere, in characters of several bytes as well", async () => {
    const bytes = encoder.encode(lines(...WIDE.slice(0, -1)));
    const expected = "grüße 日本語 🦊\u2028\\n\"quoted\"\n";
    for (let size = 1; size < 12; size++) assert.equal(await read(bytes, size).finalContent(), expected, `parts of ${size}`);
    for (let at = 0; at < bytes.length; at += 7) {
      const parts = [bytes.subarray(0, at), bytes.subarray(at)];
      const stream = new ReadableStream({ start(controller) { for (const part of parts) controller.enqueue(part); controller.close(); } });
      assert.equal(await ChatCompletionStream.fromReadableStream(stream).finalContent(), expected, `split at ${at}`);
    }
  });

  test("reads lines that end in any way, the last one in none, and blank ones", async () => {
    for (const end of ["\n", "\r\n", "\r", "\n\n", "\n  \n"]) {
      const text = CHUNKS.map((chunk) => JSON.stringify(chunk)).join(end);
      for (const size of [1, 1000]) assert.equal(await read(encoder.encode(text), size).finalContent(), "Hello", JSON.stringify(end));
    }
  });

  test("reads texts as well as bytes", async () => {
    const stream = new ReadableStream({ start(controller) { controller.enqueue(lines(...CHUNKS)); controller.close(); } });
    assert.equal(await ChatCompletionStream.fromReadableStream(stream).finalContent(), "Hello");
  });

  test("reads one completion after another, and messages between them, as openai's runs of tools write them", async () => {
    const first = [{ ...piece({ role: "assistant", content: null }), id: "1" }, { ...begin(0, undefined, "f", "{}"), id: "1" }, { ...stop("tool_calls"), id: "1" }];
    const second = [{ ...START, id: "2" }, { ...piece({ content: "done" }), id: "2" }, { ...stop(), id: "2" }, { ...usage(), id: "2" }];
    const result = { role: "tool", tool_call_id: "call_a", content: "42" };
    const plain = { type: "message", message: result, tool_call_ids: ["call_a"] };
    const disguised = { id: "1", choices: [], created: 1, model: "m", object: `chat.completion.chunk.message:${JSON.stringify(plain)}` };
    for (const Follower of Object.values(FOLLOWERS)) {
      for (const message of [plain, disguised]) {
        const stream = Follower.fromReadableStream(streamOf(encoder.encode(lines(...first, message, ...second)), 50));
        const log = await record(stream, ["message", "functionToolCall", "functionToolCallResult", "content", "finalFunctionToolCallResult"]);
        const call = { id: "call_a", type: "function", function: { name: "f", arguments: "{}" } };
        assert.deepEqual(log, [
          ["message", { role: "assistant", content: null, refusal: null, parsed: null, tool_calls: [call] }],
          ["functionToolCall", call.function],
          ["message", result],
          ["functionToolCallResult", "42"],
          ["content", "done", "done"],
          ["message", { role: "assistant", content: "done", refusal: null, parsed: null }],
          ["finalFunctionToolCallResult", "42"],
        ]);
        assert.equal(stream.allChatCompletions().length, 2);
        assert.deepEqual(await stream.totalUsage(), USAGE);
      }
    }
  });

  test("tells two completions apart by their ids, and a chunk without an id belongs to the one that is there", async () => {
    const of = (id) => CHUNKS.map((chunk) => ({ ...chunk, id }));
    const stream = read(lines(...of("1"), { ...usage(), id: "" }, ...of("2")));
    await stream.done();
    assert.deepEqual(stream.allChatCompletions().map(({ id, usage }) => [id, usage]), [["1", USAGE], ["2", undefined]]);
  });

  test("has the error that a line says, and what came before it", async () => {
    const seen = {};
    for (const Follower of Object.values(FOLLOWERS)) {
      const bytes = encoder.encode(lines(START, piece({ content: "a" }), { error: { message: "overloaded", code: "busy" } }));
      seen[Follower === OpenAIStream ? "openai" : "chatmux"] = await failure(Follower.fromReadableStream(streamOf(bytes)).done());
    }
    assert.ok(seen.chatmux instanceof APIError);
    for (const { message, code, error } of Object.values(seen)) {
      assert.deepEqual([message, code, error], ["overloaded", "busy", { message: "overloaded", code: "busy" }]);
    }
    assert.equal(seen.chatmux.partial.choices[0].message.content, "a");
  });

  for (const line of ["{secret", "secret", '"secret"', "12", "null", "[]]", '{"object":"chat.completion.chunk.message:secret"}', '{"object":"chat.completion.chunk.message:{}"}']) {
    test(`S5: has an error that says nothing of the line for ${line}`, async () => {
      const error = await failure(read(lines(START, line)).done());
      assert.ok(error instanceof APIError);
      assert.equal(error.kind, "malformed_response");
      assert.match(error.message, /^A (line|message) of the stream is (not JSON|no object|none)\.$/);
      assert.doesNotMatch(`${error.stack}${error.cause}`, /secret/);
    });
  }

  test("C2: has an error for an index that is none", async () => {
    const error = await failure(read(lines(START, begin(128, "call_a", "f"))).done());
    assert.equal(error.kind, "malformed_response");
    assert.equal(error.message, "Chat completion stream contains an invalid tool call index: 128. It must be an integer from 0 to 127.");
  });

  test("C4: has an error for a stream that ends too early, or at once", async () => {
    assert.equal((await failure(read(lines(START, piece({ content: "a" }))).done())).constructor, StreamTruncatedError);
    assert.equal((await failure(read("").done())).message, "The request ended without sending any chunks.");
  });

  test("has an error for a connection that breaks", async () => {
    const cause = new TypeError("terminated");
    const error = await failure(read(lines(START, piece({ content: "a" })), Infinity, { fail: cause }).done());
    assert.equal(error.constructor, APIConnectionError);
    assert.equal(error.cause, cause);
    assert.equal(error.partial.choices[0].message.content, "a");
  });

  test("has the error of the stream that it follows in the same program", async () => {
    const error = await failure(ChatCompletionStream.fromReadableStream(follow(Chatmux, [START, "[DONE]"]).toReadableStream()).done());
    assert.equal(error.constructor, StreamTruncatedError);
  });

  test("refuses what is no stream, and one that somebody reads", async () => {
    const locked = streamOf(new Uint8Array());
    locked.getReader();
    for (const stream of [undefined, null, "text", {}, locked]) {
      const error = await failure(ChatCompletionStream.fromReadableStream(stream).done());
      assert.equal(error.constructor, ChatmuxError);
      assert.match(error.message, /takes a ReadableStream that nobody else reads/);
    }
  });

  test("refuses a line that is longer than `maxEventBytes`", async () => {
    const long = lines(piece({ content: "x".repeat(5000) }));
    const seen = {};
    const endless = streamOf(encoder.encode(long.slice(0, -1)), 100, { seen, hang: true });
    const error = await failure(ChatCompletionStream.fromReadableStream(endless, { maxEventBytes: 1000 }).done());
    assert.equal(error.kind, "too_large");
    assert.match(error.message, /`maxEventBytes`: 1000/);
    assert.ok(seen.cancelled);
    assert.equal((await failure(read(lines(START, piece({ content: "x".repeat(5000) }))).done())).constructor, StreamTruncatedError);
  });

  test("that is aborted lets the stream go, though it waits", async () => {
    const seen = {};
    const stream = read(lines(START, piece({ content: "a" })), Infinity, { hang: true, seen });
    stream.once("content", () => setTimeout(() => stream.abort()));
    const error = await failure(settled(stream.done()).then(() => assert.fail("it does not end")));
    assert.equal(error.constructor, APIUserAbortError);
    assert.equal(error.partial.choices[0].message.content, "a");
    assert.ok(seen.cancelled);
  });

  test("that is aborted by a listener tells of no other chunk, though it has come", async () => {
    const stream = read(lines(...CHUNKS));
    const texts = [];
    stream.on("content", (text) => (texts.push(text), stream.abort()));
    assert.equal((await failure(stream.done())).constructor, APIUserAbortError);
    assert.deepEqual(texts, ["Hel"]);
  });

  test("that fails lets the stream go", async () => {
    const seen = {};
    const stream = read(lines(START, "{"), Infinity, { hang: true, seen });
    await failure(stream.done());
    assert.ok(seen.cancelled);
  });

  test("A4: takes a signal, and leaves nothing on it", async () => {
    const { signal } = new AbortController();
    const listeners = countListeners(signal);
    const bytes = encoder.encode(lines(...CHUNKS));
    assert.equal(await ChatCompletionStream.fromReadableStream(streamOf(bytes), { signal }).finalContent(), "Hello");
    assert.deepEqual(listeners, { now: 0, ever: 1 });
    const error = await failure(ChatCompletionStream.fromReadableStream(streamOf(bytes), { signal: AbortSignal.abort("no") }).done());
    assert.equal(error.constructor, APIUserAbortError);
    assert.equal(error.cause, "no");
  });
});

suite("a response to a browser", () => {
  test("is made of a stream and followed there, as in openai's examples", async () => {
    const { client } = answering(Chatmux, TEXT);
    const response = new Response(client.chat.completions.stream(PARAMS).toReadableStream());
    const stream = ChatCompletionStream.fromReadableStream(response.body);
    const texts = [];
    stream.on("content", (text) => texts.push(text));
    assert.equal((await stream.finalMessage()).content, "Hello");
    assert.deepEqual(texts, ["Hel", "lo"]);
  });
});

/** `stream.partial`: the completion as assembled so far. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as core from "../../dist/entry/core.default.js";
import { bodyOf, bytesOf, chunkText, completionOf, openBody, openEvents, SIZES, STREAMS, textsOf } from "./streams.mjs";
import { answer, collect, failure, forbidStrayRejections, KEY, sse, STREAMED } from "./support.mjs";

forbidStrayRejections();

const WORDS = ["Hello", " ", "wörld", " 🦊"];
const USAGE = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 };
const EVENTS = WORDS.map((content) => chunkText({ content }));

/** The completion of a stream like that of `EVENTS`, with this text. */
const completion = (content, more = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1763800000,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: null }],
  usage: null,
  ...more,
});

suite("after each chunk it is what the chunks so far come to, in a stream of", () => {
  for (const [what, events] of Object.entries(STREAMS)) {
    test(what, async () => {
      for (const size of SIZES) {
        const stream = await openEvents(events, size);
        const seen = [];
        assert.equal(stream.partial, null);
        for await (const _ of stream) {
          seen.push(JSON.parse(events[seen.length]));
          assert.deepEqual(stream.partial, completionOf(seen), `after ${seen.length} chunks, in reads of ${size} bytes`);
        }
        assert.equal(seen.length, events.length);
        assert.deepEqual(stream.partial, completionOf(seen), "at the end");
      }
    });
  }
});

suite("after each text it is what has led to it, in a stream of", () => {
  for (const [what, events] of Object.entries(STREAMS)) {
    test(what, async () => {
      const chunks = events.map((event) => JSON.parse(event));
      const prefixes = chunks.map((_, at) => chunks.slice(0, at + 1));
      const ends = prefixes.map(completionOf).map((one) => JSON.stringify(sorted(one)));
      const contentOf = (partial) => partial.choices.find(({ index }) => index === 0).message.content;
      for (const size of SIZES) {
        const stream = await openEvents(events, size);
        let text = "";
        for await (const part of stream.textDeltas()) {
          text += part;
          assert.equal(contentOf(stream.partial), text, `in reads of ${size} bytes`);
          assert.ok(ends.includes(JSON.stringify(sorted(stream.partial))), "it is that of a number of chunks");
        }
        assert.equal(text, textsOf(events).join(""));
        assert.deepEqual(stream.partial, completionOf(chunks), "at the end");
      }
    });
  }

  /** The same value, with the members of its objects in one order. */
  function sorted(value) {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  }
});

suite("the completion so far", () => {
  test("is that of an answer that is written out here, word by word in one read", async () => {
    const stream = await openEvents([chunkText({ role: "assistant", content: "", refusal: null }), ...EVENTS]);
    const seen = [];
    for await (const _ of stream) seen.push(stream.partial);
    assert.deepEqual(
      seen,
      ["", "Hello", "Hello ", "Hello wörld", "Hello wörld 🦊"].map((content) =>
        completion(content, {
          choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: null }],
        }),
      ),
    );
  });

  test("has two tool calls, put together and without their indexes", async () => {
    const stream = await openEvents(STREAMS["two tool calls, interleaved"]);
    await collect(stream);
    assert.deepEqual(stream.partial.choices, [
      {
        index: 0,
        message: {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_a", type: "function", function: { name: "one", arguments: '{"0{"2{"4{"6{"8{"10' } },
            { id: "call_b", type: "function", function: { name: "two", arguments: '{"1{"3{"5{"7{"9{"11' } },
          ],
        },
        logprobs: null,
        finish_reason: "tool_calls",
      },
    ]);
  });

  test("has the halves of a character as they came, until they meet", async () => {
    const stream = await openEvents(STREAMS["an emoji whose halves come apart"]);
    const seen = [];
    for await (const _ of stream) seen.push(stream.partial.choices[0].message.content);
    assert.deepEqual(seen, ["\ud83e", "🦊", "🦊 and ", "🦊 and 🦊"]);
  });

  test("does not run ahead: what was read and not asked for is no part of it", async () => {
    const stream = await openEvents(EVENTS);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    for (let again = 0; again < 3; again++) assert.deepEqual(stream.partial, completion("Hello"));
    await iterator.next();
    assert.deepEqual(stream.partial, completion("Hello "));
    await iterator.return();
    assert.deepEqual(stream.partial, completion("Hello "));
  });

  test("is a new object each time, free to be changed", async () => {
    const stream = await openEvents(EVENTS);
    for await (const _ of stream) {
      const first = stream.partial;
      assert.notEqual(first, stream.partial);
      first.choices[0].message.content = "changed";
      first.extra = true;
    }
    assert.deepEqual(stream.partial, completion(WORDS.join("")));
    assert.notEqual(stream.partial, stream.partial);
  });

  test("is null before the first chunk, whatever way the stream is read, and of a stream without one", async () => {
    for (const read of [(one) => one[Symbol.asyncIterator](), (one) => one.textDeltas(), (one) => one.tee()[0], () => {}]) {
      const stream = await openEvents(EVENTS);
      read(stream);
      assert.equal(stream.partial, null);
    }
    for (const end of ["data: [DONE]\n\n", ": nothing\n\ndata: [DONE]\n\n"]) {
      const stream = await openEvents([], Infinity, { end });
      assert.deepEqual(await collect(stream), []);
      assert.equal(stream.partial, null);
    }
  });

  test("is still there after the end, with the usage", async () => {
    for (const read of [collect, (stream) => stream.text(), (stream) => collect(stream.textDeltas()), (stream) => collect(stream.toReadableStream())]) {
      for (const size of SIZES) {
        const stream = await openEvents([...EVENTS, chunkText({}, {}, { finish_reason: "stop" }), JSON.stringify({ choices: [], usage: USAGE })], size);
        await read(stream);
        const choices = [{ index: 0, message: { role: "assistant", content: WORDS.join("") }, logprobs: null, finish_reason: "stop" }];
        assert.deepEqual(stream.partial, completion("", { choices, usage: USAGE }));
      }
    }
  });

  test("is still there after break, abort and return", async () => {
    const ways = {
      break: async (stream) => {
        for await (const _ of stream) if (stream.partial.choices[0].message.content === "Hello ") break;
      },
      "abort in the loop": async (stream) => {
        let count = 0;
        for await (const _ of stream) if (++count === 2) stream.controller.abort();
      },
      "break of the texts": async (stream) => {
        let count = 0;
        for await (const _ of stream.textDeltas()) if (++count === 2) break;
      },
    };
    for (const [what, leave] of Object.entries(ways)) {
      for (const size of SIZES) {
        const stream = await openEvents(EVENTS, size);
        await leave(stream);
        assert.deepEqual(stream.partial, completion("Hello "), `${what}, in reads of ${size} bytes`);
      }
    }
  });

  test("is null after an abort before the first chunk", async () => {
    const stream = await openEvents(EVENTS);
    stream.controller.abort();
    assert.equal(stream.partial, null);
    await collect(stream);
    assert.equal(stream.partial, null);
  });

  test("is still there after an error, a cut and a broken connection: what was paid for is not lost", async () => {
    const ends = {
      "an error event": { end: 'data: {"error":{"message":"boom"}}\n\n' },
      "malformed JSON": { end: "data: {broken\n\n" },
      "a cut": { end: "" },
      "a broken connection": { end: "", fail: new TypeError("terminated") },
    };
    for (const [what, how] of Object.entries(ends)) {
      for (const read of [collect, (stream) => collect(stream.textDeltas()), (stream) => stream.text()]) {
        for (const size of SIZES) {
          const stream = await openEvents(EVENTS, size, how);
          await failure(read(stream));
          assert.deepEqual(stream.partial, completion(WORDS.join("")), `${what}, in reads of ${size} bytes`);
        }
      }
    }
  });

  test("is that of the one who is ahead when the stream was split", async () => {
    const stream = await openEvents(EVENTS);
    const [first, second] = stream.tee().map((side) => side[Symbol.asyncIterator]());
    await first.next();
    await first.next();
    await second.next();
    assert.deepEqual(stream.partial, completion("Hello "));
    await first.return();
    await second.return();
  });

  test("of many streams at once does not mix", async () => {
    const streams = await Promise.all(WORDS.map((word) => openEvents(Array(5).fill(chunkText({ content: word })), 50)));
    const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
    for (let count = 1; count <= 5; count++) {
      await Promise.all(iterators.map((iterator) => iterator.next()));
      streams.forEach((stream, at) => assert.equal(stream.partial.choices[0].message.content, WORDS[at].repeat(count)));
    }
    await Promise.all(iterators.map((iterator) => iterator.return()));
  });

  test("may be asked for while the memory of the module moves", async () => {
    const stream = await openEvents(EVENTS);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const large = await openEvents([chunkText({ content: "é".repeat(8 << 20) })], 1 << 16);
    await collect(large);
    assert.equal(large.partial.choices[0].message.content.length, 8 << 20);
    assert.deepEqual(stream.partial, completion("Hello"));
    assert.equal((await iterator.next()).value.choices[0].delta.content, " ");
    await iterator.return();
  });

  test("is an ordinary object, a member __proto__ and all", async () => {
    const stream = await openEvents(['{"__proto__":{"polluted":1},"choices":[{"delta":{"__proto__":{"x":"a"}}}]}', '{"choices":[{"delta":{"__proto__":{"x":"b"}}}]}']);
    await collect(stream);
    assert.deepEqual(stream.partial, JSON.parse('{"__proto__":{"polluted":1},"choices":[{"index":0,"message":{"__proto__":{"x":"ab"},"role":"assistant","content":null},"finish_reason":null}]}'));
    assert.equal({}.polluted, undefined);
  });

  test("is there in chatmux/core as well", async () => {
    const fetch = async () => new Response(sse(...answer(...WORDS)), { headers: { "content-type": "text/event-stream" } });
    const stream = await core.createChatCompletionStream(STREAMED, { apiKey: KEY, baseURL: "http://provider.test/v1", fetch });
    await stream.text();
    assert.equal(stream.partial.choices[0].message.content, WORDS.join(""));
    assert.equal(stream.partial.choices[0].finish_reason, "stop");
  });

  test("is not built before it is asked for", async (t) => {
    const stream = await openBody(bodyOf(bytesOf(EVENTS)).body);
    const texts = stream.textDeltas();
    const parse = t.mock.method(JSON, "parse");
    await collect(texts);
    assert.equal(parse.mock.callCount(), 0);
    assert.deepEqual(stream.partial, completion(WORDS.join("")));
    assert.equal(parse.mock.callCount(), 1);
  });
});

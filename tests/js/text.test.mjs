/** The text alone: textDeltas() and text(). */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import * as core from "../../dist/entry/core.default.js";
import { APIError, APIUserAbortError, ChatmuxError, StreamTruncatedError } from "../../dist/entry/default.js";
import { bodyOf, bytesOf, chunkText, openBody, openEvents, SIZES, STREAMS, textsOf } from "./streams.mjs";
import { answer, collect, failure, forbidStrayRejections, KEY, settled, sse, STREAMED } from "./support.mjs";

forbidStrayRejections();

const WORDS = ["Hello", " ", "wörld", " 🦊"];
const EVENTS = WORDS.map((content) => chunkText({ content }));

/** The texts that came, and what came after them. */
async function readTexts(stream) {
  const texts = [];
  const error = await failure(
    (async () => {
      for await (const text of stream.textDeltas()) texts.push(text);
    })(),
  );
  return { texts, error };
}

suite("textDeltas() gives the texts of the first choice, of a stream of", () => {
  for (const [what, events] of Object.entries(STREAMS)) {
    test(what, async () => {
      const expected = textsOf(events);
      for (const size of SIZES) {
        assert.deepEqual(await collect((await openEvents(events, size)).textDeltas()), expected, `in reads of ${size} bytes`);
        assert.equal(await (await openEvents(events, size)).text(), expected.join(""), `in reads of ${size} bytes`);
      }
    });
  }

  test("texts that are written out here", async () => {
    assert.deepEqual(textsOf(STREAMS["several choices in one chunk"]), ["00", "10", "20", "30", "40"]);
    assert.deepEqual(await collect((await openEvents(STREAMS["several choices in one chunk"])).textDeltas()), ["00", "10", "20", "30", "40"]);
    assert.deepEqual(await collect((await openEvents(STREAMS["lone surrogates"])).textDeltas()), ["\ud83d", "a", "\ude00", "😀", "b\ud800c", "b", "\udfff\ud800"]);
    assert.equal(await (await openEvents(STREAMS["an emoji whose halves come apart"])).text(), "🦊 and 🦊");
    assert.equal(await (await openEvents(STREAMS["choices of others alone"])).text(), "");
  });

  test("content that is a list, and text again after it", async () => {
    const events = [chunkText({ content: "a" }), chunkText({ content: [{ type: "text", text: "b" }] }), chunkText({ content: 7 }), chunkText({ content: "c" })];
    for (const size of SIZES) assert.deepEqual(await collect((await openEvents(events, size)).textDeltas()), ["a", "c"]);
  });

  test("choices that are null or say nothing", async () => {
    const events = ['{"choices":null}', "{}", '{"choices":[{}]}', '{"choices":[{"delta":null}]}', '{"choices":[{"delta":{"content":"a"}}]}'];
    assert.deepEqual(await collect((await openEvents(events)).textDeltas()), ["a"]);
  });

  test("20 000 words in one read", async () => {
    const words = Array.from({ length: 20_000 }, (_, n) => `${n} é`);
    const stream = await openEvents(words.map((content) => chunkText({ content })));
    assert.deepEqual(await collect(stream.textDeltas()), words);
  });

  test("chatmux/core as well", async () => {
    const fetch = async () => new Response(sse(...answer(...WORDS)), { headers: { "content-type": "text/event-stream" } });
    const open = () => core.createChatCompletionStream(STREAMED, { apiKey: KEY, baseURL: "http://provider.test/v1", fetch });
    assert.deepEqual(await collect((await open()).textDeltas()), WORDS);
    assert.equal(await (await open()).text(), WORDS.join(""));
  });
});

suite("the text of a stream", () => {
  test("uses the stream up, as any reading does", async () => {
    const readings = {
      "for await": (stream) => collect(stream),
      "textDeltas()": async (stream) => collect(stream.textDeltas()),
      "text()": (stream) => stream.text(),
      "tee()": async (stream) => collect(stream.tee()[0]),
      "toReadableStream()": async (stream) => collect(stream.toReadableStream()),
    };
    for (const [one, first] of Object.entries(readings)) {
      for (const [other, second] of Object.entries(readings)) {
        const stream = await openEvents(EVENTS);
        await first(stream);
        const error = await failure(second(stream));
        assert.ok(error instanceof ChatmuxError, `${other} after ${one}: ${error}`);
        assert.match(error.message, /consumed/);
      }
    }
  });

  test("is one iterator, which for await reads on from where it was", async () => {
    const texts = (await openEvents(EVENTS)).textDeltas();
    assert.equal(texts[Symbol.asyncIterator](), texts);
    assert.deepEqual(await texts.next(), { done: false, value: "Hello" });
    assert.deepEqual(await collect(texts), WORDS.slice(1));
    assert.deepEqual(await texts.next(), { done: true, value: undefined });
  });

  test("answers next() calls that overlap in their order", async () => {
    for (const size of SIZES) {
      const texts = (await openEvents(EVENTS, size)).textDeltas();
      const results = await Promise.all(Array.from({ length: 6 }, () => texts.next()));
      assert.deepEqual(results.map(({ value }) => value), [...WORDS, undefined, undefined]);
    }
  });

  test("comes before the error of the stream", async () => {
    const ends = {
      "an error event": ['data: {"error":{"message":"boom","type":"server_error"}}\n\n', (error) => error instanceof APIError && error.message.includes("boom")],
      "malformed JSON": ["data: {broken\n\n", (error) => error instanceof APIError && error.kind === "malformed_response"],
      "a cut": ["", (error) => error instanceof StreamTruncatedError],
    };
    for (const [what, [end, fits]] of Object.entries(ends)) {
      for (const size of SIZES) {
        const { texts, error } = await readTexts(await openEvents(EVENTS, size, { end }));
        assert.deepEqual(texts, WORDS, `${what} in reads of ${size} bytes`);
        assert.ok(fits(error), `${what}: ${error}`);
        assert.ok(fits(await failure((await openEvents(EVENTS, size, { end })).text())), what);
      }
    }
  });

  test("comes before the error of a connection that broke", async () => {
    const cause = new TypeError("terminated");
    const { texts, error } = await readTexts(await openEvents(EVENTS, 100, { end: "", fail: cause }));
    assert.deepEqual(texts, WORDS);
    assert.ok(error instanceof StreamTruncatedError);
    assert.equal(error.cause, cause);
  });

  test("can be left: break ends the request and reads nothing more", async () => {
    const seen = bodyOf(bytesOf(EVENTS), 1000);
    const stream = await openBody(seen.body);
    for await (const text of stream.textDeltas()) {
      assert.equal(text, "Hello");
      break;
    }
    assert.equal(stream.controller.signal.aborted, true);
    assert.deepEqual([seen.pulls, seen.cancelled], [1, true]);
  });

  test("ends silently on abort as deltas, and is none as a whole", async () => {
    const stream = await openEvents(EVENTS);
    const texts = [];
    for await (const text of stream.textDeltas()) {
      texts.push(text);
      if (texts.length === 2) stream.controller.abort();
    }
    assert.deepEqual(texts, WORDS.slice(0, 2));

    const body = () => {
      const parts = [bytesOf(EVENTS, "")];
      const pull = (controller) => (parts.length ? controller.enqueue(parts.shift()) : new Promise(() => {}));
      return new ReadableStream({ pull }, { highWaterMark: 0 });
    };
    const waiting = await openBody(body());
    setTimeout(() => waiting.controller.abort(), 20);
    assert.deepEqual(await settled(collect(waiting.textDeltas())), WORDS);

    // A text that was cut is never taken for the whole.
    const cut = await openBody(body());
    setTimeout(() => cut.controller.abort(), 20);
    assert.ok((await failure(cut.text())) instanceof APIUserAbortError);
    assert.equal(cut.partial.choices[0].message.content, WORDS.join(""));
  });

  test("is empty when the stream was aborted before it was begun", async () => {
    const stream = await openEvents(EVENTS);
    stream.controller.abort();
    assert.deepEqual(await collect(stream.textDeltas()), []);
    const other = await openEvents(EVENTS);
    other.controller.abort();
    assert.ok((await failure(other.text())) instanceof APIUserAbortError);
  });

  test("is made of no chunks: nothing is parsed that UTF-8 can hold", async (t) => {
    const streams = Object.entries(STREAMS).filter(([what]) => !/surrogates|halves/.test(what));
    const opened = [];
    for (const [what, events] of streams) for (const size of [7, Infinity]) opened.push([what, textsOf(events).join(""), await openEvents(events, size)]);
    const parse = t.mock.method(JSON, "parse");
    for (const [what, expected, stream] of opened) assert.equal(await stream.text(), expected, what);
    assert.equal(parse.mock.callCount(), 0);
    // The spy would have seen it.
    await collect(await openEvents(EVENTS));
    assert.ok(parse.mock.callCount() > 0);
  });
});

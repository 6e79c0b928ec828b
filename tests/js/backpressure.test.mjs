/** No faster than its reader, no larger than allowed, and in memory that does not grow: what a stream takes. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIError, ChatmuxError, StreamTruncatedError } from "../../dist/entry/default.js";
import { bodyOf, bytesOf, chunkText, openBody, openEvents, SIZES } from "./streams.mjs";
import { clientWith, collect, failure, forbidStrayRejections, program, pulled, settled, sse, STREAMED } from "./support.mjs";

forbidStrayRejections();

const DONE = "data: [DONE]\n\n";
const word = (content) => chunkText({ content });
const events = (count) => Array.from({ length: count }, (_, n) => word(`word ${n}`));
/** What a stream gives before it fails, and the error. */
async function readOut(items) {
  const seen = [];
  const error = await failure(
    (async () => {
      for await (const item of items) seen.push(item);
    })(),
  );
  return { seen, error };
}

suite("nothing is read ahead", () => {
  test("S7: of who asks for texts: one part for each that brings one", async () => {
    const parts = [sse(word("a"), word("b")), sse(chunkText({ role: "assistant" })), sse(word("c")), DONE];
    const counted = pulled(parts);
    const stream = await openBody(counted.body);
    const pulls = [];
    for await (const text of stream.textDeltas()) pulls.push([text, counted.pulls]);
    assert.deepEqual(pulls, [["a", 1], ["b", 1], ["c", 3]]);
  });

  test("by asking for the completion so far, or for an iterator", async () => {
    const counted = pulled([sse(word("a")), DONE]);
    const stream = await openBody(counted.body);
    const texts = stream.textDeltas();
    assert.equal(stream.partial, null);
    assert.equal(counted.pulls, 0);
    await texts.next();
    assert.equal(stream.partial.choices[0].message.content, "a");
    assert.equal(counted.pulls, 1);
    await texts.return();
  });

  test("S7: while a reader is slow, in small reads as well as in large ones", async () => {
    const bytes = bytesOf(events(20));
    for (const size of [50, 1000, Infinity]) {
      const counted = bodyOf(bytes, size);
      const stream = await openBody(counted.body);
      let ends = 0;
      for await (const chunk of stream) {
        // So much of the stream must have been read for this chunk, and no more.
        ends = bytes.indexOf(10, ends) + 2;
        assert.ok(chunk.choices[0]);
        await new Promise(setImmediate);
        assert.equal(counted.pulls, Math.ceil(ends / Math.min(size, bytes.length)), `reads of ${size} for ${ends} bytes`);
      }
    }
  });
});

suite("the chunks of one read", () => {
  test("S7: are made one by one, when they are asked for", async (t) => {
    // No two alike, so that each must be parsed.
    const different = Array.from({ length: 50 }, (_, n) => JSON.stringify({ [`key${n}`]: n, choices: [] }));
    const iterator = (await openEvents(different))[Symbol.asyncIterator]();
    const parse = t.mock.method(JSON, "parse");
    for (let asked = 1; asked <= 50; asked++) {
      await iterator.next();
      assert.equal(parse.mock.callCount(), asked);
    }
    await iterator.return();
  });

  test("S7: come before the error that one of them is, wherever it stands", async () => {
    const errors = {
      "an error event": ['{"error":{"message":"boom","type":"server_error"}}', (error) => error instanceof APIError && error.message.includes("boom")],
      "malformed JSON": ['{"choices":[}', (error) => error.kind === "malformed_response"],
      "no object": ["[]", (error) => error.kind === "malformed_response"],
      "a large one": [word("x".repeat(2000)), (error) => error.kind === "too_large"],
      "a cut": [undefined, (error) => error instanceof StreamTruncatedError],
    };
    for (const [what, [bad, fits]] of Object.entries(errors)) {
      for (let before = 0; before <= 6; before++) {
        const all = bad === undefined ? events(before) : [...events(before), bad, word("after it"), word("and more")];
        const end = bad === undefined ? "" : DONE;
        const expected = Array.from({ length: before }, (_, n) => `word ${n}`);
        for (const take of [(stream) => stream, (stream) => stream.textDeltas()]) {
          const counted = bodyOf(bytesOf(all, end));
          const stream = await openBody(counted.body, { maxEventBytes: 1000 });
          const { seen, error } = await readOut(take(stream));
          assert.deepEqual(seen.map((item) => item.choices?.[0].delta.content ?? item), expected, `${what}, after ${before}`);
          assert.ok(fits(error), `${what}, after ${before}: ${error}`);
          if (bad !== undefined) assert.deepEqual([counted.pulls, counted.cancelled], [1, true], "the request is ended");
          assert.equal(stream.partial?.choices[0].message.content ?? "", expected.join(""));
        }
      }
    }
  });

  test("are all there when the read has many MiB", async () => {
    const texts = Array.from({ length: 60_000 }, (_, n) => `word ${n} é`);
    const bytes = bytesOf(texts.map(word));
    assert.ok(bytes.length > 10 << 20);
    const counted = bodyOf(bytes);
    let at = 0;
    for await (const text of (await openBody(counted.body)).textDeltas()) {
      assert.equal(text, texts[at++]);
      assert.equal(counted.pulls, 1);
    }
    assert.equal(at, texts.length);
  });
});

suite("maxEventBytes", () => {
  const open = (bytes, size, client, call) => openBody(bodyOf(bytes, size).body, client, call);

  test("must be a number of bytes: anything else is refused before a request is made", async () => {
    for (const value of [-1, NaN, "1000", {}, true, [], 10n, -Infinity]) {
      let calls = 0;
      const fetch = async () => (calls++, new Response(DONE, { headers: { "content-type": "text/event-stream" } }));
      const attempts = [
        () => clientWith(fetch, { maxEventBytes: value }).chat.completions.create(STREAMED),
        () => clientWith(fetch).chat.completions.create(STREAMED, { maxEventBytes: value }),
      ];
      for (const attempt of attempts) {
        const error = await failure((async () => attempt())());
        assert.ok(error instanceof ChatmuxError && !(error instanceof APIError), `${String(value)}: ${error}`);
        assert.match(error.message, /`maxEventBytes`/);
      }
      assert.equal(calls, 0, String(value));
    }
  });

  test("is what the client says, unless the call says otherwise", async () => {
    const bytes = bytesOf([word("a"), word("b".repeat(500))]);
    const kindOf = async (client, call) => (await open(bytes, Infinity, client, call)).text().then(() => "well", (error) => error.kind);
    assert.equal(await kindOf({}), "well");
    assert.equal(await kindOf({ maxEventBytes: 300 }), "too_large");
    assert.equal(await kindOf({}, { maxEventBytes: 300 }), "too_large");
    assert.equal(await kindOf({ maxEventBytes: 300 }, { maxEventBytes: 10_000 }), "well");
    assert.equal(await kindOf({ maxEventBytes: 10_000 }, { maxEventBytes: 300 }), "too_large");
    for (const nothing of [undefined, null]) assert.equal(await kindOf({ maxEventBytes: nothing }, { maxEventBytes: nothing }), "well");
    assert.equal(await kindOf({ maxEventBytes: Infinity }), "well");
    assert.equal(await kindOf({ maxEventBytes: 0 }), "too_large");
  });

  test("allows an event of just so many bytes, alike to others or not, and no larger one", async () => {
    const alike = [word("a"), word("b"), word("é".repeat(100)), word("c")];
    const different = [word("a"), JSON.stringify({ choices: [], x: "é".repeat(200) }), word("c")];
    const several = [word("a"), `{"choices":[],\ndata: "x":"${"é".repeat(200)}"}`];
    for (const list of [alike, different, several]) {
      const large = list.reduce((one, other) => (one.length > other.length ? one : other));
      const at = list.indexOf(large);
      const length = Buffer.byteLength(large.replaceAll("\ndata: ", "\n"));
      for (const size of SIZES) {
        assert.equal((await collect(await open(bytesOf(list), size, { maxEventBytes: length }))).length, list.length);
        const { seen, error } = await readOut(await open(bytesOf(list), size, { maxEventBytes: length - 1 }));
        assert.equal(seen.length, at, `in reads of ${size} bytes`);
        assert.ok(error instanceof APIError);
        assert.deepEqual([error.name, error.kind, error.status], ["APIError", "too_large", 200]);
        assert.match(error.message, /`maxEventBytes`/);
      }
    }
  });

  test("G11: ends an event that has no end, soon and for good", async () => {
    for (const start of ["data: {", ": a comment ", "data: {}\ndata: ", "event: "]) {
      let pulls = 0;
      let cancelled = false;
      const part = new TextEncoder().encode("x".repeat(10_000));
      const pull = (controller) => controller.enqueue(pulls++ ? part : new TextEncoder().encode(start));
      const body = new ReadableStream({ pull, cancel: () => void (cancelled = true) }, { highWaterMark: 0 });
      const stream = await openBody(body, { maxEventBytes: 100_000 });
      const { error } = (await settled(readOut(stream))) ?? {};
      assert.equal(error?.kind, "too_large", start);
      assert.deepEqual([pulls, cancelled, stream.controller.signal.aborted], [11, true, true]);
    }
  });
});

suite("one event", () => {
  test("S8: of 64 MiB comes as it was sent", async () => {
    const content = "0123456789abcdé".repeat((64 << 20) / 16);
    const stream = await openBody(bodyOf(bytesOf([word("a"), word(content), word("b")]), 1 << 20).body);
    const texts = await collect(stream.textDeltas());
    assert.deepEqual(texts.map(({ length }) => length), [1, content.length, 1]);
    assert.ok(texts[1] === content, "it is the same text");
    assert.ok(stream.partial.choices[0].message.content === `a${content}b`, "and so is that of the completion");
  });

  test("S8: of 1 MiB comes as it was sent, in reads of one byte", async () => {
    const content = "0123456789 \\ \n é🦊".repeat(45_000);
    const bytes = bytesOf([word("a"), word(content), word("b")]);
    // Not a stream of the web: a million reads of one would take the test's time for itself.
    const body = (async function* () {
      for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
    })();
    const fetch = async () => ({ status: 200, ok: true, headers: new Headers({ "content-type": "text/event-stream" }), body });
    const chunks = await collect(await clientWith(fetch).chat.completions.create(STREAMED));
    assert.deepEqual(chunks.map((chunk) => chunk.choices[0].delta.content.length), [1, content.length, 1]);
    assert.ok(chunks[1].choices[0].delta.content === content);
  });
});

suite("the memory of a program that reads", () => {
  /** The module's memory and the heap of JavaScript, now and then, while a program reads so many of these events. */
  const measure = (count, event, read) =>
    program(`
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { memoryBytes } from ${JSON.stringify(new URL("../../dist/wasm.js", import.meta.url).href)};
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc");
      const PER_READ = 500;
      const part = new TextEncoder().encode(("data: " + ${JSON.stringify(event)} + "\\n\\n").repeat(PER_READ));
      const end = new TextEncoder().encode("data: [DONE]\\n\\n");
      let reads = 0;
      const samples = [];
      const body = new ReadableStream({
        async pull(controller) {
          if (reads % (${count} / PER_READ / 10) === 0) {
            gc();
            samples.push({ wasm: memoryBytes().length, heap: process.memoryUsage().heapUsed });
          }
          controller.enqueue(reads++ < ${count} / PER_READ ? part : end);
        },
      }, { highWaterMark: 0 });
      const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch });
      const stream = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true });
      let count = 0;
      ${read}
      console.log(JSON.stringify({ count, samples }));`);
  const CHUNKS = "for await (const _ of stream) count++;";
  const TEXTS = "for await (const _ of stream.textDeltas()) count++;";
  const MIB = 1 << 20;

  for (const [what, events, event, read, items] of [
    ["a million chunks that add nothing", 1_000_000, JSON.stringify({ choices: [], usage: { total_tokens: 12 }, obfuscation: "xxx" }), CHUNKS, 1_000_000],
    ["chunks that are read one by one", 200_000, JSON.stringify({ id: "chatcmpl-1", choices: [] }), CHUNKS, 200_000],
    ["chunks without a text, where texts are wanted", 200_000, JSON.stringify({ choices: [{ index: 0, delta: { role: "assistant" } }] }), TEXTS, 0],
  ]) {
    test(`${what}: it is flat`, async () => {
      const { count, samples } = await measure(events, event, read);
      assert.equal(count, items);
      const [, first] = samples;
      const last = samples.at(-1);
      assert.equal(samples.length, 11);
      assert.equal(last.wasm, first.wasm, "of the module");
      assert.ok(last.heap < first.heap + MIB, `of JavaScript: ${first.heap}, then ${last.heap}`);
    });
  }

  for (const [what, read] of [["chunks", CHUNKS], ["texts", TEXTS]]) {
    test(`a million ${what}: it is flat but for the completion, which takes at most half more than the text`, async () => {
      const text = "a word, ";
      const { count, samples } = await measure(1_000_000, JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] }), read);
      assert.equal(count, 1_000_000);
      const [, first] = samples;
      const last = samples.at(-1);
      assert.ok(last.wasm < 1.5 * text.length * 1_000_000 + 2 * MIB, `of the module: ${last.wasm}`);
      assert.ok(last.heap < first.heap + MIB, `of JavaScript: ${first.heap}, then ${last.heap}`);
    });
  }

  test("one stream after the other is that of one", async () => {
    const { sizes } = await program(`
      import { memoryBytes } from ${JSON.stringify(new URL("../../dist/wasm.js", import.meta.url).href)};
      const event = JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(4 << 20) } }] });
      const fetch = async () => new Response("data: " + event + "\\n\\ndata: [DONE]\\n\\n", { headers: { "content-type": "text/event-stream" } });
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch });
      const sizes = [];
      for (let round = 0; round < 12; round++) {
        const stream = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true });
        if (round % 3 === 0) await stream.text();
        else for await (const _ of stream) if (round % 3 === 1) break;
        sizes.push(memoryBytes().length);
      }
      console.log(JSON.stringify({ sizes }));`);
    assert.deepEqual(sizes.slice(3), Array(9).fill(sizes[2]));
  });
});

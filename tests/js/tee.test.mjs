import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Stream } from "../../dist/entry/default.js";
import {
  answer, askStream, chunk, clientOf, clientWith, collect, failure, forbidStrayRejections, listen, program, pulled, replyStream, settled, sse, streamResponse,
  textOf,
} from "./support.mjs";

forbidStrayRejections();

const streamOf = (body) => askStream(clientWith(async () => streamResponse(body)));
const TEXTS = [..."abcdefghij"];
const EVENTS = answer(...TEXTS).map((event) => sse(event));

suite("tee()", () => {
  test("S6: gives two streams that both say all, one after the other or side by side", async () => {
    const [left, right] = (await streamOf(answer(...TEXTS))).tee();
    assert.ok(left instanceof Stream && right instanceof Stream);
    const chunks = await collect(left);
    assert.equal(textOf(chunks), "abcdefghij");
    assert.deepEqual(await collect(right), chunks);
    const both = await Promise.all((await streamOf(answer(...TEXTS))).tee().map(collect));
    assert.deepEqual(both.map(textOf), ["abcdefghij", "abcdefghij"]);
  });

  test("S6, S7: lets the two be read at different speeds, and the source no faster than the faster", async () => {
    const seen = pulled(EVENTS);
    const [fast, slow] = (await streamOf(seen.body)).tee().map((stream) => stream[Symbol.asyncIterator]());
    assert.equal(seen.pulls, 0);
    for (const text of "abcde") assert.equal((await fast.next()).value.choices[0].delta.content, text);
    assert.equal(seen.pulls, 5);
    for (const text of "abc") assert.equal((await slow.next()).value.choices[0].delta.content, text);
    assert.equal(seen.pulls, 5);
    for (const text of "defg") assert.equal((await slow.next()).value.choices[0].delta.content, text);
    assert.equal(seen.pulls, 7);
    assert.equal((await fast.next()).value.choices[0].delta.content, "f");
  });

  test("keeps the one going when the other is left early", async () => {
    const seen = pulled(EVENTS);
    const stream = await streamOf(seen.body);
    const [left, right] = stream.tee();
    for await (const _ of left) break;
    assert.equal(stream.controller.signal.aborted, false);
    assert.equal(textOf(await collect(right)), "abcdefghij");
    assert.equal(stream.controller.signal.aborted, false);
    assert.equal(seen.cancelled, false);
  });

  test("keeps nothing of what both have read", async () => {
    const grown = await program(`
      const { setFlagsFromString } = await import("node:v8");
      const { runInNewContext } = await import("node:vm");
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc");
      const events = Buffer.from(${JSON.stringify(sse(chunk("word ".repeat(20))))}.repeat(1000));
      let parts = 100;
      const pull = (controller) => (parts-- ? controller.enqueue(new Uint8Array(events)) : controller.close());
      const fetch = async () => new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { "content-type": "text/event-stream" } });
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch });
      const stream = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true });
      const branches = stream.tee().map((branch) => branch[Symbol.asyncIterator]());
      const read = async (count) => {
        while (count--) for (const branch of branches) await branch.next();
        gc();
        return process.memoryUsage().heapUsed;
      };
      const before = await read(10_000);
      console.log(JSON.stringify((await read(90_000 - 1)) - before));
      for (const branch of branches) await branch.return();`);
    assert.ok(grown < 15 * (1 << 20), `${grown} bytes`);
  });

  test("aborts the request when both are left, and the server sees it", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, TEXTS.map((text) => chunk(text)), { end: false }));
    const stream = await askStream(clientOf(server));
    const [left, right] = stream.tee();
    for await (const _ of left) break;
    for await (const _ of right) break;
    assert.equal(stream.controller.signal.aborted, true);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("aborts when one is left twice and the other once, and not before", async () => {
    const stream = await streamOf(pulled(EVENTS).body);
    const [left, right] = stream.tee().map((branch) => branch[Symbol.asyncIterator]());
    await left.return();
    await left.return();
    assert.equal(stream.controller.signal.aborted, false);
    assert.equal((await right.next()).value.choices[0].delta.content, "a");
    await right.return();
    assert.equal(stream.controller.signal.aborted, true);
    assert.deepEqual(await Promise.all([left.next(), right.next()]), [{ done: true, value: undefined }, { done: true, value: undefined }]);
  });

  test("S6: brings an error to both, after the chunks before it", async () => {
    const [left, right] = (await streamOf([chunk("a"), chunk("b"), { error: { message: "boom", code: 500 } }])).tee();
    const seen = [];
    const errors = await Promise.all([left, right].map((stream) => failure((async () => {
      for await (const one of stream) seen.push(textOf([one]));
    })())));
    assert.deepEqual(seen.sort(), ["a", "a", "b", "b"]);
    assert.equal(errors[0].message, "500 boom");
    assert.equal(errors[1], errors[0]);
  });

  test("ends both silently on abort", async () => {
    const stream = await streamOf(pulled([...EVENTS.slice(0, 2)]).body);
    const [left, right] = stream.tee();
    const iterator = right[Symbol.asyncIterator]();
    const reading = (async () => {
      const chunks = [];
      for await (const one of left) {
        chunks.push(one);
        left.controller.abort();
      }
      return chunks;
    })();
    assert.equal(textOf((await settled(reading)) ?? []), "a");
    assert.equal((await iterator.next()).value.choices[0].delta.content, "a");
    assert.equal((await iterator.next()).done, true);
  });

  test("gives each of the two for one loop only", async () => {
    const [left, right] = (await streamOf(answer("x"))).tee();
    await collect(left);
    assert.match((await failure(collect(left))).message, /tee/);
    assert.equal(textOf(await collect(right)), "x");
  });

  test("can be done again on one of the two", async () => {
    const [left, right] = (await streamOf(answer("x", "y"))).tee();
    const [second, third] = right.tee();
    assert.deepEqual((await Promise.all([left, second, third].map(collect))).map(textOf), ["xy", "xy", "xy"]);
  });

  test("answers next() calls that overlap in their order, on both", async () => {
    const branches = (await streamOf(answer(...TEXTS))).tee().map((branch) => branch[Symbol.asyncIterator]());
    const results = await Promise.all(branches.flatMap((branch) => Array.from({ length: 12 }, () => branch.next())));
    const texts = results.map(({ value, done }) => (done ? "." : (value.choices[0].delta.content ?? "!"))).join("");
    assert.equal(texts, "abcdefghij!.abcdefghij!.");
  });

  test("does not hang the one that waits when the other is left", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      await sleep(50);
      outgoing.end(sse(...answer("b")));
    });
    const [left, right] = (await askStream(clientOf(server))).tee().map((branch) => branch[Symbol.asyncIterator]());
    await Promise.all([left.next(), right.next()]);
    const waits = right.next();
    await left.return();
    assert.equal((await settled(waits)).value.choices[0].delta.content, "b");
    await right.return();
  });
});

suite("toReadableStream()", () => {
  test("is the chunks as JSON, one a line", async () => {
    const chunks = [chunk("é\n👋"), chunk("b"), chunk(null, "stop")];
    const text = await new Response((await streamOf([...chunks, "[DONE]"])).toReadableStream()).text();
    assert.equal(text, chunks.map((one) => `${JSON.stringify(one)}\n`).join(""));
    assert.deepEqual(text.trim().split("\n").map((line) => JSON.parse(line)), chunks);
  });

  test("can be sent on, by fetch's Response and by Node's streams", async (t) => {
    const readable = (await streamOf(answer("a", "b"))).toReadableStream();
    assert.ok(readable instanceof ReadableStream);
    const server = await listen(t, (_, outgoing) => void Readable.fromWeb(readable).pipe(outgoing));
    const lines = (await (await fetch(server.url)).text()).trim().split("\n");
    assert.equal(textOf(lines.map((line) => JSON.parse(line))), "ab");
  });

  test("reads nothing before somebody asks", async () => {
    const seen = pulled(EVENTS);
    const reader = (await streamOf(seen.body)).toReadableStream().getReader();
    await sleep(10);
    assert.equal(seen.pulls, 0);
    await reader.read();
    await reader.read();
    await sleep(10);
    assert.equal(seen.pulls, 2);
    await reader.cancel();
  });

  test("aborts the request when it is cancelled, during a read as well", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a")], { end: false }));
    for (const waits of [false, true]) {
      const stream = await askStream(clientOf(server));
      const reader = stream.toReadableStream().getReader();
      await reader.read();
      const read = waits ? reader.read() : undefined;
      await sleep(5);
      await settled(reader.cancel("enough"));
      assert.equal(stream.controller.signal.aborted, true);
      if (waits) assert.deepEqual(await settled(read), { done: true, value: undefined });
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true);
    }
  });

  test("fails with the stream's error, after the chunks before it", async () => {
    const reader = (await streamOf([chunk("a"), { error: { message: "boom", type: "server_error" } }])).toReadableStream().getReader();
    assert.deepEqual(JSON.parse(new TextDecoder().decode((await reader.read()).value)), chunk("a"));
    const error = await failure(reader.read());
    assert.equal(error.name, "InternalServerError");
    assert.equal(error.message, "500 boom");
  });

  test("uses the stream up", async () => {
    const stream = await streamOf(answer("a"));
    await new Response(stream.toReadableStream()).text();
    assert.match((await failure(collect(stream))).message, /tee/);
  });

  test("works on both sides of a tee", async () => {
    const texts = await Promise.all((await streamOf(answer("a", "b"))).tee().map((branch) => new Response(branch.toReadableStream()).text()));
    assert.equal(texts[0], texts[1]);
    assert.equal(texts[0].split("\n").length, 4);
  });
});

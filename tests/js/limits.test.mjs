/** Answers without end, and small ones that become large: `maxResponseBytes`, `maxEventBytes`, and the memory behind them. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { APIConnectionError, APIError, ChatmuxError } from "../../dist/entry/default.js";
import { bodyOf, bytesOf, chunkText, openBody, SIZES } from "./streams.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, EVENT_STREAM, failure, forbidStrayRejections, JSON_TYPE, jsonResponse, listen,
  REQUEST, settled, spawned, sse, STREAMED, streamResponse,
} from "./support.mjs";

forbidStrayRejections();

const MIB = 1 << 20;
const bytes = (text) => new TextEncoder().encode(text);

suite("maxResponseBytes", () => {
  const text = JSON.stringify({ ...COMPLETION, padding: "é".repeat(500) });
  const { length } = bytes(text);
  const wholeOf = (client, call) => ask(clientWith(async () => jsonResponse(text), client), REQUEST, call);

  test("allows a whole answer of just so many bytes, and none of one more", async () => {
    assert.ok(await wholeOf({ maxResponseBytes: length }));
    const error = await failure(wholeOf({ maxResponseBytes: length - 1 }));
    assert.ok(error instanceof APIError, String(error));
    assert.deepEqual([error.kind, error.status], ["too_large", 200]);
    assert.match(error.message, /`maxResponseBytes`/);
  });

  test("counts the bytes of a stream, all that it sends, in reads of any size", async () => {
    const stream = bytesOf([chunkText({ content: "a" }), chunkText({ content: "é" }), chunkText({}, {}, { finish_reason: "stop" })]);
    const padded = bytes(`: comment\n\n${new TextDecoder().decode(stream)}`);
    for (const body of [stream, padded]) {
      for (const size of SIZES) {
        const open = (maxResponseBytes) => openBody(bodyOf(body, size).body, { maxResponseBytes });
        assert.equal(await (await open(body.length)).text(), "aé");
        // So that the finish reason does not fit any more.
        const error = await failure((await open(body.length - 100)).text());
        assert.equal(error.kind, "too_large", `in reads of ${size}: ${error}`);
        assert.match(error.message, /`maxResponseBytes`/);
      }
    }
  });

  test("gives the chunks before it, ends the request, and tells what had arrived", async () => {
    const word = bytes(sse(chunk("x".repeat(100))));
    let pulls = 0;
    let cancelled = false;
    // It ends at some time all the same: a test must fail, not hang.
    const pull = (controller) => (pulls++ < 1000 ? controller.enqueue(word) : controller.close());
    const body = new ReadableStream({ pull, cancel: () => void (cancelled = true) }, { highWaterMark: 0 });
    const stream = await openBody(body, { maxResponseBytes: 10 * word.length });
    const chunks = [];
    const error = await settled(failure((async () => {
      for await (const one of stream) chunks.push(one);
    })()));
    assert.equal(error?.kind, "too_large");
    assert.equal(chunks.length, 10);
    assert.equal(error.partial.choices[0].message.content, "x".repeat(1000));
    assert.deepEqual([pulls, cancelled, stream.controller.signal.aborted], [11, true, true]);
  });

  test("is what the client says, unless the call says otherwise", async () => {
    assert.equal((await failure(wholeOf({}, { maxResponseBytes: 10 }))).kind, "too_large");
    assert.ok(await wholeOf({ maxResponseBytes: 10 }, { maxResponseBytes: 10_000 }));
    assert.equal((await failure(wholeOf({ maxResponseBytes: 10_000 }, { maxResponseBytes: 10 }))).kind, "too_large");
    for (const nothing of [undefined, null, Infinity]) assert.ok(await wholeOf({ maxResponseBytes: nothing }));
  });

  test("must be a number of bytes: anything else is refused before a request is made", async () => {
    let calls = 0;
    const fetch = async () => (calls++, jsonResponse());
    for (const value of [-1, NaN, "1000", {}, true, []]) {
      for (const attempt of [() => ask(clientWith(fetch, { maxResponseBytes: value })), () => ask(clientWith(fetch), REQUEST, { maxResponseBytes: value })]) {
        const error = await failure((async () => attempt())());
        assert.ok(error instanceof ChatmuxError && !(error instanceof APIError), `${String(value)}: ${error}`);
        assert.match(error.message, /`maxResponseBytes`/);
      }
    }
    assert.equal(calls, 0);
  });

  test("is for the catalogue, a list of models and a page as well", async (t) => {
    const page = "x".repeat(2000);
    const server = await listen(t, (_, outgoing) => outgoing.writeHead(200, JSON_TYPE).end(`{"data":[],"x":"${page}"}`));
    const client = clientOf(server, { maxResponseBytes: 1000, maxRetries: 0 });
    for (const call of [() => client.models.list(), () => client.models.catalogue(), () => ask(client)]) {
      assert.equal((await failure(call())).kind, "too_large");
    }
    assert.equal(server.requests.length, 3);
  });
});

/** Sends this part again and again, as fast as the client takes it, up to a gigabyte; counts what was sent. */
function pour(outgoing, headers, part, sent, first = "") {
  outgoing.writeHead(200, headers);
  outgoing.write(first);
  const more = () => {
    while (!outgoing.destroyed && sent.bytes < 1024 * MIB) {
      sent.bytes += part.length;
      if (!outgoing.write(part)) return outgoing.once("drain", more);
    }
    outgoing.end();
  };
  more();
}

/** What becomes of a program, in a process of its own, that reads an answer of this server: the error's kind, and by how much it grew. */
async function costOf(read, server, limits) {
  const { stdout } = await spawned(`
    const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", maxRetries: 0, ...${JSON.stringify({ baseURL: server.baseURL, ...limits })} });
    const request = { model: "m", messages: [{ role: "user", content: "x" }] };
    await chatmux.init();
    const base = process.memoryUsage().rss;
    let kind = "none";
    try { ${read} } catch (error) { kind = error.kind; }
    console.log(JSON.stringify({ kind, grown: process.resourceUsage().maxRSS * 1024 - base }));`);
  return JSON.parse(stdout);
}

suite("G11: an answer of a gigabyte", { concurrency: 2 }, () => {
  const CAP = 16 * MIB;
  const block = Buffer.alloc(MIB, "x");
  const events = Buffer.from(sse(chunk("word ".repeat(20))).repeat(3000));
  const small = Buffer.from(sse({ choices: [] }).repeat(30_000));
  const whole = "await client.chat.completions.create(request)";
  const streamed = "for await (const _ of await client.chat.completions.create({ ...request, stream: true }))";
  const ways = {
    "as one JSON body": [JSON_TYPE, block, '{"id":"', whole],
    "as an error": [JSON_TYPE, block, '{"error":{"message":"', whole, 500],
    "as a list of models": [JSON_TYPE, block, '{"data":["', "await client.models.list()"],
    "as one line of a stream": [EVENT_STREAM, block, "data: {", `${streamed};`],
    "as one comment of a stream": [EVENT_STREAM, block, ": ", `${streamed};`],
    "as many lines of one event": [EVENT_STREAM, Buffer.from(`data: ${"x".repeat(1000)}\n`.repeat(1000)), "", `${streamed};`],
    "as events without end": [EVENT_STREAM, events, "", `${streamed};`],
    "as events without end that say nothing, read as text": [EVENT_STREAM, small, "", "await (await client.chat.completions.create({ ...request, stream: true })).text();"],
    "as a page where a stream was asked for": [{ "content-type": "text/html" }, block, "<html>", `${streamed};`],
  };
  for (const [what, [headers, part, first, read, status]] of Object.entries(ways)) {
    test(`${what} is a typed error at the limit; the request is ended, and memory bounded`, async (t) => {
      const sent = { bytes: 0 };
      const server = await listen(t, (_, outgoing) => {
        outgoing.statusCode = status ?? 200;
        if (status) outgoing.writeHead = ((writeHead) => (_, rest) => writeHead.call(outgoing, status, rest))(outgoing.writeHead);
        pour(outgoing, headers, part, sent, first);
      });
      const { kind, grown } = await costOf(read, server, { maxResponseBytes: CAP, maxEventBytes: CAP / 2 });
      const expected = status ? ["internal_server"] : headers["content-type"] === "text/html" ? ["malformed_response", "too_large"] : ["too_large"];
      assert.ok(expected.includes(kind), kind);
      assert.ok(await settled(server.requests[0].closed, 1000), "the server sees the end");
      assert.ok(sent.bytes < 4 * CAP, `${sent.bytes} bytes were sent`);
      // Beside what is held: what Node needs for itself to read that fast.
      assert.ok(grown < 4 * CAP + 48 * MIB, `${Math.round(grown / MIB)} MiB`);
    });
  }
});

suite("G12: an answer that is compressed", { concurrency: 2 }, () => {
  const CAP = 16 * MIB;
  const zeros = gzipSync(Buffer.alloc(64 * MIB), { level: 9 });
  // Members of gzip may follow each other: 10 MB of them become 10 GB.
  const bomb = Buffer.concat(Array(Math.ceil((10 * MIB) / zeros.length)).fill(zeros));
  const eventsBomb = gzipSync(Buffer.from(sse({ choices: [] }).repeat(200_000)));

  for (const [what, headers, body, read] of [
    ["a whole answer", JSON_TYPE, bomb, "await client.chat.completions.create(request)"],
    ["a stream", EVENT_STREAM, bomb, "for await (const _ of await client.chat.completions.create({ ...request, stream: true }));"],
    ["a stream of events", EVENT_STREAM, Buffer.concat(Array(40).fill(eventsBomb)), "for await (const _ of await client.chat.completions.create({ ...request, stream: true }));"],
  ]) {
    test(`and becomes gigabytes, as ${what}, is an error at the limit of what it becomes`, async (t) => {
      const server = await listen(t, (_, outgoing) => outgoing.writeHead(200, { ...headers, "content-encoding": "gzip" }).end(body));
      const { kind, grown } = await costOf(read, server, { maxResponseBytes: CAP });
      assert.equal(kind, "too_large");
      assert.ok(await settled(server.requests[0].closed, 1000), "the server sees the end");
      assert.ok(grown < 4 * CAP + 48 * MIB, `${Math.round(grown / MIB)} MiB`);
    });
  }

  test("in many layers, or is said to be, is the answer or a typed error", async (t) => {
    const layers = (count, body) => Array(count).fill(0).reduce((inner) => gzipSync(inner), Buffer.from(body));
    const said = (count) => Array(count).fill("gzip").join(", ");
    const answers = {
      "one": [said(1), 1],
      "five": [said(5), 5],
      "ten": [said(10), 10],
      "said once, done twice": [said(1), 2],
      "said twice, done once": [said(2), 1],
      "said and not done": [said(1), 0],
      "five thousand": [said(5000), 1],
      "of no kind that is known": ["rot13", 0],
      "of every kind": ["br, deflate, gzip, zstd, x-gzip, identity", 1],
    };
    for (const [what, [encoding, count]] of Object.entries(answers)) {
      const server = await listen(t, (request, outgoing) => {
        const { stream } = JSON.parse(request.body);
        const body = layers(count, stream ? sse(...answer("a")) : JSON.stringify(COMPLETION));
        outgoing.writeHead(200, { ...(stream ? EVENT_STREAM : JSON_TYPE), "content-encoding": encoding }).end(body);
      });
      const client = clientOf(server, { maxRetries: 0, timeout: 3000 });
      for (const call of [() => ask(client).then(({ choices }) => choices[0].message.content), () => askStream(client).then((stream) => stream.text())]) {
        const outcome = await settled(call().catch((error) => error), 5000);
        const isRight = outcome === "Hi" || outcome === "a";
        assert.ok(isRight || outcome instanceof APIError, `${what}: ${outcome}`);
        if (what === "one") assert.ok(isRight, String(outcome));
      }
    }
  });

  test("and cut is a typed error", async (t) => {
    const whole = gzipSync(JSON.stringify(COMPLETION));
    const server = await listen(t, (_, outgoing) =>
      outgoing.writeHead(200, { ...JSON_TYPE, "content-encoding": "gzip" }).end(whole.subarray(0, whole.length - 20)));
    const error = await settled(failure(ask(clientOf(server, { maxRetries: 0 }))));
    assert.ok(error instanceof APIConnectionError || error?.kind === "malformed_response", String(error));
  });
});

suite("G13: values without end", () => {
  const listOf = (count, item) => `[${Array(count).fill(item).join()}]`;
  /** An object of so many members, each of which is one of so many, and so on. */
  const treeOf = (count, ...counts) => {
    const value = counts.length ? treeOf(...counts) : "1";
    return `{${Array.from({ length: count }, (_, n) => `"k${n}":${value}`).join()}}`;
  };
  const valuesIn = (value) => (typeof value === "object" ? Object.values(value).reduce((sum, one) => sum + 1 + valuesIn(one), 0) : 0);

  /** A stream that is read one event at a time, beside which another one fails; what is read of it before and after. */
  async function beside(use) {
    const events = [chunkText({ content: "a" }), chunkText({ content: "b" }), chunkText({}, {}, { finish_reason: "stop" })].map((event) => bytesOf([event], ""));
    const pull = (controller) => (events.length ? controller.enqueue(events.shift()) : controller.close());
    const neighbour = await openBody(new ReadableStream({ pull }, { highWaterMark: 0 }));
    const iterator = neighbour[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value.choices[0].delta.content, "a");
    await use();
    assert.equal((await iterator.next()).value.choices[0].delta.content, "b");
    await iterator.next();
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    assert.equal(neighbour.partial.choices[0].message.content, "ab");
  }

  test("in one event end its stream as one that is too large, and no other", async () => {
    const values = listOf(128, listOf(128, listOf(128, "0")));
    const events = [`{"choices":[{"index":0,"delta":{"content":"x"}}],"x":${values}}`, `{"x":${values},"choices":[]}`];
    for (const event of events) {
      await beside(async () => {
        const error = await failure(openBody(bodyOf(bytesOf([event])).body).then(collect));
        assert.equal(error.constructor, APIError, String(error));
        assert.equal(error.kind, "too_large");
      });
    }
  });

  test("that are ever new keys of a delta trap nothing, and disturb no other stream", async () => {
    // 64 x 64 x 64 x 64 of them would not fit into the memory there is; but that many take a while to be said.
    const branch = treeOf(64, 64, 16);
    const body = (async function* () {
      for (let n = 0; n < 6; n++) yield bytes(`data: {"choices":[{"index":0,"delta":{"a":{"top${n}":${branch}}}}]}\n\n`);
      yield bytes(sse(...answer("x")));
    })();
    await beside(async () => {
      const stream = await openBody(body);
      const outcome = await stream.text().catch((error) => error);
      assert.ok(outcome === "x" || (outcome instanceof APIError && outcome.kind === "too_large"), String(outcome));
      const held = valuesIn(stream.partial);
      assert.ok(held > 1000 && held < 300_000, `${held} values are held`);
    });
  });

  test("G27: that are replaced again and again cost no more the more they are", async () => {
    /** Milliseconds of so many flips of a member that has held these keys. */
    async function time(flips, keys) {
      const delta = (a) => `data: {"choices":[{"index":0,"delta":{"a":${a}}}]}\n\n`;
      const turns = bytes((delta("1") + delta('{"k0":1}')).repeat(flips / 2) + sse(...answer("x")));
      const stream = await openBody((async function* () {
        yield bytes(delta(keys));
        yield bytes(delta("1"));
        yield turns;
      })());
      const iterator = stream[Symbol.asyncIterator]();
      // The first flip lets them all go.
      for (let first = 0; first < 2; first++) await iterator.next();
      const start = performance.now();
      while (!(await iterator.next()).done);
      return performance.now() - start;
    }
    const [few, many] = [treeOf(64), treeOf(64, 64, 64)];
    // The machine may be busy: the best of some tries counts.
    const best = [Infinity, Infinity, Infinity];
    for (let tries = 0; tries < 4; tries++) {
      for (const [at, [flips, keys]] of [[1000, many], [4000, many], [4000, few]].entries()) best[at] = Math.min(best[at], await time(flips, keys));
      if (best[1] < 6 * best[0] && best[1] < 6 * best[2]) return;
    }
    assert.fail(`1000 and 4000 flips took ${best.slice(0, 2)} ms, and 4000 with few keys ${best[2]} ms`);
  });
});

suite("G27: the time of one event of many bytes", () => {
  /** Milliseconds to read one event of so many bytes in reads of this many. */
  async function time(length, size) {
    const event = bytesOf([chunkText({ content: "x".repeat(length) })]);
    const body = (async function* () {
      for (let at = 0; at < event.length; at += size) yield event.subarray(at, at + size);
    })();
    const fetch = async () => ({ status: 200, ok: true, headers: new Headers(EVENT_STREAM), body });
    const start = performance.now();
    assert.equal((await (await clientWith(fetch).chat.completions.create(STREAMED)).text()).length, length);
    return performance.now() - start;
  }

  for (const [size, length] of [[1, MIB / 8], [64, 2 * MIB], [1024, 8 * MIB]]) {
    test(`grows as the event does, in reads of ${size}`, async () => {
      await time(length / 4, size);
      // The machine may be busy: the best of some tries counts.
      const best = [Infinity, Infinity];
      for (let tries = 0; tries < 6; tries++) {
        best[0] = Math.min(best[0], await time(length, size));
        best[1] = Math.min(best[1], await time(2 * length, size));
        if (best[1] / best[0] < 2.5) return;
      }
      assert.fail(`twice the bytes took ${best[1] / best[0]} times as long`);
    });
  }
});

test("the default of maxResponseBytes lets a usual answer pass, whole and streamed", async () => {
  const fetch = async (_, init) => (JSON.parse(init.body).stream ? streamResponse(answer("a")) : jsonResponse());
  assert.deepEqual(await ask(clientWith(fetch)), COMPLETION);
  assert.equal((await collect(await askStream(clientWith(fetch)))).length, 2);
});

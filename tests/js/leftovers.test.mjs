/** Nothing is left of a call, however it ends: no listener, no timer, no reader, no socket. And what is dropped is let go. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Chatmux } from "../../dist/entry/default.js";
import { leftAfter, NOTHING, WAYS } from "./ends.mjs";
import {
  answer, ask, askStream, chunk, clientOf, collect, COMPLETION, countListeners, EVENT_STREAM, forbidStrayRejections, JSON_TYPE, listen,
  program, reply, replyStream, REQUEST, settled, sse, STREAMED, until,
} from "./support.mjs";

forbidStrayRejections();

const LIMITS = { timeout: 60_000, idleTimeout: 50_000, firstEventTimeout: 40_000, totalTimeout: 70_000 };

suite("no listener, no timer and no reader is left after", () => {
  for (const way of Object.keys(WAYS)) {
    test(way, async () => {
      const { answers, ...left } = await leftAfter(Chatmux, way);
      assert.ok(answers > 0);
      assert.deepEqual(left, NOTHING);
    });
  }
});

suite("the process is as it was", () => {
  const kinds = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

  test("after a hundred calls of every sort: no timer that keeps it, no listener, no socket but those that can be used again", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      const { stream, how } = JSON.parse(request.body);
      if (how === "error") reply(outgoing, { error: { message: "no" } }, 400);
      else if (how === "hang") outgoing.writeHead(200, stream ? EVENT_STREAM : JSON_TYPE).flushHeaders();
      else if (how === "endless") replyStream(outgoing, [chunk("a"), chunk("b")], { end: false });
      else if (stream) replyStream(outgoing, answer("a", "b"));
      else reply(outgoing, COMPLETION);
    });
    const client = clientOf(server, { ...LIMITS, maxRetries: 0 });
    const controller = new AbortController();
    const listeners = countListeners(controller.signal);
    const before = kinds();
    const { signal } = controller;
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        ask(client, REQUEST, { signal }),
        ask(client, { ...REQUEST, how: "error" }, { signal }).catch(() => {}),
        ask(client, { ...REQUEST, how: "hang" }, { signal, timeout: 20 }).catch(() => {}),
        askStream(client, STREAMED, { signal }).then(collect),
        askStream(client, STREAMED, { signal }).then((one) => one.text()),
        askStream(client, { ...STREAMED, how: "endless" }, { signal }).then(async (one) => { for await (const _ of one) break; }),
        askStream(client, { ...STREAMED, how: "endless" }, { signal, idleTimeout: 20 }).then(collect).catch(() => {}),
        askStream(client, { ...STREAMED, how: "hang" }, { signal, firstEventTimeout: 20 }).then(collect).catch(() => {}),
        askStream(client, { ...STREAMED, how: "hang" }, { signal }).then((one) => one.controller.abort()),
        askStream(client, { ...STREAMED, how: "endless" }, { signal, totalTimeout: 30 }).then(collect).catch(() => {}),
      ]);
    }
    // On a busy machine a call of 20 ms may be over before the server has heard of it.
    assert.ok(server.requests.length > 60 && server.requests.length <= 100);
    assert.equal(listeners.now, 0);
    await until(() => kinds() <= before, "the timers are gone");
    const hanging = server.requests.filter(({ body }) => /hang|endless/.test(body));
    for (const { closed } of hanging) assert.ok(await settled(closed, 1000), "the server sees the end");
  });

  test("G25: a client that goes is seen by the server within a second, whatever it was waiting for", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      const { how } = JSON.parse(request.body);
      if (how === "headers") return;
      outgoing.writeHead(200, how === "body" ? JSON_TYPE : EVENT_STREAM).write(how === "body" ? "{" : sse(chunk("a")));
    });
    const client = clientOf(server, { maxRetries: 0 });
    for (const [how, use] of [
      ["headers", (options) => ask(client, { ...REQUEST, how: "headers" }, options)],
      ["headers", (options) => askStream(client, { ...STREAMED, how: "headers" }, options)],
      ["body", (options) => ask(client, { ...REQUEST, how: "body" }, options)],
      ["stream", (options) => askStream(client, STREAMED, options).then(collect)],
      ["stream", (options) => askStream(client, STREAMED, options)],
    ]) {
      const controller = new AbortController();
      const call = use({ signal: controller.signal }).catch(() => {});
      await until(() => server.requests.at(-1)?.wasLeft === undefined && server.requests.length, "the server is asked");
      await sleep(30);
      controller.abort();
      await settled(call);
      const request = server.requests.at(-1);
      request.wasLeft = true;
      assert.ok(await settled(request.closed, 1000), how);
      assert.equal(request.socket.destroyed, true, how);
    }
  });
});

suite("a stream that is dropped and garbage-collected", () => {
  /** Makes streams in a process of its own, drops them as `use` says, and looks what is left of them. */
  const dropped = (server, use, count = 20) =>
    program(`
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { memoryBytes } from ${JSON.stringify(new URL("../../dist/wasm.js", import.meta.url).href)};
      import { setTimeout as sleep } from "node:timers/promises";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc");
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: ${JSON.stringify(server.baseURL)}, maxRetries: 0 });
      const request = { model: "m", messages: [{ role: "user", content: "x" }], stream: true };
      const controller = new AbortController();
      const listeners = new Set();
      const { signal } = controller;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args) => (listeners.add(args[1]), addEventListener.apply(signal, args));
      signal.removeEventListener = (...args) => (listeners.delete(args[1]), removeEventListener.apply(signal, args));
      const use = ${use};
      const collected = [];
      const registry = new FinalizationRegistry((n) => collected.push(n));
      const sizes = [];
      async function round() {
        for (let n = 0; n < ${count}; n++) {
          const stream = await client.chat.completions.create(request, { signal });
          registry.register(stream, n);
          await use(stream);
        }
        sizes.push(memoryBytes().length);
      }
      const closed = async () => Number(await (await fetch(${JSON.stringify(server.url)} + "/closed")).text());
      await round();
      let left = 0;
      for (let tries = 0; tries < 40; tries++) {
        gc();
        await sleep(50);
        left = ${count} - (await closed());
        if (left === 0) break;
      }
      const after = { left, collected: collected.length, listeners: listeners.size };
      // Other streams take the place of those.
      await round();
      console.log(JSON.stringify({ ...after, sizes }));
      process.exit();`);

  const serverOf = async (t) => {
    let closed = 0;
    return listen(t, (request, outgoing) => {
      if (request.url === "/closed") return outgoing.end(String(closed));
      outgoing.on("close", () => closed++);
      replyStream(outgoing, [chunk("a"), chunk("b".repeat(1000))], { end: false });
    });
  };

  for (const [what, use] of Object.entries({
    "unread": "() => {}",
    "half read": "(stream) => stream[Symbol.asyncIterator]().next()",
    "half read as texts": "(stream) => stream.textDeltas().next()",
    "split, and one side half read": "(stream) => stream.tee()[0][Symbol.asyncIterator]().next()",
    "sent on, and half read": "(stream) => stream.toReadableStream().getReader().read()",
  })) {
    test(`${what}: its request, its listener and its memory are let go`, async (t) => {
      const seen = await dropped(await serverOf(t), use);
      assert.equal(seen.left, 0, `requests that are left; ${seen.collected} of 20 streams were collected`);
      assert.equal(seen.listeners, 0, "listeners");
      assert.ok(seen.sizes[1] - seen.sizes[0] <= 1 << 20, `the module's memory grew from ${seen.sizes[0]} to ${seen.sizes[1]}`);
    });
  }

  test("is not taken from a reader that still waits for it", async (t) => {
    const server = await listen(t, async (request, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      await sleep(400);
      outgoing.end(sse(...answer("b")));
    });
    const { text } = await program(`
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc");
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: ${JSON.stringify(server.baseURL)} });
      let text = "";
      const reading = (async () => {
        // Nobody holds the stream but the loop that reads it.
        for await (const part of (await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true })).textDeltas()) text += part;
      })();
      const timer = setInterval(gc, 20);
      await reading;
      clearInterval(timer);
      console.log(JSON.stringify({ text }));`);
    assert.equal(text, "ab");
  });
});

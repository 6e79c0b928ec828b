/** Nothing is left of a call, however it ends: no listener, no timer, no reader, no socket. And what is dropped is let go. */

import assert from "node:assert/strict";
import { mock, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, countListeners, EVENT_STREAM, forbidStrayRejections, JSON_TYPE, listen,
  program, reply, replyStream, REQUEST, settled, sse, STREAMED, until,
} from "./support.mjs";

forbidStrayRejections();

/** Counts the timers that are set and neither run nor cleared, of everybody in this process. */
function countTimers() {
  const now = new Set();
  const mocks = [];
  for (const [set, clear, repeats] of [["setTimeout", "clearTimeout", false], ["setInterval", "clearInterval", true]]) {
    const [original, cleared] = [globalThis[set], globalThis[clear]];
    mocks.push(
      mock.method(globalThis, set, (callback, ...rest) => {
        const timer = original((...args) => (repeats || now.delete(timer), callback(...args)), ...rest);
        now.add(timer);
        return timer;
      }),
      mock.method(globalThis, clear, (timer) => (now.delete(timer), cleared(timer))),
    );
  }
  return { now, restore: () => mocks.forEach(({ mock }) => mock.restore()) };
}

/** A response whose body's readers are counted: one that is let go is cancelled or at its end, and not locked. */
function counted(parts, { status = 200, type = EVENT_STREAM, fail, hang } = {}) {
  const seen = { done: false };
  const encoder = new TextEncoder();
  const left = [...parts];
  seen.body = new ReadableStream(
    {
      pull(controller) {
        if (left.length) controller.enqueue(encoder.encode(left.shift()));
        else if (hang) return new Promise(() => {});
        else if (fail) controller.error((seen.done = true) && fail);
        else controller.close((seen.done = true) && undefined);
      },
      cancel: () => void (seen.done = true),
    },
    { highWaterMark: 0 },
  );
  seen.response = new Response(seen.body, { status, headers: { ...type, "retry-after-ms": "0" } });
  // A body that the runtime reads by itself stays locked for good, which is not ours to change.
  for (const method of ["text", "json", "arrayBuffer"]) {
    const read = seen.response[method].bind(seen.response);
    seen.response[method] = () => ((seen.isReadByRuntime = true), read());
  }
  return seen;
}

const PARTS = answer("a", "b").map((event) => sse(event));
const stream = (options) => () => counted(PARTS, options);
const whole = (text, options) => () => counted([text.slice(0, 5), text.slice(5)], { type: JSON_TYPE, ...options });
const LIMITS = { timeout: 60_000, idleTimeout: 50_000, firstEventTimeout: 40_000, totalTimeout: 70_000 };

/** Each way in which a call may end: its response, and what is done with it. */
const WAYS = {
  "a whole answer": [whole(JSON.stringify(COMPLETION)), (client, options) => ask(client, REQUEST, options)],
  "a list of models": [whole('{"data":[]}'), (client, options) => client.models.list(options)],
  "an error": [whole('{"error":{"message":"no"}}', { status: 400 }), (client, options) => ask(client, REQUEST, options)],
  "errors until the last try": [whole("busy", { status: 500 }), (client, options) => ask(client, REQUEST, { ...options, maxRetries: 2 })],
  "malformed JSON": [whole("{{{{{{{{"), (client, options) => ask(client, REQUEST, options)],
  "an answer that is too large": [whole(JSON.stringify(COMPLETION)), (client, options) => ask(client, REQUEST, { ...options, maxResponseBytes: 10 })],
  "a body that breaks": [whole("{    ", { fail: new TypeError("terminated") }), (client, options) => ask(client, REQUEST, options)],
  "a body that stalls": [whole("{    ", { hang: true }), (client, options) => ask(client, REQUEST, { ...options, timeout: 30 })],
  "an abort while the body is read": [whole("{    ", { hang: true }), (client, options, abort) => (setTimeout(abort, 10), ask(client, REQUEST, options))],
  "a stream read to its end": [stream(), async (...args) => collect(await open(...args))],
  "a stream read as text": [stream(), async (...args) => (await open(...args)).text()],
  "a stream left with break": [stream(), async (...args) => { for await (const _ of await open(...args)) break; }],
  "texts left with break": [stream(), async (...args) => { for await (const _ of (await open(...args)).textDeltas()) break; }],
  "a stream left with an error of the loop": [stream(), async (...args) => { for await (const _ of await open(...args)) throw new Error("own"); }],
  "a stream left while a read waits": [stream({ hang: true }), async (...args) => {
    const iterator = (await open(...args))[Symbol.asyncIterator]();
    const reads = Promise.all(Array.from({ length: 5 }, () => iterator.next()));
    await sleep(5);
    await iterator.return();
    await reads;
  }],
  "a stream aborted by the caller": [stream({ hang: true }), async (client, options, abort) => { setTimeout(abort, 10); await collect(await open(client, options)); }],
  "a stream aborted by its controller": [stream(), async (...args) => { const one = await open(...args); for await (const _ of one) one.controller.abort(); }],
  "a stream aborted before it is begun": [stream(), async (...args) => (await open(...args)).controller.abort()],
  "a stream that was cut": [() => counted([sse(chunk("a"))]), async (...args) => collect(await open(...args))],
  "a stream that breaks": [() => counted([sse(chunk("a"))], { fail: new TypeError("terminated") }), async (...args) => collect(await open(...args))],
  "a stream with an error": [() => counted([sse(chunk("a"), { error: { message: "boom" } }, chunk("b"))]), async (...args) => collect(await open(...args))],
  "a stream with malformed JSON": [() => counted([sse(chunk("a"), "{broken")]), async (...args) => collect(await open(...args))],
  "a stream with too large an event": [stream(), async (client, options) => collect(await open(client, { ...options, maxEventBytes: 20 }))],
  "a stream that is too large": [stream(), async (client, options) => collect(await open(client, { ...options, maxResponseBytes: 20 }))],
  "a stream that stalls": [stream({ hang: true }), async (client, options) => collect(await open(client, { ...options, idleTimeout: 30 }))],
  "a stream without a first event": [() => counted([], { hang: true }), async (client, options) => collect(await open(client, { ...options, firstEventTimeout: 30 }))],
  "a stream that has had its time": [() => counted([sse(chunk("a"))], { hang: true }), async (client, options) => collect(await open(client, { ...options, totalTimeout: 40 }))],
  "a stream that is none": [() => counted(["<html>", "</html>"], { type: { "content-type": "text/html" } }), open],
  "a stream that was split, both sides left": [stream(), async (...args) => { for (const side of (await open(...args)).tee()) for await (const _ of side) break; }],
  "a stream that was split and read": [stream(), async (...args) => Promise.all((await open(...args)).tee().map(collect))],
  "a stream that was sent on": [stream(), async (...args) => new Response((await open(...args)).toReadableStream()).text()],
  "a stream that was sent on and cancelled": [stream(), async (...args) => (await open(...args)).toReadableStream().cancel()],
};
function open(client, options) {
  return askStream(client, STREAMED, options);
}

suite("no listener, no timer and no reader is left after", () => {
  for (const [what, [respond, use]] of Object.entries(WAYS)) {
    test(what, async () => {
      const timers = countTimers();
      const responses = [];
      const controller = new AbortController();
      const listeners = countListeners(controller.signal);
      const client = clientWith(async () => (responses.push(respond()), responses.at(-1).response), LIMITS);
      try {
        const end = await settled(Promise.resolve(use(client, { signal: controller.signal }, () => controller.abort())).then(() => true, () => true), 5000);
        assert.equal(end, true, "it ends");
        // What is let go in the background, and the moment that the end of a response is waited for.
        await until(() => timers.now.size === 0 && responses.every(({ done }) => done), `${timers.now.size} timers and ${responses.filter(({ done }) => !done).length} bodies are let go`);
      } finally {
        timers.restore();
      }
      assert.ok(listeners.ever > 0, "there was a listener");
      assert.equal(listeners.now, 0, "listeners");
      assert.ok(responses.length > 0);
      for (const { body, isReadByRuntime } of responses) assert.equal(body.locked && !isReadByRuntime, false, "the body has a reader");
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
    assert.equal(server.requests.length, 100);
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
      let listeners = 0;
      const { signal } = controller;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args) => (listeners++, addEventListener.apply(signal, args));
      signal.removeEventListener = (...args) => (listeners--, removeEventListener.apply(signal, args));
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
      const after = { left, collected: collected.length, listeners };
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

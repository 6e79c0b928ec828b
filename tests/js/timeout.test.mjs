/** How long a call may take: rows T1 to T3, and the stalled body of defect 8. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, Chatmux, ChatmuxError, StreamTimeoutError } from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import { failedFetch, never, refusal, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, failure, failureOfStream, forbidStrayRejections, JSON_TYPE, jsonResponse, KEY,
  listen, replyStream, REQUEST, settled, sse, STREAMED, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

suite("a timeout", () => {
  test("T1: is ten minutes where nobody says otherwise, and can be read", async (t) => {
    assert.equal(new Chatmux({ apiKey: KEY }).timeout, 600_000);
    assert.equal(new Chatmux({ apiKey: KEY, timeout: 5 }).timeout, 5);
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
    let asked = 0;
    let outcome = "waits";
    const client = clientWith(() => (asked++, never()));
    const call = failure(ask(client)).then((error) => (outcome = error));
    while (!asked) await turn();
    for (let minute = 0; minute < 9; minute++) t.mock.timers.tick(60_000);
    for (let turns = 0; turns < 10; turns++) await turn();
    assert.equal(outcome, "waits");
    t.mock.timers.tick(60_000);
    t.mock.timers.tick(150_000);
    await call;
    assert.equal(outcome.constructor, APIConnectionTimeoutError);
  });

  test("T1: ends a try that gets no answer, and says how long it waited", async (t) => {
    const server = await listen(t, () => {});
    for (const call of [ask, askStream, (client) => client.models.list()]) {
      const error = await failure(call(clientOf(server, { timeout: 100, maxRetries: 0 })));
      assert.equal(error.constructor, APIConnectionTimeoutError);
      assert.ok(error instanceof APIConnectionError);
      assert.equal(error.name, "APIConnectionTimeoutError");
      assert.equal(error.kind, "timeout");
      assert.match(error.message, /100 ms/);
      assert.equal(error.status, undefined);
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true);
    }
  });

  test("T1: of the call wins over the client's; undefined and null leave that", async () => {
    const end = async (client, call) => (await settled(failure(ask(clientWith(never, { timeout: client }), REQUEST, call))))?.message ?? "waits";
    assert.match(await end(60_000, { timeout: 20 }), /20 ms/);
    for (const call of [undefined, {}, { timeout: undefined }, { timeout: null }]) assert.match(await end(20, call), /20 ms/, JSON.stringify(call));
  });

  test("T1: of 0 is no time at all, or refused; it is not for ever", async () => {
    for (const call of [ask, askStream]) {
      const error = await settled(failure(call(clientWith(never, { timeout: 0 }))));
      assert.ok(error instanceof ChatmuxError, String(error));
    }
  });

  test("T1: counts anew for every try", async () => {
    let calls = 0;
    const client = clientWith(async () => (await sleep(40), ++calls < 3 ? refusal(500) : jsonResponse()), { timeout: 90, maxRetries: 2 });
    assert.deepEqual(await ask(client), COMPLETION);
  });

  test("T1: does not count the pause between two tries", async () => {
    let calls = 0;
    const client = clientWith(async () => (++calls < 2 ? refusal(500, { "retry-after-ms": "200" }) : jsonResponse()), { timeout: 100, maxRetries: 1 });
    assert.deepEqual(await ask(client), COMPLETION);
  });

  test("T1: of one call leaves the others alone", async () => {
    const client = clientWith(async (_, init) => (await sleep(JSON.parse(init.body).wait), jsonResponse()));
    const [slow, quick, other] = await Promise.allSettled([
      ask(client, { ...REQUEST, wait: 300 }, { timeout: 30 }), ask(client, { ...REQUEST, wait: 0 }), ask(client, { ...REQUEST, wait: 100 }),
    ]);
    assert.equal(slow.reason?.constructor, APIConnectionTimeoutError);
    assert.deepEqual([quick.value, other.value], [COMPLETION, COMPLETION]);
  });

  test("T1: is the same where Node itself says that it has waited enough", async () => {
    // undici gives up by itself: a user has to learn that it was time, as openai tells them.
    const causes = ["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_CONNECT_TIMEOUT", "ETIMEDOUT"].map((code) => failedFetch(code));
    for (const cause of [...causes, new Error("connection timed out")]) {
      const error = await failure(ask(clientWith(async () => { throw cause; })));
      assert.equal(error.constructor, APIConnectionTimeoutError, String(cause.cause ?? cause));
      assert.equal(error.kind, "timeout");
      assert.match(error.message, /timed? ?out/i);
      assert.equal(error.cause, cause);
    }
    const cause = Object.assign(new Error("Body Timeout Error"), { code: "UND_ERR_BODY_TIMEOUT" });
    const error = await failure(ask(clientWith(async () => { throw Object.assign(new TypeError("fetch failed"), { cause }); })));
    assert.ok(error instanceof APIConnectionError, String(error));
    assert.match(error.message, /timed? ?out/i);
  });
});

suite("the clock of a try", () => {
  test("T2: ends a whole answer whose body never ends", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, JSON_TYPE).write('{"id":"'));
    const error = await failure(ask(clientOf(server, { timeout: 50, maxRetries: 0 })));
    assert.equal(error.constructor, APIConnectionTimeoutError);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("T2: ends a whole answer that drips, though it never stops", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      outgoing.writeHead(200, JSON_TYPE).write('{"id":"');
      while (!outgoing.destroyed) outgoing.write("x"), await sleep(10);
    });
    const error = await settled(failure(ask(clientOf(server, { timeout: 100, maxRetries: 0 }))));
    assert.equal(error?.constructor, APIConnectionTimeoutError);
  });

  test("T2: ends an error whose body never ends", async (t) => {
    for (const status of [400, 401, 500, 503]) {
      const server = await listen(t, (_, outgoing) => void outgoing.writeHead(status, JSON_TYPE).write('{"error":'));
      const error = await settled(failure(ask(clientOf(server, { timeout: 50, maxRetries: 0 }))));
      assert.ok(error instanceof APIError, String(error));
      await settled(server.requests[0].closed);
      assert.equal(server.requests[0].socket.destroyed, true);
    }
  });

  test("T2: ends a page that never ends where a stream was asked for", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, { "content-type": "text/html" }).write("<html>"));
    const error = await settled(failure(askStream(clientOf(server, { timeout: 50, maxRetries: 0 }))));
    assert.ok(error instanceof APIError);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("T2: counts from the start of the try, not from the headers", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      await sleep(300);
      outgoing.writeHead(200, JSON_TYPE).write('{"id":"');
    });
    const began = performance.now();
    const error = await settled(failure(ask(clientOf(server, { timeout: 400, maxRetries: 0 }))));
    assert.equal(error?.constructor, APIConnectionTimeoutError);
    assert.ok(performance.now() - began < 680, `${performance.now() - began} ms`);
  });

  test("T2: is not overrun by an error whose body stalls, nor is that of the whole call", async (t) => {
    const server = await listen(t, async (request, outgoing) => {
      await sleep(500);
      outgoing.writeHead(JSON.parse(request.body).status, JSON_TYPE).write('{"error":');
    });
    const all = [400, 500, 503].flatMap((status) =>
      [{ timeout: 600, maxRetries: 0 }, { totalTimeout: 600, maxRetries: 0 }, { totalTimeout: 600, maxRetries: 2 }].map(async (options) => {
        const began = performance.now();
        const error = await settled(failure(ask(clientOf(server, options), { ...REQUEST, status })));
        assert.ok(error instanceof APIError, String(error));
        assert.ok(performance.now() - began < 1000, `${status}, ${JSON.stringify(options)}: ${performance.now() - began} ms`);
      }));
    await Promise.all(all);
  });

  test("T2: covers the function that gives the key", async () => {
    const error = await settled(failure(ask(clientWith(async () => jsonResponse(), { apiKey: never, timeout: 30 }))));
    assert.equal(error?.constructor, APIConnectionTimeoutError);
  });

  test("T2: does not end a stream that has begun and goes on", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      for (const text of ["b", "c", "d", "e"]) await sleep(60), outgoing.write(sse(chunk(text)));
      outgoing.end(sse(...answer("f")));
    });
    assert.equal(textOf(await collect(await askStream(clientOf(server, { timeout: 200 })))), "abcdef");
  });

  test("T2: does not end a stream that its reader leaves waiting", async () => {
    const stream = await askStream(clientWith(async () => streamResponse(answer("a", "b")), { timeout: 50 }));
    await sleep(150);
    const texts = [];
    for await (const { choices } of stream) texts.push(choices[0].delta.content), await sleep(80);
    assert.deepEqual(texts, ["a", "b", undefined]);
  });
});

suite("a whole answer that would take more than ten minutes", () => {
  /** What a call with this body is: the number of requests that were made, and its error. */
  async function refused(body, client, call, send = ask) {
    let calls = 0;
    const fetch = async (_, init) => (calls++, JSON.parse(init.body).stream ? streamResponse(answer("a")) : jsonResponse());
    const outcome = await send(clientWith(fetch, client), { ...REQUEST, ...body }, call).then(() => undefined, (error) => error);
    return { calls, error: outcome };
  }

  test("T3: is refused before anything is sent, and says what to do", async () => {
    const apiKey = () => assert.fail("the key is asked for");
    for (const max_tokens of [21_334, 32_000, 128_000, 1e9]) {
      const { calls, error } = await refused({ max_tokens }, { apiKey });
      assert.equal(error?.constructor, ChatmuxError);
      assert.equal(error.kind, "invalid_request");
      assert.match(error.message, /stream/);
      assert.match(error.message, /`timeout`/);
      assert.equal(calls, 0);
    }
  });

  test("T3: is sent up to 21 333 tokens, and where nothing is said of them", async () => {
    for (const body of [{ max_tokens: 21_333 }, { max_tokens: 1 }, { max_tokens: null }, { max_tokens: undefined }, {}]) {
      assert.deepEqual(await refused(body), { calls: 1, error: undefined }, JSON.stringify(body));
    }
  });

  test("T3: is sent when it is streamed", async () => {
    assert.deepEqual(await refused({ max_tokens: 128_000, stream: true }), { calls: 1, error: undefined });
    for (const stream of [false, null, undefined]) assert.equal((await refused({ max_tokens: 128_000, stream })).calls, 0);
  });

  test("T3: is sent when the client or the call has a timeout, whatever it is", async () => {
    const body = { max_tokens: 128_000 };
    for (const timeout of [600_000, 1000, 3_600_000, Infinity]) {
      assert.deepEqual(await refused(body, { timeout }), { calls: 1, error: undefined });
      assert.deepEqual(await refused(body, {}, { timeout }), { calls: 1, error: undefined });
    }
    for (const none of [undefined, null]) assert.equal((await refused(body, { timeout: none }, { timeout: none })).calls, 0);
    const longer = (client, ...rest) => ask(client.withOptions({ timeout: 900_000 }), ...rest);
    assert.deepEqual(await refused(body, {}, undefined, longer), { calls: 1, error: undefined });
    const same = (client, ...rest) => ask(client.withOptions({ maxRetries: 1 }), ...rest);
    assert.equal((await refused(body, {}, undefined, same)).calls, 0);
  });

  test("T3: is refused by chatmux/core as well", async () => {
    const options = { apiKey: KEY, baseURL: "http://provider.test/v1", fetch: async () => jsonResponse() };
    assert.equal((await failure(core.createChatCompletion({ ...REQUEST, max_tokens: 50_000 }, options))).kind, "invalid_request");
    assert.deepEqual(await core.createChatCompletion({ ...REQUEST, max_tokens: 50_000 }, { ...options, timeout: 1e6 }), COMPLETION);
  });

  test("T3: is refused by the promise, not by throwing", () => {
    clientWith(async () => jsonResponse()).chat.completions.create({ ...REQUEST, max_tokens: 50_000 }).catch(() => {});
  });
});

suite("a body that stalls after its first part", () => {
  const stalling = (t, head, part) => listen(t, (_, outgoing) => void outgoing.writeHead(200, head).write(part));

  test("8: is given up when it is a whole answer", async (t) => {
    const server = await stalling(t, JSON_TYPE, '{"id":"chatcmpl-1",');
    const error = await settled(failure(ask(clientOf(server, { timeout: 100, maxRetries: 0 }))));
    assert.equal(error?.constructor, APIConnectionTimeoutError);
  });

  const limits = { "timeout of the client": [{ timeout: 100 }], "timeout of the call": [{}, { timeout: 100 }], "idleTimeout": [{ idleTimeout: 100 }] };
  for (const [what, [client, call]] of Object.entries(limits)) {
    test(`8: is given up when it is a stream, by ${what}, with what has come`, async (t) => {
      const server = await stalling(t, { "content-type": "text/event-stream" }, sse(chunk("Hel"), chunk("lo")));
      const outcome = await settled(failureOfStream(askStream(clientOf(server, client), STREAMED, call)));
      assert.equal(outcome?.error.constructor, StreamTimeoutError);
      assert.ok(outcome.error instanceof APIConnectionTimeoutError);
      assert.equal(outcome.error.kind, "stream_timeout");
      assert.equal(textOf(outcome.chunks), "Hello");
      assert.equal(outcome.error.partial.choices[0].message.content, "Hello");
      await settled(server.requests[0].closed);
      assert.equal(server.requests[0].socket.destroyed, true);
      assert.equal(server.requests.length, 1);
    });
  }

  test("8: is given up when nothing but comments comes, by firstEventTimeout", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      while (!outgoing.destroyed) outgoing.write(": keep-alive\n\n"), await sleep(10);
    });
    const outcome = await settled(failureOfStream(askStream(clientOf(server, { firstEventTimeout: 100 }))));
    assert.equal(outcome?.error.constructor, StreamTimeoutError);
    assert.deepEqual(outcome.chunks, []);
  });

  test("8: is given up though the pauses are left out, and no second request is made", async (t) => {
    const server = await stalling(t, { "content-type": "text/event-stream" }, sse(chunk("a")));
    await withoutPauses(() => settled(failureOfStream(askStream(clientOf(server, { timeout: 100, maxRetries: 5 })))));
    assert.equal(server.requests.length, 1);
  });
});

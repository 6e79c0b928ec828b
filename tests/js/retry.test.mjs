import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "../../dist/entry/default.js";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, failure, forbidStrayRejections, jsonResponse, listen, reply,
  replyStream, REQUEST, settled, STREAMED, streamResponse, textOf, until,
} from "./support.mjs";

forbidStrayRejections();

const AT_ONCE = { "retry-after-ms": "0" };
const no = (status, headers = AT_ONCE) => jsonResponse({ error: { message: "no" } }, { status, headers });
const never = () => new Promise(() => {});

/** How often a call is sent when every try is answered like this. */
async function tries(respond, options) {
  let calls = 0;
  const error = await failure(ask(clientWith(async () => respond(++calls), { maxRetries: 2, ...options })));
  return { calls, error };
}

/** Runs a call with the runtime's timers replaced: the delays that it asked for, in milliseconds. */
async function delays(call) {
  const own = globalThis.setTimeout;
  const asked = [];
  globalThis.setTimeout = (callback, ms, ...rest) => {
    // Node's fetch has timers of its own, and a try has a clock of ten minutes; the pauses are noted and skipped.
    if (ms >= 600_000 || !new Error().stack.includes("/dist/")) return own(callback, ms, ...rest);
    asked.push(ms);
    return own(callback, 0, ...rest);
  };
  try {
    await call();
  } finally {
    globalThis.setTimeout = own;
  }
  return asked;
}

suite("a try is repeated", () => {
  for (const status of [408, 409, 429, 500, 502, 503, 504, 529, 599]) {
    test(`after a ${status}, twice, and the last error is thrown`, async () => {
      const { calls, error } = await tries(() => no(status));
      assert.equal(calls, 3);
      assert.equal(error.status, status);
      assert.equal(error.message, `${status} no`);
    });
  }

  for (const status of [400, 401, 402, 403, 404, 405, 413, 418, 422, 451]) {
    test(`not after a ${status}`, async () => {
      assert.equal((await tries(() => no(status))).calls, 1);
    });
  }

  test("after a connection that failed", async () => {
    const { calls, error } = await tries(() => { throw new TypeError("fetch failed"); }, { maxRetries: 1 });
    assert.equal(calls, 2);
    assert.equal(error.constructor, APIConnectionError);
  });

  test("after a timeout", async () => {
    const { calls, error } = await tries(never, { timeout: 10, maxRetries: 1 });
    assert.equal(calls, 2);
    assert.equal(error.constructor, APIConnectionTimeoutError);
  });

  test("as x-should-retry says, whatever the status", async () => {
    assert.equal((await tries(() => no(500, { ...AT_ONCE, "x-should-retry": "false" }))).calls, 1);
    assert.equal((await tries(() => no(429, { ...AT_ONCE, "x-should-retry": "false" }))).calls, 1);
    assert.equal((await tries(() => no(400, { ...AT_ONCE, "x-should-retry": "true" }))).calls, 3);
    assert.equal((await tries(() => no(400, { ...AT_ONCE, "x-should-retry": "yes" }))).calls, 1);
    assert.equal((await tries(() => no(500, { ...AT_ONCE, "x-should-retry": "0" }))).calls, 3);
  });

  for (const maxRetries of [0, 1, 3]) {
    test(`${maxRetries} times with maxRetries ${maxRetries}`, async () => {
      assert.equal((await tries(() => no(500), { maxRetries })).calls, maxRetries + 1);
    });
  }

  test("until it succeeds, whole and streamed, with the same bytes and headers", async (t) => {
    const server = await listen(t, (request, outgoing, count) => {
      if (count % 3) reply(outgoing, { error: { message: "busy" } }, 503, AT_ONCE);
      else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a"));
      else reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await ask(clientOf(server)), COMPLETION);
    assert.equal(textOf(await collect(await askStream(clientOf(server)))), "a");
    assert.equal(server.requests.length, 6);
    for (const requests of [server.requests.slice(0, 3), server.requests.slice(3)]) {
      assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
      assert.equal(new Set(requests.map(({ rawHeaders }) => rawHeaders.filter((name) => !/^(keep-alive|close)$/i.test(name)).join())).size, 1);
    }
  });

  test("not once a stream has begun", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, streamResponse([chunk("a")])), { maxRetries: 2 });
    await failure(collect(await askStream(client)));
    assert.equal(calls, 1);
  });

  test("not after a 200 that is an error or cannot be read", async () => {
    for (const body of ['{"error":{"message":"x","type":"server_error"}}', "{broken", '"text"', " "]) {
      assert.equal((await tries(() => jsonResponse(body))).calls, 1);
    }
  });

  test("for models.list() and the catalogue as well", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      if (count % 2) reply(outgoing, "busy", 500, AT_ONCE);
      else reply(outgoing, { object: "list", data: [], success: true });
    });
    assert.deepEqual((await clientOf(server).models.list()).data, []);
    assert.deepEqual(await clientOf(server).models.catalogue(), []);
    assert.equal(server.requests.length, 4);
  });
});

suite("the pause between two tries", () => {
  const asked = async (headers, maxRetries = 1) => delays(() => tries(() => no(500, headers), { maxRetries }));

  test("is what the server asks for: milliseconds, seconds, a date", async () => {
    assert.deepEqual(await asked({ "retry-after-ms": "1234" }), [1234]);
    assert.deepEqual(await asked({ "retry-after": "3" }), [3000]);
    assert.deepEqual(await asked({ "retry-after": "0.5" }), [500]);
    assert.deepEqual(await asked({ "retry-after-ms": "0", "retry-after": "50" }), [0]);
    assert.deepEqual(await asked({ "retry-after": "60" }), [60_000]);
    const [ms] = await asked({ "retry-after": new Date(Date.now() + 20_000).toUTCString() });
    assert.ok(ms > 10_000 && ms <= 20_000, `${ms}`);
  });

  test("is the backoff where the server says nothing, or nothing sensible", async () => {
    const odd = ["", "-1", "NaN", "Infinity", "1e99", "61", "abc", "2999-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999999999999"];
    for (const headers of [{}, ...odd.map((text) => ({ "retry-after": text })), { "retry-after-ms": "60001" }, { "retry-after-ms": "-5" }]) {
      const pauses = await asked(headers, 6);
      assert.equal(pauses.length, 6, JSON.stringify(headers));
      for (const [at, ms] of pauses.entries()) {
        const whole = Math.min(500 * 2 ** at, 8000);
        assert.ok(ms >= whole * 0.75 && ms <= whole, `${JSON.stringify(headers)}: ${ms} ms is not between ${whole * 0.75} and ${whole}`);
      }
    }
  });
});

suite("a timeout", () => {
  test("ends a try that gets no answer, and says how long it waited", async (t) => {
    const server = await listen(t, () => {});
    for (const call of [ask, askStream]) {
      const error = await failure(call(clientOf(server, { timeout: 30, maxRetries: 0 })));
      assert.equal(error.constructor, APIConnectionTimeoutError);
      assert.equal(error.kind, "timeout");
      assert.match(error.message, /30 ms/);
      assert.equal(error.status, undefined);
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true);
    }
  });

  test("of the call wins over the client's", async (t) => {
    const server = await listen(t, () => {});
    const error = await failure(ask(clientOf(server, { timeout: 60_000, maxRetries: 0 }), REQUEST, { timeout: 20 }));
    assert.match(error.message, /20 ms/);
  });

  test("ends a whole answer whose body never ends", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, { "content-type": "application/json" }).write('{"id":"'));
    const error = await failure(ask(clientOf(server, { timeout: 50, maxRetries: 0 })));
    assert.equal(error.constructor, APIConnectionTimeoutError);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("ends an error whose body never ends", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(400, { "content-type": "application/json" }).write('{"error":'));
    const error = await failure(ask(clientOf(server, { timeout: 50, maxRetries: 0 })));
    assert.ok(error instanceof APIError);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("ends a page that never ends where a stream was asked for", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, { "content-type": "text/html" }).write("<html>"));
    const error = await settled(failure(askStream(clientOf(server, { timeout: 50, maxRetries: 0 }))));
    assert.ok(error instanceof APIError);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("does not end a stream that has begun", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      for (let i = 0; i < 6; i++) await sleep(25).then(() => outgoing.write(": still here\n\n"));
      outgoing.end(answer("b").map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join(""));
    });
    assert.equal(textOf(await collect(await askStream(clientOf(server, { timeout: 100 })))), "ab");
  });

  test("counts anew for every try", async () => {
    let calls = 0;
    const client = clientWith(async () => (await sleep(40), ++calls < 3 ? no(500) : jsonResponse()), { timeout: 90, maxRetries: 2 });
    assert.deepEqual(await ask(client), COMPLETION);
  });
});

suite("an abort", () => {
  test("before the call sends nothing, and asks for no key", async () => {
    let calls = 0;
    const reason = new Error("changed my mind");
    const client = clientWith(async () => (calls++, jsonResponse()), { apiKey: () => assert.fail("the key is asked for") });
    const signal = AbortSignal.abort(reason);
    for (const body of [REQUEST, STREAMED]) {
      const error = await failure(ask(client, body, { signal }));
      assert.equal(error.constructor, APIUserAbortError);
      assert.equal(error.kind, "abort");
      assert.equal(error.message, "Request was aborted.");
      assert.equal(error.cause, reason);
      assert.equal(error.status, undefined);
    }
    assert.equal(calls, 0);
  });

  test("at the same moment as the call sends nothing", async () => {
    let calls = 0;
    const controller = new AbortController();
    const call = failure(ask(clientWith(async () => (calls++, jsonResponse())), REQUEST, { signal: controller.signal }));
    controller.abort();
    assert.equal((await call).constructor, APIUserAbortError);
    assert.equal(calls, 0);
  });

  test("while waiting for the headers ends the request, and the server sees it", async (t) => {
    const server = await listen(t, () => {});
    for (const call of [ask, askStream]) {
      const controller = new AbortController();
      const count = server.requests.length;
      const pending = failure(call(clientOf(server), call === ask ? REQUEST : STREAMED, { signal: controller.signal }));
      await until(() => server.requests.length > count, "the request has arrived");
      controller.abort();
      assert.equal((await pending).constructor, APIUserAbortError);
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true);
    }
    assert.equal(server.requests.length, 2, "an abort is not tried again");
  });

  test("while reading a whole answer or an error ends it as well", async (t) => {
    for (const status of [200, 400, 503]) {
      const server = await listen(t, (_, outgoing) => void outgoing.writeHead(status, { "content-type": "application/json" }).write('{"'));
      const controller = new AbortController();
      const pending = failure(ask(clientOf(server), REQUEST, { signal: controller.signal }));
      await until(() => server.requests.length, "the request has arrived");
      await sleep(20);
      controller.abort();
      assert.equal((await settled(pending))?.constructor, APIUserAbortError, `status ${status}`);
      assert.equal(server.requests.length, 1);
    }
  });

  test("during the pause before a retry ends it at once", async () => {
    let calls = 0;
    const controller = new AbortController();
    const client = clientWith(async () => (calls++, no(500, { "retry-after-ms": "50000" })), { maxRetries: 2 });
    const pending = failure(ask(client, REQUEST, { signal: controller.signal }));
    await until(() => calls === 1, "the first try");
    await sleep(10);
    controller.abort("enough");
    const error = await settled(pending);
    assert.equal(error?.constructor, APIUserAbortError);
    assert.equal(error.cause, "enough");
    assert.equal(calls, 1);
  });

  test("by AbortSignal.timeout() or AbortSignal.any() is an abort, not a timeout", async () => {
    const controller = new AbortController();
    for (const signal of [AbortSignal.timeout(20), AbortSignal.any([controller.signal, AbortSignal.timeout(20)])]) {
      const fetch = (_, init) => new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
      const error = await failure(ask(clientWith(fetch), REQUEST, { signal }));
      assert.equal(error.constructor, APIUserAbortError);
      assert.equal(error.cause.name, "TimeoutError");
    }
  });

  test("leaves an error that came at the same time its own class", async () => {
    const controller = new AbortController();
    const client = clientWith(async () => {
      controller.abort();
      throw new TypeError("bad certificate");
    });
    const error = await failure(ask(client, REQUEST, { signal: controller.signal }));
    assert.ok(error instanceof APIError);
    assert.ok([APIConnectionError, APIUserAbortError].includes(error.constructor));
  });

  test("of one call leaves the others alone", async (t) => {
    const server = await listen(t, async (request, outgoing) => {
      await sleep(50);
      reply(outgoing, COMPLETION);
    });
    const client = clientOf(server);
    const controller = new AbortController();
    const calls = [ask(client), failure(ask(client, REQUEST, { signal: controller.signal })), ask(client)];
    await until(() => server.requests.length === 3, "all have arrived");
    controller.abort();
    const [first, second, third] = await Promise.all(calls);
    assert.deepEqual([first, third], [COMPLETION, COMPLETION]);
    assert.equal(second.constructor, APIUserAbortError);
  });

  test("does not make a call to a dead server hang", async () => {
    const controller = new AbortController();
    const pending = failure(ask(clientOf({ baseURL: `${await deadURL()}/v1` }, { maxRetries: 50 }), REQUEST, { signal: controller.signal }));
    await sleep(30);
    controller.abort();
    assert.equal((await settled(pending))?.constructor, APIUserAbortError);
  });
});

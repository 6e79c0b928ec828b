/** What the caller's signal does: rows A1 to A3. A4, what is left on it, is in cleanup.test.mjs. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIUserAbortError, ChatmuxError } from "../../dist/entry/default.js";
import { never, refusal } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, failure, forbidStrayRejections, JSON_TYPE, jsonResponse, listen, reply,
  replyStream, REQUEST, settled, sse, STREAMED, streamResponse, textOf, until,
} from "./support.mjs";

forbidStrayRejections();

/** Every call that takes a signal. */
const CALLS = {
  "a whole answer": (client, options) => ask(client, REQUEST, options),
  "a stream": (client, options) => askStream(client, STREAMED, options),
  "a list of models": (client, options) => client.models.list(options),
  "the catalogue": (client, options) => client.models.catalogue({}, options),
  "a model": (client, options) => client.models.retrieve("m", options),
  "a GET": (client, options) => client.get("/x", options),
  "a POST": (client, options) => client.post("/x", { body: {}, ...options }),
  "a raw response": (client, options) => ask(client, REQUEST, options).asResponse(),
  "a response with its data": (client, options) => ask(client, REQUEST, options).withResponse(),
};

suite("a signal that is aborted before the call", () => {
  for (const [what, call] of Object.entries(CALLS)) {
    test(`A1: sends nothing and asks for no key, for ${what}`, async () => {
      let calls = 0;
      const client = clientWith(async () => (calls++, jsonResponse()), { apiKey: () => assert.fail("the key is asked for"), maxRetries: 2 });
      for (const reason of [new Error("changed my mind"), "a text", null, 0, undefined]) {
        const signal = AbortSignal.abort(reason);
        const error = await failure(call(client, { signal }));
        assert.equal(error.constructor, APIUserAbortError);
        assert.equal(error.kind, "abort");
        assert.equal(error.message, "Request was aborted.");
        assert.equal(error.cause, signal.reason);
        assert.equal(error.status, undefined);
        assert.equal(error.headers, undefined);
      }
      assert.equal(calls, 0);
    });
  }

  test("A1: sends nothing when it is aborted at the same moment", async () => {
    let calls = 0;
    for (const call of [CALLS["a whole answer"], CALLS["a stream"], CALLS["a list of models"]]) {
      const controller = new AbortController();
      const pending = failure(call(clientWith(async () => (calls++, jsonResponse())), { signal: controller.signal }));
      controller.abort();
      assert.equal((await pending).constructor, APIUserAbortError);
    }
    assert.equal(calls, 0);
  });

  test("A1: goes to no other base URL either", async () => {
    let calls = 0;
    const client = clientWith(async () => { calls++; throw new TypeError("Failed to fetch"); }, { fallbackBaseURLs: ["http://other.test/v1"] });
    assert.equal((await failure(ask(client, REQUEST, { signal: AbortSignal.abort() }))).constructor, APIUserAbortError);
    assert.equal(calls, 0);
  });

  test("A1: null and undefined are no signal", async () => {
    for (const signal of [null, undefined]) assert.deepEqual(await ask(clientWith(async () => jsonResponse()), REQUEST, { signal }), COMPLETION);
  });
});

suite("an abort during the call", () => {
  test("A2: while the key is being fetched ends it, and nothing is sent", async () => {
    let calls = 0;
    const controller = new AbortController();
    const keys = [never, async () => (await sleep(30), "sk-late-123456789"), async () => { await sleep(30); throw new Error("vault is sealed"); }];
    for (const apiKey of keys) {
      const controller = new AbortController();
      const pending = failure(ask(clientWith(async () => (calls++, jsonResponse()), { apiKey }), REQUEST, { signal: controller.signal }));
      await sleep(5);
      controller.abort("enough");
      const error = await settled(pending);
      assert.equal(error?.constructor, APIUserAbortError);
      assert.equal(error.cause, "enough");
    }
    // The function aborts by itself, and gives a key all the same.
    const own = clientWith(async () => (calls++, jsonResponse()), { apiKey: () => (controller.abort(), "sk-123456789") });
    assert.equal((await failure(ask(own, REQUEST, { signal: controller.signal }))).constructor, APIUserAbortError);
    await sleep(50);
    assert.equal(calls, 0);
  });

  test("A2: while waiting for the headers ends the request, and the server sees it", async (t) => {
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

  test("A2: while reading a whole answer or an error ends it as well, and the server sees it", async (t) => {
    for (const status of [200, 400, 500, 503]) {
      const server = await listen(t, (_, outgoing) => void outgoing.writeHead(status, JSON_TYPE).write('{"'));
      const controller = new AbortController();
      const pending = failure(ask(clientOf(server, { maxRetries: 0 }), REQUEST, { signal: controller.signal }));
      await until(() => server.requests.length, "the request has arrived");
      await sleep(20);
      controller.abort();
      assert.equal((await settled(pending))?.constructor, APIUserAbortError, `status ${status}`);
      await settled(server.requests[0].closed);
      assert.equal(server.requests[0].socket.destroyed, true);
      assert.equal(server.requests.length, 1);
    }
  });

  test("A2: during the pause before a retry ends it at once, and leaves no timer", async () => {
    let calls = 0;
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const controller = new AbortController();
    const client = clientWith(async () => (calls++, refusal(500, { "retry-after-ms": "50000" })), { maxRetries: 2 });
    const pending = failure(ask(client, REQUEST, { signal: controller.signal }));
    await until(() => calls === 1, "the first try");
    await sleep(10);
    controller.abort("enough");
    const error = await settled(pending);
    assert.equal(error?.constructor, APIUserAbortError);
    assert.equal(error.cause, "enough");
    await sleep(20);
    assert.equal(calls, 1);
    assert.ok(timers() <= before, `${timers()} timers, ${before} before`);
  });

  test("A2: by AbortSignal.timeout() or AbortSignal.any() is an abort, not a timeout", async () => {
    const controller = new AbortController();
    for (const signal of [AbortSignal.timeout(20), AbortSignal.any([controller.signal, AbortSignal.timeout(20)])]) {
      const fetch = (_, init) => new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
      const error = await failure(ask(clientWith(fetch, { maxRetries: 2 }), REQUEST, { signal }));
      assert.equal(error.constructor, APIUserAbortError);
      assert.equal(error.cause.name, "TimeoutError");
    }
  });

  test("A2: is an abort whatever fetch throws because of it", async () => {
    const reasons = [undefined, new Error("mine"), "a text", new TypeError("fetch failed"), null, { name: "odd" }];
    for (const reason of reasons) {
      const controller = new AbortController();
      // What the runtime's fetch does: it rejects with the signal's own reason.
      const fetch = (_, init) => new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
      const pending = failure(ask(clientWith(fetch, { maxRetries: 2 }), REQUEST, { signal: controller.signal }));
      await sleep(5);
      controller.abort(reason);
      const error = await settled(pending);
      assert.equal(error?.constructor, APIUserAbortError, String(reason));
      assert.equal(error.cause, controller.signal.reason);
    }
  });

  test("A2: reaches the runtime's fetch with whatever reason it has", async (t) => {
    const server = await listen(t, () => {});
    for (const reason of [new Error("mine"), "a text", null]) {
      const controller = new AbortController();
      const count = server.requests.length;
      const pending = failure(ask(clientOf(server), REQUEST, { signal: controller.signal }));
      await until(() => server.requests.length > count, "the request has arrived");
      controller.abort(reason);
      const error = await settled(pending);
      assert.equal(error?.constructor, APIUserAbortError, String(reason));
      assert.equal(error.cause, reason);
    }
    assert.equal(server.requests.length, 3);
  });

  test("A2: and an error of fetch at the same time is one of the two", async () => {
    const controller = new AbortController();
    const client = clientWith(async () => {
      controller.abort();
      throw new TypeError("bad certificate");
    });
    const error = await failure(ask(client, REQUEST, { signal: controller.signal }));
    assert.ok([APIConnectionError, APIUserAbortError].includes(error.constructor), String(error));
  });

  test("A2: and an error of the body at the same time is one of the two, whole", async () => {
    const cause = new RangeError("the decompressor gave up");
    for (const status of [200, 400]) {
      const controller = new AbortController();
      const body = new ReadableStream({ pull: (stream) => (stream.error(cause), controller.abort()) }, { highWaterMark: 0 });
      const error = await settled(failure(ask(clientWith(async () => new Response(body, { status, headers: JSON_TYPE })), REQUEST, { signal: controller.signal })));
      // Which of the two was first is not for the test to say; that it is one of them, and whole, is.
      if (error?.constructor === APIConnectionError) assert.equal(error.cause, cause);
      else assert.ok(error?.constructor === APIUserAbortError || error?.status === status, String(error));
    }
  });

  test("A2: is an abort where the body reports the reason of it, whatever that is", async () => {
    const ways = {
      "as it hears of it": (controller, why) => ({
        start: (body) => (controller.signal.addEventListener("abort", () => body.error(why)), void setTimeout(() => controller.abort(why), 10)),
      }),
      "at once": (controller, why) => ({ pull: (body) => (controller.abort(why), body.error(why)) }),
      "before it": (controller, why) => ({ pull: (body) => (body.error(why), controller.abort(why)) }),
    };
    for (const [way, source] of Object.entries(ways)) {
      for (const status of [200, 400]) {
        for (const why of [new Error("mine"), "a text", { odd: 1 }]) {
          const controller = new AbortController();
          const fetch = async () => new Response(new ReadableStream(source(controller, why), { highWaterMark: 0 }), { status, headers: JSON_TYPE });
          const error = await settled(failure(ask(clientWith(fetch), REQUEST, { signal: controller.signal })));
          assert.equal(error?.constructor, APIUserAbortError, `${way}, ${status}: ${error}`);
          assert.equal(error.cause, why);
        }
      }
    }
  });

  test("A2: after the answer is there changes nothing", async () => {
    const controller = new AbortController();
    const completion = await ask(clientWith(async () => jsonResponse()), REQUEST, { signal: controller.signal });
    controller.abort();
    assert.deepEqual(completion, COMPLETION);
    const late = new AbortController();
    const error = await failure(ask(clientWith(async () => refusal(400)), REQUEST, { signal: late.signal }));
    late.abort();
    assert.equal(error.name, "BadRequestError");
  });

  test("A2: of one call leaves the others alone", async (t) => {
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

  test("A2: of one signal ends all calls that have it", async () => {
    const controller = new AbortController();
    const client = clientWith(never);
    const calls = Array.from({ length: 50 }, (_, n) => failure(ask(client, n % 2 ? REQUEST : STREAMED, { signal: controller.signal })));
    await sleep(10);
    controller.abort();
    for (const error of await Promise.all(calls)) assert.equal(error.constructor, APIUserAbortError);
  });

  test("A2: does not make a call to a dead server hang", async () => {
    const controller = new AbortController();
    const pending = failure(ask(clientOf({ baseURL: `${await deadURL()}/v1` }, { maxRetries: 50 }), REQUEST, { signal: controller.signal }));
    await sleep(30);
    controller.abort();
    assert.equal((await settled(pending))?.constructor, APIUserAbortError);
  });

  test("A2: and a timeout at the same moment is one of the two, and one error", async () => {
    const controller = new AbortController();
    const pending = failure(ask(clientWith(never, { timeout: 20 }), REQUEST, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    const error = await settled(pending);
    assert.ok([APIUserAbortError, APIConnectionTimeoutError].includes(error?.constructor), String(error));
  });
});

suite("the raw response", () => {
  test("A2: is cut by the signal while its body is read", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, JSON_TYPE).write('{"'));
    const controller = new AbortController();
    const response = await ask(clientOf(server), REQUEST, { signal: controller.signal }).asResponse();
    const text = failure(response.text());
    controller.abort();
    assert.ok(await settled(text), "the read ends");
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });
});

suite("an abort during a stream", () => {
  test("A3: ends the loop without an error, and the request", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")], { end: false }));
    const ways = {
      "the signal inside the loop": (controller) => controller.abort(),
      "the signal during a read": (controller) => void setTimeout(() => controller.abort(new Error("mine")), 20),
      "the stream's controller inside the loop": (_, stream) => stream.controller.abort(),
      "the stream's controller during a read": (_, stream) => void setTimeout(() => stream.controller.abort("mine"), 20),
    };
    for (const [way, abort] of Object.entries(ways)) {
      const controller = new AbortController();
      const stream = await askStream(clientOf(server), STREAMED, { signal: controller.signal });
      const seen = [];
      const loop = (async () => { for await (const item of stream) { seen.push(item); if (seen.length === 1) abort(controller, stream); } return "ended"; })();
      assert.equal(await settled(loop), "ended", way);
      assert.ok(seen.length >= 1 && seen.length <= 2, way);
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true, way);
    }
    assert.equal(server.requests.length, 4);
  });

  test("A3: by leaving the loop ends the request", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")], { end: false }));
    for (const leave of ["break", "return", "throw"]) {
      const stream = await askStream(clientOf(server));
      const mine = new Error("mine");
      const loop = async () => {
        for await (const _ of stream) {
          if (leave === "break") break;
          if (leave === "return") return;
          throw mine;
        }
      };
      assert.equal(await loop().catch((error) => error), leave === "throw" ? mine : undefined);
      await settled(server.requests.at(-1).closed);
      assert.equal(server.requests.at(-1).socket.destroyed, true, leave);
      assert.equal(stream.controller.signal.aborted, true, leave);
    }
  });

  test("A3: does not hide an error that came before it", async () => {
    const controller = new AbortController();
    const stream = await askStream(clientWith(async () => streamResponse([chunk("a"), { error: { message: "boom" } }])), STREAMED, { signal: controller.signal });
    const error = await failure(collect(stream));
    controller.abort();
    assert.match(error.message, /boom/);
  });

  test("A3: does not turn an error of the body into a silent end", async () => {
    const controller = new AbortController();
    const cause = new RangeError("the decompressor gave up");
    let pulls = 0;
    const body = new ReadableStream({
      pull(stream) {
        if (!pulls++) stream.enqueue(new TextEncoder().encode(sse(chunk("a"))));
        else stream.error(cause);
      },
    }, { highWaterMark: 0 });
    const error = await failure(collect(await askStream(clientWith(async () => streamResponse(body)), STREAMED, { signal: controller.signal })));
    assert.ok(error instanceof ChatmuxError, String(error));
  });

  test("A3: after its end changes nothing", async () => {
    const controller = new AbortController();
    const stream = await askStream(clientWith(async () => streamResponse(answer("a"))), STREAMED, { signal: controller.signal });
    assert.equal(textOf(await collect(stream)), "a");
    controller.abort();
    stream.controller.abort();
  });
});

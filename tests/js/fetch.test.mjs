import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError, BadRequestError, ChatmuxError } from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, failure, failureOfStream, forbidStrayRejections, jsonResponse, KEY, listen, REQUEST,
  settled, sse, STREAMED, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

/** A response of nobody's class: what the fetch of a test, of node-fetch or of a proxy may give. */
const foreign = (body, { status = 200, headers = { "content-type": "application/json" }, ...more } = {}) => ({
  ok: status < 400,
  status,
  headers: { get: (name) => headers[name.toLowerCase()] ?? null },
  json: async () => JSON.parse(body),
  text: async () => body,
  ...more,
});

/** The body of node-fetch: a stream of Node's, which has no getReader(). */
const nodeBody = (...parts) => ({
  on() {},
  pipe() {},
  destroy() {},
  async *[Symbol.asyncIterator]() {
    yield* parts.map((part) => Buffer.from(part));
  },
});

suite("a caller's fetch is called", () => {
  test("as fetch(url, init), unbound, with what wrappers written for openai expect", async () => {
    const calls = [];
    async function fetch(...args) {
      calls.push([this, ...args]);
      return jsonResponse();
    }
    await ask(clientWith(fetch), { ...REQUEST, content: "é👋" });
    assert.equal(calls.length, 1);
    const [self, url, init, ...more] = calls[0];
    assert.equal(self, undefined);
    assert.equal(url, "http://provider.test/v1/chat/completions");
    assert.equal(typeof url, "string");
    assert.deepEqual(more, []);
    assert.equal(Object.getPrototypeOf(init), Object.prototype);
    assert.deepEqual(Object.keys(init).sort(), ["body", "headers", "method", "redirect", "signal"]);
    assert.equal(init.method, "POST");
    assert.ok(init.headers instanceof Headers);
    assert.deepEqual(Object.fromEntries(init.headers), { accept: "application/json", authorization: `Bearer ${KEY}`, "content-type": "application/json" });
    assert.equal(init.body, JSON.stringify({ ...REQUEST, content: "é👋" }));
    assert.ok(init.signal instanceof AbortSignal);
    assert.equal(init.signal.aborted, false);
    assert.equal(init.redirect, "manual");
  });

  test("with no body for a GET, and makes a Request of what it is given", async () => {
    const seen = [];
    const fetch = async (url, init) => {
      const request = new Request(url, init);
      seen.push([request.method, request.url, await request.text(), "body" in init]);
      return jsonResponse(init.body ? COMPLETION : { object: "list", data: [] });
    };
    await ask(clientWith(fetch));
    await clientWith(fetch).models.list();
    assert.deepEqual(seen, [
      ["POST", "http://provider.test/v1/chat/completions", JSON.stringify(REQUEST), true],
      ["GET", "http://provider.test/v1/models", "", false],
    ]);
  });

  test("anew for every try, with its own init, which it may change", async () => {
    const inits = [];
    const fetch = async (_, init) => {
      inits.push(init);
      init.headers.set("x-try", String(inits.length));
      init.headers.delete("authorization");
      init.body = "changed";
      return inits.length === 3 ? jsonResponse() : new Response("busy", { status: 500, headers: { "retry-after-ms": "0" } });
    };
    const seen = [];
    const watched = async (url, init) => {
      seen.push([init.headers.get("authorization"), init.headers.get("x-try"), init.body]);
      return fetch(url, init);
    };
    await ask(clientWith(watched, { maxRetries: 2 }));
    const fresh = [`Bearer ${KEY}`, null, JSON.stringify(REQUEST)];
    assert.deepEqual(seen, [fresh, fresh, fresh]);
    assert.equal(new Set(inits.map(({ signal }) => signal)).size, 3);
  });

  test("through chatmux/core as well; null and undefined mean the runtime's own, looked up when it is needed", async (t) => {
    assert.deepEqual(await core.createChatCompletion(REQUEST, { apiKey: KEY, fetch: async () => jsonResponse() }), COMPLETION);
    const clients = [clientWith(undefined), clientWith(null)];
    const patched = t.mock.method(globalThis, "fetch", async () => jsonResponse());
    for (const client of clients) assert.deepEqual(await ask(client), COMPLETION);
    assert.equal(patched.mock.callCount(), 2);
  });

  test("may be wrapped around the runtime's own with options of Node's", async () => {
    let seen;
    const client = clientWith((url, init) => ((seen = { ...init, dispatcher: 1 }), Promise.resolve(jsonResponse())));
    await ask(client);
    assert.equal(seen.dispatcher, 1);
    assert.equal(seen.body, JSON.stringify(REQUEST));
  });

  test("only if it is a function", async () => {
    for (const fetch of ["fetch", 5, {}, true]) {
      const error = await failure(ask(clientWith(fetch)));
      assert.equal(error.constructor, ChatmuxError);
      assert.match(error.message, /`fetch` is not a function/);
    }
  });
});

suite("a foreign response", () => {
  test("may be a plain object, and need not be a promise", async () => {
    const body = JSON.stringify(COMPLETION);
    for (const fetch of [async () => foreign(body), () => foreign(body), async () => ({ status: 200, json: () => COMPLETION })]) {
      assert.deepEqual(await ask(clientWith(fetch)), COMPLETION);
    }
    const thenable = { then: (resolve) => resolve(foreign(body)) };
    assert.deepEqual(await ask(clientWith(() => thenable)), COMPLETION);
  });

  test("may be of a class with getters, of another copy of fetch", async () => {
    class ForeignResponse {
      #response = jsonResponse();
      get status() { return this.#response.status; }
      get headers() { return this.#response.headers; }
      get body() { return this.#response.body; }
      json() { return this.#response.json(); }
      text() { return this.#response.text(); }
    }
    assert.deepEqual(await ask(clientWith(async () => new ForeignResponse())), COMPLETION);
  });

  test("may have a body of Node's instead of the web's, for a whole answer and an error", async () => {
    const whole = foreign(JSON.stringify(COMPLETION), { body: nodeBody("x") });
    assert.deepEqual(await ask(clientWith(async () => whole)), COMPLETION);
    const bad = foreign('{"error":{"message":"no"}}', { status: 401, body: nodeBody("x"), headers: { "x-request-id": "req_5" } });
    const error = await failure(ask(clientWith(async () => bad)));
    assert.equal(error.name, "AuthenticationError");
    assert.equal(error.message, "401 no");
    assert.equal(error.requestID, "req_5");
  });

  test("may stream from a web stream", async () => {
    const body = () => streamResponse(answer("a", "b")).body;
    const responses = [
      foreign("", { headers: { "content-type": "text/event-stream" }, body: body() }),
      { status: 200, body: body() },
      foreign("", { headers: {}, body: body() }),
    ];
    for (const response of responses) assert.equal(textOf(await collect(await askStream(clientWith(async () => response)))), "ab");
  });

  test("may stream what is said to be bytes of no known kind", async (t) => {
    const headers = { "content-type": "application/octet-stream" };
    const answers = [streamResponse(answer("a", "b"), { headers }), foreign("", { headers, body: streamResponse(answer("a", "b")).body })];
    for (const response of answers) assert.equal(textOf(await collect(await askStream(clientWith(async () => response)))), "ab");
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, headers).end(sse(...answer("a", "b"))));
    assert.equal(await (await askStream(clientOf(server))).text(), "ab");
  });

  test("may stream what Node calls a Buffer", async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of sse(...answer("é👋", "b")).match(/[^]{1,9}/gu)) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    assert.equal(textOf(await collect(await askStream(clientWith(async () => ({ status: 200, body }))))), "é👋b");
  });

  const parts = { "ArrayBuffers": (text) => new TextEncoder().encode(text).buffer, "texts": (text) => text };
  for (const [what, make] of Object.entries(parts)) {
    test(`that streams ${what} is read, or refused with a clear error`, async () => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(make(sse(...answer("ab"))));
          controller.close();
        },
      });
      const outcome = await settled(askStream(clientWith(async () => ({ status: 200, body }))).then(collect).then(textOf, (error) => error));
      // openai reads both. To lose the bytes and blame the server is neither.
      if (outcome !== "ab") {
        assert.ok(outcome instanceof ChatmuxError, String(outcome));
        assert.ok(!["stream_truncated", "malformed_response"].includes(outcome.kind), outcome.message);
      }
    });
  }

  test("that streams from a body of Node's is read, or refused with a clear error and without reading it whole", async () => {
    let texts = 0;
    const response = () => foreign(sse(...answer("ab")), {
      headers: { "content-type": "text/event-stream" },
      body: nodeBody(sse(...answer("ab"))),
      text: async () => (texts++, sse(...answer("ab"))),
    });
    const outcome = await askStream(clientWith(async () => response())).then(collect).then(textOf, (error) => error);
    if (outcome !== "ab") {
      assert.ok(outcome instanceof ChatmuxError);
      assert.ok(!/`text\/event-stream`, not an event stream/.test(outcome.message), outcome.message);
      assert.equal(texts, 0);
    }
  });

  test("may say less than it should", async () => {
    const completion = { status: 200, json: async () => COMPLETION };
    assert.deepEqual(await ask(clientWith(async () => completion)), COMPLETION);
    const error = await failure(ask(clientWith(async () => ({ status: 429, text: async () => '{"error":{"message":"no"}}' }))));
    assert.equal(error.name, "RateLimitError");
    assert.equal(error.headers, undefined);
    assert.equal(error.requestID, undefined);
    for (const nothing of [{ status: 200 }, {}, { status: 500 }, { ok: true, status: 200, headers: null, body: null }, [], () => {}]) {
      for (const call of [ask, async (client) => collect(await askStream(client))]) {
        const thrown = await settled(failure(call(clientWith(async () => nothing))));
        assert.ok(thrown instanceof ChatmuxError, String(thrown));
      }
    }
  });

  test("whose json() fails in its own words is malformed, and its text is not quoted", async () => {
    // node-fetch: `invalid json response body at … reason: Unexpected token 's', "secret" is not valid JSON`.
    const failing = foreign("secret", {
      json: async () => {
        const message = 'invalid json response body at http://x reason: Unexpected token s in JSON, "secret"';
        throw Object.assign(new Error(message), { name: "FetchError", type: "invalid-json" });
      },
    });
    const error = await failure(ask(clientWith(async () => failing)));
    assert.equal(error.kind, "malformed_response");
    assert.ok(!error.message.includes("secret"), error.message);
  });
});

suite("a caller's fetch that fails", () => {
  test("by throwing at once is a connection error", async () => {
    const cause = new TypeError("no network today");
    const error = await failure(ask(clientWith(() => { throw cause; })));
    assert.equal(error.constructor, APIConnectionError);
    assert.equal(error.cause, cause);
    assert.match(error.message, /`http:\/\/provider\.test`.*no network today/);
  });

  test("by rejecting with no Error is one as well", async () => {
    for (const cause of ["a text", 5, null, { code: "EPIPE" }, Symbol("odd"), undefined]) {
      const error = await failure(ask(clientWith(() => Promise.reject(cause))));
      assert.equal(error.constructor, APIConnectionError, String(cause));
      assert.equal(error.cause, cause);
      assert.match(error.message, /could not reach `http:\/\/provider\.test`/);
      assert.ok(!error.message.includes("()"), error.message);
    }
  });

  test("by giving no response is an error that says so", async () => {
    for (const nothing of [undefined, null, 5, "text", true]) {
      const error = await failure(ask(clientWith(async () => nothing)));
      assert.ok(error instanceof ChatmuxError);
      assert.match(error.message, /`fetch` did not return a response/);
    }
  });

  test("with an AbortError of its own has timed out, as in openai, and is not the caller's abort", async () => {
    for (const name of ["AbortError", "TimeoutError"]) {
      const error = await failure(ask(clientWith(async () => { throw new DOMException("odd", name); })));
      assert.equal(error.constructor, APIConnectionTimeoutError);
    }
  });

  test("in the middle of a stream, whatever it says, is an error of the stream", async () => {
    for (const cause of [new TypeError("terminated"), "a text", undefined, null]) {
      let pulls = 0;
      const body = new ReadableStream({
        pull: (controller) => (pulls++ ? controller.error(cause) : controller.enqueue(new TextEncoder().encode(sse(chunk("a"))))),
      }, { highWaterMark: 0 });
      const { error, chunks } = await failureOfStream(askStream(clientWith(async () => streamResponse(body))));
      assert.equal(error.name, "StreamTruncatedError");
      assert.equal(textOf(chunks), "a");
    }
  });
});

suite("a caller's fetch that knows nothing of its signal", () => {
  const never = () => new Promise(() => {});
  const hanging = [
    never,
    async () => foreign("", { text: never }),
    async () => foreign("", { text: undefined, json: never }),
    async () => foreign("", { status: 400, text: never }),
    async () => new Response(new ReadableStream({ pull: never })),
  ];

  test("is given up after the timeout, before the headers and in the body", async () => {
    for (const fetch of hanging) {
      const error = await settled(failure(ask(clientWith(fetch, { timeout: 20 }))));
      // A status that says no stays one, however long its body takes.
      assert.ok(error?.constructor === APIConnectionTimeoutError || error?.constructor === BadRequestError, String(error));
    }
  });

  test("is given up on abort, before the headers and in the body", async () => {
    for (const fetch of hanging) {
      const controller = new AbortController();
      const pending = failure(ask(clientWith(fetch), REQUEST, { signal: controller.signal }));
      await sleep(10);
      controller.abort();
      assert.equal((await settled(pending))?.constructor, APIUserAbortError);
    }
  });

  test("may answer or fail when nobody waits any more", async () => {
    for (const late of [() => jsonResponse(), () => Promise.reject(new Error("late")), () => jsonResponse({ error: {} }, { status: 500 })]) {
      const error = await failure(ask(clientWith(async () => (await sleep(30), late()), { timeout: 10 })));
      assert.ok(error instanceof APIError);
    }
    // What is rejected now must not be reported as unhandled.
    await sleep(50);
  });

  test("is told by its signal that nobody waits", async () => {
    let signal;
    await failure(ask(clientWith((_, init) => ((signal = init.signal), never()), { timeout: 10 })));
    assert.equal(signal.aborted, true);
    assert.equal((await failure(ask(clientWith(never, { timeout: 10 }), STREAMED))).name, "APIConnectionTimeoutError");
  });
});

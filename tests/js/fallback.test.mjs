/** `fallbackBaseURLs`: where a call goes when the first base URL cannot be reached. Refused connections are real ones. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { APIConnectionError, APIUserAbortError, Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import { AT_ONCE, delays, failedFetch, never, refusal, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, clientOf, collect, COMPLETION, deadURL, failure, forbidStrayRejections, jsonResponse, KEY, listen, program, reply, replyStream,
  REQUEST, settled, textOf,
} from "./support.mjs";

forbidStrayRejections();

const LIST = { object: "list", data: [] };
const MINUTES = 60_000;

/** What fetch takes for the method. */
const methodOf = (init) => init?.method ?? "GET";

/** A server that answers every kind of call. */
const serve = (t, status = 200) =>
  listen(t, (request, outgoing) => {
    if (status !== 200) reply(outgoing, { error: { message: "no" } }, status, AT_ONCE);
    else if (request.method === "GET") reply(outgoing, LIST);
    else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a"));
    else reply(outgoing, COMPLETION);
  });

/** A base URL of this machine where nobody listens. */
const dead = async () => `${await deadURL()}/v1`;

/** A `fetch` of Node's that notes what it is asked for. */
function watched() {
  const asked = [];
  const watching = (url, init) => (asked.push({ method: init.method, url, key: init.headers.get("authorization") }), fetch(url, init));
  return { asked, fetch: watching };
}

/**
 * A network of hosts: each is a function that answers, or throws; without a word of why, where `mute` is set. It notes what
 * it is asked for.
 */
function network(hosts, { mute = false } = {}) {
  const asked = [];
  const fetch = async (url, init) => {
    const { hostname, pathname } = new URL(url);
    const method = methodOf(init);
    asked.push(`${method} ${hostname}${pathname}`);
    const host = hosts[hostname];
    if (host) return host(method);
    throw mute ? new TypeError("Failed to fetch") : failedFetch("ECONNREFUSED");
  };
  return { asked, fetch };
}

const ok = (method) => jsonResponse(method === "GET" ? LIST : COMPLETION);
const A = "http://a.test/v1";
const B = "http://b.test/v1";
const C = "http://c.test/v1";
const POST = (host) => `POST ${host}.test/v1/chat/completions`;
const PROBE = (host) => `GET ${host}.test/v1/models`;

/** A client of these hosts, which are called a, b and c. */
const clientOfNetwork = ({ fetch }, options) => new Chatmux({ apiKey: KEY, baseURL: A, fallbackBaseURLs: [B], maxRetries: 0, fetch, ...options });

/** Moves the clock that chatmux reads. */
function clock(t) {
  let shift = 0;
  const { now } = Date;
  t.mock.method(Date, "now", () => now() + shift);
  return (minutes) => void (shift += minutes * MINUTES);
}

/** A client that has left its first base URL, which nobody answers at, for the second. */
async function moved() {
  const hosts = { "b.test": ok };
  const net = network(hosts);
  const client = clientOfNetwork(net);
  await ask(client);
  return { hosts, net, client };
}

suite("a base URL that refuses the connection", () => {
  test("is left for the next one, at once and within the same try", async (t) => {
    const server = await serve(t);
    for (const call of [ask, async (client) => textOf(await collect(await askStream(client))), async (client) => (await client.models.list()).data,
      (client) => client.get("/models"), (client) => client.models.retrieve("m")]) {
      const before = server.requests.length;
      const client = clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [server.baseURL], maxRetries: 0 });
      let answered;
      const pauses = await delays(async () => void (answered = await call(client)));
      // No pause of the backoff is shorter.
      assert.deepEqual(pauses.filter((ms) => ms >= 375), []);
      assert.ok(answered !== undefined);
      assert.equal(server.requests.length, before + 1);
      assert.equal(server.requests.at(-1).headers.authorization, `Bearer ${KEY}`);
    }
  });

  test("is left for the one after the next, too", async (t) => {
    const server = await serve(t);
    const client = clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [await dead(), await dead(), `${server.baseURL}/`], maxRetries: 0 });
    assert.deepEqual(await ask(client), COMPLETION);
    assert.deepEqual(server.requests.map(({ url }) => url), ["/v1/chat/completions"]);
  });

  test("is not asked again: the one that works is kept by the client", async (t) => {
    const server = await serve(t);
    const { asked, fetch } = watched();
    const first = await dead();
    const client = clientOf({ baseURL: first }, { fallbackBaseURLs: [server.baseURL], maxRetries: 0, fetch });
    for (let round = 0; round < 3; round++) await ask(client);
    await client.models.list();
    assert.equal(server.requests.length, 4);
    assert.equal(asked.filter(({ url, method }) => url.startsWith(first) && method === "POST").length, 1);
    assert.equal(client.baseURL, first, "what the caller chose can still be read");
  });

  test("is no retry: the number of tries and the error's count are what they were", async (t) => {
    const server = await serve(t, 500);
    const client = clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [server.baseURL], maxRetries: 2 });
    const error = await failure(ask(client));
    assert.equal(error.status, 500);
    assert.equal(error.retryCount, 2);
    assert.equal(server.requests.length, 3, "no more upstream calls than tries");
    assert.equal((await failure(ask(clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [server.baseURL], maxRetries: 0 })))).retryCount, 0);
    assert.equal(server.requests.length, 4);
  });

  test("is an error when none can be reached, which a later call may overcome", async () => {
    const hosts = {};
    const net = network(hosts);
    const client = clientOfNetwork(net, { fallbackBaseURLs: [B, C], maxRetries: 1 });
    const error = await withoutPauses(() => failure(ask(client)));
    assert.equal(error.constructor, APIConnectionError);
    assert.equal(error.retryCount, 1);
    assert.ok(net.asked.length <= 12, net.asked.join());
    for (const host of ["a", "b", "c"]) assert.ok(net.asked.includes(POST(host)), host);
    hosts["a.test"] = ok;
    assert.deepEqual(await withoutPauses(() => ask(client)), COMPLETION);
  });

  test("is an error when it is the only one", async () => {
    for (const fallbackBaseURLs of [[], null, undefined]) {
      const net = network({ "b.test": ok });
      assert.equal((await failure(ask(clientOfNetwork(net, { fallbackBaseURLs })))).constructor, APIConnectionError);
      assert.deepEqual(net.asked.filter((line) => line.startsWith("POST")), [POST("a")]);
    }
  });

  test("stays left by a client made of this one, and where an option is set", async () => {
    const net = network({ "b.test": ok });
    const client = clientOfNetwork(net);
    await ask(client);
    net.asked.length = 0;
    const other = client.withOptions({ maxRetries: 1 });
    await ask(other);
    client.timeout = 1000;
    await ask(client);
    await ask(other.withOptions({}));
    assert.deepEqual(net.asked, [POST("b"), POST("b"), POST("b")]);
    // Other addresses are not known yet.
    net.asked.length = 0;
    await ask(client.withOptions({ fallbackBaseURLs: [B, C] }));
    assert.deepEqual(net.asked, [POST("a"), POST("b")]);
  });

  test("is left for many calls at once, and each is sent once", async () => {
    const net = network({ "b.test": ok });
    const client = clientOfNetwork(net);
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(client)));
    assert.deepEqual(all, Array(20).fill(COMPLETION));
    assert.equal(net.asked.filter((line) => line === POST("b")).length, 20);
  });

  test("takes with it the body, the headers and the query", async (t) => {
    const server = await serve(t);
    const client = clientOf({ baseURL: await dead() }, {
      fallbackBaseURLs: [server.baseURL], maxRetries: 0, defaultQuery: { a: 1 }, defaultHeaders: { "x-a": "1" }, idempotencyHeader: "Idempotency-Key",
    });
    await ask(client, { ...REQUEST, n: 1 }, { idempotencyKey: "mine" });
    const [{ url, headers, body }] = server.requests;
    assert.equal(url, "/v1/chat/completions?a=1");
    assert.equal(headers["x-a"], "1");
    assert.equal(headers["idempotency-key"], "mine");
    assert.equal(body, JSON.stringify({ ...REQUEST, n: 1 }));
  });

  test("leaves a body that is a stream where it is: it is sent whole, or not at all", async (t) => {
    const server = await serve(t);
    const body = (async function* () { yield Buffer.from("first "); yield Buffer.from("second"); })();
    const client = clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [server.baseURL], maxRetries: 0 });
    const outcome = await settled(client.post("/upload", { body }).then(() => "sent", (error) => error));
    assert.ok(outcome === "sent" || outcome instanceof APIConnectionError, String(outcome));
    for (const request of server.requests) assert.equal(request.body, "first second");
  });

  test("was left before: a body that is a stream goes to the one that works, once", async (t) => {
    const server = await serve(t);
    const { asked, fetch } = watched();
    const client = clientOf({ baseURL: await dead() }, { fallbackBaseURLs: [server.baseURL], maxRetries: 2, fetch });
    await ask(client);
    asked.length = 0;
    const body = () => (async function* () { yield Buffer.from('{"first":1,'); yield Buffer.from('"second":2}'); })();
    assert.deepEqual(await client.post("/upload", { body: body() }), COMPLETION);
    assert.deepEqual(asked.map(({ url }) => url), [`${server.baseURL}/upload`]);
    assert.equal(server.requests.at(-1).body, '{"first":1,"second":2}');
    // Nor is it sent twice where that one is gone.
    const net = network({ "b.test": ok });
    const other = clientOfNetwork(net, { maxRetries: 2 });
    await ask(other);
    const gone = network({});
    other.fetch = gone.fetch;
    assert.equal((await failure(other.post("/upload", { body: body() }))).constructor, APIConnectionError);
    assert.deepEqual(gone.asked.filter((line) => line.startsWith("POST")), ["POST b.test/v1/upload"]);
  });

  test("is left where the connection is not made in time, as the runtime says", async () => {
    const late = { UND_ERR_CONNECT_TIMEOUT: {}, ETIMEDOUT: { syscall: "connect" } };
    for (const [code, more] of Object.entries(late)) {
      const cause = () => { const error = failedFetch(code); Object.assign(error.cause, more); throw error; };
      const net = network({ "a.test": cause, "b.test": ok });
      assert.deepEqual(await ask(clientOfNetwork(net)), COMPLETION, code);
      assert.deepEqual(net.asked, [POST("a"), POST("b")], code);
    }
  });

  for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]) {
    test(`is known by the code ${code}, without a probe`, async () => {
      const net = network({ "a.test": () => { throw failedFetch(code); }, "b.test": ok });
      assert.deepEqual(await ask(clientOfNetwork(net)), COMPLETION);
      assert.deepEqual(net.asked, [POST("a"), POST("b")]);
    });
  }

  test("is known where its name has several addresses, and where it has none", async (t) => {
    const server = await serve(t);
    for (const baseURL of [(await dead()).replace("127.0.0.1", "localhost"), "http://does-not-exist.invalid/v1"]) {
      assert.deepEqual(await ask(clientOf({ baseURL }, { fallbackBaseURLs: [server.baseURL], maxRetries: 0 })), COMPLETION);
    }
  });
});

suite("a base URL that was reached", () => {
  test("is not left for a status, however bad", async (t) => {
    for (const status of [401, 404, 429, 500, 503]) {
      const [first, second] = [await serve(t, status), await serve(t)];
      const error = await failure(ask(clientOf(first, { fallbackBaseURLs: [second.baseURL], maxRetries: 1 })));
      assert.equal(error.status, status);
      assert.equal(second.requests.length, 0);
    }
  });

  test("is not left for a connection that was lost, a timeout, or an answer that is none", async () => {
    const ends = {
      reset: () => { throw failedFetch("ECONNRESET"); }, "lost socket": () => { throw failedFetch("UND_ERR_SOCKET"); }, silence: never,
      "no headers in time": () => { throw failedFetch("UND_ERR_HEADERS_TIMEOUT"); },
      "a read that took too long": () => { const error = failedFetch("ETIMEDOUT"); error.cause.syscall = "read"; throw error; },
      "no JSON": () => jsonResponse("{"), "an error under 200": () => jsonResponse({ error: { message: "no" } }),
    };
    for (const [what, end] of Object.entries(ends)) {
      const net = network({ "a.test": end, "b.test": ok });
      const error = await settled(withoutPauses(() => failure(ask(clientOfNetwork(net, { timeout: 30, maxRetries: 1 })))));
      assert.ok(error instanceof ChatmuxError, `${what}: ${error}`);
      assert.ok(!net.asked.some((line) => line.includes("b.test")), `${what}: ${net.asked}`);
    }
  });

  test("is not left where a server hangs up, for that may have been billed", async (t) => {
    const [first, second] = [await listen(t, (request) => request.socket.destroy()), await serve(t)];
    const client = clientOf(first, { fallbackBaseURLs: [second.baseURL], maxRetries: 0 });
    assert.equal((await failure(ask(client))).constructor, APIConnectionError);
    assert.equal(second.requests.length, 0);
  });
});

suite("where the runtime does not say why", () => {
  test("a probe decides: what fails to connect as well is left", async () => {
    for (const options of [{}, { retry: "unbilled" }, { maxRetries: 2 }]) {
      const net = network({ "b.test": ok }, { mute: true });
      assert.deepEqual(await ask(clientOfNetwork(net, options)), COMPLETION);
      assert.deepEqual(net.asked, [POST("a"), PROBE("a"), POST("b")]);
    }
  });

  test("a probe decides: what answers it, however, is not left", async () => {
    for (const answers of [ok, () => refusal(401), () => refusal(500), () => refusal(404)]) {
      const first = (method) => { if (method === "GET") return answers(method); throw new TypeError("Failed to fetch"); };
      const net = network({ "a.test": first, "b.test": ok });
      const error = await failure(ask(clientOfNetwork(net)));
      assert.equal(error.constructor, APIConnectionError);
      assert.deepEqual(net.asked, [POST("a"), PROBE("a")]);
    }
  });

  test("what answers the probe may have been billed: it is repeated by default, and not with unbilled", async () => {
    const first = (method) => { if (method === "GET") return ok(method); throw new TypeError("Failed to fetch"); };
    const posts = async (options) => {
      const net = network({ "a.test": first, "b.test": ok });
      await withoutPauses(() => failure(ask(clientOfNetwork(net, { maxRetries: 2, ...options }))));
      assert.ok(!net.asked.some((line) => line.includes("b.test")), net.asked.join());
      return net.asked.filter((line) => line === POST("a")).length;
    };
    assert.equal(await posts({}), 3);
    assert.equal(await posts({ retry: "unbilled" }), 1);
  });

  test("the probe has no key, no body and none of the caller's secrets", async () => {
    const seen = [];
    const fetch = async (url, init) => {
      if (methodOf(init) === "GET") seen.push({ url, headers: Object.fromEntries(new Headers(init.headers)), body: init.body });
      if (url.startsWith(B)) return jsonResponse(COMPLETION);
      throw new TypeError("Failed to fetch");
    };
    const secret = { defaultHeaders: { authorization: "Bearer sk-canary-1", "x-api-key": "sk-canary-2" }, defaultQuery: { key: "sk-canary-3" }, apiKey: "sk-canary-4" };
    assert.deepEqual(await ask(clientOfNetwork({ fetch }, secret), REQUEST, { headers: { "api-key": "sk-canary-5" } }), COMPLETION);
    assert.equal(seen.length, 1);
    assert.ok(!JSON.stringify(seen).includes("canary"), inspect(seen));
    assert.equal(seen[0].body, undefined);
  });

  test("the probe is a call of fetch like any other, with the caller's fetchOptions", async () => {
    // A wrapper that looks at the headers, or a proxy that all calls go through, must not make the base URL look dead.
    const dispatcher = {};
    const probes = [];
    const fetch = async (url, init) => {
      init.headers.set("x-wrapped", "1");
      if (init.dispatcher !== dispatcher) throw new TypeError("Failed to fetch");
      if (methodOf(init) !== "GET") throw new TypeError("Failed to fetch");
      probes.push([url, init.method, init.redirect]);
      return ok("GET");
    };
    const asked = [];
    const client = clientOfNetwork({ fetch: (url, init) => (asked.push(url), fetch(url, init)) }, { fetchOptions: { dispatcher } });
    assert.equal((await failure(ask(client))).constructor, APIConnectionError);
    assert.deepEqual(probes, [[`${A}/models`, "GET", "manual"]]);
    assert.ok(!asked.some((url) => url.startsWith(B)), asked.join());
  });

  test("no probe is made where there is nowhere else to go", async () => {
    const net = network({}, { mute: true });
    await failure(ask(clientOfNetwork(net, { fallbackBaseURLs: [] })));
    assert.deepEqual(net.asked, [POST("a")]);
  });

  test("a probe that is never answered does not hang the call", async () => {
    const fetch = (url, init) => (url.startsWith(B) ? Promise.resolve(ok(methodOf(init))) : methodOf(init) === "GET" ? never() : Promise.reject(new TypeError("Failed to fetch")));
    // The probe's own time is not for the test to wait for.
    const outcome = await settled(withoutPauses(() => ask(clientOfNetwork({ fetch }, { timeout: 100 })).then(() => "answered", (error) => error)));
    assert.ok(outcome === "answered" || outcome instanceof APIConnectionError, String(outcome));
  });

  test("no probe is made for a call that is aborted, before it or by it", async (t) => {
    const move = clock(t);
    const net = network({ "b.test": ok });
    const client = clientOfNetwork(net);
    await ask(client);
    move(11);
    net.asked.length = 0;
    assert.equal((await failure(ask(client, REQUEST, { signal: AbortSignal.abort() }))).constructor, APIUserAbortError);
    const controller = new AbortController();
    const mute = network({}, { mute: true });
    const aborting = clientOfNetwork({ fetch: (...args) => (controller.abort(), mute.fetch(...args)) });
    assert.ok((await settled(failure(ask(aborting, REQUEST, { signal: controller.signal })))) instanceof APIUserAbortError);
    assert.deepEqual(net.asked, []);
    assert.deepEqual(mute.asked, [POST("a")]);
  });

  test("an abort during the probe ends the call", async () => {
    const controller = new AbortController();
    const fetch = async (_, init) => { if (methodOf(init) === "GET") controller.abort(); throw new TypeError("Failed to fetch"); };
    const error = await settled(failure(ask(clientOfNetwork({ fetch }, { maxRetries: 5 }), REQUEST, { signal: controller.signal })));
    assert.equal(error?.constructor, APIUserAbortError);
  });
});

suite("the base URL that was left", () => {
  test("is probed after ten minutes by the next call, and taken again when it answers", async (t) => {
    const move = clock(t);
    const { hosts, net, client } = await moved();
    assert.deepEqual(net.asked.splice(0), [POST("a"), POST("b")]);
    hosts["a.test"] = ok;
    move(9);
    await ask(client);
    assert.deepEqual(net.asked.splice(0), [POST("b")]);
    move(1.1);
    await ask(client);
    assert.deepEqual(net.asked.splice(0), [PROBE("a"), POST("a")]);
    await ask(client);
    assert.deepEqual(net.asked.splice(0), [POST("a")]);
  });

  test("is taken again whatever status the probe is answered with", async (t) => {
    const move = clock(t);
    const { hosts, net, client } = await moved();
    hosts["a.test"] = (method) => (method === "GET" ? refusal(401) : ok(method));
    move(10.1);
    net.asked.length = 0;
    await ask(client);
    assert.deepEqual(net.asked, [PROBE("a"), POST("a")]);
  });

  test("is not taken while the probe fails; the other one goes on answering, and the probe is not made by every call", async (t) => {
    const move = clock(t);
    const net = network({ "b.test": ok });
    const client = clientOfNetwork(net);
    await ask(client);
    for (let round = 0; round < 2; round++) {
      move(10.1);
      net.asked.length = 0;
      for (let call = 0; call < 3; call++) assert.deepEqual(await ask(client), COMPLETION);
      assert.equal(net.asked.filter((line) => line === POST("b")).length, 3);
      const probes = net.asked.filter((line) => line === PROBE("a")).length;
      assert.ok(probes >= 1 && probes <= 3, net.asked.join());
      assert.ok(!net.asked.includes(POST("a")), net.asked.join());
    }
  });

  test("is left again when it fails again", async (t) => {
    const move = clock(t);
    const { hosts, net, client } = await moved();
    hosts["a.test"] = ok;
    move(11);
    await ask(client);
    delete hosts["a.test"];
    net.asked.length = 0;
    assert.deepEqual(await ask(client), COMPLETION);
    assert.deepEqual(net.asked, [POST("a"), POST("b")]);
  });

  test("is tried again at once when the one that was taken fails as well", async () => {
    const { hosts, net, client } = await moved();
    delete hosts["b.test"];
    hosts["a.test"] = ok;
    net.asked.length = 0;
    assert.deepEqual(await ask(client), COMPLETION);
    assert.deepEqual(net.asked, [POST("b"), POST("a")]);
    net.asked.length = 0;
    await ask(client);
    assert.deepEqual(net.asked, [POST("a")]);
  });

  test("is probed once where many calls come at the same time", async (t) => {
    const move = clock(t);
    const { hosts, net, client } = await moved();
    hosts["a.test"] = ok;
    move(10.1);
    net.asked.length = 0;
    assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => ask(client))), Array(10).fill(COMPLETION));
    assert.equal(net.asked.filter((line) => line === PROBE("a")).length, 1);
    assert.equal(net.asked.filter((line) => line.startsWith("POST")).length, 10);
  });

  test("is the one that calls of the same client know of, and of no other client", async () => {
    const net = network({ "b.test": ok });
    await ask(clientOfNetwork(net));
    net.asked.length = 0;
    await ask(clientOfNetwork(net));
    assert.deepEqual(net.asked, [POST("a"), POST("b")]);
  });

  test("is asked with the same real servers: a refused port, and one that opens later", async (t) => {
    const move = clock(t);
    const url = await deadURL();
    const second = await serve(t);
    const client = clientOf({ baseURL: `${url}/v1` }, { fallbackBaseURLs: [second.baseURL], maxRetries: 0 });
    await ask(client);
    const { createServer } = await import("node:http");
    const asked = [];
    const first = createServer((request, outgoing) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? "no key"}`);
      reply(outgoing, request.method === "GET" ? LIST : COMPLETION);
    }).listen(Number(new URL(url).port), "127.0.0.1");
    t.after(() => (first.close(), first.closeAllConnections()));
    await ask(client);
    assert.deepEqual(asked, []);
    move(10.1);
    await ask(client);
    assert.deepEqual(asked, ["GET /v1/models no key", `POST /v1/chat/completions Bearer ${KEY}`]);
    assert.equal(second.requests.length, 2);
  });
});

suite("the option fallbackBaseURLs", () => {
  test("is checked like a base URL", async () => {
    for (const url of ["/v1", "aihubmix.com/v1", "ftp://a.test/v1", "https://u:sk-canary-1@a.test/v1", "https://a.test/v1?key=sk-canary-1", 5, null, {}]) {
      assert.throws(() => new Chatmux({ apiKey: KEY, baseURL: A, fallbackBaseURLs: [url] }), (error) => {
        assert.ok(error instanceof ChatmuxError, `${inspect(url)}: ${error}`);
        assert.match(error.message, /`fallbackBaseURLs`/);
        assert.ok(!error.message.includes("canary"));
        return true;
      });
    }
    for (const none of ["http://b.test/v1", 5, {}]) assert.throws(() => new Chatmux({ apiKey: KEY, baseURL: A, fallbackBaseURLs: none }), ChatmuxError, inspect(none));
  });

  test("does not move an absolute URL, nor does that move the client", async () => {
    const net = network({ "a.test": ok, "b.test": ok });
    const client = clientOfNetwork(net);
    const error = await failure(client.get("http://elsewhere.test/v1/things"));
    assert.equal(error.constructor, APIConnectionError);
    assert.deepEqual(net.asked.splice(0), ["GET elsewhere.test/v1/things"]);
    await ask(client);
    assert.deepEqual(net.asked, [POST("a")]);
  });

  test("takes the client's key to the fallback, and still to an absolute URL of the base URL's own origin", async () => {
    const keys = [];
    let isDown = true;
    const fetch = async (url, init) => {
      keys.push([url, init.headers.get("authorization")]);
      if (isDown && url.startsWith(A)) throw failedFetch("ECONNREFUSED");
      return ok(methodOf(init));
    };
    const client = clientOfNetwork({ fetch });
    await ask(client);
    isDown = false;
    await client.get(`${client.baseURL}/models`);
    await client.get("http://elsewhere.test/v1/models");
    assert.deepEqual(keys.slice(1), [
      ["http://b.test/v1/chat/completions", `Bearer ${KEY}`], [`${A}/models`, `Bearer ${KEY}`], ["http://elsewhere.test/v1/models", null],
    ]);
  });
});

suite("AIHubMix's own fallback", () => {
  /** The URLs and keys that a client of these options asks for, where no host of AIHubMix's can be reached but inferera's. */
  const asked = (options, env = {}, base) =>
    program(
      `const seen = [];
      const fetch = async (url, { headers }) => {
        seen.push([url, headers.get("authorization")]);
        if (!url.startsWith("https://api.inferera.com/") && !url.startsWith("https://evil.test/")) {
          throw Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }) });
        }
        return new Response('{"id":"1","choices":[],"data":[]}', { headers: { "content-type": "application/json" } });
      };
      let client;
      try {
        client = new chatmux.Chatmux({ maxRetries: 0, fetch, ...${JSON.stringify(options)} });
        ${base ? `client = client.withOptions({ baseURL: ${JSON.stringify(base)} });` : ""}
        await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] });
      } catch (error) {
        seen.push(error.kind);
      }
      console.log(JSON.stringify(seen));`,
      env,
    );
  const CHAT = "/chat/completions";
  const SECRET = "sk-environment-123";

  test("is inferera, for AIHubMix's base URL, with a key of the caller's or of the environment", async () => {
    assert.deepEqual(await asked({ apiKey: "sk-1234567890" }), [
      [`https://aihubmix.com/v1${CHAT}`, "Bearer sk-1234567890"], [`https://api.inferera.com/v1${CHAT}`, "Bearer sk-1234567890"],
    ]);
    assert.deepEqual(await asked({}, { AIHUBMIX_API_KEY: SECRET }), [
      [`https://aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`], [`https://api.inferera.com/v1${CHAT}`, `Bearer ${SECRET}`],
    ]);
  });

  test("is none where the list is empty, or the base URL another", async () => {
    assert.deepEqual(await asked({ apiKey: "sk-1234567890", fallbackBaseURLs: [] }), [[`https://aihubmix.com/v1${CHAT}`, "Bearer sk-1234567890"], "connection"]);
    assert.deepEqual(await asked({ apiKey: "sk-1234567890", baseURL: "http://127.0.0.1:1/v1" }), [[`http://127.0.0.1:1/v1${CHAT}`, "Bearer sk-1234567890"], "connection"]);
    assert.deepEqual(await asked({ apiKey: "sk-1234567890" }, {}, "http://127.0.0.1:1/v1"), [[`http://127.0.0.1:1/v1${CHAT}`, "Bearer sk-1234567890"], "connection"]);
  });

  test("never takes the environment's key to a host that is not AIHubMix's", async () => {
    const seen = await asked({ fallbackBaseURLs: ["https://evil.test/v1"] }, { AIHUBMIX_API_KEY: SECRET });
    assert.ok(!JSON.stringify(seen.filter(([url]) => !url.startsWith("https://aihubmix.com/"))).includes(SECRET), JSON.stringify(seen));
    const moved = await asked({}, { AIHUBMIX_API_KEY: SECRET }, "https://evil.test/v1");
    assert.ok(!JSON.stringify(moved).includes(SECRET), JSON.stringify(moved));
    const over = await asked({ baseURL: "https://evil.test/v1", fallbackBaseURLs: ["https://aihubmix.com/v1"] }, { AIHUBMIX_API_KEY: SECRET });
    assert.ok(!JSON.stringify(over.filter(([url]) => url.includes("evil"))).includes(SECRET), JSON.stringify(over));
  });
});

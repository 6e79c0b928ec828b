/** A client made of another, and the options that go through to `fetch`. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import { OWN_HEADERS, refusal, sent, tries } from "./calls.mjs";
import {
  ask, askStream, answer, clientOf, clientWith, collect, COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, listen, program, reply, REQUEST, settled,
  streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

suite("withOptions()", () => {
  test("is a new client of the same class, and leaves the old one as it was", () => {
    class Own extends Chatmux {}
    const client = new Own({ apiKey: KEY, baseURL: "http://provider.test/v1", timeout: 5, maxRetries: 1 });
    const other = client.withOptions({ timeout: 7 });
    assert.ok(other instanceof Own);
    assert.notEqual(other, client);
    assert.deepEqual([other.timeout, other.maxRetries, other.baseURL, other.apiKey], [7, 1, "http://provider.test/v1", KEY]);
    assert.equal(client.timeout, 5);
    assert.deepEqual(other.withOptions({}).timeout, 7);
  });

  test("keeps everything that is not named, as it is used", async () => {
    const seen = [];
    const client = clientWith(async (url, { headers }) => (seen.push([url, Object.fromEntries(headers)]), jsonResponse()), {
      apiKey: async () => "sk-of-a-function", organization: "org-1", project: "proj_1", defaultHeaders: { "x-a": "1" }, defaultQuery: { a: 1 }, appCode: "CODE",
    });
    await ask(client.withOptions({ timeout: 1000 }));
    await ask(client);
    assert.deepEqual(seen[0], seen[1]);
    assert.equal(seen[0][1].authorization, "Bearer sk-of-a-function");
  });

  test("takes each option over", async () => {
    const client = clientWith(async () => assert.fail("the old fetch"));
    const seen = [];
    const other = client.withOptions({
      apiKey: "sk-other-12345678", baseURL: "http://other.test/v2/", organization: "org-2", defaultHeaders: { "x-b": "2" }, defaultQuery: { b: 2 },
      fetch: async (url, { headers }) => (seen.push([url, Object.fromEntries(headers)]), jsonResponse()),
    });
    await ask(other);
    assert.deepEqual(seen, [["http://other.test/v2/chat/completions?b=2", { ...OWN_HEADERS, authorization: "Bearer sk-other-12345678", "openai-organization": "org-2", "x-b": "2" }]]);
    assert.equal(client.baseURL, "http://provider.test/v1");
  });

  test("replaces headers and queries whole, as openai does", async () => {
    const { headers, url } = await sent({ defaultHeaders: { "x-a": "1" }, defaultQuery: { a: 1 } }, undefined,
      (client, ...rest) => ask(client.withOptions({ defaultHeaders: { "x-b": "2" }, defaultQuery: { b: 2 } }), ...rest));
    assert.deepEqual(headers, { ...OWN_HEADERS, "x-b": "2" });
    assert.equal(new URL(url).search, "?b=2");
  });

  test("takes null for none", async () => {
    const { headers } = await sent({ organization: "org-1", defaultHeaders: { "x-a": "1" } }, undefined,
      (client, ...rest) => ask(client.withOptions({ organization: null, defaultHeaders: null }), ...rest));
    assert.deepEqual(headers, OWN_HEADERS);
  });

  test("counts retries by the new number, and lists models with the new key", async () => {
    assert.equal((await tries(() => refusal(500), { maxRetries: 5 }, (client) => ask(client.withOptions({ maxRetries: 1 })))).calls, 2);
    let key;
    await clientWith(async (_, { headers }) => ((key = headers.get("authorization")), jsonResponse({ data: [] }))).withOptions({ apiKey: "sk-new-12345678" }).models.list();
    assert.equal(key, "Bearer sk-new-12345678");
  });

  test("is checked as a new client is", () => {
    const client = new Chatmux({ apiKey: KEY });
    assert.throws(() => client.withOptions({ baseURL: "nowhere" }), ChatmuxError);
  });

  test("does not take the environment's key to another host", async () => {
    const seen = await program(
      `const seen = [];
      const fetch = async (url, { headers }) => (seen.push([url, headers.get("authorization")]), new Response('{"choices":[]}'));
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      const client = new chatmux.Chatmux({ fetch });
      for (const options of [{ baseURL: "https://evil.test/v1" }, { baseURL: "https://api.inferera.com/v1" }, { maxRetries: 0 }]) {
        await client.withOptions(options).chat.completions.create(request).catch((error) => seen.push(error.kind));
      }
      await client.withOptions({ baseURL: "https://evil.test/v1" }).withOptions({ timeout: 5 }).chat.completions.create(request).catch((error) => seen.push(error.kind));
      console.log(JSON.stringify(seen));`,
      { AIHUBMIX_API_KEY: "sk-environment-123" },
    );
    assert.deepEqual(seen, [
      "missing_api_key",
      ["https://api.inferera.com/v1/chat/completions", "Bearer sk-environment-123"],
      ["https://aihubmix.com/v1/chat/completions", "Bearer sk-environment-123"],
      "missing_api_key",
    ]);
  });
});

suite("the properties of a client", () => {
  test("can be set, and count from the next call on", async () => {
    const seen = [];
    const client = clientWith(async (url, { headers }) => (seen.push([url, headers.get("authorization"), headers.get("openai-organization")]), refusal(500)));
    const { chat, models } = client;
    Object.assign(client, { apiKey: "sk-new-12345678", baseURL: "http://other.test/v2/", organization: "org-2", maxRetries: 1 });
    assert.deepEqual([client.apiKey, client.baseURL, client.organization, client.maxRetries], ["sk-new-12345678", "http://other.test/v2", "org-2", 1]);
    await failure(chat.completions.create(REQUEST));
    await failure(models.list());
    assert.deepEqual(seen, [
      ...Array(2).fill(["http://other.test/v2/chat/completions", "Bearer sk-new-12345678", "org-2"]),
      ...Array(2).fill(["http://other.test/v2/models", "Bearer sk-new-12345678", "org-2"]),
    ]);
    client.timeout = 20;
    assert.match((await failure(ask(client.withOptions({ maxRetries: 0, fetch: () => new Promise(() => {}) })))).message, /20 ms/);
  });

  test("are its fetch and what that is called with, too", async () => {
    const client = clientWith(async () => assert.fail("the old fetch"));
    const marks = [];
    client.fetch = async (_, init) => (marks.push(init.mark), jsonResponse());
    await ask(client);
    client.fetchOptions = { mark: 1 };
    await ask(client);
    await ask(client, REQUEST, { fetchOptions: { mark: 2 } });
    assert.deepEqual(marks, [undefined, 1, 2]);
  });

  test("are checked, and stay what they were when they are wrong", () => {
    const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1" });
    for (const wrong of ["nowhere", "ftp://a.test/", 5]) assert.throws(() => void (client.baseURL = wrong), ChatmuxError);
    assert.equal(client.baseURL, "http://provider.test/v1");
  });

  test("do not take the environment's key to another host", async () => {
    const seen = await program(
      `const seen = [];
      const fetch = async (url, { headers }) => (seen.push([url, headers.get("authorization")]), new Response('{"choices":[]}'));
      const client = new chatmux.Chatmux({ fetch });
      client.baseURL = "https://evil.test/v1";
      await client.get("/x").catch((error) => seen.push(error.kind));
      client.baseURL = "https://aihubmix.com/v1";
      await client.get("/x").catch((error) => seen.push(error.kind));
      console.log(JSON.stringify(seen));`,
      { AIHUBMIX_API_KEY: "sk-environment-123" },
    );
    assert.deepEqual(seen, ["missing_api_key", ["https://aihubmix.com/v1/x", "Bearer sk-environment-123"]]);
  });
});

suite("a class of its own", () => {
  test("may say options as its fields, which count from the first call on", async () => {
    class Own extends Chatmux {
      idempotencyHeader = "Idempotency-Key";
      timeout = 30;
      maxRetries = 1;
    }
    const options = { apiKey: KEY, baseURL: "http://provider.test/v1" };
    const keys = [];
    const busy = async (_, { headers }) => (keys.push(headers.get("idempotency-key")), refusal(500));
    const error = await failure(ask(new Own({ ...options, fetch: busy })));
    assert.equal(error.retryCount, 1);
    assert.equal(keys.length, 2);
    assert.ok(keys[0]);
    assert.equal(keys[0], keys[1]);
    const silent = await settled(failure(ask(new Own({ ...options, fetch: () => new Promise(() => {}) }), REQUEST, { maxRetries: 0 })));
    assert.match(silent?.message ?? "it hangs", /30 ms/);
  });

  test("may say the others as well, and what is set later counts", async () => {
    class Own extends Chatmux {
      apiKey = "sk-of-the-class-1234";
      baseURL = "http://other.test/v2";
      organization = "org-2";
    }
    const seen = [];
    const fetch = async (url, { headers }) => (seen.push([url, headers.get("authorization"), headers.get("openai-organization")]), jsonResponse());
    const client = new Own({ fetch });
    await ask(client);
    client.organization = "org-3";
    await ask(client);
    assert.deepEqual(seen, [
      ["http://other.test/v2/chat/completions", "Bearer sk-of-the-class-1234", "org-2"], ["http://other.test/v2/chat/completions", "Bearer sk-of-the-class-1234", "org-3"],
    ]);
  });
});

suite("fetchOptions", () => {
  test("go through to fetch, the call's over the client's", async () => {
    const dispatcher = {};
    const { init } = await sent({ fetchOptions: { dispatcher, keepalive: false, cache: "no-store", proxy: "client" } }, { fetchOptions: { keepalive: true, proxy: "call" } });
    assert.equal(init.dispatcher, dispatcher);
    assert.deepEqual([init.keepalive, init.cache, init.proxy], [true, "no-store", "call"]);
    for (const none of [null, undefined, {}]) {
      const plain = await sent({ fetchOptions: none }, { fetchOptions: none });
      assert.deepEqual(Object.keys(plain.init).sort(), ["body", "headers", "method", "redirect", "signal"]);
    }
  });

  test("go through for streams, lists and generic requests, and for every try", async () => {
    const seen = [];
    const client = clientWith(async (_, init) => {
      seen.push([init.method, init.mark]);
      if (seen.length === 1) return refusal(500);
      return init.body && JSON.parse(init.body).stream ? streamResponse(answer("a")) : jsonResponse({ object: "list", data: [] });
    }, { maxRetries: 1, fetchOptions: { mark: 1 } });
    assert.equal(textOf(await collect(await askStream(client))), "a");
    await client.models.list({ fetchOptions: { mark: 2 } });
    await client.put("/x", { fetchOptions: { mark: 3 } });
    assert.deepEqual(seen, [["POST", 1], ["POST", 1], ["GET", 2], ["PUT", 3]]);
  });

  test("do not take the place of what chatmux sets itself", async () => {
    const own = { method: "DELETE", body: "other", headers: { authorization: "Bearer other", "x-a": "1" }, signal: AbortSignal.abort() };
    for (const [client, call] of [[{ fetchOptions: own }], [{}, { fetchOptions: own }]]) {
      const { init, headers } = await sent(client, call);
      assert.equal(init.method, "POST");
      assert.equal(init.body, JSON.stringify(REQUEST));
      assert.deepEqual(headers, OWN_HEADERS);
      assert.equal(init.signal.aborted, false);
    }
  });

  test("decide about redirects, where the caller says so", async (t) => {
    assert.equal((await sent()).init.redirect, "manual");
    assert.equal((await sent({ fetchOptions: { redirect: "error" } })).init.redirect, "error");
    assert.equal((await sent({ fetchOptions: { redirect: "error" } }, { fetchOptions: { redirect: "follow" } })).init.redirect, "follow");
    assert.equal((await sent({ fetchOptions: { redirect: undefined } })).init.redirect, "manual");
    const target = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    const server = await listen(t, (_, outgoing) => outgoing.writeHead(307, { location: `${target.url}/v1/chat/completions` }).end());
    assert.equal((await failure(ask(clientOf(server)))).kind, "redirect");
    assert.deepEqual(await ask(clientOf(server), REQUEST, { fetchOptions: { redirect: "follow" } }), COMPLETION);
    // fetch itself leaves the key behind at another origin.
    assert.equal(target.requests[0].headers.authorization, undefined);
  });

  test("may have getters that throw, or be no object: an error or no harm", async () => {
    const own = new Error("no");
    const odd = [{ get dispatcher() { throw own; } }, "text", 5, [], () => {}];
    for (const fetchOptions of odd) {
      const outcome = await settled(ask(clientWith(async () => jsonResponse()), REQUEST, { fetchOptions }).then(() => "sent", (error) => error));
      assert.ok(outcome === "sent" || outcome === own || outcome instanceof ChatmuxError, String(outcome));
    }
  });

  test("leave the caller's object as it was", async () => {
    const fetchOptions = Object.freeze({ keepalive: true });
    await sent({ fetchOptions }, { fetchOptions });
    assert.deepEqual(fetchOptions, { keepalive: true });
  });
});

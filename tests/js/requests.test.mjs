/** Requests that chatmux has no name for: where they go and what becomes of them. Rows E4, U1 and U2. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { APIError, ChatmuxError } from "../../dist/entry/default.js";
import { AT_ONCE, OWN_HEADERS, refusal, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, failure, failureOfStream, forbidStrayRejections, jsonResponse, KEY, listen, listenRaw, reply,
  replyStream, STREAMED, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

/** A server that answers with what it was asked. */
const echo = (t) =>
  listen(t, ({ method, url, headers, body }, outgoing) => {
    const { authorization, accept, "content-type": type } = headers;
    reply(outgoing, { method, url, body, headers: { authorization, accept, "content-type": type }, more: headers["x-a"] ?? null });
  });

suite("a generic request", () => {
  for (const method of ["get", "post", "put", "patch", "delete"]) {
    test(`goes out as ${method.toUpperCase()}, by ${method}() and by request()`, async (t) => {
      const server = await echo(t);
      const client = clientOf(server);
      const answers = [await client[method]("/things/1"), await client.request({ method, path: "/things/1" }), await client.request({ method: method.toUpperCase(), path: "/things/1" })];
      for (const said of answers) {
        assert.deepEqual(said, { method: method.toUpperCase(), url: "/v1/things/1", body: "", headers: { authorization: `Bearer ${KEY}`, accept: "application/json" }, more: null });
      }
    });
  }

  test("has its body as JSON, with the headers of a call", async (t) => {
    const server = await echo(t);
    const body = { b: 1, a: [null, "é"], none: undefined };
    for (const method of ["post", "put", "patch", "delete"]) {
      const said = await clientOf(server)[method]("/things", { body, headers: { "X-A": "1" } });
      assert.equal(said.body, JSON.stringify(body));
      assert.deepEqual(said.headers, { authorization: `Bearer ${KEY}`, accept: "application/json", "content-type": "application/json" });
      assert.equal(said.more, "1");
    }
  });

  test("has a list or a bare value as its body, too", async (t) => {
    const server = await echo(t);
    for (const body of [[1, 2], {}, true, 5]) assert.equal((await clientOf(server).post("/x", { body })).body, JSON.stringify(body), inspect(body));
  });

  test("has an object as a form, where a header asks for one", async (t) => {
    const server = await echo(t);
    const type = "application/x-www-form-urlencoded";
    const headers = [{ "Content-Type": type }, [["content-type", type]], new Headers({ "content-type": `${type};charset=UTF-8` })];
    for (const form of headers) {
      const said = await clientOf(server).post("/x", { body: { a: "1 &", b: [2, 3], c: { d: true }, none: undefined }, headers: form });
      assert.deepEqual([...new URLSearchParams(said.body)], [["a", "1 &"], ["b[]", "2"], ["b[]", "3"], ["c[d]", "true"]]);
      assert.ok(said.headers["content-type"].startsWith(type), said.headers["content-type"]);
    }
  });

  test("never sends a body of another kind as if it were an empty object", async () => {
    const form = new FormData();
    form.set("a", "1");
    const kinds = {
      FormData: [form, /name="a"/], URLSearchParams: [new URLSearchParams({ a: "1" }), /^a=1$/], Blob: [new Blob(["a=1"]), /^a=1$/],
      bytes: [new TextEncoder().encode("a=1"), /^a=1$/], buffer: [new TextEncoder().encode("a=1").buffer, /^a=1$/],
    };
    for (const [kind, [body, expected]] of Object.entries(kinds)) {
      const fetch = async (url, init) => jsonResponse({ said: await new Response(init.body).text() });
      const outcome = await clientWith(fetch).post("/x", { body }).then(({ said }) => said, (error) => error);
      if (typeof outcome === "string") assert.match(outcome, expected, kind);
      else assert.equal(outcome.kind, "invalid_request", kind);
    }
  });

  test("has what a call has: options, tries, timeout, errors", async () => {
    let calls = 0;
    const seen = [];
    const client = clientWith(async (url, init) => (seen.push([url, init.headers.get("x-a")]), ++calls < 3 ? refusal(500) : jsonResponse({ ok: true })), { maxRetries: 2 });
    assert.deepEqual(await client.get("/x", { query: { a: 1 }, headers: { "x-a": "2" } }), { ok: true });
    assert.deepEqual(seen, Array(3).fill(["http://provider.test/v1/x?a=1", "2"]));
    assert.equal((await failure(clientWith(async () => refusal(404)).delete("/x"))).name, "NotFoundError");
    assert.equal((await failure(clientWith(async () => refusal(500), { maxRetries: 5 }).put("/x", { maxRetries: 1 }))).retryCount, 1);
    assert.equal((await failure(clientWith(() => new Promise(() => {})).patch("/x", { timeout: 20 }))).name, "APIConnectionTimeoutError");
    assert.equal((await failure(clientWith(async () => new Response(null, { status: 302, headers: { location: "/" } })).get("/x"))).kind, "redirect");
  });

  test("is a stream of chunks with stream: true", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, answer("a", "b")));
    const stream = await clientOf(server).post("/chat/completions", { body: STREAMED, stream: true });
    assert.equal(textOf(await collect(stream)), "ab");
    assert.equal(server.requests[0].headers.accept, "text/event-stream");
    const { error } = await failureOfStream(clientWith(async () => refusal(400)).post("/x", { body: STREAMED, stream: true }));
    assert.equal(error.status, 400);
  });

  test("is a stream of other events with stream: true, whose end is the end of the body", async () => {
    const events = [{ type: "response.created", response: { id: "resp_1" } }, { type: "response.output_text.delta", delta: "a" }, { type: "response.completed" }];
    const client = clientWith(async () => streamResponse(events));
    assert.deepEqual(await collect(await client.post("/responses", { body: {}, stream: true })), events);
    // A chat that has no choices and no [DONE] was cut.
    assert.equal((await failureOfStream(askStream(client))).error?.name, "StreamTruncatedError");
    const cut = clientWith(async () => streamResponse([chunk("a")]));
    assert.equal((await failureOfStream(cut.post("/chat/completions", { body: STREAMED, stream: true }))).error?.name, "StreamTruncatedError");
  });

  test("without a path, with a method that is none, or with a body that cannot be sent is refused", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, jsonResponse({})));
    const cyclic = {};
    cyclic.self = cyclic;
    const wrong = {
      "no path": () => client.request({ method: "get" }),
      "a path that is no text": () => client.get(5),
      "null as the path": () => client.get(null),
      "null as the options": () => client.request(null),
      "no options": () => client.request(),
      "a method with a line break": () => client.request({ method: "GET\r\nx: 1", path: "/x" }),
      "a method with a blank": () => client.request({ method: "G ET", path: "/x" }),
      "a cycle": () => client.post("/x", { body: cyclic }),
      "a BigInt": () => client.post("/x", { body: { a: 1n } }),
      "a cycle in a form": () => client.post("/x", { body: cyclic, headers: { "content-type": "application/x-www-form-urlencoded" } }),
    };
    for (const [what, call] of Object.entries(wrong)) {
      const error = await failure((async () => call())());
      assert.ok(error instanceof ChatmuxError, `${what}: ${error}`);
      assert.equal(error.kind, "invalid_request", what);
    }
    assert.equal(calls, 0);
  });

  test("that is wrong is an error of the promise, never one that is thrown at once", () => {
    const client = clientWith(async () => jsonResponse({}));
    const throwing = { get x() { throw new Error("no"); } };
    const calls = [
      () => client.request(null), () => client.get(5), () => client.post("/x", { body: throwing }), () => client.models.retrieve(""),
      () => client.post("/x", { body: throwing, headers: { "content-type": "application/x-www-form-urlencoded" } }),
      () => client.get("/x", { query: throwing }), () => client.get("/x", { headers: throwing }), () => client.get("/x", { fetchOptions: throwing }),
    ];
    for (const call of calls) call().catch(() => {});
  });

  test("of a GET with a body is sent or refused, and not called a lost connection", async (t) => {
    const server = await echo(t);
    const outcome = await withoutPauses(() => clientOf(server).get("/x", { body: { a: 1 } }).then(() => "sent", (error) => error));
    assert.ok(outcome === "sent" || outcome.kind === "invalid_request", String(outcome));
  });

  test("leaves its options as they were", async () => {
    const { freeze } = Object;
    const options = freeze({ method: "post", path: "/x", body: freeze({ a: 1 }), query: freeze({ b: 2 }), headers: freeze({ c: "3" }) });
    await clientWith(async () => jsonResponse({})).request(options);
    await clientWith(async () => jsonResponse({})).post("/x", freeze({ body: freeze({}) }));
  });
});

suite("the answer of a generic request", () => {
  const of = (body, init) => clientWith(async () => jsonResponse(body, init)).get("/x");

  test("E4: is null for 204 and 205", async () => {
    for (const status of [204, 205]) {
      assert.equal(await clientWith(async () => new Response(null, { status })).get("/x"), null);
      assert.equal(await ask(clientWith(async () => new Response(null, { status }))), null);
    }
  });

  test("E4: is undefined for a body that is quite empty, with a length or without", async (t) => {
    const bodies = { "content-length: 0": "", "transfer-encoding: chunked": "0\r\n\r\n", "connection: close": "" };
    for (const [header, body] of Object.entries(bodies)) {
      const server = await listenRaw(t, (socket) => socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${header}\r\n\r\n${body}`)));
      assert.equal(await clientOf(server, { maxRetries: 0 }).post("/x", { body: {} }), undefined, header);
    }
    assert.equal(await of(""), undefined);
  });

  test("E4: that is blank or malformed JSON is an error that quotes nothing", async () => {
    for (const body of [" ", "\n\t ", "{secret", '{"a":secret}', "secret", '{"a":1} secret', "\u0000", "undefined", "\ufeff secret"]) {
      const error = await failure(of(body));
      assert.equal(error.constructor, APIError, inspect(body));
      assert.equal(error.kind, "malformed_response");
      assert.equal(error.status, 200);
      assert.ok(!inspect(error, { depth: 10 }).includes("secret"));
    }
  });

  test("E4: of a typed call is judged in the same way", async () => {
    assert.equal(await ask(clientWith(async () => jsonResponse(""))), undefined);
    for (const body of [" ", "{"]) assert.equal((await failure(ask(clientWith(async () => jsonResponse(body))))).kind, "malformed_response");
  });

  test("may tell of an error that is not the answer's own, as that of a job", async () => {
    const job = { id: "job_1", status: "failed", error: { code: "invalid_file", message: "line 3 is no JSON" } };
    assert.deepEqual(await of(job), job);
  });

  test("is any JSON value", async () => {
    for (const body of ["[]", "[1]", "5", '"text"', "true", "false", "0", '""', "null", "{}"]) assert.deepEqual(await of(body), JSON.parse(body), body);
  });

  test("is parsed for every type that is JSON", async () => {
    for (const type of ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json", "application/vnd.api+json;v=1"]) {
      assert.deepEqual(await of('{"a":1}', { headers: { "content-type": type } }), { a: 1 }, type);
    }
  });

  test("is the text where the type is another", async () => {
    for (const type of ["text/plain", "text/html", "application/x-ndjson", "audio/mpeg", "text/csv; charset=utf-8", "application/jsonl", "application/json-seq"]) {
      assert.equal(await of('{"a":1}\n', { headers: { "content-type": type } }), '{"a":1}\n', type);
    }
    const bare = clientWith(async () => ({ status: 200, headers: new Headers(), text: async () => "just text" }));
    assert.equal(await bare.get("/x"), "just text");
  });

  test("may be of any success", async () => {
    for (const status of [200, 201, 202, 203, 206, 299]) assert.deepEqual(await of("{}", { status }), {});
  });
});

suite("a path", () => {
  test("U1: is put after the base URL, with one slash between the two", async (t) => {
    const server = await echo(t);
    for (const base of ["/v1", "/v1/", "/v1//"]) {
      const client = clientOf(server, { baseURL: server.url + base });
      assert.equal((await client.get("/things")).url, "/v1/things", base);
      assert.equal((await client.get("things")).url, "/v1/things", base);
    }
  });

  test("U1: that is an absolute URL passes through as it is", async (t) => {
    const [own, other] = [await echo(t), await echo(t)];
    const client = clientOf(own, { defaultQuery: { key: "in-the-query" } });
    const said = await client.get(`${other.url}/v2/things?b=2&a=%20x#part`);
    assert.equal(said.url, "/v2/things?b=2&a=%20x");
    assert.equal(own.requests.length, 0);
  });

  test("U1: that is absolute takes the key to the base URL's own origin only", async (t) => {
    const [own, other] = [await echo(t), await echo(t)];
    for (const apiKey of [KEY, async () => KEY]) {
      const client = clientOf(own, { apiKey });
      assert.equal((await client.get(`${own.url}/elsewhere`)).headers.authorization, `Bearer ${KEY}`);
      assert.equal((await client.get(`${other.url}/elsewhere`)).headers.authorization, undefined);
      assert.equal((await client.post(`${other.url}/elsewhere`, { body: {} })).headers.authorization, undefined);
      assert.equal((await client.post(other.url, { body: {}, headers: { authorization: "Bearer own" } })).headers.authorization, "Bearer own");
    }
  });

  test("U1: that is absolute takes no key of the client's headers, query, organization or partner code to another origin", async (t) => {
    const other = await echo(t);
    const client = clientOf({ baseURL: "http://provider.test/v1" }, {
      defaultHeaders: { Authorization: "Bearer sk-canary-1", "api-key": "sk-canary-2", "X-Api-Key": "sk-canary-3", "x-goog-api-key": "sk-canary-4", "x-a": "public" },
      defaultQuery: { key: "sk-canary-5" },
    });
    await client.get(`${other.url}/x`);
    assert.ok(!JSON.stringify([other.requests[0].url, other.requests[0].rawHeaders]).includes("canary"), other.requests[0].rawHeaders.join());
  });

  test("U1: can never take the key to another origin, however it is written", async () => {
    const base = new URL("http://provider.test/v1");
    const tricks = [
      "http://evil.test/x", "https://provider.test/x", "http://provider.test:81/x", "http://provider.test.evil.test/x", "http://provider.test@evil.test/x",
      "http://evil.test#@provider.test/", "HTTP://EVIL.TEST/x", "http:evil.test/x", "http:/evil.test", "http:\\\\evil.test\\x", "https:evil.test", "//evil.test/x",
      "\\\\evil.test\\x", "/\\evil.test/x", "///evil.test/x", "/../../x", "/..//evil.test/x", "@evil.test/x", ".evil.test/x", ":81/x", "?@evil.test", "#@evil.test",
      " http://evil.test/x", "\thttp://evil.test/x", "\nhttp://evil.test/x", "ht\ntp://evil.test/x", "h\ttp://evil.test/x", "\u0000http://evil.test/x",
      "http://evil.test\\@provider.test/x", "http://provider\u3002test.evil.test/x", "http://[::1]/x", "x", "", "/", "%2f%2fevil.test", "http%3a//evil.test",
    ];
    for (const baseURL of ["http://provider.test/v1", "http://provider.test"]) {
      for (const path of tricks) {
        let seen;
        const client = clientWith(async (url, { headers }) => (seen = { url, key: headers.get("authorization") }, jsonResponse({})), { baseURL });
        const outcome = await client.get(path).then(() => "sent", (error) => error);
        assert.ok(outcome === "sent" || outcome instanceof ChatmuxError, `${inspect(path)}: ${outcome}`);
        if (seen) assert.ok(new URL(seen.url).origin === base.origin || seen.key === null, `${baseURL}, ${inspect(path)}: the key goes to ${seen.url}`);
      }
    }
  });

  test("U1: knows its own origin however that is written", async () => {
    for (const path of ["http://provider.test/x", "http://provider.test:80/x", "HTTP://PROVIDER.TEST/x", "http://Provider.test/x"]) {
      let seen;
      await clientWith(async (url, { headers }) => ((seen = [new URL(url).href, headers.get("authorization")]), jsonResponse({}))).get(path);
      assert.deepEqual(seen, ["http://provider.test/x", `Bearer ${KEY}`], path);
    }
  });

  test("U1: that is a URL of another kind never reaches fetch as one", async () => {
    for (const path of ["file:///etc/passwd", "data:application/json,{}", "javascript:alert(1)", "ftp://evil.test/", "blob:x", "FILE:///etc/passwd"]) {
      const asked = [];
      const outcome = await clientWith(async (url) => (asked.push(url), jsonResponse({}))).get(path).then(() => "sent", (error) => error);
      assert.ok(outcome === "sent" || outcome instanceof ChatmuxError, `${path}: ${outcome}`);
      for (const url of asked) assert.ok(url.startsWith("http://provider.test/"), url);
    }
    for (const path of ["http://", "http://[::1/", "http://a.test:99999/"]) {
      assert.ok((await failure(clientOf({ baseURL: "http://provider.test/v1" }, { maxRetries: 0 }).get(path))) instanceof ChatmuxError, path);
    }
  });

  test("U1: with a user's name and password is an error that does not show them", async () => {
    const error = await failure(clientOf({ baseURL: "http://provider.test/v1" }, { maxRetries: 0 }).get("http://user:sk-canary@provider.test/x"));
    assert.ok(error instanceof ChatmuxError, String(error));
    assert.ok(!error.message.includes("canary"), error.message);
  });
});

suite("the query of a generic request", () => {
  const asked = async (client, path, options) => {
    let seen;
    await clientWith(async (url) => ((seen = new URL(url)), jsonResponse({})), client).get(path, options);
    const names = [...seen.searchParams.keys()];
    assert.equal(new Set(names).size, names.length, `each once: ${seen.search}`);
    return Object.fromEntries(seen.searchParams);
  };

  test("U2: is the path's, under the client's, under the call's", async () => {
    assert.deepEqual(await asked({ defaultQuery: { a: "client", b: "client" } }, "/x", { query: { b: "call", c: "call" } }), { a: "client", b: "call", c: "call" });
    assert.deepEqual(await asked({}, "/x?a=path", { query: { b: "call" } }), { a: "path", b: "call" });
    assert.deepEqual(await asked({ defaultQuery: { a: "client" } }, "/x?a=path&b=path", { query: { b: "call" } }), { a: "client", b: "call" });
  });

  test("U2: is not lost in a fragment of the path", async () => {
    assert.deepEqual(await asked({ defaultQuery: { b: 1 } }, "/x#part", { query: { a: 1 } }), { a: "1", b: "1" });
    assert.deepEqual(await asked({}, "/x?c=1#part?d=2", { query: { a: 1 } }), { a: "1", c: "1" });
  });

  test("U2: loses what is undefined or null", async () => {
    const defaultQuery = { a: "client", b: "client", c: "client" };
    assert.deepEqual(await asked({ defaultQuery }, "/x", { query: { a: undefined, b: null } }), { c: "client" });
    assert.deepEqual(await asked({ defaultQuery }, "/x?d=path", { query: { a: undefined, b: undefined, c: undefined, d: undefined } }), {});
  });

  test("U2: keeps every other value, odd ones too", async () => {
    const query = { zero: 0, no: false, empty: "", text: "é &=?#+/%20", "odd &=": "1", __proto__x: "1" };
    assert.deepEqual(await asked({}, "/x", { query }), { zero: "0", no: "false", empty: "", text: "é &=?#+/%20", "odd &=": "1", __proto__x: "1" });
  });

  test("U2: leaves the path's own as it is where nothing is added", async () => {
    let seen;
    await clientWith(async (url) => ((seen = url), jsonResponse({}))).get("/x?a=1&a=2&b=%20%2F&c");
    assert.equal(seen, "http://provider.test/v1/x?a=1&a=2&b=%20%2F&c");
  });
});

suite("models.retrieve()", () => {
  test("U2: is asked for by an id that is one segment of the path, whatever is in it", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, { id: "m", object: "model" }));
    const client = clientOf(server);
    const ids = ["gpt-4o-mini", "a/b", "a?b=c", "a#b", "ft:gpt-4o:org::id", "a b", "é世👋", "%2F", "%2F..", "a\\b", "a\nb", "a;b", "@x", "a&b=c", "-", "~x", "a+b", "%2e", "%2e%2e"];
    for (const id of ids) {
      assert.deepEqual(await client.models.retrieve(id), { id: "m", object: "model" });
      const { method, url } = server.requests.at(-1);
      assert.equal(method, "GET");
      const segments = url.split("/");
      assert.deepEqual(segments.slice(0, 3), ["", "v1", "models"], url);
      assert.equal(segments.length, 4, url);
      assert.equal(decodeURIComponent(segments[3]), id);
    }
    assert.equal(server.requests[0].headers.authorization, `Bearer ${KEY}`);
  });

  test("U2: is refused for an id that would change the path, or is none", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, jsonResponse({})));
    for (const id of [".", "..", "", null, undefined, {}, []]) {
      const error = await failure((async () => client.models.retrieve(id))());
      assert.ok(error instanceof ChatmuxError, `${inspect(id)}: ${error}`);
    }
    assert.equal(calls, 0);
  });

  test("has the options and the errors of a call", async () => {
    const error = await failure(clientWith(async () => refusal(404, AT_ONCE, "no such model")).models.retrieve("x"));
    assert.equal(error.name, "NotFoundError");
    let seen;
    await clientWith(async (url, { headers }) => ((seen = [url, Object.fromEntries(headers)]), jsonResponse({ id: "x" }))).models.retrieve("x", { query: { a: 1 }, headers: { "x-a": "1" } });
    const { "content-type": _, ...own } = OWN_HEADERS;
    assert.deepEqual(seen, ["http://provider.test/v1/models/x?a=1", { ...own, "x-a": "1" }]);
  });
});

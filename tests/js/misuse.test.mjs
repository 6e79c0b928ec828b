/**
 * What no type allows and JavaScript lets through. Each runs in a process of its own: an exception that nobody catches
 * ends it and is seen, and a call that never ends hangs nobody else.
 */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { program } from "./support.mjs";

const HEAD = `
  const ok = async () => new Response('{"id":"1","choices":[]}', { headers: { "content-type": "application/json" } });
  const options = { apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", maxRetries: 0, fetch: ok };
  const request = { model: "m", messages: [{ role: "user", content: "x" }] };
  const create = (more, body, call) => new chatmux.Chatmux({ ...options, ...more }).chat.completions.create({ ...request, ...body }, call);
  const read = async (stream) => { for await (const _ of stream); };
  const say = (promise) => promise.then(() => "answered", (error) => (error instanceof chatmux.ChatmuxError ? "typed error" : String(error)));
`;

/** How a call ends, whole and streamed, and one after it; a program that crashes or hangs fails the test. */
const ends = (options, call = "undefined") =>
  program(`${HEAD}
    const seen = [];
    for (const stream of [false, true]) {
      const call = async () => create(${options}, { ...(stream && { stream }) }, ${call});
      seen.push(await say(stream ? call().then(read) : call()));
    }
    seen.push(await say(create()));
    console.log(JSON.stringify(seen));`);

suite("a response of a caller's fetch is a typed error and no crash where", () => {
  const ODD = {
    "headers are a Map with numbers in it": '{ status: 429, headers: new Map([["retry-after", 1], ["content-type", 5]]), text: async () => "busy" }',
    "headers are a plain object": '{ status: 500, headers: { "content-type": "text/plain" }, text: async () => "x" }',
    "headers.get() throws": '{ status: 500, headers: { get() { throw new Error("no header"); } }, text: async () => "x" }',
    "headers.get() gives an object": '{ status: 500, headers: { get: () => ({}) }, text: async () => "x" }',
    "headers throw when they are looked at": '{ status: 500, get headers() { throw new Error("no headers"); }, text: async () => "x" }',
    "body throws when it is looked at": '{ status: 500, headers: new Headers(), get body() { throw new Error("used"); }, text: async () => "x" }',
    "status throws when it is looked at": '{ get status() { throw new Error("no status"); } }',
    "status is a text": '{ status: "OK", headers: new Headers(), text: async () => "x" }',
    "status is a BigInt": '{ status: 500n, headers: new Headers(), text: async () => "x" }',
    "body has a reader but no cancel()": "{ status: 302, headers: new Headers(), body: { getReader: () => ({ read: async () => ({ done: true }) }) } }",
    "cancel() throws": "{ status: 302, headers: new Headers(), body: { getReader() {}, cancel() { throw new Error('no'); } } }",
    "the reader throws": '{ status: 500, headers: new Headers(), body: { getReader: () => ({ read() { throw new Error("no"); }, cancel: async () => {} }) } }',
    "somebody else is reading it": '(() => { const response = new Response("x", { status: 400 }); response.body.getReader(); return response; })()',
    "somebody else has read it": '(await (async () => { const response = new Response("x", { status: 400 }); await response.text(); return response; })())',
    "it is a stream that somebody else is reading": '(() => { const response = new Response("data: {}\\n\\n", { headers: { "content-type": "text/event-stream" } }); response.body.getReader(); return response; })()',
    "text() gives nothing": "{ status: 500, headers: new Headers(), text: async () => undefined }",
    "its reader gives a symbol": '{ status: 500, headers: new Headers(), body: { getReader: () => ({ read: async () => ({ done: false, value: Symbol() }), cancel: async () => {} }) } }',
    "text() gives no text": "{ status: 500, headers: new Headers(), text: async () => 5 }",
    "text() throws": '{ status: 500, headers: new Headers(), text() { throw new Error("no"); } }',
    "json() throws": '{ status: 200, headers: new Headers(), json() { throw new Error("no"); } }',
  };
  for (const [what, response] of Object.entries(ODD)) {
    test(what, async () => assert.deepEqual(await ends(`{ fetch: async () => (${response}) }`), ["typed error", "typed error", "answered"]));
  }
});

suite("an option is a typed error, or does no harm, and never a crash where", () => {
  const MISUSE = {
    "appCode is a number": "{ appCode: 1234 }",
    "appCode is an object": "{ appCode: {} }",
    "timeout is a BigInt": "{ timeout: 5000n }",
    "timeout is a symbol": "{ timeout: Symbol() }",
    "timeout is an object": "{ timeout: {} }",
    "maxRetries is a BigInt": "{ maxRetries: 2n }",
    "maxRetries is a symbol": "{ maxRetries: Symbol() }",
    "apiKey is a symbol": "{ apiKey: Symbol() }",
    "apiKey has a toString that throws": "{ apiKey: { toString() { throw new Error('no'); } } }",
    "a header is a symbol": "{ defaultHeaders: { x: Symbol() } }",
    "a header is a list with a symbol": "{ defaultHeaders: { x: [Symbol()] } }",
    "a header's name is a symbol": "{ defaultHeaders: [[Symbol(), 'x']] }",
    "headers are an iterator that throws": "{ defaultHeaders: { [Symbol.iterator]() { throw new Error('no'); } } }",
    "a header throws when it is looked at": "{ defaultHeaders: { get x() { throw new Error('no'); } } }",
    "headers are a text": "{ defaultHeaders: 'x: 1' }",
    "a query parameter is a symbol": "{ defaultQuery: { x: Symbol() } }",
    "a query parameter throws when it is looked at": "{ defaultQuery: { get x() { throw new Error('no'); } } }",
    "a query is a number": "{ defaultQuery: 5 }",
    "fetch is a class": "{ fetch: class {} }",
  };
  for (const [what, options] of Object.entries(MISUSE)) {
    test(what, async () => {
      const [whole, streamed, after] = await ends(options);
      assert.match(whole, /^(typed error|answered)$/);
      assert.match(streamed, /^(typed error|answered)$/);
      assert.equal(after, "answered");
    });
  }

  test("signal is no signal", async () => {
    for (const signal of ["'x'", "5", "{}", "{ aborted: true }", "{ get aborted() { throw new Error('no'); } }"]) {
      for (const said of (await ends("{}", `{ signal: ${signal} }`)).slice(0, 1)) assert.match(said, /^(typed error|answered)$/);
    }
  });

  test("baseURL is no text", async () => {
    for (const baseURL of ["5", "{}", "['http://x/v1']", "true", "Symbol()", "() => 'http://x/v1'"]) {
      const said = await program(`${HEAD} console.log(JSON.stringify(await say((async () => create({ baseURL: ${baseURL} }))())));`);
      assert.equal(said, "typed error", baseURL);
    }
  });

  test("the options are none, or null", async () => {
    const seen = await program(`${HEAD}
      const tries = [
        () => new chatmux.Chatmux(null), () => create({}, {}, null),
        () => core.createChatCompletion(request, null), () => core.listCatalogue(undefined, null),
      ];
      const all = [];
      for (const one of tries) all.push(await say((async () => one())()));
      console.log(JSON.stringify(all));`, { CHATMUX_BASE_URL: "http://127.0.0.1:1/v1" });
    for (const said of seen) assert.match(said, /^(typed error|answered)$/);
  });
});

suite("a request ends its call and crashes nothing where", () => {
  const THROWS = "get metadata() { throw new Error('no'); }";
  const BODIES = {
    "a getter throws": `{ ${THROWS} }`,
    "a getter throws beside extra_body": `{ ${THROWS}, extra_body: { a: 1 } }`,
    "a getter of extra_body throws": "{ extra_body: { get a() { throw new Error('no'); } } }",
    "model throws": "{ get model() { throw new Error('no'); } }",
    "toJSON gives nothing": "{ toJSON: () => undefined }",
    "messages are a proxy that throws": "{ messages: new Proxy([], { get() { throw new Error('no'); } }) }",
  };
  for (const [what, body] of Object.entries(BODIES)) {
    test(what, async () => {
      // Passed as it is: spreading it would run the getters here.
      const said = await program(`${HEAD}
        const body = Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(request), ...Object.getOwnPropertyDescriptors(${body}) });
        const client = new chatmux.Chatmux(options);
        const seen = [await say((async () => client.chat.completions.create(body))()), await say(create())];
        console.log(JSON.stringify(seen));`);
      assert.equal(said[0], "typed error");
      assert.equal(said[1], "answered");
    });
  }

  test("it nests 100 000 levels deep, as does extra_body, a header or a query", async () => {
    const seen = await program(`${HEAD}
      let deep = "x";
      for (let level = 0; level < 100_000; level++) deep = [deep];
      const calls = [[{ metadata: deep }], [{ extra_body: { deep } }], [{}, { headers: { x: deep } }], [{}, { query: { x: deep } }], []];
      const all = [];
      for (const args of calls) all.push(await say(create({}, ...args)));
      console.log(JSON.stringify(all));`);
    assert.deepEqual(seen, ["typed error", "typed error", "typed error", "typed error", "answered"]);
  });
});

suite("calls beside one that goes wrong", () => {
  test("are answered", async () => {
    const seen = await program(`${HEAD}
      process.on("uncaughtException", () => {});
      const hang = (ms) => new Promise((resolve) => setTimeout(resolve, ms, "hangs"));
      const odd = { fetch: async () => ({ status: 429, headers: new Map([["retry-after", 1]]), text: async () => "" }) };
      const all = [create(), create(odd), create(), create({ timeout: 1n }), create()].map((call) => Promise.race([say(call), hang(2000)]));
      console.log(JSON.stringify(await Promise.all(all)));
      process.exit();`);
    assert.deepEqual(seen, ["answered", "typed error", "answered", "typed error", "answered"]);
  });
});

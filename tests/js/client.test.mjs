import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import DefaultChatmux, * as chatmux from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import {
  answer, ask, askStream, clientOf, clientWith, collect, COMPLETION, forbidStrayRejections, jsonResponse, KEY, listen, MESSAGES,
  program, reply, replyStream, REQUEST, sse, STREAMED, streamResponse, textOf,
} from "./support.mjs";

const { Chatmux } = chatmux;
const QUESTION = [{ role: "user", content: "What is the meaning of life?" }];
let provider;

forbidStrayRejections();
before(async () => void (provider = await serve(createProvider({ pace: 0 }))));
after(() => provider.close());

const demo = (options) => new Chatmux({ apiKey: "demo", baseURL: `${provider.url}/v1`, ...options });

suite("a call", () => {
  test("answers whole and streamed, and both say the same", async () => {
    const whole = await ask(demo(), { model: "gpt-4o-mini", messages: QUESTION });
    assert.match(whole.choices[0].message.content, /42/);
    const chunks = await collect(await askStream(demo(), { model: "gpt-4o-mini", messages: QUESTION, stream: true }));
    assert.equal(textOf(chunks), whole.choices[0].message.content);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  });

  test("goes through chatmux/core alone as well", async () => {
    const options = { apiKey: "demo", baseURL: `${provider.url}/v1` };
    const whole = await core.createChatCompletion({ model: "gpt-4o-mini", messages: QUESTION }, options);
    const stream = await core.createChatCompletionStream({ model: "gpt-4o-mini", messages: QUESTION, stream: true }, options);
    assert.equal(textOf(await collect(stream)), whole.choices[0].message.content);
    const { data } = await core.listModels(options);
    assert.ok(data.some(({ id }) => id === "gpt-4o-mini"));
    const catalogue = await core.listCatalogue({ model: "gpt-4o-mini" }, { baseURL: options.baseURL });
    assert.equal(catalogue[0].id, "gpt-4o-mini");
  });

  test("is of the client that the module exports by name and by default", () => {
    assert.equal(DefaultChatmux, Chatmux);
    assert.equal(Chatmux.name, "Chatmux");
  });

  test("U1: is sent with a trailing slash of the base URL or without", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    const urls = [`${server.url}/v1`, `${server.url}/v1/`, `${server.url}/v1//`, ` ${server.url}/v1 `, server.url, `${server.url}/`];
    for (const baseURL of urls) await ask(clientOf(server, { baseURL }));
    const long = "/v1/chat/completions";
    assert.deepEqual(server.requests.map(({ url }) => url), [long, long, long, long, "/chat/completions", "/chat/completions"]);
    assert.equal(new Chatmux({ baseURL: "https://example.test/v1/" }).baseURL, "https://example.test/v1");
    assert.equal(new Chatmux({ baseURL: null }).baseURL, "https://aihubmix.com/v1");
    assert.equal(new Chatmux().baseURL, "https://aihubmix.com/v1");
  });

  test("U1: does not lose its path to a base URL that ends in a bare # or ?", async () => {
    for (const end of ["#", "?"]) {
      const asked = [];
      const options = { baseURL: `http://provider.test/v1${end}` };
      // Either is right: to refuse the URL, or to ask the right one.
      try {
        await ask(clientWith(async (url) => (asked.push(url), jsonResponse()), options));
      } catch (error) {
        assert.ok(error instanceof chatmux.ChatmuxError);
        continue;
      }
      assert.deepEqual(asked, ["http://provider.test/v1/chat/completions"]);
    }
  });

  test("leaves its options as they were", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    const { freeze } = Object;
    const client = freeze({ apiKey: KEY, baseURL: server.baseURL, defaultHeaders: freeze({ "x-a": "1" }), defaultQuery: freeze({ a: "1" }) });
    const call = freeze({ headers: freeze({ "x-a": "2" }), query: freeze({ a: null }) });
    const request = freeze({ model: "m", messages: freeze([freeze({ role: "user", content: "x" })]), extra_body: freeze({ y: 1 }) });
    await ask(new Chatmux(client), request, call);
    assert.equal(server.requests[0].url, "/v1/chat/completions");
    assert.equal(server.requests[0].headers["x-a"], "2");
  });
});

suite("the seed example", () => {
  const BYTES = '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is the meaning of life?"}]}';
  const FETCH_ADDS = ["accept-encoding", "accept-language", "connection", "content-length", "host", "sec-fetch-mode", "user-agent"];

  test("is sent byte for byte, with its three headers and what fetch adds", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    await ask(clientOf(server), { model: "gpt-4o-mini", messages: QUESTION });
    const [{ method, url, body, headers, rawHeaders }] = server.requests;
    assert.equal(`${method} ${url}`, "POST /v1/chat/completions");
    assert.equal(body, BYTES);
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers.accept, "application/json");
    assert.equal(headers["content-length"], String(BYTES.length));
    const own = Object.keys(headers).filter((name) => !FETCH_ADDS.includes(name));
    assert.deepEqual(own.sort(), ["accept", "authorization", "content-type"]);
    assert.equal(rawHeaders.length, Object.keys(headers).length * 2, "no header is sent twice");
  });

  test("is the same when streamed, but for stream and accept", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, answer("42")));
    await collect(await askStream(clientOf(server), { model: "gpt-4o-mini", messages: QUESTION, stream: true }));
    const [{ body, headers }] = server.requests;
    assert.equal(body, BYTES.replace(/}$/, ',"stream":true}'));
    assert.equal(headers.accept, "text/event-stream");
    const own = Object.keys(headers).filter((name) => !FETCH_ADDS.includes(name));
    assert.deepEqual(own.sort(), ["accept", "authorization", "content-type"]);
  });
});

suite("the request's bytes", () => {
  async function sent(body) {
    const bodies = [];
    await ask(clientWith(async (_, init) => (bodies.push(init.body), jsonResponse())), body);
    return bodies[0];
  }

  test("are JSON.stringify of the body, whatever is in it", async () => {
    const bodies = [
      { zeta: 1, messages: MESSAGES, alpha: [null, true, 0.1, -0, 1e21], model: "m", b: undefined, Z: { y: { x: [] } } },
      { model: "m", messages: [{ role: "user", content: 'é ü 世界 👋 \u2028 \u2029 \u0000 \\ " / \ud800 end' }] },
      { model: "m", messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }] }] },
      { model: "m", messages: MESSAGES, stream: false, temperature: 0.7, stop: null, metadata: {} },
      { model: "m", messages: MESSAGES, when: new Date(0), custom: { toJSON: () => "said so" } },
      { 2: "b", 1: "a", model: "m", messages: MESSAGES },
    ];
    for (const body of bodies) assert.equal(await sent(body), JSON.stringify(body));
  });

  test("may have no messages, which is for the provider to judge", async () => {
    assert.equal(await sent({ model: "m", messages: [] }), '{"model":"m","messages":[]}');
  });

  test("hold keys named as what every object has", async () => {
    const text =
      '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"a":1}}],' +
      '"__proto__":{"admin":true},"constructor":1,"toString":"x","hasOwnProperty":null}';
    assert.equal(await sent(JSON.parse(text)), text);
    assert.equal({}.admin, undefined);
  });

  test("hold the members of extra_body at the top level, and they win", async () => {
    const body = { model: "m", extra_body: { top_k: 5, model: "other", nested: { a: [1] } }, messages: MESSAGES, top_k: 1 };
    assert.equal(await sent(body), `{"model":"other","messages":${JSON.stringify(MESSAGES)},"top_k":5,"nested":{"a":[1]}}`);
    assert.deepEqual(Object.keys(body), ["model", "extra_body", "messages", "top_k"]);
    assert.equal(await sent({ ...REQUEST, extra_body: {} }), JSON.stringify(REQUEST));
    assert.equal(await sent({ ...REQUEST, extra_body: undefined }), JSON.stringify(REQUEST));
  });

  test("hold a key __proto__ beside extra_body and inside it", async () => {
    const beside = JSON.parse('{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"a":1},"extra_body":{"b":2}}');
    assert.equal(await sent(beside), '{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"a":1},"b":2}');
    const inside = JSON.parse('{"model":"m","messages":[{"role":"user","content":"x"}],"extra_body":{"__proto__":{"a":1}}}');
    assert.equal(await sent(inside), '{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"a":1}}');
  });
});

suite("the completion", () => {
  test("is the server's JSON, unknown keys at every level included", async () => {
    const text = JSON.stringify({
      x_new: { deep: [1, { deeper: null }] },
      ...COMPLETION,
      choices: [
        { index: 0, x_choice: [], message: { role: "assistant", content: "é👋\u2028", x_message: { y: 1 }, reasoning_content: "Let me think" } },
      ],
      usage: { ...COMPLETION.usage, cost: 0.00012, prompt_tokens_details: { cached_tokens: 0, x: true } },
      "": "empty key",
    });
    const pretty = JSON.stringify(JSON.parse(text), null, 2);
    const completion = await ask(clientWith(async () => jsonResponse(pretty)));
    assert.equal(JSON.stringify(completion), text);
    assert.deepEqual(structuredClone(completion), completion);
  });

  test("may hold keys named as what every object has", async () => {
    const text = '{"id":"1","choices":[{"message":{"content":"x","__proto__":{"admin":true}}}],"__proto__":{"admin":true},"constructor":1}';
    const completion = await ask(clientWith(async () => jsonResponse(text)));
    assert.equal(JSON.stringify(completion), text);
    assert.equal(Object.getPrototypeOf(completion), Object.prototype);
    assert.equal({}.admin, undefined);
  });

  test("E4: is null where the status says that there is no body", async () => {
    assert.equal(await ask(clientWith(async () => new Response(null, { status: 204 }))), null);
  });

  test("is read whatever media type it is said to be", async () => {
    for (const type of ["application/json; charset=utf-8", "application/vnd.api+json", "text/plain", "APPLICATION/JSON"]) {
      const completion = await ask(clientWith(async () => jsonResponse(COMPLETION, { headers: { "content-type": type } })));
      assert.deepEqual(completion, COMPLETION);
    }
  });
});

suite("side by side", () => {
  test("200 streams with their own markers keep their own chunks", async (t) => {
    const server = await listen(t, async (request, outgoing) => {
      const { marker } = JSON.parse(request.body);
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      const text = sse(...answer(...[...Array(20).keys()].map((at) => `${marker}:${at} `)));
      // Cut anywhere, so that every decoder holds half an event while the others are fed.
      for (let at = 0; at < text.length; at += 613) {
        outgoing.write(text.slice(at, at + 613));
        await new Promise(setImmediate);
      }
      outgoing.end();
    });
    const clients = [clientOf(server), clientOf(server, { apiKey: "sk-another-0987654321" })];
    const texts = await Promise.all(
      Array.from({ length: 200 }, async (_, number) => {
        const stream = await askStream(clients[number % 2], { ...STREAMED, marker: `m${number}` });
        return textOf(await collect(stream));
      }),
    );
    for (const [number, text] of texts.entries()) {
      assert.equal(text, [...Array(20).keys()].map((at) => `m${number}:${at} `).join(""));
    }
    for (const { headers, body } of server.requests) {
      const even = Number(JSON.parse(body).marker.slice(1)) % 2 === 0;
      assert.equal(headers.authorization, even ? `Bearer ${KEY}` : "Bearer sk-another-0987654321");
    }
  });

  test("whole, streamed and failing calls do not disturb each other", async () => {
    const client = clientWith(async (_, init) => {
      const { n, stream } = JSON.parse(init.body);
      await new Promise(setImmediate);
      if (n % 5 === 0) return jsonResponse({ error: { message: `no ${n}` } }, { status: 400 });
      return stream ? streamResponse(answer(`s${n}`)) : jsonResponse({ ...COMPLETION, id: `w${n}` });
    });
    const seen = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        try {
          if (n % 2) return textOf(await collect(await askStream(client, { ...STREAMED, n })));
          return (await ask(client, { ...REQUEST, n })).id;
        } catch (error) {
          return error.message;
        }
      }),
    );
    const expected = seen.map((_, n) => (n % 5 === 0 ? `400 no ${n}` : n % 2 ? `s${n}` : `w${n}`));
    assert.deepEqual(seen, expected);
  });
});

suite("the caller's context", () => {
  /** Fifty calls at once, each in a context of its own: how many functions of the caller ran in another's. */
  async function strays(body, use) {
    const context = new AsyncLocalStorage();
    const wrong = { key: 0, fetch: 0, answer: 0 };
    const client = clientWith(
      async (_, init) => {
        const { me } = JSON.parse(init.body);
        if (context.getStore() !== me) wrong.fetch++;
        if (init.headers.get("authorization") !== `Bearer sk-of-user-${me}`) wrong.key++;
        await new Promise(setImmediate);
        return body.stream ? streamResponse(answer(String(me))) : jsonResponse({ ...COMPLETION, id: String(me) });
      },
      { apiKey: async () => `sk-of-user-${context.getStore()}` },
    );
    await Promise.all(
      Array.from({ length: 50 }, (_, me) =>
        context.run(me, async () => {
          const said = await use(await ask(client, { ...body, me }));
          if (context.getStore() !== me || said !== String(me)) wrong.answer++;
        }),
      ),
    );
    return wrong;
  }

  test("is kept for the key function and for fetch: no call is sent with the key of another", async () => {
    const none = { key: 0, fetch: 0, answer: 0 };
    assert.deepEqual(await strays(REQUEST, ({ id }) => id), none);
    assert.deepEqual(await strays(STREAMED, async (stream) => textOf(await collect(stream))), none);
  });
});

suite("the wasm", () => {
  // Node's own fetch has a wasm inside: only what is as long as chatmux's, or asks for its imports, counts.
  const COUNT = `
    import { statSync } from "node:fs";
    const file = ${JSON.stringify(fileURLToPath(new URL("../../dist/chatmux.wasm", import.meta.url)))};
    const { size } = statSync(file);
    const count = { compiled: 0, instantiated: 0 };
    // Of bytes, an instance is made by compiling them.
    const isOurs = ([source]) => source?.byteLength === size;
    const wrap = (name, key) => {
      const own = WebAssembly[name];
      WebAssembly[name] = new Proxy(own, {
        apply: (target, self, args) => (isOurs(args) && count[key]++, Reflect.apply(target, self, args)),
        construct: (target, args) => (isOurs(args) && count[key]++, Reflect.construct(target, args)),
      });
    };
    for (const name of ["instantiate", "instantiateStreaming", "Instance"]) wrap(name, "instantiated");
    for (const name of ["compile", "compileStreaming", "Module"]) wrap(name, "compiled");`;

  test("is loaded on the first call, once, however many clients and entries there are", async () => {
    const seen = await program(`${COUNT}
      const steps = [{ ...count }];
      const { Chatmux } = chatmux;
      const fetch = async () => new Response('{"id":"1","choices":[]}');
      const options = { apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch };
      const clients = [new Chatmux(options), new Chatmux(options)];
      steps.push({ ...count });
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      const calls = clients.map((client) => client.chat.completions.create(request));
      await Promise.all([...calls, core.createChatCompletion(request, options), chatmux.init()]);
      await clients[0].chat.completions.create(request);
      await core.init();
      steps.push({ ...count });
      console.log(JSON.stringify(steps));`);
    assert.deepEqual(seen.map(({ compiled, instantiated }) => compiled + instantiated), [0, 0, 1]);
  });

  test("can be loaded early, from bytes, and from a source that fails the first time", async () => {
    const seen = await program(`${COUNT}
      import { readFile } from "node:fs/promises";
      const failed = await chatmux.init(Promise.reject(new Error("no such file"))).then(() => "loaded", (error) => [error.name, error.kind, error.cause.message]);
      await chatmux.init(readFile(file));
      const options = { apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch: async () => new Response('{"id":"1","choices":[]}') };
      const { id } = await core.createChatCompletion({ model: "m", messages: [{ role: "user", content: "x" }] }, options);
      console.log(JSON.stringify({ failed, id, count }));`);
    assert.deepEqual(seen, { failed: ["ChatmuxError", "wasm_not_loaded", "no such file"], id: "1", count: { compiled: 0, instantiated: 1 } });
  });
});

suite("the client", () => {
  test("shows its base URL, timeout and retries, and no key", () => {
    const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", timeout: 5000, maxRetries: 1 });
    assert.equal(client.baseURL, "http://provider.test/v1");
    assert.equal(client.timeout, 5000);
    assert.equal(client.maxRetries, 1);
    const shown = [inspect(client, { depth: 20, showHidden: true }), JSON.stringify(client), String(client)].join();
    assert.ok(!shown.includes(KEY), shown);
  });

  test("says with its statics which errors there are", () => {
    const names = Object.keys(chatmux).filter((name) => /^[A-Z]\w+Error$/.test(name));
    assert.equal(names.length, 20);
    // What only the helpers raise is no static: a bundle without them would have it.
    const ofHelpers = ["InvalidJSONError", "SchemaValidationError"];
    for (const name of names) assert.equal(Chatmux[name], ofHelpers.includes(name) ? undefined : chatmux[name], name);
  });

  test("comes with its errors, the streams and init, and chatmux/core with the calls instead", () => {
    const errors = [
      "APIConnectionError", "APIConnectionTimeoutError", "APIError", "APIUserAbortError", "AuthenticationError", "BadRequestError",
      "ChatmuxError", "ConflictError", "ContentFilterFinishReasonError", "InternalServerError", "LengthFinishReasonError",
      "NotFoundError", "PermissionDeniedError", "RateLimitError", "StreamTimeoutError", "StreamTruncatedError", "UnprocessableEntityError",
    ];
    const calls = ["createChatCompletion", "createChatCompletionStream", "listCatalogue", "listModels", "request"];
    const helpers = [
      "ChatCompletionRunner", "ChatCompletionStream", "ChatCompletionStreamingRunner", "InvalidJSONError", "OpenAI", "ParsingToolFunction",
      "SchemaValidationError", "standardFunction", "standardResponseFormat", "toMessage", "toUsage",
    ];
    assert.deepEqual(Object.keys(chatmux).sort(), ["APIPromise", ...helpers, "Chatmux", "ChunkStream", ...errors, "OpenAIError", "Stream", "default", "init"].sort());
    assert.deepEqual(Object.keys(core).sort(), [...errors, ...calls, "APIPromise", "ChunkStream", "Stream", "init"].sort());
  });
});

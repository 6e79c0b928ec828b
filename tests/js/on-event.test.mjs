/** What a call does, as data: `onEvent`. */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { suite, test } from "node:test";
import Chatmux, { APIError, APIUserAbortError, ChatmuxError, RateLimitError } from "chatmux";
import { AT_ONCE, failedFetch, never, refusal } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, collect, COMPLETION, deadURL, failure, forbidStrayRejections, jsonResponse, KEY, listen, MESSAGES, program, pulled, reply,
  replyStream, REQUEST, spawned, sse, STREAMED, streamResponse, until,
} from "./support.mjs";
import { bodyOf, bytesOf } from "./streams.mjs";

forbidStrayRejections();

const BASE = "http://provider.test/v1";
const URL_OF_CHAT = `${BASE}/chat/completions`;

/** A client whose `fetch` is a function of the test, and the events of its calls. */
function watched(fetch, options = {}) {
  const events = [];
  const client = new Chatmux({ apiKey: KEY, baseURL: BASE, maxRetries: 0, fetch, onEvent: (event) => events.push(event), ...options });
  return { client, events };
}

/** Events without what is another number each time. */
const plain = (events) => events.map(({ call, ms, attemptMs, ...rest }) => rest);

const types = (events) => events.map(({ type }) => type);

/** A `fetch` that answers with these in turn. */
const inTurn = (...answers) => async () => answers.shift()();

const HEADERS = { accept: "application/json", authorization: "***", "content-type": "application/json" };
const TYPE = { "content-type": "application/json" };
/** A usage as events have it. */
const usageOf = (prompt_tokens, completion_tokens) => ({
  prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens,
  prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 },
});

const ENDED = { type: "end", retryCount: 0, finishReasons: ["stop"], aborted: false };

suite("a whole call tells", () => {
  test("its request, its response, its usage and its end", async () => {
    const { client, events } = watched(async () => jsonResponse(COMPLETION, { headers: { "x-request-id": "req_1" } }));
    await ask(client);
    assert.deepEqual(plain(events), [
      { type: "request", attempt: 1, method: "POST", url: URL_OF_CHAT, headers: HEADERS, model: "gpt-4o-mini", stream: false },
      { type: "response", attempt: 1, method: "POST", url: URL_OF_CHAT, status: 200, requestID: "req_1", headers: { ...TYPE, "x-request-id": "req_1" } },
      { type: "usage", usage: usageOf(1, 1) },
      ENDED,
    ]);
    assert.ok(events.every(({ call }) => call === events[0].call));
    const times = events.map(({ ms }) => ms);
    assert.ok(times.every((ms, at) => Number.isInteger(ms) && ms >= (times[at - 1] ?? 0)), String(times));
    assert.ok(Number.isInteger(events[1].attemptMs) && events[1].attemptMs <= events[1].ms);
  });

  test("why it is tried again, before it is, and how often it was: R10", async () => {
    const { client, events } = watched(inTurn(() => refusal(429), () => refusal(503, AT_ONCE, "busy"), () => jsonResponse()), { maxRetries: 4 });
    await ask(client);
    assert.deepEqual(types(events), ["request", "response", "retry", "request", "response", "retry", "request", "response", "usage", "end"]);
    assert.deepEqual(plain(events).filter(({ type }) => type === "retry"), [
      { type: "retry", attempt: 1, delay: 0, retriesLeft: 4, kind: "rate_limit", status: 429 },
      { type: "retry", attempt: 2, delay: 0, retriesLeft: 3, kind: "internal_server", status: 503, message: "busy" },
    ]);
    assert.deepEqual(events.filter(({ type }) => type === "request").map(({ attempt }) => attempt), [1, 2, 3]);
    assert.equal(events.at(-1).retryCount, 2);
  });

  test("the pause that the server asks for", async () => {
    const { client, events } = watched(inTurn(() => refusal(500, { "retry-after-ms": "7" }), () => jsonResponse()), { maxRetries: 1 });
    await ask(client);
    assert.equal(events.find(({ type }) => type === "retry").delay, 7);
  });

  test("a connection that failed and was made again", async () => {
    const answers = [() => { throw failedFetch("ECONNRESET"); }, () => jsonResponse()];
    const { client, events } = watched(inTurn(...answers), { maxRetries: 1 });
    await ask(client);
    const { call, ms, delay, message, ...retry } = events[1];
    assert.deepEqual(retry, { type: "retry", attempt: 1, retriesLeft: 1, kind: "connection" });
    assert.match(message, /said ECONNRESET/);
    assert.ok(delay >= 375 && delay <= 500, String(delay));
    assert.deepEqual(types(events), ["request", "retry", "request", "response", "usage", "end"]);
  });

  test("an error as data, with the number of retries, and the error itself: R10", async () => {
    const { client, events } = watched(async () => refusal(429, { ...AT_ONCE, "x-request-id": "req_9" }), { maxRetries: 1 });
    const error = await failure(ask(client));
    const { call, ms, ...last } = events.at(-1);
    assert.deepEqual(last, { type: "error", retryCount: 1, name: "RateLimitError", kind: "rate_limit", message: "429 no", status: 429, requestID: "req_9" });
    assert.ok(error instanceof RateLimitError);
    assert.equal(events.at(-1).error, error);
    assert.equal(error.retryCount, 1);
    assert.deepEqual(types(events).filter((type) => type === "error" || type === "end"), ["error"]);
  });

  test("an abort", async () => {
    const { client, events } = watched(never);
    const controller = new AbortController();
    const call = ask(client, REQUEST, { signal: controller.signal });
    await until(() => events.length === 1, "a request");
    controller.abort();
    assert.ok((await failure(call)) instanceof APIUserAbortError);
    assert.deepEqual([types(events), events[1].kind], [["request", "error"], "abort"]);
  });

  test("that it was refused before anything was sent", async () => {
    for (const [body, options, client] of [
      [{ model: "m" }, undefined, {}],
      [REQUEST, { timeout: -1 }, {}],
      [REQUEST, undefined, { apiKey: null }],
      [REQUEST, undefined, { fetch: 1 }],
      [null, undefined, {}],
    ]) {
      const seen = watched(async () => assert.fail("sent"), client);
      const error = await failure(ask(seen.client, body, options));
      assert.deepEqual(types(seen.events), ["error"]);
      assert.equal(seen.events[0].error, error);
    }
  });

  test("each base URL that it turns to, but not whether one is there", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    const dead = `${await deadURL()}/v1`;
    const { client, events } = watched(undefined, { baseURL: dead, fallbackBaseURLs: [server.baseURL] });
    await ask(client);
    assert.deepEqual(events.filter(({ type }) => type === "request").map(({ attempt, url }) => [attempt, url]),
      [[1, `${dead}/chat/completions`], [1, `${server.baseURL}/chat/completions`]]);

    const probed = watched(async (url, init) => {
      if (url.startsWith(BASE)) throw new TypeError("Failed to fetch");
      return init.headers.has("accept") ? jsonResponse() : assert.fail("the fallback was probed");
    }, { fallbackBaseURLs: ["http://other.test/v1"] });
    await ask(probed.client);
    assert.deepEqual(probed.events.filter(({ type }) => type === "request").map(({ url }) => url), [URL_OF_CHAT, "http://other.test/v1/chat/completions"]);
  });

  test("what is no chat, too", async () => {
    const { client, events } = watched(async () => jsonResponse({ object: "list", data: [] }));
    await client.models.list();
    await client.get("/files");
    assert.deepEqual(types(events), ["request", "response", "end", "request", "response", "end"]);
    assert.deepEqual([events[0].method, events[0].url, "model" in events[0]], ["GET", `${BASE}/models`, false]);
    assert.deepEqual(events[2].finishReasons, []);
  });
});

suite("a streamed call tells", () => {
  const open = (parts, options) => watched(async () => streamResponse(parts), options);

  test("its first token, its usage and its end, once each", async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const { client, events } = open([chunk(""), chunk("a"), chunk("b"), { ...chunk(null, "stop"), usage }, "[DONE]"]);
    await collect(await askStream(client));
    assert.deepEqual(plain(events), [
      { type: "request", attempt: 1, method: "POST", url: URL_OF_CHAT, headers: { ...HEADERS, accept: "text/event-stream" }, model: "gpt-4o-mini", stream: true },
      { type: "response", attempt: 1, method: "POST", url: URL_OF_CHAT, status: 200, requestID: null, headers: { "content-type": "text/event-stream" } },
      { type: "first_token", part: "content" },
      { type: "usage", usage: usageOf(3, 2) },
      ENDED,
    ]);
  });

  test("which part came first", async () => {
    const tool = { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } }] };
    for (const [delta, part] of [
      [{ content: "a" }, "content"], [{ reasoning_content: "a" }, "reasoning"], [{ reasoning: "a" }, "reasoning"],
      [{ reasoning_details: [{ type: "reasoning.text", text: "a" }] }, "reasoning"], [{ refusal: "no" }, "refusal"], [tool, "tool_call"],
    ]) {
      const first = { ...chunk(null), choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] };
      const { client, events } = open([{ ...chunk(null), choices: [] }, first, { ...first, choices: [{ ...first.choices[0], delta }] }, ...answer("z")]);
      await collect(await askStream(client));
      assert.deepEqual(events.filter(({ type }) => type === "first_token").map((event) => event.part), [part], JSON.stringify(delta));
    }
  });

  test("the first token when its reader is given it, as it was read", async () => {
    const { client, events } = open(answer("a", "b"));
    const reader = (await askStream(client))[Symbol.asyncIterator]();
    assert.deepEqual(types(events), ["request", "response"]);
    await reader.next();
    assert.deepEqual(types(events), ["request", "response", "first_token"]);
    await reader.next();
    assert.equal(events.length, 3);
    await reader.return();
  });

  test("the same when only the text is read", async () => {
    for (const read of [(stream) => stream.text(), (stream) => collect(stream.textDeltas())]) {
      const { client, events } = open([chunk(""), ...answer("a", "b")]);
      await read(await askStream(client));
      assert.deepEqual(types(events), ["request", "response", "first_token", "end"]);
      assert.deepEqual(events.at(-1).finishReasons, ["stop"]);
    }
  });

  test("the finish reason of each choice", async () => {
    const of = (index, finish_reason) => ({ ...chunk(null), choices: [{ index, delta: { content: "a" }, finish_reason }] });
    const { client, events } = open([of(0, null), of(1, "length"), of(0, "stop"), "[DONE]"]);
    await collect(await askStream(client));
    assert.deepEqual(events.at(-1).finishReasons, ["stop", "length"]);
  });

  for (const [how, leave] of Object.entries({
    "break": async (stream) => { for await (const _ of stream) break; },
    "return()": async (stream) => { const reader = stream[Symbol.asyncIterator](); await reader.next(); await reader.return(); await reader.return(); },
    "its controller": async (stream) => { for await (const _ of stream) stream.controller.abort(); },
    "the signal of the call": async (stream, controller) => { for await (const _ of stream) controller.abort(); },
    "both halves of tee()": async (stream) => { for (const half of stream.tee()) for await (const _ of half) break; },
    "the end of a ReadableStream of it": async (stream) => { const reader = stream.toReadableStream().getReader(); await reader.read(); await reader.cancel(); },
    "an abort of text()": async (stream, controller) => { const text = stream.text(); controller.abort(); await failure(text); },
  })) {
    test(`one end when it is left by ${how}`, async () => {
      const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
      const { body } = pulled([sse({ ...chunk("a"), usage }), sse(chunk("b")), sse(chunk("c", "stop"), "[DONE]")]);
      const { client, events } = open(body);
      const controller = new AbortController();
      await leave(await askStream(client, STREAMED, { signal: controller.signal }), controller);
      await until(() => types(events).includes("end"), "an end");
      const early = how.includes("text()");
      assert.deepEqual(types(events), ["request", "response", ...(early ? ["end"] : ["first_token", "usage", "end"])]);
      const { aborted, finishReasons } = events.at(-1);
      assert.deepEqual([aborted, finishReasons], [true, early ? [] : [null]]);
      if (!early) assert.deepEqual(events.at(-2).usage, usageOf(3, 1));
    });
  }

  test("one end when it is aborted and nobody has read it", async () => {
    const { client, events } = open(answer("a"));
    const stream = await askStream(client);
    stream.controller.abort();
    await until(() => types(events).includes("end"), "an end");
    assert.deepEqual(await collect(stream), []);
    assert.deepEqual(types(events), ["request", "response", "end"]);
    assert.equal(events.at(-1).aborted, true);
  });

  test("one error, and the usage so far, when it fails in the middle", async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
    for (const [what, kind, rest] of [
      ["is cut", "stream_truncated", []], ["is malformed", "malformed_response", ["{broken"]], ["sends an error", "api", [{ error: { message: "no" } }]],
    ]) {
      const { client, events } = open([{ ...chunk("a"), usage }, ...rest]);
      const error = await failure(askStream(client).then(collect));
      assert.deepEqual(types(events), ["request", "response", "first_token", "usage", "error"], what);
      assert.deepEqual([events.at(-1).kind, events.at(-1).error, events.at(-2).usage], [kind, error, usageOf(3, 1)], what);
    }
  });

  test("one error when its body breaks, and when it is silent", async () => {
    const { body } = bodyOf(bytesOf([JSON.stringify(chunk("a"))], ""), Infinity, { fail: new TypeError("terminated") });
    const broken = open(body);
    await failure(askStream(broken.client).then(collect));
    assert.deepEqual([types(broken.events), broken.events.at(-1).kind], [["request", "response", "first_token", "error"], "stream_truncated"]);

    const silent = open(new ReadableStream({}), { firstEventTimeout: 20 });
    const error = await failure(askStream(silent.client).then(collect));
    assert.deepEqual([types(silent.events), silent.events.at(-1).kind, silent.events.at(-1).error], [["request", "response", "error"], "stream_timeout", error]);
  });

  test("an error that comes instead of it", async () => {
    const { client, events } = watched(async () => refusal(401));
    await failure(askStream(client));
    assert.deepEqual([types(events), events.at(-1).status], [["request", "response", "error"], 401]);
  });

  test("its usage in OpenAI's form, whoever gives it", async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 };
    const { client, events } = open([{ ...chunk("a", "stop"), usage }, "[DONE]"]);
    await collect(await askStream(client));
    assert.deepEqual(events.at(-2).usage, { ...usageOf(10, 2), prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 0 } });
  });

  test("no tokens where it is no chat", async () => {
    const { client, events } = watched(async () => streamResponse(sse({ type: "a", delta: "b" }, "[DONE]")));
    await collect(await client.post("/responses", { body: { a: 1 }, stream: true }));
    assert.deepEqual(types(events), ["request", "response", "end"]);
    assert.equal(events[0].stream, true);
  });
});

suite("a call whose response is wanted", () => {
  test("ends when it is handed over, and only then, also where it is read afterwards", async () => {
    for (const [call, response] of [[ask, () => jsonResponse()], [askStream, () => streamResponse(answer("a"))]]) {
      const { client, events } = watched(async () => response());
      const promise = call(client);
      assert.equal((await promise.asResponse()).status, 200);
      assert.deepEqual(types(events), ["request", "response", "end"]);
      const read = await promise;
      if (call === askStream) await collect(read);
      assert.deepEqual(types(events), ["request", "response", "end"]);
    }
  });

  test("ends with its answer where that is wanted as well", async () => {
    const { client, events } = watched(async () => jsonResponse());
    await ask(client).withResponse();
    assert.deepEqual(types(events), ["request", "response", "usage", "end"]);

    const streamed = watched(async () => streamResponse(answer("a")));
    await collect((await askStream(streamed.client).withResponse()).data);
    assert.deepEqual(types(streamed.events), ["request", "response", "first_token", "end"]);
  });

  test("fails as any other", async () => {
    const { client, events } = watched(async () => refusal(400));
    await failure(ask(client).asResponse());
    assert.deepEqual(types(events), ["request", "response", "error"]);
  });
});

suite("onEvent", () => {
  test("tells calls apart that run at the same time", async () => {
    const { client, events } = watched(async (_, { body }) => (JSON.parse(body).model === "a" ? jsonResponse() : refusal(400)));
    await Promise.all([ask(client, { ...REQUEST, model: "a" }), failure(ask(client, { ...REQUEST, model: "b" }))]);
    const calls = new Map(events.filter(({ model }) => model).map(({ call, model }) => [model, call]));
    const of = (model) => types(events.filter(({ call }) => call === calls.get(model)));
    assert.deepEqual([of("a"), of("b")], [["request", "response", "usage", "end"], ["request", "response", "error"]]);
  });

  test("of a call takes the place of the client's, and withOptions() carries it on", async () => {
    const { client, events } = watched(async () => jsonResponse());
    const own = [];
    await ask(client, REQUEST, { onEvent: (event) => own.push(event) });
    assert.deepEqual([types(own), events], [["request", "response", "usage", "end"], []]);
    await ask(client.withOptions({ timeout: 1000 }));
    assert.equal(events.length, 4);
    await ask(client.withOptions({ onEvent: null }));
    assert.equal(events.length, 4);
    client.onEvent = (event) => own.push(event);
    await ask(client);
    assert.deepEqual([own.length, events.length], [8, 4]);
  });

  test("does not break a call when it throws or rejects, and changes nothing of it", async () => {
    for (const onEvent of [() => { throw new Error("mine"); }, async () => { throw new Error("mine"); }]) {
      const { client } = watched(inTurn(() => refusal(500), () => jsonResponse(), () => streamResponse(answer("a", "b"))), { onEvent, maxRetries: 1 });
      assert.deepEqual(await ask(client), COMPLETION);
      assert.equal((await collect(await askStream(client))).length, 3);
    }
  });

  test("may ask a model itself", async () => {
    let asked = 0;
    const { client } = watched(inTurn(() => refusal(500), () => jsonResponse(), () => jsonResponse()), {
      maxRetries: 1, onEvent: ({ type }) => void (type === "retry" && ask(client, REQUEST, { onEvent: null }).then(() => asked++)),
    });
    await ask(client);
    await until(() => asked === 1, "an answer");
  });

  test("is called in the asynchronous context of its call", async () => {
    const context = new AsyncLocalStorage();
    const contexts = { a: [], b: [], c: [] };
    const left = new Map(Object.keys(contexts).map((model) => [model, 2]));
    const { client } = watched(async (_, { body }) => {
      const { model } = JSON.parse(body);
      left.set(model, left.get(model) - 1);
      return left.get(model) ? refusal(500) : jsonResponse();
    }, { maxRetries: 1 });
    await Promise.all(Object.keys(contexts).map((model) => {
      const onEvent = ({ type }) => void contexts[model].push([type, context.getStore()]);
      return context.run(model, () => ask(client, { ...REQUEST, model }, { onEvent }));
    }));
    for (const [model, of] of Object.entries(contexts)) {
      assert.deepEqual(of, ["request", "response", "retry", "request", "response", "usage", "end"].map((type) => [type, model]));
    }
  });

  test("is told what can be written as JSON", async () => {
    const { client, events } = watched(inTurn(() => refusal(500), () => refusal(400)), { maxRetries: 1 });
    await failure(ask(client));
    assert.equal(events.length, 6);
    for (const event of events) assert.deepEqual(JSON.parse(JSON.stringify(event)), { ...event });
  });

  test("must be a function", async () => {
    const wanted = { name: "ChatmuxError", message: "`onEvent` must be a function, which is called with events." };
    assert.throws(() => new Chatmux({ apiKey: KEY, onEvent: "yes" }), wanted);
    const { client } = watched(async () => assert.fail("sent"));
    await assert.rejects(ask(client, REQUEST, { onEvent: {} }), wanted);
  });

  test("leaves an error that nobody handles unhandled", async () => {
    const { stderr } = await spawned(`
      await import(${JSON.stringify(new URL("../../dist/helpers/install.js", import.meta.url).href)});
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567", baseURL: "${BASE}", onEvent() {}, fetch: async () => new Response("", { status: 400 }) });
      process.on("unhandledRejection", (error) => console.error("stray", error.name));
      client.chat.completions.create({ model: "m", messages: [] }).then();
    `);
    assert.match(stderr, /stray BadRequestError/);
  });
});

/** A program with the helpers, and with a function that opens a stream of these parts and keeps its events. */
const OPENING = `
  await import(${JSON.stringify(new URL("../../dist/helpers/install.js", import.meta.url).href)});
  const event = (text) => 'data: {"choices":[{"index":0,"delta":{"content":"' + text + '"}}]}\\n\\n';
  const events = { a: [], b: [] };
  const open = (model, parts) => {
    const body = new ReadableStream({ pull: (c) => c.enqueue(new TextEncoder().encode(parts.next().value)) }, { highWaterMark: 0 });
    const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
    const onEvent = ({ type, kind, aborted }) => events[model].push(kind ?? (aborted ? "aborted" : type));
    const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: "${BASE}", fetch, onEvent, maxEventBytes: Infinity });
    return client.chat.completions.create({ model, messages: [], stream: true });
  };
  function* texts() { for (;;) yield event("begun"); }
  function* endless() { yield event("begun"); yield 'data: {"choices":"'; for (;;) yield "x".repeat(1 << 20); }
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

suite("a stream that nobody ends", () => {
  test("has one error when the instance of the wasm is lost, whether it is read or not", async () => {
    const events = await program(`${OPENING}
      const read = (await open("a", texts()))[Symbol.asyncIterator]();
      await read.next();
      await (await open("b", endless())).text().catch(() => {});
      await pause(10);
      await read.next().catch(() => {});
      console.log(JSON.stringify(events));`);
    const all = ["request", "response", "first_token", "wasm_failed"];
    assert.deepEqual(events, { a: all, b: all });
  });

  test("ends when the garbage collector finds it: to be seen keeps nothing", async () => {
    const events = await program(`${OPENING}
      await (async () => void (await (await open("a", texts()))[Symbol.asyncIterator]().next()))();
      for (let i = 0; i < 200 && events.a.length < 4; i++) { gc(); await pause(5); }
      console.log(JSON.stringify(events.a));
      process.exit();`, { NODE_OPTIONS: "--expose-gc" });
    assert.deepEqual(events, ["request", "response", "first_token", "aborted"]);
  });
});

suite("without the helpers", () => {
  test("onEvent, logger and logLevel are refused at the door, and CHATMUX_LOG is ignored", async () => {
    const said = await program(`
      const said = [];
      const attempt = async (make) => { try { await make(); said.push("fine"); } catch (error) { said.push([error.name, error.message]); } };
      const fetch = async () => new Response(JSON.stringify(${JSON.stringify(COMPLETION)}), { headers: { "content-type": "application/json" } });
      const base = { apiKey: "sk-1234567", baseURL: "${BASE}", fetch };
      await attempt(() => new chatmux.Chatmux({ ...base, onEvent() {} }));
      await attempt(() => new chatmux.Chatmux({ ...base, logger: console }));
      await attempt(() => new chatmux.Chatmux(base).withOptions({ logLevel: "debug" }));
      const request = { model: "m", messages: ${JSON.stringify(MESSAGES)} };
      await attempt(() => new chatmux.Chatmux(base).chat.completions.create(request, { onEvent() {} }));
      await attempt(() => core.createChatCompletion(request, { ...base, onEvent() {} }));
      await attempt(() => new chatmux.Chatmux(base).chat.completions.create(request));
      console.log(JSON.stringify(said));
    `, { CHATMUX_LOG: "debug" });
    const needs = (name) => ["ChatmuxError", `\`${name}\` is one of the helpers: import the client from "chatmux/helpers".`];
    assert.deepEqual(said, [needs("onEvent"), needs("logger"), needs("logLevel"), needs("onEvent"), needs("onEvent"), "fine"]);
  });
});

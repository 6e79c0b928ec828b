import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";

const provider = createProvider({ pace: 0 });
const ORIGIN = "http://provider.test";
const HELLO = [{ role: "user", content: "hello" }];

function ask(body, { key = "demo", answer = provider, ...init } = {}) {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  const text = typeof body === "string" ? body : JSON.stringify({ model: "gpt-4o-mini", messages: HELLO, ...body });
  return answer(new Request(`${ORIGIN}/v1/chat/completions`, { method: "POST", headers, body: text, ...init }));
}

const say = (content, rest = {}) => ask({ messages: [{ role: "user", content }], ...rest });
const get = (path, init) => provider(new Request(ORIGIN + path, init));

/** The events of a stream; the last one is "[DONE]" where it was sent. */
async function events(response) {
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const frames = (await response.text()).split("\n\n");
  assert.equal(frames.pop(), "", "the last event has its blank line");
  return frames.map((frame) => {
    assert.match(frame, /^data: [^\r\n]*$/);
    return frame === "data: [DONE]" ? "[DONE]" : JSON.parse(frame.slice(6));
  });
}

const textOf = (chunks, field = "content") => chunks.map((chunk) => chunk.choices?.[0]?.delta[field] ?? "").join("");

async function failed(response, status) {
  assert.equal(response.status, status);
  const { error } = await response.json();
  assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
  return error;
}

test("answers a question whole, in OpenAI's form", async () => {
  const response = await say("What is the meaning of life?");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.match(response.headers.get("x-request-id"), /^req_[0-9a-f]{32}$/);
  const completion = await response.json();
  assert.match(completion.id, /^chatcmpl-\w{29}$/);
  assert.equal(completion.object, "chat.completion");
  assert.ok(Math.abs(completion.created - Date.now() / 1000) < 5);
  assert.equal(completion.model, "gpt-4o-mini");
  assert.equal(completion.system_fingerprint, "fp_chatmux_local");
  const [choice] = completion.choices;
  assert.equal(choice.finish_reason, "stop");
  assert.equal(choice.message.role, "assistant");
  assert.match(choice.message.content, /42/);
  assert.equal(completion.usage.prompt_tokens, 7);
  assert.equal(completion.usage.total_tokens, 7 + completion.usage.completion_tokens);
});

test("streams the same text and counts the same usage as it answers whole", async () => {
  for (const content of ["markdown", "/reason why?", "/tool", "/long", "Grüße, 世界 👋"]) {
    const { choices: [{ message, finish_reason }], usage } = await (await say(content)).json();
    const chunks = await events(await say(content, { stream: true, stream_options: { include_usage: true } }));
    assert.equal(chunks.pop(), "[DONE]");
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.deepEqual(last.usage, usage);
    assert.equal(textOf(chunks), message.content ?? "");
    assert.equal(textOf(chunks, "reasoning_content"), message.reasoning_content ?? "");
    assert.equal(chunks.at(-1).choices[0].finish_reason, finish_reason);
  }
});

test("begins a stream with the role and ends it with the reason and [DONE]", async () => {
  const chunks = await events(await say("hello", { stream: true }));
  assert.equal(chunks.pop(), "[DONE]");
  assert.deepEqual(chunks[0].choices, [
    { index: 0, delta: { role: "assistant", content: "", refusal: null }, logprobs: null, finish_reason: null },
  ]);
  assert.deepEqual(chunks.at(-1).choices, [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]);
  for (const key of ["id", "object", "created", "model", "system_fingerprint"]) {
    assert.equal(new Set(chunks.map((chunk) => chunk[key])).size, 1, `${key} stays the same`);
  }
  assert.equal(chunks[0].object, "chat.completion.chunk");
  assert.ok(chunks.every((chunk) => !("usage" in chunk)));
});

test("says usage: null in the chunks before the usage", async () => {
  const chunks = await events(await say("hello", { stream: true, stream_options: { include_usage: true } }));
  assert.deepEqual(chunks.slice(0, -2).filter((chunk) => chunk.usage !== null), []);
});

test("pads its chunks as OpenAI does, unless told not to", async () => {
  const padded = await events(await say("hello", { stream: true }));
  assert.ok(padded.slice(0, -1).every((chunk) => chunk.obfuscation.length > 0));
  const bare = await events(await say("hello", { stream: true, stream_options: { include_obfuscation: false } }));
  assert.ok(bare.slice(0, -1).every((chunk) => !("obfuscation" in chunk)));
});

test("refuses a wrong key without repeating it", async () => {
  const secret = "sk-abcdefghijklmnopqrstuvwxyz";
  const error = await failed(await ask({}, { key: secret }), 401);
  assert.equal(error.code, "invalid_api_key");
  assert.ok(!error.message.includes(secret) && error.message.includes("sk-***wxyz"));
  const short = await failed(await ask({}, { key: "hunter2" }), 401);
  assert.ok(!short.message.includes("hunter") && !short.message.includes("ter2"));
});

test("refuses a missing key, for the list of models as well", async () => {
  assert.match((await failed(await ask({}, { key: "" }), 401)).message, /didn't provide an API key/);
  await failed(await get("/v1/models"), 401);
  const { object, data } = await (await get("/v1/models", { headers: { authorization: "Bearer demo" } })).json();
  assert.equal(object, "list");
  assert.equal(data[0].id, "gpt-4o-mini");
  assert.ok(data.every((model) => model.object === "model" && model.owned_by && model.created));
});

test("shows AIHubMix's catalogue to everybody, in AIHubMix's form", async () => {
  const response = await get("/api/v1/models");
  assert.equal(response.headers.get("cache-control"), "max-age=300");
  const { data, success, message } = await response.json();
  assert.deepEqual({ success, message }, { success: true, message: "" });
  assert.ok(data.length >= 10);
  assert.equal(data[0].model_id, "gpt-4o-mini");
  for (const item of data) {
    for (const key of ["types", "features", "input_modalities", "endpoints", "desc"]) assert.equal(typeof item[key], "string");
    assert.equal(typeof item.developer_id, "number");
    assert.equal(typeof item.pricing.input, "number");
  }
  const odd = data.flatMap((item) => [item.max_output, item.context_length]);
  assert.ok(odd.includes("") && odd.includes(0) && odd.includes("400000") && odd.includes(128000));
});

test("filters and sorts the catalogue", async () => {
  const ids = async (query) => (await (await get(`/api/v1/models?${query}`)).json()).data.map((item) => item.model_id);
  assert.deepEqual(await ids("model=OPUS"), ["claude-opus-5"]);
  assert.deepEqual(await ids("type=image_generation"), ["gemini-2.5-flash-image"]);
  assert.deepEqual(await ids("modalities=audio,video"), ["gemini-3.7-flash"]);
  assert.deepEqual(await ids("features=web,structured_outputs&model=q"), ["qwen3-max"]);
  assert.equal((await ids("sort_by=model_ratio"))[0], "glm-4.5-flash");
  assert.equal((await ids("sort_by=context_length&sort_order=desc"))[0], "gemini-3.7-flash");
  assert.equal((await ids("sort_by=order&sort_order=desc")).at(-1), "gpt-4o-mini");
  assert.equal((await ids("sort_by=constructor"))[0], "gpt-4o-mini");
  assert.deepEqual(await ids("model=nobody"), []);
});

test("calls an unknown model a missing channel, as AIHubMix does", async () => {
  const error = await failed(await ask({ model: "gpt-99" }), 503);
  assert.match(error.message, /^No available channel for model gpt-99 /);
});

test("answers an unknown path with 404 and a wrong method with 405", async () => {
  await failed(await get("/v1/nothing"), 404);
  const response = await get("/v1/chat/completions");
  assert.equal(response.headers.get("allow"), "POST");
  await failed(response, 405);
  await failed(await get("/api/v1/models", { method: "POST" }), 405);
});

test("names the parameter that is wrong", async () => {
  const cases = [
    [{ model: undefined }, "model"],
    [{ model: "" }, "model"],
    [{ messages: undefined }, "messages"],
    [{ messages: [] }, "messages"],
    [{ messages: "hello" }, "messages"],
    [{ messages: [{ role: "user", content: "" }, { role: "robot" }] }, "messages[1].role"],
    [{ stream_options: { include_usage: true } }, "stream_options"],
    [{ n: 2 }, "n"],
  ];
  for (const [body, param] of cases) {
    const error = await failed(await ask(body), 400);
    assert.deepEqual([error.type, error.param], ["invalid_request_error", param]);
  }
  for (const text of ['{"model":', "[]", ""]) await failed(await ask(text), 400);
});

test("sends the error that is asked for", async () => {
  const limited = await say("/error 429", { stream: true });
  assert.equal(limited.headers.get("retry-after"), "1");
  assert.equal((await failed(limited, 429)).type, "rate_limit_error");
  assert.equal((await failed(await say("/error 500 please"), 500)).type, "server_error");
  assert.equal((await failed(await say("/error 200"), 200)).type, "Aihubmix_api_error");
  const page = await say("/html");
  assert.equal(page.status, 502);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  assert.match(await page.text(), /<html>/);
});

test("takes only whole slash words at the start for commands", async () => {
  for (const content of ["please /error 429", "/errors 429", "/error 42", "/htmlish"]) {
    assert.equal((await say(content)).status, 200);
  }
});

const TOOL = {
  type: "function",
  function: {
    name: "book",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        nights: { type: "integer", minimum: 2 },
        class: { enum: ["second", "first"] },
        guests: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
      },
    },
  },
};

test("calls the first tool of the request, or one of its own", async () => {
  const { choices: [{ message, finish_reason }] } = await (await say("/tool", { tools: [TOOL] })).json();
  assert.equal(finish_reason, "tool_calls");
  assert.equal(message.content, null);
  assert.equal(message.tool_calls[0].function.name, "book");
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), {
    city: "Paris", nights: 2, class: "second", guests: [{ name: "example" }],
  });
  const own = await (await say("/tool")).json();
  assert.equal(own.choices[0].message.tool_calls[0].function.name, "get_weather");
});

test("calls the tool that tool_choice insists on", async () => {
  const other = { type: "function", function: { name: "other" } };
  const tool_choice = { type: "function", function: { name: "other" } };
  const forced = await (await say("hello", { tools: [TOOL, other], tool_choice })).json();
  assert.deepEqual(forced.choices[0].message.tool_calls[0].function, { name: "other", arguments: "{}" });
  const required = await (await say("hello", { tools: [TOOL, other], tool_choice: "required" })).json();
  assert.equal(required.choices[0].message.tool_calls[0].function.name, "book");
  const auto = await (await say("hello", { tools: [TOOL], tool_choice: "auto" })).json();
  assert.equal(auto.choices[0].finish_reason, "stop");
});

test("streams a tool call's arguments in fragments", async () => {
  const chunks = await events(await say("/tool", { stream: true, tools: [TOOL] }));
  const calls = chunks.flatMap((chunk) => chunk.choices?.[0]?.delta.tool_calls ?? []);
  assert.match(calls[0].id, /^call_\w{24}$/);
  assert.deepEqual(calls[0].function, { name: "book", arguments: "" });
  assert.ok(calls.length > 4 && calls.slice(1).every((call) => call.index === 0 && call.id === undefined));
  assert.equal(JSON.parse(calls.map((call) => call.function.arguments).join("")).city, "Paris");
});

test("answers a tool's result with the result", async () => {
  const call = { id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } };
  const messages = (content) => [
    { role: "user", content: "/tool" },
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_1", content },
  ];
  const told = async (content) => (await (await ask({ messages: messages(content) })).json()).choices[0].message.content;
  assert.match(await told("21 degrees"), /21 degrees/);
  assert.match(await told('{"degrees":21}'), /\| degrees \| 21 \|/);
});

test("reasons when asked by a slash word, or by reasoning_effort where the model can", async () => {
  const reasoned = async (body) => (await (await ask(body)).json());
  const asked = await reasoned({ messages: [{ role: "user", content: "/reason why?" }] });
  assert.match(asked.choices[0].message.reasoning_content, /why\?/);
  const { completion_tokens, completion_tokens_details } = asked.usage;
  assert.ok(completion_tokens_details.reasoning_tokens > 0 && completion_tokens_details.reasoning_tokens < completion_tokens);
  const thinks = async (model, reasoning_effort) =>
    "reasoning_content" in (await reasoned({ model, reasoning_effort })).choices[0].message;
  assert.equal(await thinks("claude-opus-5", "low"), true);
  assert.equal(await thinks("claude-opus-5", "none"), false);
  assert.equal(await thinks("claude-opus-5"), false);
  assert.equal(await thinks("gpt-4o-mini", "high"), false);
});

test("sends all reasoning before the answer", async () => {
  const chunks = await events(await say("/reason", { stream: true }));
  const kinds = chunks.map((chunk) => Object.keys(chunk.choices?.[0]?.delta ?? {})[0]);
  assert.ok(kinds.lastIndexOf("reasoning_content") < kinds.indexOf("content"));
});

test("remembers the turns of a conversation", async () => {
  const messages = [
    { role: "user", content: "I like trains." },
    { role: "assistant", content: "So do I." },
    { role: "user", content: [{ type: "text", text: "And boats." }] },
  ];
  const { choices: [{ message }] } = await (await ask({ messages })).json();
  assert.match(message.content, /And boats\./);
  assert.match(message.content, /turn 2 .*“I like trains\.”/s);
});

test("stops at max_tokens, between two characters", async () => {
  for (const [content, field] of [["hello", "max_tokens"], ["hello", "max_completion_tokens"]]) {
    const { choices: [{ message, finish_reason }], usage } = await (await say(content, { [field]: 2 })).json();
    assert.deepEqual([message.content, finish_reason, usage.completion_tokens], ["Hello! ", "length", 2]);
  }
});

test("cuts an answer in the middle without a word", async () => {
  const chunks = await events(await say("/cut meaning of life", { stream: true }));
  assert.ok(textOf(chunks).length > 50);
  assert.ok(chunks.every((chunk) => chunk !== "[DONE]" && chunk.choices[0].finish_reason === null));
  const body = await (await say("/cut")).text();
  assert.ok(body.startsWith("{"));
  assert.throws(() => JSON.parse(body));
});

test("keeps a slow stream slow at any pace", async () => {
  const reader = (await say("/slow", { stream: true })).body.getReader();
  const start = performance.now();
  for (let count = 0; count < 4; count++) await reader.read();
  assert.ok(performance.now() - start >= 190);
  await reader.cancel();
});

test("paces its chunks realistically unless told otherwise", async () => {
  const start = performance.now();
  const paced = createProvider({ pace: 0.2 });
  await (await ask({ stream: true }, { answer: paced })).text();
  const took = performance.now() - start;
  assert.ok(took > 100 && took < 2000, `took ${took} ms`);
  assert.throws(() => createProvider({ pace: -1 }), TypeError);
});

test("has a long answer", async () => {
  const { choices: [{ message }] } = await (await say("/long")).json();
  const words = message.content.split(/\s+/).length;
  assert.ok(words > 1800 && words < 2500, `${words} words`);
});

test("produces nothing that nobody reads", async () => {
  const response = await say("/long", { stream: true });
  const reader = response.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal((await reader.read()).done, true);
});

test("stops when the request is aborted, in a pause too", async () => {
  const abort = new AbortController();
  const response = await ask({ stream: true }, { answer: createProvider({ pace: 100 }), signal: abort.signal });
  const reading = response.body.getReader().read();
  abort.abort();
  await assert.rejects(reading, { name: "AbortError" });
  await assert.rejects(ask({}, { answer: createProvider({ pace: 100 }), signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
});

test("lets a page of another origin send a key and JSON, and nothing else", async () => {
  const response = await get("/v1/chat/completions", { method: "OPTIONS" });
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("access-control-allow-headers"), "authorization, content-type");
  for (const path of ["/v1/models", "/nowhere", "/api/v1/models"]) {
    assert.equal((await get(path)).headers.get("access-control-allow-origin"), "*");
  }
});

// ── The server ───────────────────────────────────────────────────────────────────────────────────────────────────────

const servers = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function listen(handler, options) {
  const server = await serve(handler, options);
  servers.push(server);
  return server;
}

test("serves the provider over HTTP", async () => {
  const { url, port } = await listen(provider);
  assert.equal(url, `http://127.0.0.1:${port}`);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer demo" },
    body: JSON.stringify({ model: "gpt-4o-mini", messages: HELLO, stream: true }),
  });
  const chunks = await events(response);
  assert.equal(chunks.at(-1), "[DONE]");
});

test("hands the request over as it came", async () => {
  const { url } = await listen(async (request) => {
    const body = await request.text();
    return Response.json({ url: request.url, method: request.method, two: request.headers.get("x-two"), body });
  });
  const response = await fetch(`${url}/a%20b?c=d`, { method: "PUT", headers: { "x-two": "2" }, body: "é".repeat(100_000) });
  const seen = await response.json();
  assert.deepEqual({ ...seen, body: seen.body.length }, { url: `${url}/a%20b?c=d`, method: "PUT", two: "2", body: 100_000 });
});

test("sends headers before the first chunk, and each chunk when it comes", async () => {
  let push;
  const body = new ReadableStream({ start: (controller) => void (push = controller) });
  const { url } = await listen(() => new Response(body));
  const reader = (await fetch(url)).body.getReader();
  for (const text of ["one", "two"]) {
    push.enqueue(new TextEncoder().encode(text));
    assert.equal(new TextDecoder().decode((await reader.read()).value), text);
  }
  push.close();
  assert.equal((await reader.read()).done, true);
});

test("does not read ahead of a slow client", async () => {
  let produced = 0;
  const chunk = new Uint8Array(64 * 1024);
  const body = new ReadableStream({ pull: (controller) => void (produced++, controller.enqueue(chunk)) }, { highWaterMark: 0 });
  const { port } = await listen(() => new Response(body));
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await sleep(300);
  const before = produced;
  await sleep(200);
  assert.equal(produced, before);
  socket.destroy();
});

test("aborts the request and cancels the body when the client goes", async () => {
  const seen = {};
  const both = Promise.all(["aborted", "cancelled"].map((name) => new Promise((resolve) => void (seen[name] = resolve))));
  const { url } = await listen((request) => {
    request.signal.addEventListener("abort", seen.aborted);
    return new Response(new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: seen.cancelled,
    }));
  });
  const abort = new AbortController();
  await (await fetch(url, { signal: abort.signal })).body.getReader().read();
  abort.abort();
  await both;
});

test("answers 500 for a handler that throws, without its reasons", async (t) => {
  t.mock.method(console, "error", () => {});
  const { url } = await listen(() => { throw new Error("the secret of the house"); });
  const response = await fetch(url);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), "Internal server error\n");
});

test("cuts the connection when a body fails on the way", async (t) => {
  t.mock.method(console, "error", () => {});
  const body = () => new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(1)),
    pull: async (controller) => { await sleep(20); controller.error(new Error("lost")); },
  });
  const { url } = await listen(() => new Response(body()));
  await assert.rejects((await fetch(url)).text());
});

test("answers a request without a sensible target with 400", async () => {
  const { port } = await listen(() => new Response("fine"));
  for (const target of ["GET * HTTP/1.1\r\nhost: x", "GET / HTTP/1.1\r\nhost: :::"]) {
    const socket = connect(port, "127.0.0.1");
    socket.write(`${target}\r\n\r\n`);
    const [data] = await once(socket, "data");
    assert.match(String(data), /^HTTP\/1\.1 400 /);
    socket.destroy();
  }
});

test("sends every cookie in a header of its own, and no body for HEAD", async () => {
  const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
  const { url } = await listen(() => new Response("text", { headers }));
  const response = await fetch(url, { method: "HEAD" });
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(await response.text(), "");
});

test("says so when the port is taken", async () => {
  const { port } = await listen(() => new Response("mine"));
  await assert.rejects(serve(() => new Response("yours"), { port }), {
    code: "EADDRINUSE",
    message: `Port ${port} is taken by another program. End it, or choose another port.`,
  });
});

test("closes with connections still open, and twice without harm", async () => {
  const server = await serve(() => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) })));
  const reader = (await fetch(server.url)).body.getReader();
  await reader.read();
  await server.close();
  await server.close();
  await assert.rejects(reader.read());
});

test("calls the tool that the question names, once", async () => {
  const weather = { type: "function", function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } } };
  const messages = [{ role: "user", content: "What is the weather in Paris?" }];
  const first = await (await ask({ messages, tools: [TOOL, weather] })).json();
  assert.deepEqual(first.choices[0].message.tool_calls[0].function, { name: "get_weather", arguments: '{"city":"Paris"}' });
  messages.push(first.choices[0].message, { role: "tool", tool_call_id: first.choices[0].message.tool_calls[0].id, content: "sunny" });
  const second = await (await ask({ messages, tools: [TOOL, weather] })).json();
  assert.equal(second.choices[0].finish_reason, "stop");
});

test("answers with JSON where a schema asks for it, whole and streamed", async () => {
  const schema = { type: "object", properties: { name: { type: "string" }, tags: { type: "array", items: { enum: ["a"] } } } };
  const response_format = { type: "json_schema", json_schema: { name: "thing", schema } };
  const whole = await (await say("hello", { response_format })).json();
  assert.deepEqual(JSON.parse(whole.choices[0].message.content), { name: "example", tags: ["a"] });
  const chunks = await events(await say("hello", { response_format, stream: true }));
  assert.equal(textOf(chunks, "content"), whole.choices[0].message.content);
});

test("wants the reasoning of DeepSeek's models back with their tool calls", async () => {
  const call = { id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } };
  const turn = (message) => ask({
    model: "deepseek-v3.2",
    reasoning_effort: "high",
    messages: [
      { role: "user", content: "The weather?" },
      { role: "assistant", content: null, tool_calls: [call], ...message },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
    ],
  });
  const refused = await turn({});
  assert.equal(refused.status, 400);
  assert.match((await refused.json()).error.message, /must be passed back/);
  assert.equal((await turn({ reasoning_content: "I see." })).status, 200);
});

/** Claude and Gemini in their own dialects, through the same call. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, toMessage } from "chatmux";
import { failure, failureOfStream, forbidStrayRejections, KEY } from "./support.mjs";
import { vendors } from "./three-dialects.mjs";

forbidStrayRejections();

const USAGE = { prompt: 40, cached: 30, completion: 20, thoughts: 8 };
const HELLO = { text: "Grüß dich, 世界 👋 — \"quoted\"\n\\o/", finish: "stop", usage: USAGE };
const THOUGHT = { reasoning: "Hm, they greet me.", signature: "c2lnbmF0dXJlLTE=", ...HELLO };
const CALLS = {
  ...{ reasoning: "I need the weather.", signature: "c2lnbmF0dXJlLTI=", text: "Let me look.", finish: "tool_calls", usage: USAGE },
  calls: [{ id: "call_1", name: "weather", args: { city: "Zürich", days: 2 } }, { id: "call_2", name: "now", args: {} }],
};
const MODELS = { openai: "gpt-4o-mini", anthropic: "claude-opus-5", gemini: "gemini-3-pro" };
const DIALECTS = Object.keys(MODELS);
const PROVIDERS = { openai: { apiKey: "sk-openai-123456" }, anthropic: { apiKey: "sk-ant-123456" }, gemini: { apiKey: "AIza-gemini-123456" } };
const MESSAGES = [{ role: "system", content: "Be brief." }, { role: "user", content: "Hello" }];
const TOOLS = ["weather", "now"].map((name) => ({ type: "function", function: { name, parameters: { type: "object", properties: {} } } }));

const clientWith = (answers, options, how) => {
  const { fetch, seen } = vendors([answers].flat(), how);
  return { completions: new Chatmux({ providers: PROVIDERS, fetch, maxRetries: 0, ...options }).chat.completions, seen };
};

/** An answer without what only one of the dialects has. */
function common({ choices: [{ message, finish_reason }], usage, model, object }) {
  const { role, content, reasoning_content, tool_calls } = message;
  const calls = tool_calls?.map(({ id, type, function: { name, arguments: args } }) => ({ id, type, name, args: JSON.parse(args) }));
  const { prompt_tokens, completion_tokens, total_tokens } = usage;
  const [cached, thoughts] = [usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens];
  return { role, content, reasoning_content, calls, finish_reason, model, object, usage: { prompt_tokens, completion_tokens, total_tokens, cached, thoughts } };
}

suite("one answer in three dialects", () => {
  const answers = { "a greeting": HELLO, "with reasoning": THOUGHT, "calls": CALLS, "cut at the limit": { ...HELLO, finish: "length" }, "filtered": { ...HELLO, finish: "content_filter" } };
  for (const [what, answer] of Object.entries(answers)) {
    test(`${what}: is the same, whole and streamed, however it is cut`, async () => {
      const request = { messages: MESSAGES, tools: TOOLS };
      const expected = common(await clientWith(answer).completions.create({ ...request, model: MODELS.openai }));
      for (const dialect of DIALECTS) {
        const { completions, seen } = clientWith(answer);
        const model = MODELS[dialect];
        assert.deepEqual(common(await completions.create({ ...request, model })), expected, `${dialect}, whole`);
        assert.equal(seen[0].dialect, dialect);
        for (const cut of [0, 1, 7, 64]) {
          const streamed = { ...request, model, stream: true, stream_options: { include_usage: true } };
          const stream = await clientWith(answer, {}, { cut }).completions.create(streamed);
          let text = "";
          for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
          assert.equal(text, answer.text);
          assert.deepEqual(common(stream.partial), expected, `${dialect}, cut at ${cut}`);
        }
        const helper = clientWith(answer).completions.stream({ ...request, model, stream_options: { include_usage: true } });
        if (answer.finish === "stop" || answer.finish === "tool_calls") assert.deepEqual(common(await helper.finalChatCompletion()), expected, `${dialect}, stream()`);
        else await helper.done().catch(() => {});
      }
    });
  }

  test("without include_usage no chunk has a usage", async () => {
    for (const dialect of DIALECTS.slice(1)) {
      const stream = await clientWith(HELLO).completions.create({ model: MODELS[dialect], messages: MESSAGES, stream: true });
      for await (const chunk of stream) assert.ok(!chunk.usage && chunk.choices.length, dialect);
    }
  });
});

suite("reasoning comes back byte for byte in the next turn", () => {
  const ways = {
    "create()": async (completions, model) => completions.create({ model, messages: MESSAGES, tools: TOOLS }),
    "a stream": async (completions, model) => {
      const stream = await completions.create({ model, messages: MESSAGES, tools: TOOLS, stream: true });
      for await (const _ of stream);
      return stream.partial;
    },
    "stream()": async (completions, model) => completions.stream({ model, messages: MESSAGES, tools: TOOLS }).finalChatCompletion(),
  };
  const results = [
    { role: "tool", tool_call_id: "call_1", content: "sunny" },
    { role: "tool", tool_call_id: "call_2", content: "noon" },
  ];
  const reasoningOf = {
    anthropic: ({ messages }) => messages.find(({ role }) => role === "assistant").content.filter(({ type }) => type === "thinking"),
    gemini: ({ contents }) => contents.find(({ role }) => role === "model").parts.filter((part) => part.thoughtSignature).map((part) => part.thoughtSignature),
  };
  const expected = {
    anthropic: [{ type: "thinking", thinking: CALLS.reasoning, signature: CALLS.signature }],
    gemini: [CALLS.signature],
  };
  for (const dialect of ["anthropic", "gemini"]) {
    for (const [way, ask] of Object.entries(ways)) {
      test(`${dialect}, by ${way}`, async () => {
        const { completions, seen } = clientWith([CALLS, HELLO]);
        const completion = await ask(completions, MODELS[dialect]);
        const messages = [...MESSAGES, toMessage(completion), ...results];
        const answer = await completions.create({ model: MODELS[dialect], messages: JSON.parse(JSON.stringify(messages)), tools: TOOLS });
        assert.deepEqual(reasoningOf[dialect](seen[1].request), expected[dialect]);
        assert.deepEqual(answer._warnings.filter(({ action }) => action !== "assumed"), []);
      });
    }

    for (const stream of [false, true]) {
      test(`${dialect}, by runTools()${stream ? ", streamed" : ""}`, async () => {
        const { completions, seen } = clientWith([CALLS, HELLO]);
        const tools = ["weather", "now"].map((name) => ({ type: "function", function: { name, parameters: { type: "object", properties: {} }, function: () => "sunny" } }));
        const runner = completions.runTools({ model: MODELS[dialect], messages: MESSAGES, tools, stream });
        assert.equal(await runner.finalContent(), HELLO.text);
        assert.deepEqual(reasoningOf[dialect](seen[1].request), expected[dialect]);
      });
    }

    test(`${dialect}: what another has made is left out, and reported`, async () => {
      const other = dialect === "gemini" ? "anthropic" : "gemini";
      const { completions, seen } = clientWith([CALLS, HELLO]);
      const completion = await completions.create({ model: MODELS[dialect], messages: MESSAGES, tools: TOOLS });
      const messages = [...MESSAGES, completion.choices[0].message, ...results];
      const answer = await completions.create({ model: MODELS[other], messages, tools: TOOLS });
      assert.ok(!JSON.stringify(seen[1].request).includes(CALLS.signature));
      assert.ok(answer._warnings.some(({ param, action }) => param.startsWith("messages[2]") && action !== "assumed"), JSON.stringify(answer._warnings));
    });
  }
});

suite("where it goes", () => {
  const to = async (model, options, request) => {
    const { completions, seen } = clientWith(HELLO, options);
    await completions.create({ model, messages: MESSAGES, ...request });
    const { url, headers, request: sent } = seen[0];
    return { url, keys: Object.fromEntries(Object.entries(headers).filter(([name]) => /auth|key/.test(name))), headers, sent };
  };
  const anthropicAt = (baseURL) => ({ providers: { anthropic: { ...PROVIDERS.anthropic, baseURL } } });
  const geminiAt = (baseURL) => ({ providers: { gemini: { ...PROVIDERS.gemini, baseURL } } });

  test("each vendor's own address, with its key in its own header and no other credential", async () => {
    const { url, keys, headers, sent } = await to("claude-opus-5");
    assert.equal(url, "https://api.anthropic.com/v1/messages");
    assert.deepEqual(keys, { "x-api-key": PROVIDERS.anthropic.apiKey });
    assert.equal(headers["anthropic-version"], "2023-06-01");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(sent.model, "claude-opus-5");
    const gemini = await to("gemini-3-pro");
    assert.equal(gemini.url, "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent");
    assert.deepEqual(gemini.keys, { "x-goog-api-key": PROVIDERS.gemini.apiKey });
  });

  test("a version at the end of a base URL is not doubled", async () => {
    for (const [base, root] of [
      ["https://proxy.test", "https://proxy.test/v1"], ["https://proxy.test/v1", "https://proxy.test/v1"],
      ["https://proxy.test/v1/", "https://proxy.test/v1"], ["https://proxy.test/anthropic", "https://proxy.test/anthropic/v1"],
    ]) {
      assert.equal((await to("claude-opus-5", anthropicAt(base))).url, `${root}/messages`, base);
    }
    for (const [base, root] of [
      ["https://proxy.test", "https://proxy.test/v1beta"], ["https://proxy.test/v1beta", "https://proxy.test/v1beta"],
      ["https://proxy.test/v1", "https://proxy.test/v1"], ["https://proxy.test/gemini/", "https://proxy.test/gemini/v1beta"],
    ]) {
      assert.equal((await to("gemini-3-pro", geminiAt(base))).url, `${root}/models/gemini-3-pro:generateContent`, base);
    }
  });

  test("the query of a call is sent as well", async () => {
    const { fetch, seen } = vendors([HELLO]);
    const client = new Chatmux({ providers: PROVIDERS, fetch });
    for await (const _ of await client.chat.completions.create({ model: "gemini-3-pro", messages: MESSAGES, stream: true }, { query: { a: 1 } }));
    assert.equal(new URL(seen[0].url).search, "?alt=sse&a=1");
  });

  test("a header of the caller's with a credential is the only one", async () => {
    const { fetch, seen } = vendors([HELLO]);
    const defaultHeaders = { authorization: "Bearer sk-of-the-client" };
    const client = new Chatmux({ providers: PROVIDERS, fetch, defaultHeaders });
    await client.chat.completions.create({ model: "claude-opus-5", messages: MESSAGES }, { headers: { "x-api-key": "sk-of-the-call", "anthropic-beta": "mine" } });
    assert.equal(seen[0].headers["x-api-key"], "sk-of-the-call");
    assert.equal(seen[0].headers.authorization, undefined);
    assert.match(seen[0].headers["anthropic-beta"], /^mine/);
  });

  test("a token of OAuth stays what it is", async () => {
    const { keys } = await to("claude-opus-5", { providers: { anthropic: { headers: { Authorization: "Bearer oauth-token-1" } } } });
    assert.deepEqual(keys, { authorization: "Bearer oauth-token-1" });
  });

  test("native: AIHubMix's own endpoints for Claude and Gemini, and OpenAI's form for all others", async () => {
    const native = { apiKey: KEY, providers: undefined, native: true };
    const claude = await to("claude-opus-5", native);
    assert.equal(claude.url, "https://aihubmix.com/v1/messages");
    assert.deepEqual(claude.keys, { "x-api-key": KEY });
    const gemini = await to("gemini-2.5-pro", native);
    assert.equal(gemini.url, "https://aihubmix.com/gemini/v1beta/models/gemini-2.5-pro:generateContent");
    assert.deepEqual(gemini.keys, { "x-goog-api-key": KEY });
    for (const model of ["gemini-2.5-flash-nothink", "gemini-2.5-flash-search", "gpt-4o", "deepseek-chat", "sf-claude"]) {
      const { url, keys } = await to(model, native);
      assert.equal(url, "https://aihubmix.com/v1/chat/completions", model);
      assert.deepEqual(keys, { authorization: `Bearer ${KEY}` });
    }
    const elsewhere = await to("claude-opus-5", { ...native, baseURL: "https://proxy.test/ahm/v1", appCode: "CODE" });
    assert.equal(elsewhere.url, "https://proxy.test/ahm/v1/messages");
    assert.equal(elsewhere.headers["app-code"], "CODE");
  });

  test("native: without it AIHubMix is asked in OpenAI's form", async () => {
    assert.equal((await to("claude-opus-5", { apiKey: KEY, providers: undefined })).url, "https://aihubmix.com/v1/chat/completions");
  });
});

suite("what cannot be said", () => {
  const LOGPROBS = { model: "claude-opus-5", messages: MESSAGES, logprobs: true, seed: 7 };

  test("is in the warnings of the completion and the stream, and is not sent on with them", async () => {
    const completion = await clientWith(HELLO).completions.create(LOGPROBS);
    assert.deepEqual(completion._warnings.filter(({ action }) => action === "dropped").map(({ param }) => param).sort(), ["logprobs", "seed"]);
    assert.ok(!JSON.stringify(completion).includes("_warnings") && !Object.keys(completion).includes("_warnings"));
    for (const { reason } of completion._warnings) assert.equal(typeof reason, "string");
    const stream = await clientWith(HELLO).completions.create({ ...LOGPROBS, stream: true });
    assert.deepEqual(stream.warnings, completion._warnings);
    for await (const _ of stream);
    assert.deepEqual((await clientWith(HELLO).completions.create({ ...LOGPROBS, model: "gpt-4o" }))._warnings, []);
  });

  test("is an error where `strict` is, of the client or of the call, and nothing is sent", async () => {
    for (const [options, call] of [[{ strict: true }], [{}, { strict: true }]]) {
      const { completions, seen } = clientWith(HELLO, options);
      const error = await failure(completions.create(LOGPROBS, call));
      assert.equal(error.name, "BadRequestError");
      assert.equal(error.status, 400);
      assert.match(error.message, /`logprobs`.*`seed`|`seed`.*`logprobs`/s);
      assert.equal(seen.length, 0);
      await completions.create({ model: "claude-opus-5", messages: MESSAGES }, call);
      assert.equal(seen.length, 1);
    }
  });
});

suite("errors", () => {
  const json = (body, status, headers) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
  const anthropic = (type, status, headers) => json({ type: "error", error: { type, message: "what went wrong" }, request_id: "req_1" }, status, { "request-id": "req_1", ...headers });
  const google = (code, status, details = []) => json({ error: { code, message: "what went wrong", status, details } }, code);
  const KEY_INVALID = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }];
  const cases = [
    ["claude-opus-5", anthropic("invalid_request_error", 400), "BadRequestError", 400],
    ["claude-opus-5", anthropic("authentication_error", 401), "AuthenticationError", 401],
    ["claude-opus-5", anthropic("permission_error", 403), "PermissionDeniedError", 403],
    ["claude-opus-5", anthropic("not_found_error", 404), "NotFoundError", 404],
    ["claude-opus-5", anthropic("rate_limit_error", 429), "RateLimitError", 429],
    ["claude-opus-5", anthropic("api_error", 500), "InternalServerError", 500],
    ["claude-opus-5", anthropic("overloaded_error", 529), "InternalServerError", 503],
    ["gemini-3-pro", google(400, "INVALID_ARGUMENT"), "BadRequestError", 400],
    ["gemini-3-pro", google(400, "INVALID_ARGUMENT", KEY_INVALID), "AuthenticationError", 401],
    ["gemini-3-pro", google(403, "PERMISSION_DENIED"), "PermissionDeniedError", 403],
    ["gemini-3-pro", google(404, "NOT_FOUND"), "NotFoundError", 404],
    ["gemini-3-pro", google(429, "RESOURCE_EXHAUSTED"), "RateLimitError", 429],
    ["gemini-3-pro", google(503, "UNAVAILABLE"), "InternalServerError", 503],
  ];
  for (const [model, response, name, status] of cases) {
    test(`${model}, ${response.status}: ${name}, ${status}`, async () => {
      for (const stream of [false, true]) {
        const error = await failure(clientWith([response]).completions.create({ model, messages: MESSAGES, stream }));
        assert.deepEqual([error.name, error.status], [name, status]);
        assert.match(error.message, /what went wrong/);
        assert.equal(typeof error.type, "string");
        if (model.startsWith("claude")) assert.equal(error.requestID, "req_1");
      }
    });
  }

  test("are retried as all are, after the time that the server asks for", async () => {
    const delay = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.01s" };
    for (const [model, response] of [["claude-opus-5", anthropic("overloaded_error", 529, { "retry-after-ms": "5" })], ["gemini-3-pro", google(429, "RESOURCE_EXHAUSTED", [delay])]]) {
      const { completions, seen } = clientWith([response, response, HELLO], { maxRetries: 2 });
      const begin = performance.now();
      assert.equal((await completions.create({ model, messages: MESSAGES })).choices[0].message.content, HELLO.text);
      assert.equal(seen.length, 3);
      assert.ok(performance.now() - begin < 400, "without the pause of who is not told");
    }
  });

  const streamOf = (text) => new Response(text, { headers: { "content-type": "text/event-stream" } });
  const begun = `event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"c","role":"assistant","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}\n\n`;

  test("in the middle of a stream come with what had arrived", async () => {
    const overloaded = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"what went wrong"}}\n\n`;
    const { error, chunks } = await failureOfStream(clientWith([streamOf(begun + overloaded)]).completions.create({ model: "claude-opus-5", messages: MESSAGES, stream: true }));
    assert.deepEqual([error.name, error.status], ["InternalServerError", 503]);
    assert.equal(error.partial.choices[0].message.content, "Hel");
    assert.ok(chunks.length > 0);
  });

  test("a stream that is cut is truncated", async () => {
    const gemini = `data: {"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"}}]}\n\n`;
    for (const [model, text] of [["claude-opus-5", begun], ["gemini-3-pro", gemini]]) {
      const { error } = await failureOfStream(clientWith([streamOf(text)]).completions.create({ model, messages: MESSAGES, stream: true }));
      assert.equal(error.name, "StreamTruncatedError", model);
      assert.equal(error.partial.choices[0].message.content, "Hel");
    }
  });

  test("a whole answer that is none is malformed", async () => {
    for (const model of ["claude-opus-5", "gemini-3-pro"]) {
      for (const body of ["{", "[]", "{}", "7", "<html>"]) {
        const error = await failure(clientWith([new Response(body, { headers: { "content-type": "application/json" } })]).completions.create({ model, messages: MESSAGES }));
        assert.equal(error.kind, "malformed_response", `${model}: ${body}`);
      }
    }
  });
});

suite("a stream in a dialect", () => {
  test("lets its request go when its loop is left, or it is aborted", async () => {
    for (const model of ["claude-opus-5", "gemini-3-pro"]) {
      let cancelled = 0;
      let signal;
      const { fetch: answer } = vendors([HELLO], { cut: 40 });
      const fetch = async (url, init) => {
        signal = init.signal;
        const { body } = await answer(url, init);
        const reader = body.getReader();
        const stream = new ReadableStream({
          pull: async (controller) => controller.enqueue((await reader.read()).value),
          cancel: () => void cancelled++,
        }, { highWaterMark: 0 });
        return new Response(stream, { headers: { "content-type": "text/event-stream" } });
      };
      const completions = new Chatmux({ providers: PROVIDERS, fetch }).chat.completions;
      for await (const _ of await completions.create({ model, messages: MESSAGES, stream: true })) break;
      assert.equal(cancelled, 1);
      assert.ok(signal.aborted);
    }
  });

  test("can be had as a response of OpenAI's events", async () => {
    const response = await clientWith(HELLO).completions.create({ model: "claude-opus-5", messages: MESSAGES, stream: true }).asResponse();
    const text = await response.text();
    assert.match(text, /^data: \{"id":"answer-1"/);
    assert.match(text, /data: \[DONE\]\n\n$/);
    const whole = await clientWith(HELLO).completions.create({ model: "gemini-3-pro", messages: MESSAGES }).asResponse();
    assert.equal((await whole.json()).choices[0].message.content, HELLO.text);
  });
});

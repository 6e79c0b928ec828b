/** Which provider a request goes to, with which key, and what else goes there. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "chatmux";
import { failure, forbidStrayRejections, jsonResponse, KEY, program } from "./support.mjs";

forbidStrayRejections();

const GROQ = { baseURL: "https://groq.test/openai/v1", apiKey: "sk-groq-123456" };
const OPENAI = { apiKey: "sk-openai-123456" };
const CHAT = "/chat/completions";
const AIHUBMIX = "https://aihubmix.com/v1";

/** What a client with these options sends for a model: the URL, the credentials, the model, all headers. */
async function asked(options, model = "m", call) {
  const seen = [];
  const fetch = async (url, { headers, body }) => {
    seen.push({ url, headers: Object.fromEntries(headers), model: JSON.parse(body).model });
    return jsonResponse();
  };
  await new Chatmux({ apiKey: KEY, fetch, ...options }).chat.completions.create({ model, messages: [] }, call);
  assert.equal(seen.length, 1);
  return seen[0];
}

/** Where it goes, and with which key. */
async function road(options, model) {
  const { url, headers, model: sent } = await asked(options, model);
  return [url.replace(CHAT, ""), headers.authorization?.replace("Bearer ", ""), sent];
}

suite("a model goes to", () => {
  const providers = { groq: { ...GROQ, models: ["llama-*", "Qwen/qwen3-32b"] }, openai: OPENAI, mine: { baseURL: "https://mine.test/v1", apiKey: "sk-mine-123456", models: ["*-mine", "a.c"] } };
  const cases = {
    "the client's own base URL, where no rule says otherwise": [
      ["deepseek-chat", [AIHUBMIX, KEY, "deepseek-chat"]],
      ["claude-opus-5", [AIHUBMIX, KEY, "claude-opus-5"]],
      ["gemini-3-pro", [AIHUBMIX, KEY, "gemini-3-pro"]],
      ["other/llama-3", [AIHUBMIX, KEY, "other/llama-3"]],
      ["/gpt-4o", [AIHUBMIX, KEY, "/gpt-4o"]],
      ["constructor/x", [AIHUBMIX, KEY, "constructor/x"]],
      ["__proto__/x", [AIHUBMIX, KEY, "__proto__/x"]],
    ],
    "the provider that stands before its first slash, which is taken off once": [
      ["groq/x", [GROQ.baseURL, GROQ.apiKey, "x"]],
      ["groq/groq/x", [GROQ.baseURL, GROQ.apiKey, "groq/x"]],
      ["groq/openai/gpt-oss-120b", [GROQ.baseURL, GROQ.apiKey, "openai/gpt-oss-120b"]],
      ["openai/anything", ["https://api.openai.com/v1", OPENAI.apiKey, "anything"]],
      ["GROQ/x", [AIHUBMIX, KEY, "GROQ/x"]],
    ],
    "its vendor, where that is configured": [
      ["gpt-4o-mini", ["https://api.openai.com/v1", OPENAI.apiKey, "gpt-4o-mini"]],
      ["o4-mini", ["https://api.openai.com/v1", OPENAI.apiKey, "o4-mini"]],
      ["ft:gpt-4o:me::1", ["https://api.openai.com/v1", OPENAI.apiKey, "ft:gpt-4o:me::1"]],
      ["opus-1", [AIHUBMIX, KEY, "opus-1"]],
      ["gptq-7b", [AIHUBMIX, KEY, "gptq-7b"]],
    ],
    "the provider whose models name it, in any case of letters": [
      ["llama-3.3-70b", [GROQ.baseURL, GROQ.apiKey, "llama-3.3-70b"]],
      ["LLAMA-4", [GROQ.baseURL, GROQ.apiKey, "LLAMA-4"]],
      ["qwen/qwen3-32b", [GROQ.baseURL, GROQ.apiKey, "qwen/qwen3-32b"]],
      ["llama", [AIHUBMIX, KEY, "llama"]],
      ["llama-mine", [GROQ.baseURL, GROQ.apiKey, "llama-mine"]],
      ["x-mine", ["https://mine.test/v1", "sk-mine-123456", "x-mine"]],
      ["abc", [AIHUBMIX, KEY, "abc"]],
      ["a.c", ["https://mine.test/v1", "sk-mine-123456", "a.c"]],
    ],
  };
  for (const [what, rows] of Object.entries(cases)) {
    test(what, async () => {
      for (const [model, expected] of rows) assert.deepEqual(await road({ providers }, model), expected, model);
    });
  }

  test("what `route` says, before all other rules", async () => {
    const routes = { a: "groq", "openai/gpt-4o": "mine", "gpt-4o": { provider: "mine", model: "other" }, "llama-3": null, b: undefined, c: "", d: "aihubmix" };
    const of = (model) => road({ providers, route: (asked) => routes[asked] }, model);
    assert.deepEqual(await of("a"), [GROQ.baseURL, GROQ.apiKey, "a"]);
    assert.deepEqual(await of("openai/gpt-4o"), ["https://mine.test/v1", "sk-mine-123456", "openai/gpt-4o"]);
    assert.deepEqual(await of("gpt-4o"), ["https://mine.test/v1", "sk-mine-123456", "other"]);
    assert.deepEqual(await of("llama-3"), [GROQ.baseURL, GROQ.apiKey, "llama-3"]);
    for (const model of ["b", "c", "d"]) assert.deepEqual(await of(model), [AIHUBMIX, KEY, model]);
    for (const bad of ["nowhere", "constructor", { provider: "x" }, { model: "x" }, 7, { provider: "groq", model: "" }]) {
      assert.match((await failure(asked({ providers, route: () => bad }))).message, /`route`/);
    }
  });

  test("AIHubMix by its own key and address, where it is configured", async () => {
    assert.deepEqual(await road({ apiKey: undefined, providers: { aihubmix: { apiKey: "sk-ahm-123456" } } }, "m"), [AIHUBMIX, "sk-ahm-123456", "m"]);
    const elsewhere = { aihubmix: { apiKey: "sk-ahm-123456", baseURL: "https://ahm.test/v1" } };
    assert.deepEqual(await road({ providers: elsewhere }, "aihubmix/m"), ["https://ahm.test/v1", "sk-ahm-123456", "m"]);
    assert.deepEqual(await road({ providers: { aihubmix: {} } }, "m"), [AIHUBMIX, KEY, "m"]);
  });
});

suite("to a provider goes", () => {
  const providers = { groq: { ...GROQ, headers: { "x-own": "1", "X-Both": "groq" } } };
  const client = {
    providers, defaultHeaders: { "X-Api-Key": "sk-of-the-client", Cookie: "secret=1", "x-both": "client", "x-all": "2", Authorization: "Bearer sk-of-the-client" },
    defaultQuery: { key: "sk-of-the-client" }, appCode: "CODE", organization: "org", project: "proj", idempotencyHeader: "Idempotency-Key",
  };

  test("its own key, and none of the client's", async () => {
    const { url, headers } = await asked(client, "groq/m", { query: { a: 1 }, idempotencyKey: "once" });
    assert.equal(url, `${GROQ.baseURL}${CHAT}?a=1`);
    assert.deepEqual(headers, {
      ...{ accept: "application/json", "content-type": "application/json", authorization: `Bearer ${GROQ.apiKey}` },
      ...{ "x-own": "1", "x-both": "groq", "x-all": "2", "idempotency-key": "once" },
    });
  });

  test("what a call says, key or not", async () => {
    const { headers } = await asked(client, "groq/m", { headers: { Authorization: "Bearer sk-of-the-call" } });
    assert.equal(headers.authorization, "Bearer sk-of-the-call");
  });

  test("the client's key never, where it has none itself", async () => {
    for (const provider of [{ ...GROQ, apiKey: undefined }, { ...GROQ, apiKey: null }]) {
      const error = await failure(asked({ providers: { groq: provider } }, "groq/m"));
      assert.equal(error.kind, "missing_api_key");
      assert.match(error.message, /providers\.groq\.apiKey/);
    }
    const withHeader = { groq: { baseURL: GROQ.baseURL, headers: { authorization: "Bearer sk-header-1" } } };
    assert.equal((await asked({ providers: withHeader }, "groq/m")).headers.authorization, "Bearer sk-header-1");
  });

  test("what its function gives, before every try", async () => {
    let count = 0;
    const apiKey = async () => `sk-short-lived-${++count}`;
    const seen = [];
    const fetch = async (_, { headers }) => (seen.push(headers.get("authorization")), jsonResponse(undefined, { status: seen.length < 3 ? 500 : 200, headers: { "retry-after-ms": "1" } }));
    await new Chatmux({ fetch, providers: { groq: { ...GROQ, apiKey } } }).chat.completions.create({ model: "groq/m", messages: [] });
    assert.deepEqual(seen, ["Bearer sk-short-lived-1", "Bearer sk-short-lived-2", "Bearer sk-short-lived-3"]);
  });

  test("a key that its errors do not show", async () => {
    const fetch = async () => jsonResponse({ error: { message: `Bad key ${GROQ.apiKey}` } }, { status: 401 });
    const error = await failure(new Chatmux({ fetch, providers }).chat.completions.create({ model: "groq/m", messages: [] }));
    assert.equal(error.name, "AuthenticationError");
    assert.doesNotMatch(JSON.stringify([error.message, error.error, error.stack]), /sk-groq/);
  });

  test("nothing of what has a path of its own", async () => {
    assert.equal((await asked({ providers }, "groq/m", { path: "/other" })).url, `${AIHUBMIX}/other`);
  });
});

test("keys of the environment go to the hosts that they are named after alone", async () => {
  const env = { OPENAI_API_KEY: "sk-env-openai", ANTHROPIC_API_KEY: "sk-env-anthropic", GOOGLE_API_KEY: "sk-env-google", AIHUBMIX_API_KEY: "sk-env-aihubmix" };
  const seen = await program(
    `const seen = [];
    const fetch = async (url, { headers }) => {
      seen.push([new URL(url).host, headers.get("authorization") ?? headers.get("x-api-key") ?? headers.get("x-goog-api-key")]);
      return new Response('{"id":"1","choices":[]}');
    };
    const providers = [{ openai: {} }, { openai: { baseURL: "https://proxy.test/v1" } }, { mine: { baseURL: "https://api.openai.com/v1" } }, { openai: { baseURL: "http://api.openai.com/v1" } }, { openai: { apiKey: "sk-own" } }];
    for (const one of providers) {
      const name = Object.keys(one)[0];
      await new chatmux.Chatmux({ providers: one, fetch }).chat.completions.create({ model: name + "/m", messages: [] }).catch((error) => seen.push(error.kind));
    }
    console.log(JSON.stringify(seen));`,
    env,
    "node",
  );
  assert.deepEqual(seen, [["api.openai.com", "Bearer sk-env-openai"], "missing_api_key", "missing_api_key", "missing_api_key", ["api.openai.com", "Bearer sk-own"]]);
});

suite("bad providers are refused by the constructor", () => {
  const cases = {
    "a list": [[GROQ], /`providers` must be an object/],
    "a text": ["groq", /`providers` must be an object/],
    "no object": [{ groq: "https://groq.test" }, /`providers\.groq` must be an object/],
    "null": [{ groq: null }, /`providers\.groq` must be an object/],
    "no base URL": [{ groq: { apiKey: "x" } }, /`providers\.groq\.baseURL` is missing/],
    "a name that is none of ours": [{ constructor: { apiKey: "x" } }, /`providers\.constructor\.baseURL` is missing/],
    "a base URL that is none": [{ groq: { baseURL: "groq.test" } }, /`providers\.groq\.baseURL` is not an absolute URL/],
    "a base URL with a password": [{ groq: { baseURL: "https://a:b@groq.test" } }, /must not contain a user name/],
    "a base URL with a query": [{ openai: { baseURL: "https://groq.test/?key=1" } }, /must not have a query/],
    "an unknown dialect": [{ groq: { ...GROQ, dialect: "cohere" } }, /`providers\.groq\.dialect` must be one of "openai", "anthropic", "gemini"/],
    "models that are no list": [{ groq: { ...GROQ, models: "llama-*" } }, /`providers\.groq\.models` must be a list/],
    "models that are no texts": [{ groq: { ...GROQ, models: [/llama/] } }, /`providers\.groq\.models` must be a list/],
    "a name with a slash": [{ "a/b": GROQ }, /must not be empty, nor hold a slash/],
  };
  for (const [what, [providers, message]] of Object.entries(cases)) {
    test(what, () => assert.throws(() => new Chatmux({ providers }), (error) => error instanceof ChatmuxError && message.test(error.message)));
  }

  test("a route that is no function", () => assert.throws(() => new Chatmux({ route: {} }), /`route` must be a function/));
});

test("without the dialects they are refused at the door, with where they are to be had", async () => {
  const said = await program(
    `const said = [];
    for (const options of ${JSON.stringify([{ providers: { groq: GROQ } }, { native: true }, { strict: true }])}) {
      try { new chatmux.Chatmux(options); } catch (error) { said.push([error.name, error.message]); }
    }
    try { new chatmux.Chatmux({ route: () => "a" }); } catch (error) { said.push([error.name, error.message]); }
    console.log(JSON.stringify(said));`,
  );
  const needs = (name) => ["ChatmuxError", `\`${name}\` is one of the dialects: import the client from "chatmux/dialects".`];
  assert.deepEqual(said, ["providers", "native", "strict", "route"].map(needs));
});

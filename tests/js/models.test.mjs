import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { clientOf, clientWith, failure, forbidStrayRejections, jsonResponse, KEY, listen, reply } from "./support.mjs";

forbidStrayRejections();

const LIST = {
  object: "list",
  data: [
    { id: "gpt-4o-mini", object: "model", created: 1, owned_by: "openai", x_extra: { a: 1 } },
    { id: "claude-opus-5", object: "model", created: 2, owned_by: "anthropic" },
  ],
  x_more: false,
};

suite("models.list()", () => {
  test("is the server's list, asked for with the key", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, JSON.stringify(LIST, null, 2)));
    const list = await clientOf(server).models.list();
    assert.equal(JSON.stringify(list), JSON.stringify(LIST));
    assert.deepEqual(Object.keys(list), ["object", "data", "x_more"]);
    const [{ method, url, headers, body }] = server.requests;
    assert.equal(`${method} ${url}`, "GET /v1/models");
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.equal(headers.accept, "application/json");
    assert.equal(headers["content-type"], undefined);
    assert.equal(body, "");
  });

  test("can be read with for await, at once and after waiting, as often as one likes", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, LIST));
    const ids = async (models) => {
      const seen = [];
      for await (const { id } of models) seen.push(id);
      return seen;
    };
    const expected = ["gpt-4o-mini", "claude-opus-5"];
    const pending = clientOf(server).models.list();
    assert.deepEqual(await ids(pending), expected);
    assert.deepEqual(await ids(pending), expected);
    assert.deepEqual(await ids(await pending), expected);
    assert.deepEqual((await pending).data.map(({ id }) => id), expected);
    assert.equal(server.requests.length, 1);
  });

  test("fails with the same error either way", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, { error: { message: "Incorrect API key", code: "invalid_api_key" } }, 401));
    const pending = clientOf(server).models.list();
    const loop = failure((async () => {
      for await (const _ of pending) assert.fail("there is no model");
    })());
    assert.equal(await failure(pending), await loop);
    assert.equal((await loop).name, "AuthenticationError");
    assert.equal((await loop).message, "401 Incorrect API key");
  });

  test("takes a call's options", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, LIST));
    await clientOf(server).models.list({ headers: { "x-a": "1" }, query: { type: "chat" } });
    assert.equal(server.requests[0].headers["x-a"], "1");
    assert.equal(server.requests[0].url, "/v1/models?type=chat");
    const aborted = await failure(clientOf(server).models.list({ signal: AbortSignal.abort() }));
    assert.equal(aborted.name, "APIUserAbortError");
    assert.equal(server.requests.length, 1);
  });

  test("says clearly that an answer is no list", async () => {
    for (const body of ["{}", '{"object":"list"}', '{"data":null}', '{"data":{"id":"x"}}', "[]"]) {
      const page = clientWith(async () => jsonResponse(body)).models.list();
      const error = await failure((async () => {
        for await (const _ of page) assert.fail("there is no model");
      })());
      assert.ok(error instanceof ChatmuxError, `${body}: ${error}`);
    }
  });

  test("does not stumble over an answer without a body", async () => {
    const client = clientWith(async () => new Response(null, { status: 204 }));
    const outcome = await client.models.list().then((list) => list, (error) => error);
    assert.ok(outcome == null || outcome instanceof ChatmuxError, String(outcome));
  });
});

suite("models.catalogue()", () => {
  const ITEM = {
    model_id: "gpt-4o-mini",
    model_name: "GPT-4o mini",
    developer_id: 1,
    desc: "Small.",
    types: "llm",
    features: "tools,function_calling,,structured_outputs ",
    input_modalities: "text, image",
    endpoints: "chat_completions",
    context_length: "128000",
    max_output: 16384,
    pricing: { input: 0.15, output: "0.6", cache_read: 0.075 },
  };
  const READ = {
    id: "gpt-4o-mini",
    name: "GPT-4o mini",
    developer: "1",
    description: "Small.",
    types: ["llm"],
    features: ["tools", "function_calling", "structured_outputs"],
    input_modalities: ["text", "image"],
    endpoints: ["chat_completions"],
    context_length: 128000,
    max_output: 16384,
    pricing: { input: 0.15, output: 0.6, cache_read: 0.075 },
  };
  const catalogue = (data) => ({ data, success: true, message: "" });

  test("is asked for beside the API, without a key", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, catalogue([ITEM])));
    assert.deepEqual(await clientOf(server).models.catalogue(), [READ]);
    const [{ method, url, headers }] = server.requests;
    assert.equal(`${method} ${url}`, "GET /api/v1/models");
    assert.equal(headers.authorization, undefined);
    assert.equal(headers["app-code"], undefined);
    assert.ok(!JSON.stringify(headers).includes(KEY));
  });

  test("needs no key, nor asks the function that would give one", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, catalogue([ITEM])));
    const apiKey = () => assert.fail("the key is asked for");
    const clients = [new Chatmux({ baseURL: server.baseURL }), clientOf(server, { apiKey }), clientOf(server, { apiKey: "bad\nkey", appCode: "ABCD" })];
    for (const client of clients) assert.equal((await client.models.catalogue()).length, 1);
    assert.equal((await core.listCatalogue(null, { baseURL: `${server.baseURL}/` })).length, 1);
    for (const { headers } of server.requests) assert.equal(headers.authorization, undefined);
  });

  test("is asked for under the path that the base URL has", async () => {
    const urls = [];
    const client = (baseURL) => clientWith(async (url) => (urls.push(url), jsonResponse(catalogue([]))), { baseURL });
    for (const base of ["https://aihubmix.com/v1", "https://aihubmix.com/v1/", "http://proxy.test/aihubmix/v1"]) {
      assert.deepEqual(await client(base).models.catalogue(), []);
    }
    assert.deepEqual(urls, ["https://aihubmix.com/api/v1/models", "https://aihubmix.com/api/v1/models", "http://proxy.test/aihubmix/api/v1/models"]);
    for (const base of ["https://api.example.com", "https://api.example.com/v2", "https://api.example.com/openai"]) {
      const error = await failure(client(base).models.catalogue());
      assert.equal(error.name, "ChatmuxError");
      assert.match(error.message, /`baseURL` that ends in `\/v1`/);
    }
    assert.equal(urls.length, 3);
  });

  test("takes filters, lists among them with commas", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, catalogue([])));
    const client = clientOf(server);
    await client.models.catalogue({ type: "llm", features: ["thinking", "tools"], modalities: ["text"], model: "gpt 4&x", sort_by: "order", sort_order: undefined });
    assert.deepEqual(Object.fromEntries(new URL(server.requests[0].url, server.url).searchParams), {
      type: "llm", features: "thinking,tools", modalities: "text", model: "gpt 4&x", sort_by: "order",
    });
    for (const none of [{}, null, undefined]) await client.models.catalogue(none);
    for (const { url } of server.requests.slice(1)) assert.equal(url, "/api/v1/models");
  });

  test("reads fields by what they hold", async (t) => {
    let data;
    const server = await listen(t, (_, outgoing) => reply(outgoing, catalogue(data)));
    data = [
      { model_id: "bare" },
      {
        ...ITEM, model_id: "empty", model_name: "", desc: null, types: "", features: null, input_modalities: [], endpoints: 5,
        context_length: "", max_output: 0, pricing: {},
      },
      { ...ITEM, model_id: "lists", types: ["llm", 5, "tts"], features: ["a"], developer_id: "openai", context_length: null, max_output: "n/a" },
      { model_name: "without an id" }, { model_id: "" }, { model_id: 5 }, null, 5, "text", [],
      { ...ITEM, model_id: "cached", pricing: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 } },
      { ...ITEM, model_id: "free", pricing: { input: 0, output: 0, cache_read: 0 } },
      { ...ITEM, model_id: "null prices", pricing: null },
    ];
    const models = Object.fromEntries((await clientOf(server).models.catalogue()).map((model) => [model.id, model]));
    assert.deepEqual(Object.keys(models), ["bare", "empty", "lists", "cached", "free", "null prices"]);
    const unknown = { input: NaN, output: NaN };
    const nothing = { types: [], features: [], input_modalities: [], endpoints: [], context_length: null, max_output: null, pricing: unknown };
    assert.deepEqual(models.bare, { id: "bare", name: "bare", developer: "", description: "", ...nothing });
    assert.deepEqual(models.empty, { id: "empty", name: "empty", developer: "1", description: "", ...nothing });
    assert.deepEqual(models.lists, { ...READ, id: "lists", developer: "openai", types: ["llm", "tts"], features: ["a"], context_length: null, max_output: null });
    assert.deepEqual(models.cached.pricing, { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 });
    assert.deepEqual(models.free.pricing, { input: 0, output: 0, cache_read: 0 });
    assert.deepEqual(models["null prices"].pricing, unknown);
    assert.deepEqual(Object.keys(models.cached), Object.keys(READ));
  });

  test("is an error where the server says so, or answers with something else", async () => {
    const cases = [
      [{ success: false, message: "database is asleep", data: null }, /database is asleep/],
      [{ success: false, data: [] }, /no model catalogue/],
      [{ data: "x" }, /no model catalogue/],
      [{}, /no model catalogue/],
      [{ error: { message: "nope" } }, /nope/],
      ["[]", /no model catalogue|no object/],
      ["<html>", /not JSON|no valid JSON/],
    ];
    for (const [body, message] of cases) {
      const error = await failure(clientWith(async () => jsonResponse(body)).models.catalogue());
      assert.ok(error instanceof Chatmux.APIError, String(error));
      assert.match(error.message, message);
    }
  });

  test("is that of the local provider, and can be searched", async (t) => {
    const provider = await serve(createProvider({ pace: 0 }));
    t.after(() => provider.close());
    const client = new Chatmux({ baseURL: `${provider.url}/v1` });
    const all = await client.models.catalogue();
    const some = await client.models.catalogue({ features: ["thinking"] });
    assert.ok(some.length > 0 && some.length < all.length);
    for (const { id, pricing, features } of some) {
      assert.ok(id.length > 0 && pricing.input >= 0 && pricing.output >= 0);
      assert.ok(features.includes("thinking"));
    }
  });
});

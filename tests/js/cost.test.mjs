/** What a completion cost. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIError, Chatmux, ChatmuxError } from "chatmux";
import { chunkText, openEvents } from "./streams.mjs";
import { COMPLETION, failure, failureOfStream, forbidStrayRejections, jsonResponse, KEY, REQUEST, streamResponse } from "./support.mjs";

forbidStrayRejections();

const PRICES = { input: 2.5, output: 10, cache_read: 1.25, cache_write: 3.125 };
const USAGE = {
  prompt_tokens: 1000,
  completion_tokens: 300,
  total_tokens: 1300,
  prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 100 },
  completion_tokens_details: { reasoning_tokens: 200 },
};
const COST = { usd: 0.0048125, parts: { input: 0.00075, cached: 0.00075, cache_write: 0.0003125, output: 0.001, reasoning: 0.002 } };
const completion = (usage, model = "gpt-4o") => ({ ...COMPLETION, model, usage });
const cost = (input, cached, cache_write, output, reasoning, usd) => ({ usd, parts: { input, cached, cache_write, output, reasoning } });

/** A client with a catalogue of these prices, and how often it was asked for. */
function clientOf(models, respond) {
  const data = Object.entries(models).map(([model_id, pricing]) => ({ model_id, pricing }));
  const asked = [];
  const fetch = async (url) => {
    asked.push(url);
    return respond?.(asked.length) ?? jsonResponse({ data, success: true, message: "" });
  };
  return { client: new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0, fetch }), asked };
}
const noCatalogue = () => clientOf({}, () => assert.fail("the catalogue is asked for")).client;

suite("at given prices", () => {
  const spent = (usage, prices = PRICES) => noCatalogue().cost(completion(usage), { prices });

  test("prompt, cache, answer and reasoning are taken each at its own, and the cost is their sum", async () => {
    assert.deepEqual(await spent(USAGE), COST);
  });

  test("the cache costs as much as the prompt where it has no price", async () => {
    for (const none of [{}, { cache_read: undefined, cache_write: undefined }, { cache_read: NaN, cache_write: NaN }]) {
      assert.deepEqual(await spent(USAGE, { input: 2.5, output: 10, ...none }), cost(0.00075, 0.0015, 0.00025, 0.001, 0.002, 0.0055));
    }
    assert.deepEqual(await spent(USAGE, { input: 2.5, output: 10, cache_read: 0, cache_write: 0 }), cost(0.00075, 0, 0, 0.001, 0.002, 0.00375));
  });

  test("Anthropic's cache and xAI's reasoning are paid for, though their sums are without them", async () => {
    const anthropic = { input_tokens: 300, cache_read_input_tokens: 600, cache_creation_input_tokens: 100, output_tokens: 300, output_tokens_details: { thinking_tokens: 200 } };
    assert.deepEqual(await spent(anthropic), COST);
    assert.deepEqual(await spent({ ...USAGE, completion_tokens: 100 }), COST);
  });

  test("sums of fractions are right to the last digit", async () => {
    assert.deepEqual(await spent({ prompt_tokens: 3, completion_tokens: 1 }, { input: 0.1, output: 0.1 }), cost(3e-7, 0, 0, 1e-7, 0, 4e-7));
    assert.deepEqual(await spent({ prompt_tokens: 1, completion_tokens: 2 }, { input: 0.1, output: 0.1 }), cost(1e-7, 0, 0, 2e-7, 0, 3e-7));
    assert.deepEqual(await spent({ prompt_tokens: 1_234_567, completion_tokens: 7 }, { input: 0.15, output: 0.6 }), cost(0.18518505, 0, 0, 0.0000042, 0, 0.18518925));
    assert.deepEqual(await spent({ prompt_tokens: 5, completion_tokens: 5 }, { input: 0, output: 0 }), cost(0, 0, 0, 0, 0, 0));
    for (let tokens = 0; tokens < 2000; tokens += 7) {
      const { usd, parts } = await spent({ ...USAGE, prompt_tokens: 1000 + tokens, total_tokens: 1300 + tokens }, { ...PRICES, input: 0.07 });
      assert.equal(usd, Math.round(Object.values(parts).reduce((sum, part) => sum + part) * 1e12) / 1e12);
    }
  });

  test("what nobody knows is null: no usage, or a price that is NaN", async () => {
    for (const usage of [undefined, null, {}, { prompt_tokens: NaN }]) assert.equal(await spent(usage), null);
    for (const of of [null, undefined, {}, "x", 1]) assert.equal(await noCatalogue().cost(of, { prices: PRICES }), null);
    for (const bad of [{ input: NaN }, { output: NaN }]) assert.equal(await spent(USAGE, { ...PRICES, ...bad }), null);
  });

  test("a usage by itself has a cost, and is not changed", async () => {
    const usage = Object.freeze({ ...USAGE });
    assert.deepEqual(await noCatalogue().cost(usage, { prices: Object.freeze(PRICES) }), COST);
  });

  test("what is no price is refused, and named", async () => {
    for (const bad of [-1, Infinity, "2.5", null, {}]) {
      for (const name of ["input", "output", "cache_read", "cache_write"]) {
        const error = await failure(spent(USAGE, { ...PRICES, [name]: bad }));
        assert.ok(error instanceof ChatmuxError && error.kind === "invalid_request", String(error));
        assert.equal(error.message, `\`prices.${name}\` must be a number of USD per million tokens, 0 or more.`);
      }
    }
    assert.match((await failure(spent(USAGE, { input: 1 }))).message, /`prices\.output`/);
    for (const bad of ["x", 1, [PRICES]]) assert.match((await failure(spent(USAGE, bad))).message, /`cost\(\)` takes `\{ prices: /);
    for (const bad of ["x", 1, []]) assert.match((await failure(noCatalogue().cost(completion(USAGE), bad))).message, /`cost\(\)` takes `\{ prices: /);
    assert.match((await failure(noCatalogue().cost(completion(USAGE), PRICES))).message, /no option `input`/);
  });

  test("a promise has no cost, and is told so", async () => {
    const error = await failure(noCatalogue().cost(Promise.resolve(completion(USAGE)), { prices: PRICES }));
    assert.ok(error instanceof ChatmuxError);
    assert.match(error.message, /await/);
  });
});

suite("at the prices of the catalogue", () => {
  test("the model is looked up, and the catalogue asked for once, however many ask at once", async () => {
    const { client, asked } = clientOf({ "gpt-4o": PRICES, other: { input: 1, output: 1 } });
    const costs = await Promise.all([1, 2, 3].map(() => client.cost(completion(USAGE))));
    assert.deepEqual([...costs, await client.cost(completion(USAGE), { prices: undefined })], Array(4).fill(COST));
    assert.deepEqual(await client.cost(completion({ prompt_tokens: 1, completion_tokens: 1 }, "other")), cost(1e-6, 0, 0, 1e-6, 0, 2e-6));
    assert.deepEqual(asked, ["http://provider.test/api/v1/models"]);
  });

  test("clients made of one another share it; another host, or another way to fetch, has its own", async () => {
    const { client, asked } = clientOf({ "gpt-4o": PRICES });
    for (const one of [client, client.withOptions({ timeout: 1000 }), client.withOptions({ apiKey: "sk-another-key" })]) {
      assert.deepEqual(await one.cost(completion(USAGE)), COST);
    }
    assert.equal(asked.length, 1);
    const elsewhere = client.withOptions({ baseURL: "http://elsewhere.test/v1" });
    for (const one of [elsewhere, elsewhere.withOptions({})]) assert.deepEqual(await one.cost(completion(USAGE)), COST);
    assert.equal(asked.length, 2);
    const other = clientOf({ "gpt-4o": { ...PRICES, input: PRICES.input * 2 } });
    assert.notDeepEqual(await other.client.cost(completion(USAGE)), COST);
    assert.equal(other.asked.length, 1);
  });

  test("the id as it is comes first, then in any case of letters, then without its date", async () => {
    const at = (input) => ({ input, output: 0 });
    const { client } = clientOf({ "m-2024-07-18": at(1), M: at(2), m: at(3), Claude: at(4), "gpt-4o-mini": at(5), "gpt-4": at(6) });
    const priceOf = async (model) => (await client.cost(completion({ prompt_tokens: 1_000_000, completion_tokens: 0 }, model)))?.usd ?? null;
    const prices = {
      "m-2024-07-18": 1, "M": 2, "m": 3, "M-2024-07-18": 1, "m-2025-01-01": 3, "claude": 4, "CLAUDE-20250514": 4,
      "gpt-4o-mini-2024-07-18": 5, "gpt-4o-mini-2024": null, "gpt-4-0613": null, "gpt-4o": null, "": null, "__proto__": null, "constructor": null,
    };
    for (const [model, price] of Object.entries(prices)) assert.equal(await priceOf(model), price, model);
  });

  test("a model that is not in it, or has no price there, costs nobody knows what", async () => {
    const { client } = clientOf({ a: { input: "?", output: 1 }, b: {} });
    for (const model of ["a", "b", "c", undefined]) assert.equal(await client.cost(completion(USAGE, model)), null);
    assert.equal(await client.cost({ ...COMPLETION, model: undefined, usage: USAGE }), null);
    assert.equal(await client.cost(USAGE), null);
  });

  test("one that cannot be had is an error, and is asked for again by the next", async () => {
    const { client, asked } = clientOf({ "gpt-4o": PRICES }, (time) => (time === 1 ? jsonResponse({ error: { message: "down" } }, { status: 503 }) : undefined));
    const errors = await Promise.all([failure(client.cost(completion(USAGE))), failure(client.cost(completion(USAGE)))]);
    for (const error of errors) assert.ok(error instanceof APIError && error.status === 503, String(error));
    assert.equal(asked.length, 1);
    assert.deepEqual(await client.cost(completion(USAGE)), COST);
    assert.equal(asked.length, 2);
  });

  test("nothing is asked for where no usage is known", async () => {
    assert.equal(await noCatalogue().cost(completion(undefined)), null);
  });
});

suite("where the provider says what it charged", () => {
  test("that is the cost, and the catalogue is not asked", async () => {
    const usage = { ...USAGE, cost: 0.000669, is_byok: false, cost_details: { upstream_inference_cost: null } };
    assert.deepEqual(await noCatalogue().cost(completion(usage)), { usd: 0.000669, parts: { ...cost(0, 0, 0, 0, 0).parts, other: 0.000669 } });
    assert.equal((await noCatalogue().cost(completion({ ...USAGE, cost: 0 }))).usd, 0);
  });

  test("what its upstream charged a key of your own comes on top", async () => {
    const usage = { ...USAGE, cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 1 } };
    assert.equal((await noCatalogue().cost(completion(usage))).usd, 1.05);
    assert.equal((await noCatalogue().cost(completion({ ...usage, cost_details: null }))).usd, 0.05);
  });

  test("prices that are given are heeded all the same", async () => {
    assert.deepEqual(await noCatalogue().cost(completion({ ...USAGE, cost: 5 }), { prices: PRICES }), COST);
  });
});

suite("the cost is known of", () => {
  const events = [chunkText({ content: "a" }, { model: "gpt-4o", usage: USAGE }), chunkText({ content: "b" }, { model: "gpt-4o" })];

  test("a stream that was left, and one that was aborted", async () => {
    for (const stop of [(stream) => stream.controller.abort(), () => {}]) {
      const stream = await openEvents(events);
      for await (const _ of stream) {
        stop(stream);
        break;
      }
      assert.deepEqual(await noCatalogue().cost(stream, { prices: PRICES }), COST);
      assert.deepEqual(await clientOf({ "gpt-4o": PRICES }).client.cost(stream), COST);
    }
  });

  test("a stream that failed, by its error", async () => {
    const { error } = await failureOfStream(openEvents([...events, JSON.stringify({ error: { message: "broken" } })]));
    assert.deepEqual(await clientOf({ "gpt-4o": PRICES }).client.cost(error), COST);
  });

  test("a helper's stream, while it runs and when it is whole", async () => {
    const chunks = [...events, chunkText({}, { model: "gpt-4o" }, { finish_reason: "stop" })];
    const { client } = clientOf({ "gpt-4o": PRICES }, (time) => (time === 1 ? streamResponse([...chunks, "[DONE]"]) : undefined));
    const stream = client.chat.completions.stream({ ...REQUEST, model: "gpt-4o" });
    const seen = [];
    stream.on("chunk", () => seen.push(client.cost(stream)));
    await stream.done();
    assert.deepEqual(await Promise.all(seen), [COST, COST, COST]);
    assert.deepEqual(await client.cost(stream), COST);
    assert.deepEqual(await client.cost(await stream.finalChatCompletion()), COST);
  });

  test("a run of the helpers, whose models have prices of their own; of none where one has no price", async () => {
    const { client } = clientOf({ a: { input: 1, output: 1 }, b: { input: 2, output: 2 } });
    const run = (...models) => ({ allChatCompletions: () => models.map((model) => completion({ prompt_tokens: 10, completion_tokens: 5 }, model)), currentChatCompletionSnapshot: undefined });
    assert.deepEqual(await client.cost(run("a", "b")), cost(0.00003, 0, 0, 0.000015, 0, 0.000045));
    assert.equal(await client.cost(run("a", "c")), null);
    assert.equal(await client.cost(run()), null);
  });
});

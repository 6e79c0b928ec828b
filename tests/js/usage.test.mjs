/** What was consumed, in one form whoever answered. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, toUsage } from "chatmux";
import { addUsage } from "../../dist/helpers/usage.js";
import { recordedValues, skip } from "./recorded.mjs";
import { chunkText, openEvents } from "./streams.mjs";
import { COMPLETION, KEY, failure, failureOfStream, forbidStrayRejections, jsonResponse } from "./support.mjs";

forbidStrayRejections();

/** A usage in OpenAI's form: prompt, completion, and the parts of them. */
const usage = (prompt, completion, { cached = 0, written = 0, reasoning = 0 } = {}, more = {}) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
  completion_tokens_details: { reasoning_tokens: reasoning },
  ...more,
});

suite("the usage of", () => {
  const cases = {
    "OpenAI": [
      {
        prompt_tokens: 2006,
        completion_tokens: 300,
        total_tokens: 2306,
        prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 192, audio_tokens: 3, accepted_prediction_tokens: 2, rejected_prediction_tokens: 1 },
      },
      {
        ...usage(2006, 300),
        prompt_tokens_details: { audio_tokens: 4, cached_tokens: 1920, cache_write_tokens: 0 },
        completion_tokens_details: { audio_tokens: 3, accepted_prediction_tokens: 2, rejected_prediction_tokens: 1, reasoning_tokens: 192 },
      },
    ],
    "OpenAI's Responses": [
      { input_tokens: 50, output_tokens: 20, total_tokens: 70, input_tokens_details: { cached_tokens: 40 }, output_tokens_details: { reasoning_tokens: 5 } },
      usage(50, 20, { cached: 40, reasoning: 5 }),
    ],
    "a server that says the sums alone": [{ prompt_tokens: 206, completion_tokens: 194, total_tokens: 400 }, usage(206, 194)],
    "a server that says one sum and the total": [{ prompt_tokens: 5, total_tokens: 12 }, usage(5, 7)],
    "a server whose total is wrong": [{ prompt_tokens: 5, completion_tokens: 7, total_tokens: 3 }, usage(5, 7)],
    "a server that says no total": [{ prompt_tokens: 5, completion_tokens: 7 }, usage(5, 7)],
    "DeepSeek": [
      { prompt_tokens: 976, completion_tokens: 61, total_tokens: 1037, prompt_cache_hit_tokens: 896, prompt_cache_miss_tokens: 80, completion_tokens_details: { reasoning_tokens: 25 } },
      usage(976, 61, { cached: 896, reasoning: 25 }),
    ],
    "Moonshot": [{ prompt_tokens: 100, completion_tokens: 12, total_tokens: 112, cached_tokens: 64 }, usage(100, 12, { cached: 64 })],
    "Anthropic": [
      { input_tokens: 6, cache_creation_input_tokens: 3337, cache_read_input_tokens: 6289, output_tokens: 198, output_tokens_details: { thinking_tokens: 50 } },
      usage(9632, 198, { cached: 6289, written: 3337, reasoning: 50 }),
    ],
    "Anthropic, with its writes for five minutes and an hour": [
      { input_tokens: 10, cache_read_input_tokens: 0, cache_creation_input_tokens: 30, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 }, output_tokens: 1 },
      usage(40, 1, { written: 30 }),
    ],
    "Anthropic, as far as a message_delta says it": [{ output_tokens: 65 }, usage(0, 65)],
    "a gateway that says 0 under OpenAI's names and means Anthropic's": [
      { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, input_tokens: 11, output_tokens: 2 },
      usage(11, 2),
    ],
    "a gateway that says 0 under Anthropic's names and means OpenAI's": [
      { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13, input_tokens: 0, output_tokens: 0, input_tokens_details: null },
      usage(11, 2),
    ],
    "LiteLLM, whose prompt has Anthropic's cache in it": [
      { prompt_tokens: 9632, completion_tokens: 198, total_tokens: 9830, cache_creation_input_tokens: 3337, cache_read_input_tokens: 6289 },
      usage(9632, 198, { cached: 6289, written: 3337 }),
    ],
    "Portkey, whose total alone has Anthropic's cache in it": [
      { prompt_tokens: 9000, completion_tokens: 198, total_tokens: 12535, cache_creation_input_tokens: 3337 },
      usage(12337, 198, { written: 3337 }),
    ],
    "a gateway whose prompt cannot have the cache in it": [
      { prompt_tokens: 6, completion_tokens: 198, total_tokens: 204, cache_read_input_tokens: 6289 },
      usage(6295, 198, { cached: 6289 }),
    ],
    "Gemini": [
      { usageMetadata: { promptTokenCount: 345, cachedContentTokenCount: 191, candidatesTokenCount: 80, thoughtsTokenCount: 141, totalTokenCount: 566 } },
      usage(345, 221, { cached: 191, reasoning: 141 }),
    ],
    "Gemini, with a tool's pages in the prompt": [
      { usageMetadata: { promptTokenCount: 10, toolUsePromptTokenCount: 90, candidatesTokenCount: 5, totalTokenCount: 105 } },
      usage(100, 5),
    ],
    "Gemini, before it has said anything": [{ usageMetadata: { promptTokenCount: 169, totalTokenCount: 169 } }, usage(169, 0)],
    "Gemini in OpenAI's format, whose thoughts are in the total alone": [
      { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 },
      usage(20, 603, { reasoning: 405 }),
    ],
    "xAI, whose completion has no reasoning in it": [
      { prompt_tokens: 10120, completion_tokens: 1499, total_tokens: 14428, prompt_tokens_details: { cached_tokens: 128 }, completion_tokens_details: { reasoning_tokens: 2809 } },
      usage(10120, 4308, { cached: 128, reasoning: 2809 }),
    ],
    "xAI, where the reasoning is shorter than the answer": [
      { prompt_tokens: 279, completion_tokens: 100, total_tokens: 468, completion_tokens_details: { reasoning_tokens: 89 } },
      usage(279, 189, { reasoning: 89 }),
    ],
    "a server that says no total and more reasoning than answer": [
      { prompt_tokens: 21, completion_tokens: 10, completion_tokens_details: { reasoning_tokens: 60 } },
      usage(21, 70, { reasoning: 60 }),
    ],
    "a server that leaves out reasoning, as much of it as was cached": [
      { prompt_tokens: 100, completion_tokens: 50, total_tokens: 170, cached_tokens: 20, completion_tokens_details: { reasoning_tokens: 20 } },
      usage(100, 70, { cached: 20, reasoning: 20 }),
    ],
    "a server that leaves out cache and reasoning alike": [
      { prompt_tokens: 100, completion_tokens: 50, total_tokens: 180, cached_tokens: 10, completion_tokens_details: { reasoning_tokens: 20 } },
      usage(110, 70, { cached: 10, reasoning: 20 }),
    ],
    "OpenRouter": [
      { prompt_tokens: 43, completion_tokens: 36, total_tokens: 79, cost: 0.000669, is_byok: false, cost_details: { upstream_inference_cost: null }, completion_tokens_details: { reasoning_tokens: 13 } },
      usage(43, 36, { reasoning: 13 }, { cost: 0.000669, is_byok: false, cost_details: { upstream_inference_cost: null } }),
    ],
    "Groq, which has it elsewhere in a stream": [
      { id: "1", choices: [], x_groq: { id: "req_1", usage: { prompt_tokens: 210, completion_tokens: 15, total_tokens: 225, queue_time: 0.04 } } },
      usage(210, 15),
    ],
  };
  for (const [who, [said, meant]] of Object.entries(cases)) {
    test(who, () => {
      const before = JSON.stringify(said);
      assert.deepEqual(toUsage(said), meant);
      if (!("usageMetadata" in said) && !("x_groq" in said)) assert.deepEqual(toUsage({ ...COMPLETION, usage: said }), meant);
      assert.equal(JSON.stringify(said), before, "the original is not changed");
      assert.deepEqual(toUsage(toUsage(said)), meant, "it stays what it is");
    });
  }
});

test("a usage of nothing is null", () => {
  const nothing = [null, undefined, 0, "usage", [], {}, { usage: null }, { usage: {} }, { usage: { total_tokens: 5 } }, { usageMetadata: { trafficType: "ON_DEMAND" } }];
  for (const of of [...nothing, { ...COMPLETION, usage: undefined }, new Error("x"), Promise.resolve(), () => {}]) assert.equal(toUsage(of), null);
});

test("a count that is none is as good as left out: never NaN, never below 0", () => {
  for (const bad of [NaN, -1, Infinity, "12", null, {}, [3], true]) {
    const said = { prompt_tokens: 5, completion_tokens: bad, total_tokens: bad, prompt_tokens_details: { cached_tokens: bad, audio_tokens: bad }, completion_tokens_details: bad, cost: bad };
    assert.deepEqual(toUsage(said), usage(5, 0));
    assert.equal(toUsage({ prompt_tokens: bad, completion_tokens: bad }), null);
  }
});

test("every usage that was recorded has whole sums, of which its details are parts", { skip }, () => {
  const seen = [];
  const look = (value, file) => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (/^usage(metadata)?$/i.test(name)) seen.push([member, file]);
      look(member, file);
    }
  };
  for (const { file, values } of recordedValues()) look(values, file);
  assert.ok(seen.length > 150, `only ${seen.length}`);
  let known = 0;
  for (const [said, file] of seen) {
    const what = `${file}: ${JSON.stringify(said)}`;
    const found = toUsage(said);
    if (!found) {
      assert.ok(said === null || Object.keys(said).every((name) => name === "trafficType"), what);
      continue;
    }
    known++;
    const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, completion_tokens_details } = found;
    assert.equal(total_tokens, prompt_tokens + completion_tokens, what);
    assert.ok(prompt_tokens_details.cached_tokens + prompt_tokens_details.cache_write_tokens <= prompt_tokens, what);
    assert.ok(completion_tokens_details.reasoning_tokens <= completion_tokens, what);
    assert.equal(total_tokens, said.total_tokens ?? said.totalTokenCount ?? total_tokens, what);
    for (const count of Object.values({ ...prompt_tokens_details, ...completion_tokens_details })) assert.ok(count >= 0, what);
  }
  assert.ok(known > 100, `only ${known}`);
});

suite("it is found in", () => {
  const SAID = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
  const events = (end) => [chunkText({ content: "a" }, { usage: { ...SAID, completion_tokens: 1, total_tokens: 8 } }), chunkText({ content: "b" }, { usage: SAID }), ...end];

  test("a chunk", () => assert.deepEqual(toUsage(JSON.parse(events([])[1])), usage(7, 2)));

  test("a stream that was left, as far as it was known then", async () => {
    const stream = await openEvents(events([chunkText({ content: "c" }, { usage: { ...SAID, completion_tokens: 3 } })]));
    assert.equal(toUsage(stream), null);
    for await (const chunk of stream) if (chunk.choices[0].delta.content === "b") break;
    assert.deepEqual(toUsage(stream), usage(7, 2));
  });

  test("a stream that was aborted", async () => {
    const stream = await openEvents(events([]), 1);
    for await (const _ of stream) stream.controller.abort();
    assert.deepEqual(toUsage(stream), usage(7, 1));
  });

  test("the error of a stream that failed", async () => {
    const { error } = await failureOfStream(openEvents(events([JSON.stringify({ error: { message: "broken" } })])));
    assert.deepEqual(toUsage(error), usage(7, 2));
    assert.deepEqual(toUsage({ partial: { ...COMPLETION, usage: SAID } }), usage(7, 2));
  });

  test("the error of an answer that was cut before it could be parsed", async () => {
    const cut = { ...COMPLETION, choices: [{ ...COMPLETION.choices[0], finish_reason: "length" }], usage: SAID };
    const client = new Chatmux({ apiKey: KEY, fetch: async () => jsonResponse(cut) });
    const error = await failure(client.chat.completions.parse({ model: "m", messages: [], response_format: { type: "json_object" } }));
    assert.equal(error.name, "LengthFinishReasonError");
    assert.deepEqual(toUsage(error), usage(7, 2));
  });

  test("a run of the helpers: the sum of its completions, and of the one that is running", () => {
    const run = {
      currentChatCompletionSnapshot: { id: "3", choices: [], usage: { input_tokens: 1, output_tokens: 1 } },
      allChatCompletions: () => [COMPLETION, { ...COMPLETION, usage: undefined }, { ...COMPLETION, usage: { ...SAID, cost: 0.5 } }],
    };
    assert.deepEqual(toUsage(run), usage(9, 4, {}, { cost: 0.5 }));
    assert.equal(toUsage({ allChatCompletions: () => [], currentChatCompletionSnapshot: undefined }), null);
  });
});

test("addUsage adds what is there, details and cost too, and changes the total alone", () => {
  const total = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const one = usage(10, 5, { cached: 4, reasoning: 1 }, { cost: 0.25 });
  const before = JSON.stringify(one);
  addUsage(total, one);
  addUsage(total, one);
  addUsage(total, { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
  assert.deepEqual(total, usage(21, 11, { cached: 8, reasoning: 2 }, { cost: 0.5 }));
  assert.equal(JSON.stringify(one), before);
});

test("C3: addUsage has details such as __proto__ as keys of its own", () => {
  const total = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const one = { ...total, prompt_tokens_details: JSON.parse('{"__proto__":2,"toString":3}') };
  addUsage(total, one);
  addUsage(total, one);
  assert.equal(JSON.stringify(total.prompt_tokens_details), '{"__proto__":4,"toString":6}');
});

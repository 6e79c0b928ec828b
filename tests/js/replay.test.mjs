/** Reasoning goes back with the next turn exactly as it came, whole or streamed in pieces, for every provider that needs it (defect 2). */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, toMessage } from "chatmux";
import OpenAI from "openai";
import { call, clientOf, completion, provider, run, says, told, tool, wants } from "./runs.mjs";

const SIGNATURE = "EpwBCkgIBRgCKkDx+/q9==";
const BLOB = "gAAAAABo\u2028opaque+/=";
const weather = tool("weather", () => "Rain");
const ask = { role: "user", content: "What is the weather?" };

/** Calls in the pieces of a stream. */
const pieces = (id = "call_weather", more = {}) => [
  { tool_calls: [{ index: 0, id, type: "function", function: { name: "weather", arguments: "" }, ...more }] },
  { tool_calls: [{ index: 0, function: { arguments: "{" } }] },
  { tool_calls: [{ index: 0, function: { arguments: "}" } }] },
];

/** What each provider says before it calls a tool: the message whole, and the deltas that it streams for it. */
const PROVIDERS = {
  "DeepSeek's reasoning_content": {
    message: { ...wants(call("weather")), reasoning_content: "Let me think.\n\nRain? \"Maybe\" 🌧" },
    deltas: [
      { role: "assistant", content: null, reasoning_content: "" },
      { content: null, reasoning_content: "Let me " },
      { reasoning_content: "think.\n" },
      { reasoning_content: "\nRain? \"Maybe\" 🌧" },
      ...pieces(),
    ],
  },
  "OpenRouter's reasoning_details with signatures": {
    message: {
      ...{ ...wants(call("weather")), content: "One moment." },
      reasoning: "Let me think.",
      reasoning_details: [
        { type: "reasoning.text", text: "Let me think.", format: "anthropic-claude-v1", index: 0, signature: SIGNATURE },
        { type: "reasoning.text", text: "", signature: `${SIGNATURE}2`, format: "anthropic-claude-v1", index: 1 },
        { type: "reasoning.encrypted", data: BLOB, format: "anthropic-claude-v1", index: 2 },
      ],
    },
    deltas: [
      { role: "assistant", content: "", reasoning: "Let me ", reasoning_details: [{ type: "reasoning.text", text: "Let me ", format: "anthropic-claude-v1", index: 0 }] },
      { content: "", reasoning: "think.", reasoning_details: [{ type: "reasoning.text", text: "think.", format: "anthropic-claude-v1", index: 0 }] },
      { content: "", reasoning: null, reasoning_details: [{ type: "reasoning.text", signature: SIGNATURE, format: "anthropic-claude-v1", index: 0 }] },
      { content: "", reasoning_details: [{ type: "reasoning.text", text: "", signature: `${SIGNATURE}2`, format: "anthropic-claude-v1", index: 1 }] },
      { content: "", reasoning_details: [{ type: "reasoning.encrypted", data: BLOB, format: "anthropic-claude-v1", index: 2 }] },
      { content: "One " },
      { content: "moment." },
      ...pieces(),
    ],
  },
  "OpenRouter's summaries and encrypted parts": {
    message: {
      ...wants(call("weather")),
      reasoning: "Looking it up",
      reasoning_details: [
        { type: "reasoning.summary", summary: "Looking it up", format: "openai-responses-v1", index: 0 },
        { type: "reasoning.encrypted", data: BLOB, id: "rs_0123", format: "openai-responses-v1", index: 1 },
        { type: "reasoning.summary", summary: "", format: "openai-responses-v1", index: 2 },
      ],
    },
    deltas: [
      { role: "assistant", content: null, reasoning: "Looking ", reasoning_details: [{ type: "reasoning.summary", summary: "Looking ", format: "openai-responses-v1", index: 0 }] },
      { reasoning: "it up", reasoning_details: [{ type: "reasoning.summary", summary: "it up", format: "openai-responses-v1", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.encrypted", data: BLOB, id: "rs_0123", format: "openai-responses-v1", index: 1 }] },
      { reasoning_details: [{ type: "reasoning.summary", summary: "", format: "openai-responses-v1", index: 2 }] },
      ...pieces(),
    ],
  },
  "OpenRouter's Gemini, two kinds of parts under one index": {
    message: {
      ...wants(call("weather")),
      reasoning_details: [
        { type: "reasoning.text", text: "Thinking of rain.", format: "google-gemini-v1", index: 0 },
        { id: "call_weather", type: "reasoning.encrypted", data: BLOB, format: "google-gemini-v1", index: 0 },
      ],
    },
    deltas: [
      { role: "assistant", content: null, reasoning_details: [{ type: "reasoning.text", text: "Thinking of ", format: "google-gemini-v1", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.text", text: "rain.", format: "google-gemini-v1", index: 0 }] },
      { ...pieces()[0], reasoning_details: [{ id: "call_weather", type: "reasoning.encrypted", data: BLOB, format: "google-gemini-v1", index: 0 }] },
      ...pieces().slice(1),
    ],
  },
  "Gemini's thought_signature on a tool call": {
    message: wants(call("weather", "{}", "call_weather", { extra_content: { google: { thought_signature: SIGNATURE } } })),
    deltas: [{ role: "assistant", content: null }, ...pieces("call_weather", { extra_content: { google: { thought_signature: SIGNATURE } } })],
  },
  "Gemini's thought_signature on the message": {
    message: { ...wants(call("weather")), extra_content: { google: { thought_signature: SIGNATURE } } },
    deltas: [{ role: "assistant", content: null }, ...pieces(), { extra_content: { google: { thought_signature: SIGNATURE } } }],
  },
  "LiteLLM's thinking_blocks": {
    message: {
      ...wants(call("weather")),
      reasoning_content: "Let me think.",
      thinking_blocks: [
        { type: "thinking", thinking: "Let me think.", signature: SIGNATURE },
        { type: "thinking", thinking: "", signature: `${SIGNATURE}2` },
        { type: "redacted_thinking", data: BLOB },
      ],
      provider_specific_fields: { citations: [], nested: { text: "as it is" } },
    },
    deltas: [
      { role: "assistant", content: null, reasoning_content: "Let me " },
      { reasoning_content: "think." },
      { reasoning_content: "", thinking_blocks: [{ type: "thinking", thinking: "Let me think.", signature: SIGNATURE }] },
      { thinking_blocks: [{ type: "thinking", thinking: "", signature: `${SIGNATURE}2` }] },
      { thinking_blocks: [{ type: "redacted_thinking", data: BLOB }] },
      { provider_specific_fields: { citations: [], nested: { text: "as it is" } } },
      ...pieces(),
    ],
  },
  "a provider of tomorrow": {
    message: { ...wants(call("weather", "{}", "call_weather", { caller: { type: "direct" } })), thought_log: "step one, step two", proofs: [{ n: 1 }, { n: 2 }] },
    deltas: [
      { role: "assistant", content: null, thought_log: "step one, " },
      { thought_log: "step two", proofs: [{ n: 1 }] },
      { proofs: [{ n: 2 }] },
      ...pieces("call_weather", { caller: { type: "direct" } }),
    ],
  },
};

suite("the next turn of a run of tools has", () => {
  for (const [what, { message, deltas }] of Object.entries(PROVIDERS)) {
    test(`${what}, byte for byte`, async () => {
      const { runner, texts } = run([message, says("It rains.")], { tools: [weather] });
      await runner.done();
      const sent = JSON.stringify({ messages: [ask, message, told("weather", "Rain")] }).slice(1, -1);
      assert.ok(texts[1].includes(sent), texts[1]);
    });

    test(`${what}, when it was streamed`, async () => {
      const { runner, bodies } = run([[message, { deltas }], says("It rains.")], { tools: [weather], stream: true });
      await runner.done();
      assert.deepEqual(bodies[1].messages, [ask, message, told("weather", "Rain")]);
    });

    test(`${what}, and so have all turns after it`, async () => {
      for (const stream of [false, true]) {
        const more = { deltas };
        const { runner, texts, bodies } = run([[message, more], [message, more], says("It rains.")], { tools: [weather], stream });
        await runner.done();
        const turn = [message, told("weather", "Rain")];
        assert.deepEqual(bodies[2].messages, [ask, ...turn, ...turn]);
        // What was sent once is sent again in the same bytes: prompt caches live by that.
        const conversation = (text) => /"messages":\[(.*)\](?=,"(?:tools|stream)")/s.exec(text)[1];
        assert.ok(conversation(texts[2]).startsWith(conversation(texts[1])));
      }
    });
  }

  test("what openai leaves out", async () => {
    const { message } = PROVIDERS["DeepSeek's reasoning_content"];
    const sent = await Promise.all(
      [Chatmux, OpenAI].map(async (Client) => {
        const { runner, bodies } = run([message, says("It rains.")], { tools: [weather] }, {}, Client);
        await runner.done();
        return bodies[1].messages[1].reasoning_content;
      }),
    );
    assert.deepEqual(sent, [message.reasoning_content, undefined]);
  });

  test("a stream in pieces of one character put together (defect 1)", async () => {
    const reasoning = "Let me think: \"rain\" \\ 🌧 日本";
    const deltas = [...reasoning].map((reasoning_content) => ({ reasoning_content }));
    const message = { ...wants(call("weather")), reasoning_content: reasoning };
    const { runner, bodies } = run([[message, { deltas: [{ role: "assistant", content: null }, ...deltas, ...pieces()] }], says("a")], { tools: [weather], stream: true });
    await runner.done();
    assert.deepEqual(bodies[1].messages[1], message);
  });

  test("reasoning between parallel calls, each signature with its own call", async () => {
    const signed = (n) => call("weather", "{}", `call_${n}`, { extra_content: { google: { thought_signature: `sig${n}` } } });
    const message = wants(signed(1), signed(2), call("weather", "{}", "call_3"));
    for (const stream of [false, true]) {
      const { runner, bodies } = run([message, says("a")], { tools: [weather], stream });
      await runner.done();
      assert.deepEqual(bodies[1].messages[1], message);
    }
  });
});

suite("what a run sends of the caller's conversation", () => {
  const theirs = {
    ...{ refusal: null, annotations: [], role: "assistant", reasoning_content: "Hm", tool_calls: [call("weather")] },
    ...{ reasoning_details: [{ type: "reasoning.text", text: "", signature: SIGNATURE }], cache_control: { type: "ephemeral" } },
  };
  const messages = [ask, theirs, told("weather", "Rain"), { role: "user", content: [{ type: "text", text: "And?", cache_control: { type: "ephemeral" } }] }];

  test("is what they gave, byte for byte", async () => {
    const { runner, texts } = run([wants(call("weather")), says("a")], { messages, tools: [weather] });
    await runner.done();
    for (const text of texts) assert.ok(text.includes(JSON.stringify(messages).slice(1, -1)), text);
  });

  test("is without what parsing has added, so that a run can be gone on with", async () => {
    const response_format = { type: "json_schema", json_schema: { name: "n", schema: {} } };
    const { message } = PROVIDERS["OpenRouter's reasoning_details with signatures"];
    const strict = tool("weather", () => "Rain", { strict: true });
    const said = { ...message, content: "{}" };
    const first = run([said, says('{"n":1}')], { tools: [strict], response_format });
    await first.runner.done();
    assert.deepEqual(first.runner.messages[1].tool_calls[0].function.parsed_arguments, {});
    assert.deepEqual(first.runner.messages.at(-1).parsed, { n: 1 });
    const second = run([says("{}")], { tools: [strict], messages: first.runner.messages });
    await second.runner.done();
    assert.deepEqual(second.bodies[0].messages, [ask, said, told("weather", "Rain"), says('{"n":1}')]);
  });

  test("is of speech its id", async () => {
    const spoken = { role: "assistant", content: null, audio: { id: "audio_1", data: "AAAA", expires_at: 1, transcript: "Hi" } };
    const { runner, bodies } = run([says("a")], { tools: [], messages: [ask, spoken, ask] });
    await runner.done();
    assert.deepEqual(bodies[0].messages[1], { role: "assistant", content: null, audio: { id: "audio_1" } });
  });
});

suite("by hand, with toMessage()", () => {
  for (const [what, { message, deltas }] of Object.entries(PROVIDERS)) {
    test(`${what} goes back from create(), stream() and partial alike`, async () => {
      const sent = provider(message, [message, { deltas }], [message, { deltas }]);
      const { completions } = clientOf(sent).chat;
      const body = { model: "m", messages: [ask] };
      const whole = await completions.create(body);
      assert.equal(JSON.stringify(toMessage(whole)), JSON.stringify(message));
      assert.deepEqual(toMessage(await completions.stream(body).finalChatCompletion()), message);
      const stream = await completions.create({ ...body, stream: true });
      for await (const chunk of stream) assert.ok(chunk);
      assert.deepEqual(toMessage(stream.partial), message);
    });
  }

  test("a completion that was parsed goes back as it was said", () => {
    const whole = completion({ ...says("{}"), parsed: {}, refusal: null });
    assert.deepEqual(toMessage(whole), says("{}"));
  });
});

/** toMessage(): what the model said goes back unchanged, but for what was made for its reader. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ChatmuxError, toMessage } from "chatmux";

const SIGNATURE = "ErUBCkYIBRgCIkBz+/==\u2028";

/** What a provider has to say beside text, each field as one provider sends it. */
const FIELDS = {
  reasoning_content: "Let me think.\n\n ",
  reasoning: "So, \"rain\" \\ snow 🌧",
  reasoning_details: [
    { type: "reasoning.text", text: "Let me", signature: null, index: 0, format: "anthropic-claude-v1" },
    { type: "reasoning.text", text: "", signature: SIGNATURE, index: 1, format: "anthropic-claude-v1" },
    { type: "reasoning.encrypted", data: "b64==", id: "rs_1", index: 2, format: "openai-responses-v1" },
    { type: "reasoning.summary", summary: "", index: 3 },
  ],
  thinking_blocks: [
    { type: "thinking", thinking: "", signature: SIGNATURE },
    { type: "redacted_thinking", data: "xyz" },
  ],
  content_blocks: [{ type: "thinking", thinking: "t", signature: SIGNATURE }, { type: "text", text: "It rains." }],
  provider_specific_fields: { citations: null, thinking_blocks: [{ type: "thinking", thinking: "" }] },
  extra_content: { google: { thought_signature: "sig+/=" } },
  images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" }, index: 0 }],
  multi_mod_content: [{ text: "" }, { inlineData: { data: "AA==", mimeType: "image/png" } }],
  of_nobody: null,
  of_tomorrow: { deep: [{ null: null, zero: 0, empty: "", no: false }] },
};

const call = (more = {}) => ({ id: "call_1", type: "function", function: { name: "get", arguments: '{"a": 1}' }, ...more });

suite("toMessage()", () => {
  for (const [name, value] of Object.entries(FIELDS)) {
    test(`sends \`${name}\` back byte for byte (defect 2)`, () => {
      const message = { role: "assistant", content: "It rains.", [name]: value };
      assert.equal(JSON.stringify(toMessage(message)), JSON.stringify(message));
    });
  }

  test("keeps the order of the fields, whatever it is", () => {
    const message = { ...FIELDS, content: "x", role: "assistant", name: "bot", refusal: "no" };
    assert.equal(JSON.stringify(toMessage(message)), JSON.stringify(message));
    const reversed = Object.fromEntries(Object.entries(message).reverse());
    assert.equal(JSON.stringify(toMessage(reversed)), JSON.stringify(reversed));
  });

  test("takes a completion, a choice and a message alike; of more choices the first", () => {
    const message = { role: "assistant", content: "a" };
    const choice = { index: 0, message, finish_reason: "stop", logprobs: null };
    const second = { ...choice, index: 1, message: { role: "assistant", content: "b" } };
    for (const of of [{ id: "1", choices: [choice, second] }, choice, message]) assert.deepEqual(toMessage(of), message);
    assert.deepEqual(toMessage(second), { role: "assistant", content: "b" });
  });

  test("takes what is not whole yet: the snapshot of a stream, which may not say who speaks", () => {
    assert.deepEqual(toMessage({ choices: [{ index: 0, message: { content: "a" }, finish_reason: null }] }), { role: "assistant", content: "a" });
    assert.deepEqual(toMessage({ reasoning_content: "r", role: null }), { reasoning_content: "r", role: "assistant", content: null });
  });

  test("keeps all of a tool call but its place in the stream and its parsed arguments", () => {
    const more = { extra_content: { google: { thought_signature: "s" } }, of_tomorrow: [1] };
    const custom = { id: "call_2", type: "custom", custom: { name: "sql", input: "select 1" }, caller: null };
    const calls = [
      { index: 0, ...call(more), function: { ...call().function, strictness: 2, parsed_arguments: { a: 1 } } },
      { index: 1, ...custom },
    ];
    const sent = toMessage({ role: "assistant", content: null, tool_calls: calls });
    const expected = [{ ...call(more), function: { ...call().function, strictness: 2 } }, custom];
    assert.equal(JSON.stringify(sent), JSON.stringify({ role: "assistant", content: null, tool_calls: expected }));
  });

  test("leaves out what was made for the reader", () => {
    const message = {
      role: "assistant", content: "{}", parsed: {}, refusal: null, tool_calls: [], function_call: null, audio: null, annotations: [],
      reasoning_content: null, reasoning: null, reasoning_details: null, thinking_blocks: null, content_blocks: null,
      provider_specific_fields: null, extra_content: null, images: null, multi_mod_content: null,
    };
    assert.deepEqual(toMessage(message), { role: "assistant", content: "{}" });
  });

  test("leaves out marks on the text, and keeps what was read of a file", () => {
    const mark = { type: "url_citation", url_citation: { url: "http://a", title: "A", start_index: 0, end_index: 1 } };
    const file = { type: "file", file: { hash: "h", name: "a.pdf", content: [{ type: "text", text: "…" }] } };
    assert.equal("annotations" in toMessage({ role: "assistant", content: "a", annotations: [mark] }), false);
    const { annotations } = toMessage({ role: "assistant", content: "a", annotations: [mark, file] });
    assert.deepEqual(annotations, [file]);
  });

  test("sends of speech its id", () => {
    const audio = { id: "audio_1", data: "AAAA", expires_at: 1, transcript: "Hi" };
    assert.deepEqual(toMessage({ role: "assistant", content: null, audio }), { role: "assistant", content: null, audio: { id: "audio_1" } });
    assert.deepEqual(toMessage({ role: "assistant", content: "a", audio: { transcript: "H" } }), { role: "assistant", content: "a" });
  });

  test("says null where there is no text, for some refuse a message without", () => {
    assert.deepEqual(toMessage({ role: "assistant", tool_calls: [call()] }), { role: "assistant", tool_calls: [call()], content: null });
    assert.deepEqual(toMessage({ role: "assistant", content: undefined, refusal: "no" }), { role: "assistant", refusal: "no", content: null });
    assert.deepEqual(toMessage({ role: "assistant", content: "" }), { role: "assistant", content: "" });
  });

  test("sends text in parts as it is", () => {
    const content = [{ type: "thinking", thinking: [{ type: "text", text: "a" }] }, { type: "text", text: "b" }];
    assert.deepEqual(toMessage({ role: "assistant", content }), { role: "assistant", content });
  });

  test("is a copy: neither changes with the other", () => {
    const message = { role: "assistant", content: "a", ...structuredClone(FIELDS), tool_calls: [call()] };
    const sent = toMessage(message);
    const before = JSON.stringify(sent);
    message.reasoning_details[0].text = "changed";
    message.tool_calls[0].function.name = "changed";
    message.of_tomorrow.deep.push(1);
    assert.equal(JSON.stringify(sent), before);
    sent.thinking_blocks[0].signature = "changed";
    sent.extra_content.google.thought_signature = "changed";
    assert.equal(message.thinking_blocks[0].signature, SIGNATURE);
    assert.equal(message.extra_content.google.thought_signature, "sig+/=");
  });

  test("takes frozen messages, and those that a framework watches", () => {
    const watch = (of) => (typeof of === "object" && of ? new Proxy(of, { get: (target, name) => watch(target[name]) }) : of);
    const message = { role: "assistant", content: "a", reasoning_details: FIELDS.reasoning_details };
    assert.deepEqual(toMessage(watch(message)), message);
    assert.deepEqual(toMessage(Object.freeze(message)), message);
  });

  test("takes fields of any name for fields, __proto__ too (C3)", () => {
    const text = '{"role":"assistant","content":"a","__proto__":{"polluted":1},"constructor":{"__proto__":{"x":[]}}}';
    const sent = toMessage(JSON.parse(text));
    assert.equal(JSON.stringify(sent), text);
    assert.equal(sent.polluted, undefined);
    assert.equal({}.polluted, undefined);
  });

  const WRONG = [
    [null, /it was given null/],
    [undefined, /it was given undefined/],
    ["text", /this has none/],
    [{}, /this has none/],
    [[], /this has none/],
    [{ choices: [] }, /has no choices/],
    [{ role: "user", content: "Hi" }, /of the role `user`/],
    [{ choices: [{ message: { role: "tool", content: "x", tool_call_id: "1" } }] }, /of the role `tool`/],
    [Promise.resolve({ choices: [] }), /`await` the promise first/],
  ];
  for (const [of, why] of WRONG) {
    test(`refuses ${of instanceof Promise ? "a promise" : JSON.stringify(of)}`, () => {
      const thrown = (() => { try { toMessage(of); } catch (error) { return error; } })();
      assert.ok(thrown instanceof ChatmuxError);
      assert.match(thrown.message, why);
    });
  }
});

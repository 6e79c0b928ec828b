/** The completion after each chunk, as the helpers put it together. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIError } from "chatmux";
import { accumulate, choiceAt, toolCallAt } from "../../dist/helpers/snapshot.js";
import { random } from "./random.mjs";
import { recordedStreams, skip } from "./recorded.mjs";
import { chunkText, openEvents, STREAMS } from "./streams.mjs";
import { forbidStrayRejections } from "./support.mjs";

forbidStrayRejections();

/** What deltas of the first choice come to, each said as it would be by a server. */
const accumulated = (...deltas) => deltas.reduce((snapshot, delta) => accumulate(snapshot, chunkOf(delta)), undefined);
const messageOf = (...deltas) => accumulated(...deltas).choices[0].message;
const chunkOf = (delta, more, choice) => JSON.parse(chunkText(delta, more, choice));
const callOf = (index, more) => ({ tool_calls: [{ index, ...more }] });
const thrownBy = (act) => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return assert.fail("expected an error");
};

/** Reads a stream, and compares after each chunk. Returns how many there were. */
async function compare(events, what) {
  const stream = await openEvents(events, 1000);
  let snapshot;
  let count = 0;
  for await (const chunk of stream) {
    snapshot = accumulate(snapshot, chunk);
    assert.deepEqual(snapshot, stream.partial, `${what}, after ${++count} chunks`);
  }
  assert.deepEqual(snapshot, stream.partial, `${what}, at the end`);
  return count;
}

suite("after each chunk it equals stream.partial, in a stream of", () => {
  for (const [what, events] of Object.entries(STREAMS)) {
    test(what, async () => assert.equal(await compare(events, what), events.length));
  }

  test("every provider that was recorded", { skip }, async () => {
    const streams = recordedStreams();
    assert.ok(streams.length >= 15, "fixtures are missing");
    for (const { file, events } of streams) {
      const isError = (event) => JSON.parse(event).error !== undefined;
      // Groq ends one with an error: what came before it counts.
      const chunks = events.filter((event) => !isError(event));
      const error = await compare(events, file).then(() => undefined, (thrown) => thrown);
      assert.equal(error === undefined, chunks.length === events.length, `${file}: ${error}`);
      if (error) assert.equal(error.status, 400, `${file}: ${error}`);
    }
  });

  test("whatever else comes", async () => {
    for (let seed = 0; seed < 300; seed++) {
      const events = randomChunks(random(seed));
      await compare(events, `the stream of seed ${seed}, ${events.join("\n")}`);
    }
  });
});

/** Chunks with members of all kinds, some of which change their kind; ended by a finish reason for each choice. */
function randomChunks({ below, pick, chance }) {
  const texts = ["", "a", "Hello", "\n", "wörld 🦊", '{"x":', "__proto__"];
  const names = ["content", "refusal", "reasoning_content", "reasoning", "note", "constructor", "__proto__", "toString", "signature", "format", "7"];
  const value = (depth) => {
    const kind = below(depth > 3 ? 4 : 6);
    if (kind < 2) return pick(texts);
    if (kind === 2) return pick([0, 1, -2.5, 1e21, true, false]);
    if (kind === 3) return null;
    if (kind === 4) return Array.from({ length: below(3) }, () => (chance(2) ? indexed(depth + 1) : value(depth + 1)));
    return members(depth + 1);
  };
  const members = (depth) => own(Array.from({ length: below(4) }, () => [pick(names), value(depth)]));
  const indexed = (depth) => own([["index", pick([0, 1, 2, 5, 127, 128, -1, "0", null])], ["type", pick(["a", "b", "", null, 5])], ...entries(depth)]);
  const entries = (depth) => Object.entries(members(depth));
  const delta = () => {
    const said = entries(1);
    if (chance(3)) said.push(["role", pick(["assistant", "tool", "", null])]);
    if (chance(3)) said.push(["reasoning_details", [indexed(2)]]);
    if (chance(3)) said.push(["tool_calls", Array.from({ length: below(3) }, () => call())]);
    return own(said);
  };
  const call = () => own([
    ["index", below(3)],
    ["id", pick(["call_a", "call_b", "", null])],
    ["function", own([["name", pick(["one", "two", "", null])], ["arguments", pick(texts)], ...entries(3)])],
  ]);
  const logprobs = () => pick([null, { content: [{ token: "a", logprob: -1, bytes: [97], top_logprobs: [] }], refusal: null }]);
  const choice = (index) => own([["index", index], ["delta", delta()], ["finish_reason", null], ["logprobs", logprobs()]]);
  const chunk = () => own([
    ["id", pick(["c1", "c2", ""])],
    ["created", pick([0, 1, 2])],
    ["object", "chat.completion.chunk"],
    ["choices", Array.from({ length: below(3) }, () => choice(below(3)))],
    ...(chance(3) ? [["usage", pick([null, { prompt_tokens: 1, completion_tokens: below(9) }])]] : []),
    ...(chance(3) ? [["citations", ["https://a.test", below(9)]]] : []),
    ...(chance(3) ? [["x", value(0)]] : []),
    ...(chance(3) ? [["obfuscation", "xyz"]] : []),
  ]);
  const end = own([["choices", [0, 1, 2].map((index) => ({ index, delta: {}, finish_reason: "stop" }))]]);
  return [...Array.from({ length: 1 + below(12) }, chunk), end].map((one) => JSON.stringify(one));

  function own(list) {
    const object = {};
    for (const [name, member] of list) {
      Object.defineProperty(object, name, { value: member, enumerable: true, configurable: true, writable: true });
    }
    return object;
  }
}

suite("a message", () => {
  test("defect 1: has the whole of the reasoning, whatever it is called", () => {
    for (const name of ["reasoning_content", "reasoning", "a_name_nobody_knows"]) {
      assert.equal(messageOf({ [name]: "Let me " }, { [name]: "think" }, { content: "Hi" })[name], "Let me think");
    }
  });

  test("defect 1: has reasoning_details put together by their index, with the signature that comes last", () => {
    const piece = (more) => ({ reasoning_details: [{ type: "reasoning.text", index: 0, format: "anthropic-claude-v1", ...more }] });
    const message = messageOf(piece({ text: "Let me " }), piece({ text: "think" }), piece({ signature: "c2ln" }), {
      reasoning_details: [{ type: "reasoning.encrypted", index: 1, data: "eA==" }],
    });
    assert.deepEqual(message.reasoning_details, [
      { type: "reasoning.text", index: 0, format: "anthropic-claude-v1", text: "Let me think", signature: "c2ln" },
      { type: "reasoning.encrypted", index: 1, data: "eA==" },
    ]);
  });

  test("keeps reasoning_details of different types apart, though their index is the same, as OpenRouter sends Gemini's", () => {
    const details = (...reasoning_details) => ({ reasoning_details });
    const message = messageOf(
      details({ type: "reasoning.text", index: 0, text: "Let me " }),
      details({ type: "reasoning.text", index: 0, text: "think" }, { type: "reasoning.summary", index: 1, summary: "S" }),
      details({ type: "reasoning.encrypted", index: 0, data: "eA==" }),
      details({ index: 0, signature: "c2ln" }),
    );
    assert.deepEqual(message.reasoning_details, [
      { type: "reasoning.text", index: 0, text: "Let me think", signature: "c2ln" },
      { type: "reasoning.encrypted", index: 0, data: "eA==" },
      { type: "reasoning.summary", index: 1, summary: "S" },
    ]);
  });

  test("puts reasoning without an index together until it is signed, which stream.partial leaves in pieces", async () => {
    const thinking = (text, signature) => ({ thinking_blocks: [{ type: "thinking", thinking: text, signature }] });
    const details = (...reasoning_details) => ({ reasoning_details });
    const text = (said, more) => ({ type: "reasoning.text", text: said, ...more });
    const hidden = { type: "reasoning.encrypted", data: "eA==" };
    const message = messageOf(
      thinking("Let me ", ""), thinking("think", ""), thinking("", "c2ln"), thinking("Again", null),
      details(text("One")), details(text(" two")), details(hidden), details(hidden, text("three", { signature: "s" })), details(text("four")),
    );
    assert.deepEqual(message.thinking_blocks, [
      { type: "thinking", thinking: "Let me think", signature: "c2ln" },
      { type: "thinking", thinking: "Again", signature: null },
    ]);
    assert.deepEqual(message.reasoning_details, [text("One two"), hidden, hidden, text("three", { signature: "s" }), text("four")]);
  });

  test("keeps other pieces without an index apart, as they came: signed thinking blocks, images, annotations", () => {
    const thinking = [{ type: "thinking", thinking: "a", signature: "s" }, { type: "thinking", thinking: "b" }];
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
    const annotation = { type: "url_citation", url_citation: { url: "https://a.test", title: "A", start_index: 0, end_index: 1 } };
    const message = messageOf(
      { thinking_blocks: [thinking[0]], images: [image], annotations: [annotation] },
      { thinking_blocks: [thinking[1]], images: [image], annotations: [] },
    );
    assert.deepEqual(message.thinking_blocks, thinking);
    assert.deepEqual(message.images, [image, image]);
    assert.deepEqual(message.annotations, [annotation]);
  });

  test("has the thought signature of a call, said once or again", () => {
    const extra_content = { google: { thought_signature: "c2ln" } };
    const message = messageOf(callOf(0, { id: "a", extra_content, function: { name: "f", arguments: "" } }), callOf(0, { extra_content, function: { arguments: "{}" } }));
    assert.deepEqual(message.tool_calls, [{ id: "a", extra_content, function: { name: "f", arguments: "{}" } }]);
  });

  test("has speech that grows, under one id", () => {
    const message = messageOf(
      { audio: { id: "audio_1", transcript: "He" } },
      { audio: { data: "AA" } },
      { audio: { transcript: "llo", data: "BB" } },
      { audio: { expires_at: 1763800000 } },
    );
    assert.deepEqual(message.audio, { id: "audio_1", transcript: "Hello", data: "AABB", expires_at: 1763800000 });
  });

  test("loses nothing to null and to an empty text, and has no padding", () => {
    const snapshot = [chunkOf({ role: "assistant", content: "Hi", refusal: "No" }), chunkOf({ role: "", content: null, refusal: "" }, { id: "", obfuscation: "xxx" })]
      .reduce((so_far, chunk) => accumulate(so_far, chunk), undefined);
    assert.equal(snapshot.id, "chatcmpl-1");
    assert.deepEqual(snapshot.choices[0].message, { role: "assistant", content: "Hi", refusal: "No" });
    assert.equal("obfuscation" in snapshot, false);
  });

  test("is the assistant's where nobody says so", () => {
    assert.equal(messageOf({ role: null, content: "Hi" }).role, "assistant");
  });
});

suite("C1: a snapshot", () => {
  test("has parallel tool calls in the order of their indexes, whatever the order they come in", () => {
    const snapshot = accumulated(
      callOf(2, { id: "c", type: "function", function: { name: "three", arguments: "" } }),
      callOf(0, { id: "a", type: "function", function: { name: "one", arguments: '{"x"' } }),
      callOf(2, { function: { arguments: "{}" } }),
      callOf(0, { function: { arguments: ":1}" } }),
      callOf(1, { id: "b", type: "custom", custom: { name: "two", input: "in" } }),
      callOf(1, { custom: { input: "put" } }),
    );
    const { message } = snapshot.choices[0];
    assert.deepEqual(message.tool_calls, [
      { id: "a", type: "function", function: { name: "one", arguments: '{"x":1}' } },
      { id: "b", type: "custom", custom: { name: "two", input: "input" } },
      { id: "c", type: "function", function: { name: "three", arguments: "{}" } },
    ]);
    assert.deepEqual([0, 1, 2, 3].map((index) => toolCallAt(message, index)?.id), ["a", "b", "c", undefined]);
  });

  test("has choices in the order of their indexes, without holes, and finds them by their index", () => {
    const chunks = [chunkOf({ content: "c" }, {}, { index: 2 }), chunkOf({ content: "b" }, {}, { index: 1 })];
    const snapshot = chunks.reduce((so_far, chunk) => accumulate(so_far, chunk, 3), undefined);
    assert.deepEqual(snapshot.choices.map(({ index, message }) => [index, message.content]), [[1, "b"], [2, "c"]]);
    assert.equal(choiceAt(snapshot, 2).message.content, "c");
    assert.equal(choiceAt(snapshot, 0), undefined);
    assert.equal(toolCallAt(choiceAt(snapshot, 1).message, 0), undefined);
  });

  test("is the object that it was given, which alone is changed", () => {
    const snapshot = accumulated({ content: "Hi", x: { list: [{ deep: [1] }] } });
    const chunk = chunkOf({ content: "!", y: { list: [{ deep: [1] }] } }, { citations: ["https://a.test"] });
    const before = JSON.stringify(chunk);
    assert.equal(accumulate(snapshot, chunk), snapshot);
    snapshot.choices[0].message.y.list[0].deep.push(2);
    snapshot.citations.push("https://b.test");
    assert.equal(JSON.stringify(chunk), before);
    chunk.choices[0].delta.y.list.push("later");
    assert.deepEqual(snapshot.choices[0].message.y, { list: [{ deep: [1, 2] }] });
  });

  test("C5: takes chunks without choices, with usage or a filter's verdict, and a newline that comes first", () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const verdict = [{ prompt_index: 0, content_filter_results: { hate: { filtered: false } } }];
    const snapshot = [
      { id: "", object: "", choices: [], prompt_filter_results: verdict },
      chunkOf({ content: "\n" }),
      chunkOf({ content: "Hi" }),
      { choices: null },
      {},
      { id: "chatcmpl-1", choices: [], usage },
      { id: "", object: "", created: 0, model: "", choices: [{ index: 0, content_filter_results: verdict, finish_reason: null }] },
    ].reduce((so_far, chunk) => accumulate(so_far, chunk), undefined);
    assert.equal(snapshot.id, "chatcmpl-1");
    assert.equal(snapshot.choices[0].message.content, "\nHi");
    assert.equal(snapshot.created, 1763800000);
    assert.equal(snapshot.model, "m");
    assert.deepEqual(snapshot.choices[0].content_filter_results, verdict);
    assert.deepEqual(snapshot.usage, usage);
    assert.deepEqual(snapshot.prompt_filter_results, verdict);
    assert.deepEqual(accumulate(undefined, {}).choices, []);
  });
});

suite("C2: an index", () => {
  let deep = {};
  for (let level = 0; level < 100_000; level++) deep = { deep };
  const BAD = [deep, "__proto__", "constructor", "0", "", -1, 0.5, NaN, Infinity, 128, 2 ** 32 - 1, 2 ** 53, true, {}, [0]];

  test("of a choice that is none is an error before it is used", () => {
    for (const index of BAD) {
      const snapshot = {};
      const error = thrownBy(() => accumulate(snapshot, { choices: [{ index, delta: { content: "x" } }] }));
      assert.ok(error instanceof APIError, String(error));
      assert.equal(error.kind, "malformed_response");
      assert.match(error.message, /invalid choice index: .*integer from 0 to 127/s);
      assert.deepEqual(snapshot.choices, []);
    }
  });

  test("of a tool call that is none, or is missing, is an error before it is used", () => {
    for (const index of [...BAD, null, undefined]) {
      const snapshot = {};
      const error = thrownBy(() => accumulate(snapshot, { choices: [{ index: 0, delta: { tool_calls: [{ index, id: "a" }] } }] }));
      assert.ok(error instanceof APIError, String(error));
      assert.match(error.message, /invalid tool call index: .*integer from 0 to 127/s);
      assert.deepEqual(snapshot.choices[0].message.tool_calls, []);
    }
  });

  test("of a choice is below n, and below 128 where n is not known or makes no sense", () => {
    const last = (n, index) => accumulate(undefined, { choices: [{ index, delta: {} }] }, n).choices[0].index;
    assert.equal(last(2, 1), 1);
    for (const n of [undefined, null, 0, -1, 0.5, NaN, Infinity, "2", 1000]) assert.equal(last(n, 127), 127);
    assert.match(thrownBy(() => last(2, 2)).message, /invalid choice index: 2\. .*from 0 to 1/);
    assert.match(thrownBy(() => last(1, 1)).message, /invalid choice index: 1\. .*from 0 to 0/);
    assert.match(thrownBy(() => last(1000, 128)).message, /invalid choice index: 128\. /);
  });

  test("that was left out is that of the first choice, as in a live stream", () => {
    const snapshot = accumulate(accumulate(undefined, { choices: [{ delta: { content: "a" } }] }), { choices: [{ index: null, delta: { content: "b" } }] });
    assert.deepEqual(snapshot.choices, [{ index: 0, message: { role: "assistant", content: "ab" }, finish_reason: null }]);
  });
});

test("a chunk that is none is an error that says what is wrong", () => {
  const bad = [null, undefined, "x", 1, [], { choices: 1 }, { choices: [null] }, { choices: [{ delta: "x" }] }, { choices: [{ delta: { tool_calls: [1] } }] }];
  for (const chunk of bad) {
    const error = thrownBy(() => accumulate(undefined, chunk));
    assert.ok(error instanceof APIError && error.kind === "malformed_response", String(error));
  }
  let deep = [];
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.match(thrownBy(() => accumulate(undefined, { choices: [], deep })).message, /deeper than 128/);
  assert.match(thrownBy(() => accumulate(undefined, { choices: [{ delta: { deep } }] })).message, /deeper than 128/);
});

test("C3: names of prototypes are members like any other, and reach no prototype", () => {
  const delta = JSON.parse(
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"prototype":"p","toString":"t",' +
      '"tool_calls":[{"index":0,"__proto__":{"id":"forged"},"function":{"__proto__":{"name":"forged"}}}]}',
  );
  const snapshot = accumulate(undefined, { choices: [{ index: 0, delta, ...JSON.parse('{"__proto__":{"polluted":1}}') }], ...JSON.parse('{"__proto__":{"choices":1}}') });
  accumulate(snapshot, { choices: [{ index: 0, delta: JSON.parse('{"__proto__":{"more":1},"toString":"u"}') }] });
  const { message } = snapshot.choices[0];
  for (const object of [snapshot, snapshot.choices[0], message, message.constructor, message.tool_calls[0], message.tool_calls[0].function]) {
    assert.equal(Object.getPrototypeOf(object), Object.prototype);
  }
  assert.equal({}.polluted, undefined);
  assert.deepEqual(Object.getOwnPropertyDescriptor(message, "__proto__"), {
    value: { polluted: true, more: 1 }, writable: true, enumerable: true, configurable: true,
  });
  assert.equal(message.toString, "tu");
  assert.equal(message.tool_calls[0].function.name, undefined);
  assert.match(message.tool_calls[0].id, /^call_/);
});

test("C8: a tool call without an id, or with an empty one, is given one of its own, until it says its own", () => {
  const calls = [undefined, null, ""].map((id, index) => ({ index, id, type: "function", function: { name: "f", arguments: "" } }));
  const snapshot = accumulated({ tool_calls: calls });
  const ids = () => snapshot.choices[0].message.tool_calls.map(({ id }) => id);
  const drawn = ids();
  for (const id of drawn) assert.match(id, /^call_[0-9a-z]{24}$/);
  assert.equal(new Set(drawn).size, 3);
  accumulate(snapshot, chunkOf(callOf(1, { id: "", function: { arguments: "{}" } })));
  assert.deepEqual(ids(), drawn);
  accumulate(snapshot, chunkOf(callOf(1, { id: "call_late" })));
  assert.deepEqual(ids(), [drawn[0], "call_late", drawn[2]]);
});

/** Tool calls of servers that are compatible but for their indexes and ids: what a user is given of them. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { askStream, clientOf, collect, EVENT_STREAM, forbidStrayRejections, listen, sse } from "./support.mjs";

forbidStrayRejections();

const event = (delta, finish_reason = null, index = 0) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1700000000,
  model: "m",
  choices: [{ index, delta, finish_reason }],
});
const calls = (...tool_calls) => event({ tool_calls });
const ID = /^call_[A-Za-z0-9]{24}$/;

/** The stream of a server that writes these parts, each a list of events, one after the other. */
async function streamOf(t, ...parts) {
  const server = await listen(t, async (_, outgoing) => {
    outgoing.writeHead(200, EVENT_STREAM).flushHeaders();
    for (const part of parts) {
      outgoing.write(sse(...part));
      await sleep(20);
    }
    outgoing.end(sse("[DONE]"));
  });
  return askStream(clientOf(server));
}

/** The chunks of such a stream, and its completion. */
async function read(t, ...parts) {
  const stream = await streamOf(t, ...parts);
  return { chunks: await collect(stream), completion: stream.partial };
}

/** What a user makes of the chunks: the calls of a choice by their indexes. */
function assemble(chunks, choice = 0) {
  const made = [];
  for (const { choices } of chunks) {
    for (const { index, delta } of choices) {
      if (index !== choice) continue;
      for (const call of delta.tool_calls ?? []) {
        const tool = call.custom ?? call.function ?? {};
        const into = (made[call.index] ??= { id: call.id, name: tool.name, text: "" });
        into.text += tool.arguments ?? tool.input ?? "";
      }
    }
  }
  return made;
}

/** The names and arguments of the calls, which are the same by the chunks and in the completion. */
function callsOf({ chunks, completion }, choice = 0) {
  const made = assemble(chunks, choice);
  const { tool_calls } = completion.choices.find(({ index }) => index === choice).message;
  const whole = tool_calls.map((call) => {
    const tool = call.custom ?? call.function;
    return { id: call.id, name: tool.name, text: tool.arguments ?? tool.input };
  });
  assert.deepEqual(made, whole);
  assert.equal(new Set(made.map(({ id }) => id)).size, made.length, "each has an id of its own");
  for (const { id } of made) assert.ok(typeof id === "string" && id !== "");
  return made.map(({ name, text }) => [name, text]);
}

const whole = (name, text, more) => ({ ...more, type: "function", function: { name, arguments: text } });

test("defect 7: calls without an index and with the id empty, as Gemini's compatible servers send them", async (t) => {
  const read1 = await read(t, [calls(whole("f", '{"a":1}', { id: "" }), whole("f", '{"a":2}', { id: "" })), event({}, "stop")]);
  assert.deepEqual(callsOf(read1), [["f", '{"a":1}'], ["f", '{"a":2}']]);
  for (const { id } of assemble(read1.chunks)) assert.match(id, ID);
  assert.deepEqual(read1.chunks[0].choices[0].delta.tool_calls.map(({ index }) => index), [0, 1]);
  assert.equal(read1.chunks[1].choices[0].finish_reason, "tool_calls");
  assert.equal(read1.completion.choices[0].finish_reason, "tool_calls");
  const read2 = await read(t, [calls(whole("f", "{}"))], [calls(whole("f", "{}"))], [event({ content: "" }, "stop")]);
  assert.deepEqual(callsOf(read2), [["f", "{}"], ["f", "{}"]]);
});

test("defect 7: parts of calls without an index", async (t) => {
  const part = (text) => calls({ function: { arguments: text } });
  const { chunks, completion } = await read(
    t,
    [calls(whole("one", "", { id: "a" })), part("{"), part('"x"')],
    [part(":1}"), calls(whole("two", "", { id: "b" })), part("[")],
    [part("]"), event({}, "tool_calls")],
  );
  assert.deepEqual(callsOf({ chunks, completion }), [["one", '{"x":1}'], ["two", "[]"]]);
  assert.deepEqual(assemble(chunks).map(({ id }) => id), ["a", "b"]);
});

test("defect 6: whole parallel calls all at index 0, with ids of their own", async (t) => {
  const call = (id, text) => calls({ index: 0, ...whole("f", text, { id }) });
  const outcome = await read(t, [call("a", '{"x":1}'), call("b", '{"y":2}')], [call("c", '{"z":3}'), event({}, "stop")]);
  assert.deepEqual(callsOf(outcome), [["f", '{"x":1}'], ["f", '{"y":2}'], ["f", '{"z":3}']]);
  assert.deepEqual(assemble(outcome.chunks).map(({ id }) => id), ["a", "b", "c"]);
});

test("defect 6: parts after a collision go to the new call, in the same read and in later ones", async (t) => {
  const begin = (id) => calls({ index: 0, ...whole(id, "", { id }) });
  const parts = (...texts) => texts.map((text) => calls({ index: 0, function: { arguments: text } }));
  const outcome = await read(
    t,
    [begin("a"), ...parts("0", "1", "2", "3"), begin("b"), ...parts("4", "5", "6")],
    parts("7", "8", "9"),
    [begin("c"), ...parts("x", "y", "z"), calls({ index: 0, id: "a", function: { arguments: "!" } }), event({}, "stop")],
  );
  assert.deepEqual(callsOf(outcome), [["a", "0123!"], ["b", "456789"], ["c", "xyz"]]);
});

test("C8: ids that are missing are drawn anew for each stream, and those that come are kept", async (t) => {
  const events = [calls({ index: 0, ...whole("f", "{", { id: null }) }), calls({ index: 0, id: null, function: { arguments: "}" } })];
  const ids = new Set();
  for (let n = 0; n < 5; n++) {
    const outcome = await read(t, events);
    assert.deepEqual(callsOf(outcome), [["f", "{}"]]);
    assert.match(outcome.completion.choices[0].message.tool_calls[0].id, ID);
    assert.deepEqual(outcome.chunks[1], events[1]);
    ids.add(outcome.completion.choices[0].message.tool_calls[0].id);
  }
  assert.equal(ids.size, 5);
});

test("custom tools are called like functions", async (t) => {
  const custom = (name, input) => ({ type: "custom", custom: { name, input } });
  const outcome = await read(t, [calls(custom("one", "a"), custom("two", "b")), calls({ custom: { input: "c" } }), event({}, "stop")]);
  assert.deepEqual(callsOf(outcome), [["one", "a"], ["two", "bc"]]);
});

test("two choices have calls and finish reasons of their own", async (t) => {
  const call = (index, id) => event({ tool_calls: [{ index: 0, ...whole(id, "{}", { id }) }] }, null, index);
  const outcome = await read(t, [
    ...[call(0, "a"), call(2, "b"), call(2, "c"), event({ content: "text" }, null, 1)],
    ...[event({}, "stop", 1), event({}, "stop", 2), event({}, "length", 0)],
  ]);
  assert.deepEqual(callsOf(outcome, 0), [["a", "{}"]]);
  assert.deepEqual(callsOf(outcome, 2), [["b", "{}"], ["c", "{}"]]);
  assert.deepEqual(outcome.completion.choices.map(({ finish_reason }) => finish_reason), ["length", "stop", "tool_calls"]);
});

test("a stop in the event of the last delta becomes tool_calls too", async (t) => {
  const last = { ...calls({ index: 0, ...whole("f", "{}", { id: "a" }) }) };
  last.choices[0].finish_reason = "stop";
  const { chunks } = await read(t, [last]);
  assert.equal(chunks[0].choices[0].finish_reason, "tool_calls");
  last.choices[0].finish_reason = "tool_calls";
  assert.deepEqual(chunks[0], last);
});

test("choices that are null or missing in a chunk are an empty list", async (t) => {
  const { choices, ...bare } = event({});
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const { chunks } = await read(t, [{ ...bare, choices: null }, { ...bare, usage }, event({ content: "a" }, "stop"), { usage }]);
  assert.deepEqual(chunks, [{ ...bare, choices: [] }, { ...bare, usage, choices: [] }, event({ content: "a" }, "stop"), { usage }]);
});

suite("left alone is a stream with", () => {
  const call = (index, more, text) => calls({ index, ...more, function: { ...more?.function, arguments: text } });
  const streams = {
    "content beside the calls": [
      event({ role: "assistant", content: "Let me see" }),
      event({ content: ".", tool_calls: [{ index: 0, ...whole("f", "", { id: "a" }) }] }),
      event({ content: "!", tool_calls: [{ index: 0, function: { arguments: "{}" } }] }),
      event({}, "tool_calls"),
    ],
    "an index that begins with 1": [call(1, { id: "a", function: { name: "f" } }, "{"), call(1, {}, "}"), call(2, { id: "b", function: { name: "f" } }, "{}")],
    "the id and the name each time": ["{", '"a"', ":1", "}"].map((text) => call(0, { id: "a", function: { name: "f" } }, text)),
    "an id that is null later": [call(0, { id: "a", function: { name: "f" } }, "{"), call(0, { id: null, function: { name: null } }, "}"), call(0, { id: "", function: { name: "" } }, " ")],
    "a new id with each part": [call(0, { id: "a", function: { name: "f" } }, "{"), call(0, { id: "b" }, "}"), call(0, { id: "c" }, " ")],
    "a stop, but no calls": [event({ content: "a" }), event({ tool_calls: [] }), event({ tool_calls: null }, "stop")],
    "another reason after calls": [call(0, { id: "a", function: { name: "f" } }, "{"), event({}, "length")],
  };
  for (const [what, events] of Object.entries(streams)) {
    test(what, async (t) => {
      const { chunks } = await read(t, events);
      assert.equal(JSON.stringify(chunks), JSON.stringify(events));
    });
  }
});

test("C9, G16: calls come whole, however their arguments are cut, though they parse before", async (t) => {
  const texts = Array.from({ length: 50 }, (_, n) => [`{}${" ".repeat(n % 4)}`, `${n}${n}`, `{"a":{"b":[${n}]}}{}`, `[]"${n}"`, `"é🦊"{"n":${n}}`][n % 5]);
  for (const text of texts) {
    const splits = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
    // All splits of a text are the calls of one stream.
    const events = splits.flatMap(([head, tail], index) => [
      calls({ index, ...whole("f", head, { id: `call-${index}` }) }),
      calls({ index, function: { arguments: tail } }),
    ]);
    const outcome = await read(t, [...events, event({}, "stop")]);
    assert.deepEqual(callsOf(outcome), splits.map(() => ["f", text]));
  }
});

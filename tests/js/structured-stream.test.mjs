/** A streamed completion whose answer is parsed, as it comes and when it is there. Rows C6 and C7. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ChatmuxError, ContentFilterFinishReasonError, LengthFinishReasonError } from "chatmux";
import {
  answering, args, begin, bothComeTo, CLIENTS, completion, follow, onBoth, PARAMS, piece, record, START, stop, textStream, tool, USAGE, usage,
} from "./both.mjs";
import { failure, forbidStrayRejections } from "./support.mjs";

forbidStrayRejections();

const { chatmux: Chatmux } = CLIENTS;
const JSON_FORMAT = { type: "json_schema", json_schema: { name: "answer", schema: {} } };

suite("an answer that is parsed", () => {
  const params = { response_format: JSON_FORMAT };

  test("is parsed in the completion", () => bothComeTo(completion({ content: '{"a":1}', parsed: { a: 1 } }), textStream('{"a"', ":1}"), params));

  test("C6: is not, when it is a refusal", () =>
    bothComeTo(completion({ refusal: "No" }), [piece({ role: "assistant", content: null, refusal: "No" }), stop(), "[DONE]"], params));

  for (const [reason, Class] of [["length", LengthFinishReasonError], ["content_filter", ContentFilterFinishReasonError]]) {
    test(`C6: is an error of its own when it ends with \`${reason}\`, which knows what it has cost`, async () => {
      const stream = follow(Chatmux, [START, piece({ content: '{"a":' }), stop(reason), usage(), "[DONE]"], { params });
      const log = await record(stream, ["content.done", "chatCompletion", "error", "end"]);
      assert.deepEqual(log, [["error", { error: Class.name }], ["end"]]);
      const error = await failure(stream.done());
      assert.equal(error.constructor, Class);
      assert.deepEqual(error.usage, USAGE);
      assert.equal(error.partial.choices[0].message.content, '{"a":');
    });

    test(`C6: is an error when arguments that are to be parsed end with \`${reason}\``, async () => {
      const stream = follow(Chatmux, [begin(0, "call_a", "f", '{"a":'), stop(reason), "[DONE]"], { params: { tools: [tool("f")] } });
      const log = await record(stream, ["tool_calls.function.arguments.done", "functionToolCall", "error"]);
      assert.deepEqual(log, [["error", { error: Class.name }]]);
    });

    test(`is an answer like any other when it ends with \`${reason}\` and nothing is to be parsed`, () =>
      bothComeTo(completion({ content: "Hel" }, reason), [START, piece({ content: "Hel" }), stop(reason), "[DONE]"]));
  }

  test("that is no JSON is an error", async () => {
    const seen = await onBoth((Client) => failure(follow(Client, textStream("Hel", "lo"), { params }).done()));
    assert.ok(seen.chatmux instanceof ChatmuxError);
    assert.equal(seen.chatmux.kind, "invalid_json");
    assert.equal(seen.chatmux.partial.choices[0].message.content, "Hello");
  });

  /** A schema as libraries make them, which takes a while to validate. */
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      jsonSchema: { input: () => ({ type: "object", properties: { a: { type: "number" } } }), output: () => ({}) },
      validate: async (value) => {
        await null;
        return typeof value.a === "number" ? { value: { a: value.a + 1 } } : { issues: [{ message: "no number", path: ["a"] }] };
      },
    },
  };

  test("by a schema that takes its time is told of in order", async () => {
    const { client, requests } = answering(Chatmux, textStream('{"a"', ":1}"));
    const stream = client.chat.completions.stream({ ...PARAMS, response_format: schema });
    const log = await record(stream, ["content", "content.done", "message", "end"]);
    assert.deepEqual(log, [
      ["content", '{"a"', '{"a"'],
      ["content", ":1}", '{"a":1}'],
      ["content.done", { content: '{"a":1}', parsed: { a: 2 } }],
      ["message", { role: "assistant", content: '{"a":1}', refusal: null, parsed: { a: 2 } }],
      ["end"],
    ]);
    assert.equal(requests[0].body.response_format.type, "json_schema");
  });

  test("by a schema that it does not fit is an error", async () => {
    for (const listens of [true, false]) {
      const stream = follow(Chatmux, textStream('{"a":"b"}'), { params: { response_format: schema } });
      if (listens) stream.on("content.done", () => assert.fail("it is told of"));
      assert.equal((await failure(stream.done())).kind, "schema_validation");
    }
  });

  test("C7: is read no further than somebody looks, and each character once", async () => {
    const text = JSON.stringify({ list: Array.from({ length: 20_000 }, (_, n) => n) });
    const pieces = text.match(/.{1,8}/g);
    const stream = follow(Chatmux, textStream(...pieces), { params });
    let last;
    let count = 0;
    stream.on("content.delta", ({ parsed }) => (count++, (last = parsed)));
    const message = await stream.finalMessage();
    assert.equal(count, pieces.length);
    assert.deepEqual(last, message.parsed);
    assert.equal(message.parsed.list.length, 20_000);
  });

  test("C6: is there no more in the completion so far, when the model refuses after all", async () => {
    const events = [START, piece({ content: '{"a":1' }), piece({ refusal: "No" }), stop(), "[DONE]"];
    const stream = follow(Chatmux, events, { params });
    const seen = [];
    stream.on("chunk", (_, { choices }) => seen.push(choices[0].message.parsed));
    const { parsed, content, refusal } = await stream.finalMessage();
    assert.deepEqual(seen, [null, {}, null, null]);
    assert.deepEqual({ parsed, content, refusal }, { parsed: null, content: '{"a":1', refusal: "No" });
  });

  test("is parsed as it was asked for, whatever the caller does to the tool meanwhile", async () => {
    const tool = { type: "function", function: { name: "f", strict: true, parameters: {} } };
    const stream = follow(Chatmux, [START, begin(0, "c", "f", '{"v":'), args(0, "1}"), stop("tool_calls"), "[DONE]"], { params: { ...PARAMS, tools: [tool] } });
    stream.once("chunk", () => (tool.function.strict = false));
    const { tool_calls: [call] } = await stream.finalMessage();
    assert.deepEqual(call.function.parsed_arguments, { v: 1 });
  });

  test("C7: is read piece by piece, however many there are and however often one looks", async () => {
    const count = 60_000;
    const pieces = Array.from({ length: count }, () => piece({ content: '{"k":"v"},' }));
    const stream = follow(Chatmux, [START, piece({ content: '{"a":[' }), ...pieces, piece({ content: "0]}" }), stop(), "[DONE]"], { params });
    let seen = 0;
    stream.on("content.delta", ({ parsed }) => (seen += parsed ? 1 : 0));
    const { parsed } = await stream.finalMessage();
    assert.deepEqual([seen, parsed.a.length], [count + 2, count + 1]);
  });

  test("is there in the completion so far for who looks, in place of what a server says", async () => {
    const stream = follow(Chatmux, [START, piece({ content: '{"a":[1', parsed: "evil" }), piece({ content: ",2]}" }), stop(), "[DONE]"], { params });
    const seen = [];
    stream.on("chunk", () => seen.push(structuredClone(stream.currentChatCompletionSnapshot.choices[0].message.parsed)));
    await stream.done();
    assert.deepEqual(seen, [null, { a: [] }, { a: [1, 2] }, { a: [1, 2] }]);
  });
});

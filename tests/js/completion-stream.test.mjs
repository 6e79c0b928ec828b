/** A streamed completion, followed: its events and what they come to. Rows C1 to C9, and defects 1 and 6. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIError, ChatCompletionStream, ChatmuxError, OpenAIError, StreamTruncatedError } from "chatmux";
import {
  answering, args, begin, bothComeTo, callPiece, CLIENTS, completion, follow, onBoth, PARAMS, piece, PLACE, record, START, stop, textStream, tool, USAGE, usage,
} from "./both.mjs";
import { failure, forbidStrayRejections } from "./support.mjs";

forbidStrayRejections();

const { chatmux: Chatmux } = CLIENTS;
const JSON_FORMAT = { type: "json_schema", json_schema: { name: "answer", schema: {} } };
const logprob = (token) => ({ token, logprob: -0.5, bytes: null, top_logprobs: [] });

/** What happens but for chunks, which have a test of their own, and for the end of every stream. */
const without = (...names) => (log) => log.filter(([event]) => !names.includes(event) && !event.startsWith("final"));
const quiet = without("connect", "chunk", "chatCompletion", "message", "end", "content", "totalUsage");

/** Both clients tell the same, which is this. */
async function bothTell(expected, events, { params, only = quiet } = {}) {
  const told = await onBoth(async (Client) => only(await record(follow(Client, events, { params }))));
  assert.deepEqual(told.chatmux, expected);
  assert.deepEqual(told.openai, expected, "openai is no longer the same");
}

suite("the events", () => {
  test("C1: of a text come in openai's order", () => {
    const message = { role: "assistant", content: "Hello", refusal: null, parsed: null };
    return bothTell(
      [
        ["connect"],
        ["content", "Hel", "Hel"],
        ["content.delta", { delta: "Hel", snapshot: "Hel" }],
        ["content", "lo", "Hello"],
        ["content.delta", { delta: "lo", snapshot: "Hello" }],
        ["content.done", { content: "Hello", parsed: null }],
        ["chatCompletion", completion({ content: "Hello" }, "stop", { usage: USAGE })],
        ["message", message],
        ["finalChatCompletion", completion({ content: "Hello" }, "stop", { usage: USAGE })],
        ["finalMessage", message],
        ["finalContent", "Hello"],
        ["totalUsage", USAGE],
        ["end"],
      ],
      [START, piece({ content: "Hel" }), piece({ content: "lo" }), stop(), usage(), "[DONE]"],
      { only: (log) => log.filter(([event]) => event !== "chunk") },
    );
  });

  test("C1: of a refusal", () =>
    bothTell(
      [
        ["refusal.delta", { delta: "I can", snapshot: "I can" }],
        ["refusal.delta", { delta: "not.", snapshot: "I cannot." }],
        ["refusal.done", { refusal: "I cannot." }],
      ],
      [piece({ role: "assistant", refusal: "" }), piece({ refusal: "I can" }), piece({ refusal: "not." }), stop(), "[DONE]"],
    ));

  test("C1: of log probabilities, of the text and of a refusal", () => {
    const [a, b, no] = [logprob("a"), logprob("b"), logprob("no")];
    return bothTell(
      [
        ["content.delta", { delta: "a", snapshot: "a" }],
        ["logprobs.content.delta", { content: [a], snapshot: [a] }],
        ["content.delta", { delta: "b", snapshot: "ab" }],
        ["logprobs.content.delta", { content: [b], snapshot: [a, b] }],
        ["refusal.delta", { delta: "no", snapshot: "no" }],
        ["logprobs.refusal.delta", { refusal: [no], snapshot: [no] }],
        ["content.done", { content: "ab", parsed: null }],
        ["refusal.done", { refusal: "no" }],
        ["logprobs.content.done", { content: [a, b] }],
        ["logprobs.refusal.done", { refusal: [no] }],
      ],
      [
        START,
        piece({ content: "a" }, null, { logprobs: { content: [a], refusal: null } }),
        piece({ content: "b" }, null, { logprobs: { content: [b], refusal: null } }),
        piece({ refusal: "no" }, null, { logprobs: { content: null, refusal: [no] } }),
        stop(),
        "[DONE]",
      ],
    );
  });

  test("C1, C9: of tool calls: each is done when the next begins, or at the end", () =>
    bothTell(
      [
        ["content.delta", { delta: "Let me see.", snapshot: "Let me see." }],
        ["content.done", { content: "Let me see.", parsed: null }],
        ["tool_calls.function.arguments.delta", { name: "add", index: 0, arguments: "", arguments_delta: "" }],
        ["tool_calls.function.arguments.delta", { name: "add", index: 0, arguments: '{"a"', arguments_delta: '{"a"' }],
        ["tool_calls.function.arguments.delta", { name: "add", index: 0, arguments: '{"a":1}', arguments_delta: ":1}" }],
        ["tool_calls.function.arguments.done", { name: "add", index: 0, arguments: '{"a":1}', parsed_arguments: null }],
        ["tool_calls.function.arguments.delta", { name: "sub", index: 1, arguments: "{}", arguments_delta: "{}" }],
        ["tool_calls.function.arguments.done", { name: "sub", index: 1, arguments: "{}", parsed_arguments: null }],
        ["functionToolCall", { name: "add", arguments: '{"a":1}' }],
        ["functionToolCall", { name: "sub", arguments: "{}" }],
      ],
      [
        ...[START, piece({ content: "Let me see." }), begin(0, "call_a", "add"), args(0, '{"a"'), args(0, ":1}")],
        ...[begin(1, "call_b", "sub", "{}"), stop("tool_calls"), "[DONE]"],
      ],
    ));

  test("C1: of arguments that are parsed, as far as they are known", () => {
    const delta = (text, piece, parsed_arguments) => ["tool_calls.function.arguments.delta", { name: "f", index: 0, arguments: text, arguments_delta: piece, ...(parsed_arguments && { parsed_arguments }) }];
    return bothTell(
      [
        delta("", ""),
        delta('{"city":"Par', '{"city":"Par', { city: "Par" }),
        delta('{"city":"Paris","days":[1,2', 'is","days":[1,2', { city: "Paris", days: [1] }),
        delta('{"city":"Paris","days":[1,2]}', "]}", { city: "Paris", days: [1, 2] }),
        ["tool_calls.function.arguments.done", { name: "f", index: 0, arguments: '{"city":"Paris","days":[1,2]}', parsed_arguments: { city: "Paris", days: [1, 2] } }],
        ["functionToolCall", { name: "f", arguments: '{"city":"Paris","days":[1,2]}', parsed_arguments: { city: "Paris", days: [1, 2] } }],
      ],
      [begin(0, "call_a", "f"), args(0, '{"city":"Par'), args(0, 'is","days":[1,2'), args(0, "]}"), stop("tool_calls"), "[DONE]"].map(withRole),
      { params: { tools: [tool("f"), tool("g", false)] } },
    );
  });

  test("C1: of content that is parsed, as far as it is known", () =>
    bothTell(
      [
        ["content.delta", { delta: " ", snapshot: " ", parsed: null }],
        ["content.delta", { delta: '{"a', snapshot: ' {"a', parsed: {} }],
        ["content.delta", { delta: '":"b', snapshot: ' {"a":"b', parsed: { a: "b" } }],
        ["content.delta", { delta: 'c"}', snapshot: ' {"a":"bc"}', parsed: { a: "bc" } }],
        ["content.done", { content: ' {"a":"bc"}', parsed: { a: "bc" } }],
      ],
      textStream(" ", '{"a', '":"b', 'c"}'),
      { params: { response_format: JSON_FORMAT } },
    ));

  test("C6: of a refusal in place of what was asked for parse nothing", () =>
    bothTell(
      [
        ["refusal.delta", { delta: "No", snapshot: "No" }],
        ["refusal.done", { refusal: "No" }],
      ],
      [piece({ role: "assistant", refusal: "No" }), stop(), "[DONE]"],
      { params: { response_format: JSON_FORMAT } },
    ));

  test("C1: of the old function call are those of its message", () =>
    bothTell(
      [["message", { role: "assistant", content: null, refusal: null, parsed: null, function_call: { name: "f", arguments: '{"a":1}' } }]],
      [piece({ role: "assistant", content: null, function_call: { name: "f", arguments: '{"a"' } }), piece({ function_call: { arguments: ":1}" } }), stop("function_call"), "[DONE]"],
      { only: (log) => log.filter(([event]) => event === "message") },
    ));

  test("have the chunk as it came and the completion so far", async () => {
    const events = [START, piece({ content: "a" }), usage(), stop(), "[DONE]"];
    const log = await record(follow(Chatmux, events), ["chunk"]);
    assert.deepEqual(log.map(([, chunk]) => chunk), events.slice(0, -1));
    const so = (content, finish_reason = null) => ({
      ...PLACE,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason, logprobs: null }],
    });
    assert.deepEqual(log.map(([, , snapshot]) => snapshot), [so(""), so("a"), { ...so("a"), usage: USAGE }, { ...so("a", "stop"), usage: USAGE }]);
  });

  test("have a finish reason that is null where the server says none, as with openai", async () => {
    const seen = await onBoth(async (Client) => {
      const reasons = [];
      const stream = follow(Client, [START, { ...piece({}), choices: [{ index: 0, delta: { content: "a" } }] }, stop(), "[DONE]"]);
      stream.on("chunk", (chunk) => reasons.push(chunk.choices[0].finish_reason));
      await stream.done();
      return reasons;
    });
    assert.deepEqual(seen, { chatmux: [null, null, "stop"], openai: [null, null, "stop"] });
  });

  test("can be called with the completion so far, which is gone at the end", () =>
    onBoth(async (Client) => {
      const stream = follow(Client, textStream("a", "b"));
      assert.equal(stream.currentChatCompletionSnapshot, undefined);
      const seen = [];
      stream.on("content", () => seen.push(stream.currentChatCompletionSnapshot.choices[0].message.content));
      await stream.done();
      assert.deepEqual(seen, ["a", "ab"]);
      assert.equal(stream.currentChatCompletionSnapshot, undefined);
    }));

  test("of several answers are told for each", () =>
    bothTell(
      [
        ["content.delta", { delta: "a", snapshot: "a" }],
        ["content.delta", { delta: "b", snapshot: "b" }],
        ["content.done", { content: "a", parsed: null }],
        ["content.done", { content: "b", parsed: null }],
      ],
      [
        { ...piece({}), choices: [0, 1].map((index) => ({ index, delta: { role: "assistant", content: "ab"[index] }, finish_reason: null })) },
        { ...piece({}), choices: [0, 1].map((index) => ({ index, delta: {}, finish_reason: "stop" })) },
        "[DONE]",
      ],
      { params: { n: 2 } },
    ));
});

/** The first piece says who speaks, as OpenAI's does. */
function withRole(event, at) {
  if (at) return event;
  const { choices: [choice] } = event;
  return { ...event, choices: [{ ...choice, delta: { role: "assistant", ...choice.delta } }] };
}

suite("reasoning", () => {
  const reasoning = (log) => log.filter(([event]) => event !== "end");
  const EVENTS = ["reasoning.delta", "reasoning.done", "content", "tool_calls.function.arguments.delta", "end"];
  for (const name of ["reasoning_content", "reasoning"]) {
    test(`is told of as it comes, and when the model answers, from \`${name}\``, async () => {
      const events = [START, piece({ [name]: "Let me " }), piece({ [name]: "think", content: "" }), piece({ content: "42", [name]: null }), stop(), "[DONE]"];
      assert.deepEqual(reasoning(await record(follow(Chatmux, events), EVENTS)), [
        ["reasoning.delta", { delta: "Let me ", snapshot: "Let me " }],
        ["reasoning.delta", { delta: "think", snapshot: "Let me think" }],
        ["reasoning.done", { reasoning: "Let me think" }],
        ["content", "42", "42"],
      ]);
    });

    test(`defect 1: is whole in the message, from \`${name}\``, async () => {
      const stream = follow(Chatmux, [START, piece({ [name]: "Let me " }), piece({ [name]: "think" }), piece({ content: "42" }), stop(), "[DONE]"]);
      const message = await stream.finalMessage();
      assert.deepEqual(message, { role: "assistant", content: "42", refusal: null, parsed: null, [name]: "Let me think" });
    });
  }

  test("under both names is told of once", async () => {
    const both = (text) => piece({ reasoning_content: text, reasoning: text });
    assert.deepEqual(reasoning(await record(follow(Chatmux, [START, both("a"), both("b"), stop(), "[DONE]"]), EVENTS)), [
      ["reasoning.delta", { delta: "a", snapshot: "a" }],
      ["reasoning.delta", { delta: "b", snapshot: "ab" }],
      ["reasoning.done", { reasoning: "ab" }],
    ]);
  });

  test("is done when a tool is called, and again when the model goes back to it", async () => {
    const events = [piece({ reasoning: "a" }), begin(0, "call_a", "f", "{}"), piece({ reasoning: "b" }), piece({ refusal: "no" }), stop(), "[DONE]"];
    assert.deepEqual(reasoning(await record(follow(Chatmux, events), EVENTS)), [
      ["reasoning.delta", { delta: "a", snapshot: "a" }],
      ["reasoning.done", { reasoning: "a" }],
      ["tool_calls.function.arguments.delta", { name: "f", index: 0, arguments: "{}", arguments_delta: "{}" }],
      ["reasoning.delta", { delta: "b", snapshot: "ab" }],
      ["reasoning.done", { reasoning: "ab" }],
    ]);
  });

  test("defect 1: in details, signatures and extra content is whole", async () => {
    const events = [
      piece({ reasoning_details: [{ type: "reasoning.text", index: 0, text: "Let me " }] }),
      piece({ reasoning_details: [{ type: "reasoning.text", index: 0, text: "think", signature: "c2ln" }] }),
      callPiece(0, { id: "call_a", type: "function", function: { name: "f", arguments: "{}" }, extra_content: { google: { thought_signature: "dGhv" } } }),
      stop("tool_calls"),
      "[DONE]",
    ];
    const { reasoning_details, tool_calls } = await follow(Chatmux, events).finalMessage();
    assert.deepEqual(reasoning_details, [{ type: "reasoning.text", index: 0, text: "Let me think", signature: "c2ln" }]);
    assert.deepEqual(tool_calls, [
      { id: "call_a", type: "function", function: { name: "f", arguments: "{}" }, extra_content: { google: { thought_signature: "dGhv" } } },
    ]);
  });
});

suite("a tool call", () => {
  test("C1: is whole, and so is one that came before it out of order", () =>
    bothComeTo(
      completion(
        {
          tool_calls: [
            { id: "call_a", type: "function", function: { name: "f", arguments: '{"a":1}' } },
            { id: "call_b", type: "function", function: { name: "g", arguments: "{}" } },
          ],
        },
        "tool_calls",
      ),
      [piece({ role: "assistant", content: null }), begin(1, "call_b", "g", "{}"), begin(0, "call_a", "f"), args(0, '{"a"'), args(0, ":1}"), stop("tool_calls"), "[DONE]"],
    ));

  test("C1: of a custom tool is whole, and has no arguments", async () => {
    const custom = (call) => callPiece(0, call);
    const events = [START, custom({ id: "call_a", type: "custom", custom: { name: "sql", input: "SELECT " } }), custom({ custom: { input: "1" } }), stop("tool_calls"), "[DONE]"];
    await bothComeTo(
      completion({ content: "", tool_calls: [{ id: "call_a", type: "custom", custom: { name: "sql", input: "SELECT 1" } }] }, "tool_calls"),
      events,
    );
    await bothTell([], events);
  });

  test("C8: without an id, or with an empty one, has one of its own", async () => {
    const events = [begin(0, "", "f", "{}"), begin(1, undefined, "g", "{}"), stop("tool_calls"), "[DONE]"];
    const { tool_calls } = await follow(Chatmux, events).finalMessage();
    for (const { id } of tool_calls) assert.match(id, /^call_[0-9a-z]{16,}$/);
    assert.notEqual(tool_calls[0].id, tool_calls[1].id);
  });

  const DONE = ["tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"];
  const short = (log) => log.map(([event, { index, arguments: text }]) => `${event.split(".").at(-1)} ${index} ${text}`);

  test("C9: that comes in turns with another is done once, when it is whole", async () => {
    const events = [begin(0, "call_a", "f", '{"a"'), begin(1, "call_b", "g", '{"b"'), args(0, ":1}"), args(1, ":2}"), stop("tool_calls"), "[DONE]"];
    const log = await record(follow(Chatmux, events, { params: { tools: [tool("f"), tool("g")] } }), DONE);
    assert.deepEqual(short(log), ['delta 0 {"a"', 'delta 1 {"b"', 'delta 0 {"a":1}', 'done 0 {"a":1}', 'delta 1 {"b":2}', 'done 1 {"b":2}']);
  });

  test("C9: is not done because its arguments are JSON by now", async () => {
    const events = [begin(0, "call_a", "f", "1"), args(0, "2"), args(0, "3"), stop("tool_calls"), "[DONE]"];
    assert.deepEqual(short(await record(follow(Chatmux, events), DONE)), ["delta 0 1", "delta 0 12", "delta 0 123", "done 0 123"]);
  });

  test("C9: that comes whole, with the finish reason, or beside another, is done after it came", async () => {
    const both = piece({ tool_calls: [begin(0, "call_a", "f", "{}"), begin(1, "call_b", "g", "{}")].map(({ choices }) => choices[0].delta.tool_calls[0]) }, "tool_calls");
    assert.deepEqual(short(await record(follow(Chatmux, [both, "[DONE]"]), DONE)), ["delta 0 {}", "done 0 {}", "delta 1 {}", "done 1 {}"]);
  });

  test("C9: whose arguments are no JSON is done all the same, at the end", async () => {
    const events = [begin(0, "call_a", "f", "{a"), begin(1, "call_b", "g", ""), stop("tool_calls"), "[DONE]"];
    assert.deepEqual(short(await record(follow(Chatmux, events), DONE)), ["delta 0 {a", "delta 1 ", "done 0 {a", "done 1 "]);
  });

  test("defect 6: with the index of another one is one of its own", async () => {
    const events = [begin(0, "call_a", "f", '{"x":1}'), begin(0, "call_b", "f", '{"y":2}'), stop("tool_calls"), "[DONE]"];
    const { tool_calls } = await follow(Chatmux, events).finalMessage();
    assert.deepEqual(tool_calls.map(({ id, function: { arguments: text } }) => [id, text]), [["call_a", '{"x":1}'], ["call_b", '{"y":2}']]);
  });

  test("defect 7: without an index is the one that it continues", async () => {
    const events = [begin(undefined, "call_a", "f", '{"x"'), args(undefined, ":1}"), stop("tool_calls"), "[DONE]"];
    const { tool_calls } = await follow(Chatmux, events).finalMessage();
    assert.deepEqual(tool_calls.map((call) => call.function), [{ name: "f", arguments: '{"x":1}' }]);
  });

  test("of a custom tool without a name is an error", async () => {
    const error = await failure(follow(Chatmux, [callPiece(0, { id: "call_a", type: "custom" }), stop("tool_calls"), "[DONE]"]).done());
    assert.equal(error.message, "missing choices[0].tool_calls[0].custom.name");
  });

  test("without a type, or without arguments, is a function's, and has none", async () => {
    const events = [callPiece(0, { id: "call_a", function: { name: "f" } }), stop("tool_calls"), "[DONE]"];
    const { tool_calls } = await follow(Chatmux, events).finalMessage();
    assert.deepEqual(tool_calls, [{ id: "call_a", type: "function", function: { name: "f", arguments: "" } }]);
  });

  test("without a name is an error", async () => {
    const error = await failure(follow(Chatmux, [callPiece(0, { id: "call_a", function: { arguments: "{}" } }), stop("tool_calls"), "[DONE]"]).done());
    assert.ok(error instanceof StreamTruncatedError);
    assert.equal(error.message, "missing choices[0].tool_calls[0].function.name");
  });
});

suite("an index", () => {
  for (const index of [128, -1, 0.5, 1e9, "0", "__proto__", {}]) {
    test(`C2: of a choice that is ${JSON.stringify(index)} is an error before it is used`, async () => {
      const stream = follow(Chatmux, [START, piece({ content: "x" }, null, { index }), stop(), "[DONE]"]);
      const log = [];
      stream.on("content", (text) => log.push(text));
      const error = await failure(stream.done());
      assert.ok(error instanceof OpenAIError);
      assert.equal(error.kind, "malformed_response");
      assert.deepEqual(log, []);
      assert.equal(error.partial.choices.length, 1);
    });
  }

  test("C2: of a tool call that is too high is an error, and what came before it is told", async () => {
    const stream = follow(Chatmux, [START, piece({ content: "a" }), begin(128, "call_a", "f"), stop("tool_calls"), "[DONE]"]);
    const log = [];
    stream.on("content", (text) => log.push(text));
    const error = await failure(stream.done());
    assert.equal(error.kind, "malformed_response");
    assert.match(error.message, /index/);
    assert.deepEqual(log, ["a"]);
    assert.equal(error.partial.choices[0].message.content, "a");
  });

  test("C2: of a choice must be below n", async () => {
    const stream = follow(Chatmux, [piece({ content: "x" }, null, { index: 2 }), "[DONE]"], { params: { n: 2 } });
    assert.equal((await failure(stream.done())).message, "Chat completion stream contains an invalid choice index: 2. It must be an integer from 0 to 1.");
  });

  test("C2: of 127 is none too high", async () => {
    const events = [piece({ role: "assistant", content: "x" }, "stop", { index: 127 }), "[DONE]"];
    const { choices } = await follow(Chatmux, events).finalChatCompletion().catch((error) => assert.fail(error));
    assert.deepEqual(choices.map(({ index, message }) => [index, message.content]), [[127, "x"]]);
  });
});

suite("a hostile name", () => {
  for (const name of ["__proto__", "constructor", "prototype", "toString"]) {
    test(`C3: \`${name}\` is a member like any other, and changes no other object`, async () => {
      const hostile = (event) => JSON.stringify(event).replaceAll('"@"', JSON.stringify(name));
      const evil = { polluted: "yes" };
      const events = [
        hostile(piece({ content: "a", "@": evil })),
        hostile({ ...piece({}), "@": evil }),
        hostile(piece({}, null, { "@": evil })),
        hostile(callPiece(0, { id: "call_a", type: "function", function: { name: "f", arguments: "{}", "@": evil }, "@": evil })),
        hostile(piece({}, null, { logprobs: { content: null, refusal: null, "@": evil } })),
        JSON.stringify(stop()),
        "[DONE]",
      ];
      const stream = follow(Chatmux, events);
      const snapshots = [];
      stream.on("chunk", (_, snapshot) => snapshots.push(Object.getPrototypeOf(snapshot), Object.getPrototypeOf(snapshot.choices[0].message)));
      const whole = await stream.finalChatCompletion();
      const [{ message }] = whole.choices;
      for (const value of [whole, whole.choices[0], message, message.tool_calls[0], message.tool_calls[0].function]) {
        assert.equal(Object.getPrototypeOf(value), Object.prototype);
        assert.equal(Object.hasOwn(value, name), true);
        assert.equal(value.polluted, undefined);
      }
      assert.ok(snapshots.every((prototype) => prototype === Object.prototype));
      assert.equal({}.polluted, undefined);
      assert.equal((() => {}).polluted, undefined);
    });
  }

  test("C3: of a function is none of a tool, and is not parsed", async () => {
    const stream = follow(Chatmux, [begin(0, "call_a", "__proto__", "{}"), stop("tool_calls"), "[DONE]"], { params: { tools: [tool("f")] } });
    const [, [, done]] = await record(stream, ["tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"]);
    assert.deepEqual(done, { name: "__proto__", index: 0, arguments: "{}", parsed_arguments: null });
  });
});

suite("a stream that ends", () => {
  test("C4: with neither [DONE] nor a finish reason is truncated", async () => {
    const error = await failure(follow(Chatmux, [START, piece({ content: "Hel" })]).finalContent());
    assert.equal(error.constructor, StreamTruncatedError);
    assert.equal(error.partial.choices[0].message.content, "Hel");
  });

  test("C4: with [DONE] and no finish reason is an error, as with openai", async () => {
    const seen = await onBoth((Client) => failure(follow(Client, [START, piece({ content: "Hel" }), "[DONE]"]).done()));
    assert.equal(seen.openai.message, "missing finish_reason for choice 0");
    assert.equal(seen.chatmux.constructor, StreamTruncatedError);
    assert.equal(seen.chatmux.message, "missing finish_reason for choice 0");
    assert.equal(seen.chatmux.partial.choices[0].message.content, "Hel");
  });

  test("C4: with speech that is whole needs no finish reason", async () => {
    const audio = { id: "audio_1", data: "AAAA", transcript: "Hi", expires_at: 1700003600 };
    const events = [
      piece({ role: "assistant", audio: { id: "audio_1", data: "AA" } }), piece({ audio: { transcript: "Hi", data: "AA" } }),
      piece({ audio: { expires_at: 1700003600 } }), "[DONE]",
    ];
    const seen = await onBoth(async (Client) => (await follow(Client, events).finalChatCompletion()).choices[0]);
    for (const { finish_reason, message } of Object.values(seen)) {
      assert.equal(finish_reason, "stop");
      assert.deepEqual(message.audio, audio);
    }
  });

  test("C4: with speech of which more comes is an error, as with openai", async () => {
    const events = [
      piece({ role: "assistant", audio: { id: "audio_1", data: "AA", transcript: "Hi" } }), piece({ audio: { expires_at: 1700003600 } }),
      piece({ audio: { data: "AA" } }), "[DONE]",
    ];
    const seen = await onBoth(async (Client) => (await failure(follow(Client, events).done())).message);
    assert.deepEqual(seen, { chatmux: "missing finish_reason for choice 0", openai: "missing finish_reason for choice 0" });
  });

  test("without a chunk is an error", async () => {
    const error = await failure(follow(Chatmux, ["[DONE]"]).done());
    assert.equal(error.constructor, ChatmuxError);
    assert.equal(error.message, "The request ended without sending any chunks.");
  });

  test("C5: has what came in chunks without choices, and leading line feeds", () =>
    bothComeTo(
      completion({ content: "\n\nHi" }, "stop", { usage: USAGE, prompt_filter_results: [{ prompt_index: 0 }], system_fingerprint: "fp_1" }),
      [
        { ...piece({}), choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
        ...[START, piece({ content: "\n" }), piece({ content: "\n" }), piece({ content: "Hi" }), { ...stop(), system_fingerprint: "fp_1" }, usage(), "[DONE]"],
      ],
    ));

  test("C5: whose choices are null or absent is none the worse", async () => {
    const events = [{ ...piece({}), choices: null }, { id: "chatcmpl-1" }, START, piece({ content: "Hi" }), piece(null), stop(), "[DONE]"];
    assert.equal(await follow(Chatmux, events).finalContent(), "Hi");
  });

  test("with an error in it has that error, and what came before", async () => {
    const error = await failure(follow(Chatmux, [START, piece({ content: "Hel" }), { error: { message: "overloaded", code: 529 } }]).finalContent());
    assert.ok(error instanceof APIError);
    assert.match(error.message, /overloaded/);
    assert.equal(error.partial.choices[0].message.content, "Hel");
  });
});

suite("the request", () => {
  test("has messages without what parsing has added to them", async () => {
    const said = { role: "assistant", content: '{"a":1}', parsed: { a: 1 }, refusal: null, reasoning_content: "Hm", tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}", parsed_arguments: {} } }] };
    const { client, requests } = answering(Chatmux, textStream("a"));
    await client.chat.completions.stream({ ...PARAMS, messages: [...PARAMS.messages, said] }).done();
    assert.deepEqual(requests[0].body.messages.at(-1), {
      role: "assistant", content: '{"a":1}', reasoning_content: "Hm", tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
    });
    assert.deepEqual(said.parsed, { a: 1 });
  });

  test("is sent once, streamed, with what was asked for and nothing else", async () => {
    const seen = await onBoth(async (Client) => {
      const { client, requests } = answering(Client, textStream("a"));
      await client.chat.completions.stream({ ...PARAMS, temperature: 0 }).done();
      return requests.map(({ url, body }) => ({ url, body }));
    });
    const expected = [{ url: "http://provider.test/v1/chat/completions", body: { ...PARAMS, temperature: 0, stream: true } }];
    assert.deepEqual(seen.chatmux, expected);
    assert.deepEqual(seen.openai, expected);
  });

  test("is streamed whatever it says, and asks for usage only where the caller does", async () => {
    for (const stream of [true, false, undefined]) {
      const { client, requests } = answering(Chatmux, textStream("a"));
      await client.chat.completions.stream({ ...PARAMS, stream, stream_options: { include_usage: true } }).done();
      assert.deepEqual(requests[0].body, { ...PARAMS, stream: true, stream_options: { include_usage: true } });
    }
  });

  test("is not sent before its listeners can be there", async () => {
    const { client, requests } = answering(Chatmux, textStream("a"));
    const stream = client.chat.completions.stream(PARAMS);
    await null;
    assert.equal(requests.length, 0);
    await stream.done();
    assert.equal(requests.length, 1);
  });

  test("has the options of the call", async () => {
    let seen;
    const client = new Chatmux({ apiKey: "sk-1234567890", fetch: async (url, init) => ((seen = [url, init.headers.get("x-a")]), new Response("{}", { status: 401 })) });
    const stream = client.chat.completions.stream(PARAMS, { headers: { "x-a": "b" }, query: { c: "d" } });
    assert.equal((await failure(stream.done())).status, 401);
    assert.match(seen[0], /\?c=d$/);
    assert.equal(seen[1], "b");
  });

  for (const body of [undefined, null, {}, { messages: 1 }, { model: "m" }]) {
    test(`that is ${JSON.stringify(body)} is an error of the run`, async () => {
      const { client } = answering(Chatmux, []);
      const error = await failure(client.chat.completions.stream(body).done());
      assert.ok(error instanceof ChatmuxError);
      assert.notEqual(error.kind, "callback");
    });
  }

  test("can be made without a client's method", async () => {
    const { client } = answering(Chatmux, textStream("a"));
    const stream = ChatCompletionStream.createChatCompletion(client, PARAMS);
    assert.ok(stream instanceof ChatCompletionStream);
    assert.ok(client.chat.completions.stream(PARAMS).on("error", () => {}) instanceof ChatCompletionStream);
    assert.equal(await stream.finalContent(), "a");
  });
});

suite("the results", () => {
  const CALLS = [START, begin(0, "call_a", "f", "{}"), begin(1, "call_b", "g", "{}"), stop("tool_calls"), usage(), "[DONE]"];

  test("are those of openai", async () => {
    const seen = await onBoth(async (Client) => {
      const stream = follow(Client, CALLS);
      await stream.done();
      return {
        content: await stream.finalContent(),
        call: await stream.finalFunctionToolCall(),
        result: await stream.finalFunctionToolCallResult(),
        usage: await stream.totalUsage(),
        all: stream.allChatCompletions().length,
        same: stream.allChatCompletions()[0] === (await stream.finalChatCompletion()),
        messages: stream.messages,
      };
    });
    const calls = [["call_a", "f"], ["call_b", "g"]].map(([id, name]) => ({ id, type: "function", function: { name, arguments: "{}" } }));
    const expected = {
      content: "",
      call: { name: "g", arguments: "{}" },
      result: undefined,
      usage: USAGE,
      all: 1,
      same: true,
      messages: [...PARAMS.messages, { role: "assistant", content: "", refusal: null, parsed: null, tool_calls: calls }],
    };
    assert.deepEqual(seen.chatmux, expected);
    assert.deepEqual(seen.openai, expected);
  });

  test("count no tokens where nobody says any", async () => {
    const seen = await onBoth((Client) => follow(Client, textStream("a")).totalUsage());
    assert.deepEqual(seen.chatmux, { completion_tokens: 0, prompt_tokens: 0, total_tokens: 0 });
    assert.deepEqual(seen.openai, seen.chatmux);
  });

  test("are there before the end for who waits, and after it", async () => {
    const stream = follow(Chatmux, textStream("a"));
    const early = stream.finalContent();
    assert.equal(await early, "a");
    assert.equal(await stream.finalContent(), "a");
    assert.equal((await stream.finalMessage()).content, "a");
  });
});

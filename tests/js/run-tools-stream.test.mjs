/** runTools() with `stream: true`: the events of each turn, reading it chunk by chunk, and sending it on. */

import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { APIUserAbortError, Chatmux, ChatCompletionRunner, ChatCompletionStreamingRunner, StreamTruncatedError } from "chatmux";
import OpenAI from "openai";
import { ChatCompletionStreamingRunner as TheirRunner } from "openai/lib/ChatCompletionStreamingRunner";
import { asOpenAI, call, chunks, clientOf, outcome, run, says, told, tool, wants } from "./runs.mjs";
import { failure, sse } from "./support.mjs";

/** An answer in pieces: a text, and calls whose arguments come bit by bit. */
const TURN = [
  wants(call("weather", '{"city":"Oslo"}')),
  {
    deltas: [
      { role: "assistant", content: null, tool_calls: [{ index: 0, id: "call_weather", type: "function", function: { name: "weather", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] },
    ],
  },
];
const LAST = [says("It rains."), { deltas: [{ role: "assistant", content: "" }, { content: "It " }, { content: "rains." }] }];
const weather = tool("weather", ({ city }) => `Rain in ${city}`, { parse: JSON.parse });
const params = { tools: [weather], stream: true };
const STREAMED = { only: [true] };

/** A tool that must not be run: what it throws might not be heard of. */
const ran = [];
const forbidden = tool("weather", () => void ran.push("weather"));
afterEach(() => assert.deepEqual(ran.splice(0), []));

suite("a streamed run of tools", () => {
  test("is of its own class, which is a stream; one whose answers come whole is not", () => {
    const streamed = run([TURN, LAST], params).runner;
    const whole = run([TURN, LAST], { tools: [weather] }).runner;
    assert.ok(streamed instanceof ChatCompletionStreamingRunner);
    assert.ok(whole instanceof ChatCompletionRunner);
    assert.equal(Symbol.asyncIterator in whole, false);
    return Promise.all([streamed.done(), whole.done()]);
  });

  test("tells in each turn what a stream tells (C1)", async () => {
    const events = [
      ...["connect", "chunk", "content", "content.delta", "content.done", "chatCompletion", "message", "functionToolCall"],
      ...["functionToolCallResult", "finalContent", "finalMessage", "finalChatCompletion", "end"],
    ];
    const outcomes = await asOpenAI((Client) => run([TURN, LAST], params, {}, Client), { ...STREAMED, events: events.filter((event) => event !== "chunk") });
    const names = outcomes.true.seen.map(([event]) => event);
    assert.deepEqual(names, [
      ...["connect", "chatCompletion", "message", "functionToolCall", "message", "functionToolCallResult", "connect"],
      ...["content", "content.delta", "content", "content.delta", "content.done", "chatCompletion", "message"],
      ...["finalChatCompletion", "finalMessage", "finalContent", "end"],
    ]);
    assert.deepEqual(outcomes.true.seen.filter(([event]) => event === "content"), [["content", "It ", "It "], ["content", "rains.", "It rains."]]);
  });

  test("tells of arguments as they come", async () => {
    const seen = [];
    const { runner } = run([TURN, LAST], params);
    runner.on("tool_calls.function.arguments.delta", ({ name, arguments_delta }) => seen.push([name, arguments_delta]));
    runner.on("tool_calls.function.arguments.done", ({ name, arguments: args }) => seen.push([name, args, "done"]));
    await runner.done();
    assert.deepEqual(seen, [["weather", ""], ["weather", '{"city":'], ["weather", '"Oslo"}'], ["weather", '{"city":"Oslo"}', "done"]]);
  });

  test("can be read chunk by chunk, over all turns", async () => {
    const { runner } = run([TURN, LAST], params);
    const read = [];
    for await (const chunk of runner) read.push(chunk);
    assert.deepEqual(read, [...chunks(...TURN.toSpliced(1, 0, 1)), ...chunks(...LAST.toSpliced(1, 0, 2))]);
    assert.equal(runner.messages.length, 4);
  });

  test("is aborted by leaving the loop, before a tool is run", async () => {
    const { runner, bodies } = run([TURN, LAST], { ...params, tools: [forbidden] });
    for await (const chunk of runner) if (chunk) break;
    assert.ok((await failure(runner.done())) instanceof APIUserAbortError);
    assert.equal(bodies.length, 1);
  });

  test("runs no tool of a stream that was cut off", async () => {
    const fetch = async () => new Response(sse(...chunks(...TURN.toSpliced(1, 0, 1)).slice(0, -1)), { headers: { "content-type": "text/event-stream" } });
    const runner = clientOf({ fetch }).chat.completions.runTools({ model: "m", messages: [], ...params, tools: [forbidden] });
    assert.ok((await failure(runner.done())) instanceof StreamTruncatedError);
  });

  test("runs no tool of a stream that fails after a call was whole", async () => {
    const text = sse(...chunks(...TURN.toSpliced(1, 0, 1)).slice(0, -1), { error: { message: "overloaded", code: 503 } });
    const fetch = async () => new Response(text, { headers: { "content-type": "text/event-stream" } });
    const runner = clientOf({ fetch }).chat.completions.runTools({ model: "m", messages: [], ...params, tools: [forbidden] });
    const error = await failure(runner.done());
    assert.match(error.message, /overloaded/);
    assert.equal(error.partial.choices[0].message.tool_calls[0].function.name, "weather");
  });
});

suite("a run that is sent on", () => {
  const CLASSES = { chatmux: [Chatmux, ChatCompletionStreamingRunner], openai: [OpenAI, TheirRunner] };

  for (const [from, [Client]] of Object.entries(CLASSES)) {
    for (const [to, [, Runner]] of Object.entries(CLASSES)) {
      test(`by ${from} can be followed by ${to}, with the results of tools`, async () => {
        const { runner } = run([TURN, LAST], params, {}, Client);
        const followed = Runner.fromReadableStream(runner.toReadableStream());
        const [sent, arrived] = await Promise.all([outcome({ runner, bodies: [] }), outcome({ runner: followed, bodies: [] })]);
        assert.equal(arrived.error, null);
        assert.equal(arrived.final, "It rains.");
        // The conversation of who follows begins with the first answer.
        assert.deepEqual(arrived.messages, sent.messages.slice(1));
        assert.deepEqual(arrived.messages[1], told("weather", "Rain in Oslo"));
      });
    }
  }

  test("is written as openai writes it", async () => {
    const [ours, theirs] = await Promise.all([Chatmux, OpenAI].map((Client) => new Response(run([TURN, LAST], params, {}, Client).runner.toReadableStream()).text()));
    const parsed = (text) => text.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(parsed(ours), parsed(theirs));
    const [line] = parsed(ours).filter(({ object }) => object !== "chat.completion.chunk");
    const message = { type: "message", message: told("weather", "Rain in Oslo"), tool_call_ids: ["call_weather"] };
    assert.deepEqual(line, {
      id: "chatcmpl-1", choices: [], created: 1700000000, model: "m",
      object: `chat.completion.chunk.message:${JSON.stringify(message)}`,
    });
  });

  test("keeps the ids that calls were given here (C8)", async () => {
    const nameless = [wants({ type: "function", function: { name: "weather", arguments: '{"city":"a"}' } })];
    const { runner } = run([nameless, LAST], params);
    const followed = ChatCompletionStreamingRunner.fromReadableStream(runner.toReadableStream());
    await Promise.all([runner.done(), followed.done()]);
    const [{ tool_calls }, result] = followed.messages;
    assert.match(tool_calls[0].id, /^call_./);
    assert.equal(result.tool_call_id, tool_calls[0].id);
    assert.deepEqual(followed.messages, runner.messages.slice(1));
  });

  test("names the calls of an answer once, however many results it has", async () => {
    const two = wants(call("weather", '{"city":"a"}', "call_1"), call("weather", '{"city":"b"}', "call_2"));
    const text = await new Response(run([two, LAST], params).runner.toReadableStream()).text();
    assert.equal(text.split("tool_call_ids").length, 2);
  });

  test("keeps its reasoning, so that it can be gone on with", async () => {
    const details = [{ type: "reasoning.text", text: "", signature: "s==", index: 0 }];
    const thinking = { ...TURN[0], reasoning_content: "Hm", reasoning_details: details };
    const { runner } = run([thinking, LAST], params);
    const followed = ChatCompletionStreamingRunner.fromReadableStream(runner.toReadableStream());
    await Promise.all([runner.done(), followed.done()]);
    assert.equal(followed.messages[0].reasoning_content, "Hm");
    assert.deepEqual(followed.messages[0].reasoning_details, details);
  });

  test("aborts the run when nobody reads it any more", async () => {
    const { runner, bodies } = run([TURN, LAST], { ...params, tools: [forbidden] });
    const reader = runner.toReadableStream().getReader();
    await reader.read();
    await reader.cancel();
    assert.ok((await failure(runner.done())) instanceof APIUserAbortError);
    assert.equal(bodies.length, 1);
  });
});

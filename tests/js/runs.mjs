/** What the tests of runs of tools share: providers that say what they are told to, and one program run on both packages. */

import assert from "node:assert/strict";
import { Chatmux } from "chatmux";
import OpenAI from "openai";
import { jsonResponse, KEY, streamResponse } from "./support.mjs";

export const ASK = { model: "m", messages: [{ role: "user", content: "What is the weather?" }] };

/** A call of a function, as a model makes it. */
export const call = (name, args = "{}", id = `call_${name}`, more = {}) => ({ id, type: "function", function: { name, arguments: args }, ...more });

/** A message of the model that wants these calls, or says this. */
export const wants = (...calls) => ({ role: "assistant", content: null, tool_calls: calls });
export const says = (content) => ({ role: "assistant", content });

/** A tool that can be run. */
export const tool = (name, run, more = {}) => ({
  type: "function",
  function: { name, function: run, description: `Does ${name}`, parameters: { type: "object", properties: {} }, ...more },
});

/** The message of a tool. */
export const told = (name, content, id = `call_${name}`) => ({ role: "tool", tool_call_id: id, content });

const HEAD = { created: 1700000000, model: "m" };

/** A whole completion with this message. */
export function completion(message, n = 1, { finish_reason, ...more } = {}) {
  const choice = { index: 0, message, finish_reason: finish_reason ?? (message.tool_calls ? "tool_calls" : "stop"), logprobs: null };
  return { id: `chatcmpl-${n}`, object: "chat.completion", ...HEAD, choices: [choice], ...more };
}

/** The chunks of the same, by these deltas or in one. */
export function chunks(message, n = 1, { finish_reason, deltas, ...more } = {}) {
  const whole = { ...message, ...(message.tool_calls && { tool_calls: message.tool_calls.map((each, index) => ({ index, ...each })) }) };
  const chunk = (delta, finish) => ({
    ...{ id: `chatcmpl-${n}`, object: "chat.completion.chunk", ...HEAD, ...more },
    choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
  });
  return [...(deltas ?? [whole]).map((delta) => chunk(delta, null)), chunk({}, finish_reason ?? (message.tool_calls ? "tool_calls" : "stop"))];
}

/**
 * A provider that answers the first request with the first message, and so on: `messages` may have `[message, more]` for what
 * else there is in a completion. It keeps the bodies that it was sent, as texts and as what they say.
 */
export function provider(...messages) {
  const texts = [];
  const bodies = [];
  const fetch = async (url, init) => {
    texts.push(init.body);
    const body = JSON.parse(init.body);
    bodies.push(body);
    const n = bodies.length;
    const given = messages[n - 1];
    assert.ok(given, `request ${n} was not expected`);
    const [message, more] = Array.isArray(given) ? given : [given];
    if (init.signal?.aborted) throw init.signal.reason;
    return body.stream ? streamResponse([...chunks(message, n, more), "[DONE]"]) : jsonResponse(completion(message, n, more));
  };
  return { fetch, texts, bodies };
}

const OPTIONS = { apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0 };

/** A client of a provider. */
export const clientOf = ({ fetch }, Client = Chatmux) => new Client({ ...OPTIONS, fetch });

/** Runs tools against a provider that says these messages; gives the run and what was sent. */
export function run(messages, params, options, Client = Chatmux) {
  const sent = provider(...messages);
  const runner = clientOf(sent, Client).chat.completions.runTools({ ...ASK, ...params }, options);
  return { runner, ...sent };
}

/** Begins such a run on the client that it is given. */
export const begin = (answers, params, options) => (Client, stream) => run(answers, { stream, ...params }, options, Client);

/** Something that is waited for until it is opened. */
export function gate() {
  let open;
  const promise = new Promise((resolve) => (open = resolve));
  return { promise, open };
}

/** What a run came to: what it ended with, what it said, and the conversations that were sent. */
export async function outcome({ runner, bodies }, events = EVENTS) {
  const seen = [];
  for (const event of events) runner.on(event, (...args) => seen.push([event, ...args.map(plain)]));
  const error = await runner.done().then(() => null, (thrown) => thrown);
  return {
    error: error && { message: error.message, abort: runner.aborted },
    final: error ? null : await runner.finalContent(),
    messages: runner.messages.map(plain),
    requests: bodies.map(({ messages }) => messages),
    seen,
  };
}

/** The events of a run, but for those whose arguments are errors. */
const EVENTS = [
  ...["connect", "chatCompletion", "message", "functionToolCall", "functionToolCallResult", "content", "end"],
  ...["finalChatCompletion", "finalMessage", "finalContent", "finalFunctionToolCall", "finalFunctionToolCallResult", "totalUsage"],
];

const plain = (value) => (value === undefined ? value : JSON.parse(JSON.stringify(value)));

/**
 * Runs one program on chatmux and on openai, streamed and not, and gives what it comes to with chatmux, which must be what it
 * comes to with openai.
 *
 * @param beginRun begins it, given a client's class and whether to stream.
 */
export async function asOpenAI(beginRun, { only, events } = {}) {
  const outcomes = {};
  for (const stream of only ?? [false, true]) {
    const [ours, theirs] = await Promise.all([Chatmux, OpenAI].map(async (Client) => outcome(await beginRun(Client, stream), events)));
    assert.deepEqual(ours, theirs, stream ? "streamed" : "whole");
    outcomes[stream] = ours;
  }
  return outcomes;
}

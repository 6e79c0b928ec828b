/** What the tests of the helpers share: one program, run with chatmux and with openai, and what there was to see of each. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import Chatmux from "chatmux";
import OpenAI from "openai";
import { EVENT_STREAM, KEY, MESSAGES, ROOT, sse } from "./support.mjs";

export const CLIENTS = { chatmux: Chatmux, openai: OpenAI };

export const PARAMS = { model: "m", messages: MESSAGES };

/** A piece of an answer, as a chunk. */
export const piece = (delta, finish_reason = null, choice = {}, more = {}) => ({
  ...{ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1700000000, model: "m" },
  choices: [{ index: 0, delta, finish_reason, ...choice }],
  ...more,
});

/** A piece of a tool call. */
export const callPiece = (index, call, finish_reason = null) => piece({ tool_calls: [{ index, ...call }] }, finish_reason);
export const begin = (index, id, name, args = "") => callPiece(index, { id, type: "function", function: { name, arguments: args } });
export const args = (index, text) => callPiece(index, { function: { arguments: text } });

export const START = piece({ role: "assistant", content: "" });
export const stop = (reason = "stop") => piece({}, reason);
export const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
export const usage = (of = USAGE) => ({ ...piece({}), choices: [], usage: of });
export const textStream = (...texts) => [START, ...texts.map((content) => piece({ content })), stop(), "[DONE]"];

/** A tool whose arguments are parsed. */
export const tool = (name, strict = true) => ({
  type: "function",
  function: { name, strict, parameters: { type: "object", properties: {}, additionalProperties: false } },
});

/** A body that gives these events, one each time it is asked; and then hangs, if it is to. */
export function eventBody(events, { hang = false, onCancel } = {}) {
  const encoder = new TextEncoder();
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at < events.length) return controller.enqueue(encoder.encode(sse(events[at++])));
        if (hang) return new Promise(() => {});
        controller.close();
      },
      cancel: () => onCancel?.(),
    },
    { highWaterMark: 0 },
  );
}

/** A client whose every request is answered with these events, and what it was asked. */
export function answering(Client, events, body) {
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ url: String(url), body: JSON.parse(init.body), signal: init.signal });
    return new Response(eventBody(events, body), { headers: EVENT_STREAM });
  };
  const client = new Client({ apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0, fetch });
  return { client, requests };
}

/** A stream of these events. */
export const follow = (Client, events, { params, options, ...body } = {}) =>
  answering(Client, events, body).client.chat.completions.stream({ ...PARAMS, ...params }, options);

export const EVENTS = [
  ...["connect", "chunk", "content", "content.delta", "content.done", "refusal.delta", "refusal.done"],
  ...["tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"],
  ...["logprobs.content.delta", "logprobs.content.done", "logprobs.refusal.delta", "logprobs.refusal.done"],
  ...["chatCompletion", "message", "functionToolCall", "functionToolCallResult"],
  ...["finalContent", "finalMessage", "finalChatCompletion", "finalFunctionToolCall", "finalFunctionToolCallResult"],
  ...["totalUsage", "error", "abort", "end"],
];

/** A value as it is now; of an error its class. */
export const now = (value) =>
  value instanceof Error ? { error: classOf(value) } : value === undefined ? undefined : JSON.parse(JSON.stringify(value));

/** The class of an error; the base has another name with openai. */
export const classOf = (error) => error.constructor.name.replace("OpenAIError", "ChatmuxError");

/** Everything that happens in a stream, from its beginning to its end. */
export async function record(stream, events = EVENTS) {
  const log = [];
  for (const event of events) stream.on(event, (...args) => log.push([event, ...args.map(now)]));
  await stream.done().catch(() => {});
  return log;
}

/** What a program gives with each of the clients. */
export async function onBoth(run) {
  return { chatmux: await run(CLIENTS.chatmux), openai: await run(CLIENTS.openai) };
}

/**
 * What a program of its own prints as JSON: a process can see rejections that nobody handled. It is given the client class
 * as `Client`, all that is exported here, and `say()` to print; what nobody handled is told under `unhandled`.
 */
export function inProcess(Client, source) {
  const program = `
    import * as both from ${JSON.stringify(new URL("./both.mjs", import.meta.url).href)};
    const Client = both.CLIENTS.${Client === OpenAI ? "openai" : "chatmux"};
    const { answering, follow, textStream, piece, START, stop } = both;
    const unhandled = [];
    process.on("unhandledRejection", (error) => unhandled.push(both.classOf(error)));
    let said = {};
    const say = (what) => Object.assign(said, what);
    process.on("exit", () => console.log(JSON.stringify({ ...said, unhandled })));
    ${source}`;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ["--input-type=module", "-e", program], { cwd: ROOT, timeout: 30_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`the program failed:\n${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

/** What all completions here have in common. */
export const PLACE = { id: "chatcmpl-1", created: 1700000000, model: "m" };

/** What a stream comes to, with both clients. */
export async function bothComeTo(expected, events, params) {
  const seen = await onBoth((Client) => follow(Client, events, { params }).finalChatCompletion());
  assert.deepEqual(seen.chatmux, expected);
  assert.deepEqual(seen.openai, expected, "openai is no longer the same");
}

/** A completion that both come to. */
export const completion = (message, finish_reason = "stop", more = {}, choice = {}) => ({
  ...PLACE,
  object: "chat.completion",
  choices: [{ index: 0, finish_reason, logprobs: null, ...choice, message: { role: "assistant", content: null, refusal: null, parsed: null, ...message } }],
  ...more,
});

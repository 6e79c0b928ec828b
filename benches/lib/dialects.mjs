/** Streams of other vendors, to be translated into OpenAI's, and one contender on one of them. */

import { random, pick, streaming, WORDS } from "./workloads.mjs";

const ANTHROPIC = (texts) => {
  const event = (type, more) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const usage = { input_tokens: 812, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1, service_tier: "standard" };
  const message = { id: "msg_01BqL0k8vT2mXwYd9RzNfHs4Uc", type: "message", role: "assistant", model: "claude-sonnet-4-5-20250929", content: [] };
  return [
    event("message_start", { message: { ...message, stop_reason: null, stop_sequence: null, usage } }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("ping", {}),
    ...texts.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: texts.length } }),
    event("message_stop", {}),
  ];
};

const GEMINI = (texts) =>
  texts.map((text, at) => {
    const finish = at === texts.length - 1 ? { finishReason: "STOP" } : {};
    const usageMetadata = {
      promptTokenCount: 812,
      candidatesTokenCount: at + 1,
      totalTokenCount: at + 813,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 812 }],
    };
    const candidates = [{ content: { parts: [{ text }], role: "model" }, ...finish, index: 0 }];
    const data = { candidates, usageMetadata, modelVersion: "gemini-2.5-flash", responseId: "BqL0k8vT2mXwYd9RzNfHs4" };
    return `data: ${JSON.stringify(data)}\r\n\r\n`;
  });

const STREAMS = { anthropic: ANTHROPIC, gemini: GEMINI };

/** The request that such a stream answers. */
export const REQUEST = { model: "m", messages: [{ role: "user", content: "What is the meaning of life?" }], stream: true };

/**
 * `run` has the contender translate the stream once, and resolves to a function that throws when what came out is not the same
 * text in a stream of OpenAI's: nobody is fast by being wrong.
 */
export async function prepare(contender, { name, packing, count }) {
  const next = random(11);
  const texts = Array.from({ length: count }, () => pick(next, WORDS));
  const fetch = streaming({ events: { head: [], body: STREAMS[name](texts), tail: [] }, repeat: 1 }, packing);
  const translate = await contender.setup(name);
  const run = async () => {
    const reader = translate((await fetch()).body).getReader();
    const parts = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return () => check(contender, Buffer.concat(parts).toString(), texts.join(""));
      parts.push(value);
    }
  };
  return { run, count };
}

function check({ name }, stream, expected) {
  const events = stream.split("\n\n").filter((event) => event.startsWith("data: "));
  if (events.at(-1) !== "data: [DONE]") throw new Error(`${name} does not end the stream.`);
  const text = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "").join("");
  if (text !== expected) throw new Error(`${name} gives ${text.length} characters instead of ${expected.length}.`);
}

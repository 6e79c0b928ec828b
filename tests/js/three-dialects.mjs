/** One answer as three vendors would give it, whole and streamed: a provider that speaks all three dialects. */

import { sse } from "./support.mjs";

const FINISH = {
  openai: { stop: "stop", length: "length", tool_calls: "tool_calls", content_filter: "content_filter" },
  anthropic: { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", content_filter: "refusal" },
  gemini: { stop: "STOP", length: "MAX_TOKENS", tool_calls: "STOP", content_filter: "SAFETY" },
};

/** Cuts a text into pieces of a few characters. */
const pieces = (text, length = 3) => text.match(new RegExp(`[^]{1,${length}}`, "gu")) ?? [];

/**
 * The answer as `dialect` has it: `{ body }` whole, `{ events }` streamed.
 * @param answer `{ reasoning?, signature?, text?, calls?: [{ id, name, args }], finish, usage: { prompt, cached, completion, thoughts } }`
 */
export function answerIn(dialect, answer, isStream) {
  return { openai, anthropic, gemini }[dialect](answer, isStream);
}

function openai({ reasoning, text, calls = [], finish, usage: u }, isStream) {
  const usage = {
    ...{ prompt_tokens: u.prompt, completion_tokens: u.completion, total_tokens: u.prompt + u.completion },
    ...{ prompt_tokens_details: { cached_tokens: u.cached }, completion_tokens_details: { reasoning_tokens: u.thoughts } },
  };
  const toolCalls = calls.map(({ id, name, args }) => ({ id, type: "function", function: { name, arguments: JSON.stringify(args) } }));
  const head = { id: "answer-1", created: 1, model: "model-1" };
  if (!isStream) {
    const message = { role: "assistant", content: text ?? null, refusal: null, ...(reasoning && { reasoning_content: reasoning }), ...(calls.length && { tool_calls: toolCalls }) };
    return { body: { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: FINISH.openai[finish] }], usage } };
  }
  const chunk = (delta, finish_reason = null) => ({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }], usage: null });
  const events = [
    chunk({ role: "assistant", content: null }),
    ...pieces(reasoning ?? "").map((piece) => chunk({ reasoning_content: piece })),
    ...pieces(text ?? "").map((piece) => chunk({ content: piece })),
    ...toolCalls.flatMap((call, index) => [
      chunk({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: "" } }] }),
      ...pieces(call.function.arguments).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, FINISH.openai[finish]),
    { ...chunk({}), choices: [], usage },
  ];
  return { events: sse(...events.map((event) => JSON.stringify(event)), "[DONE]") };
}

function anthropic({ reasoning, signature, text, calls = [], finish, usage: u }, isStream) {
  const usage = {
    ...{ input_tokens: u.prompt - u.cached, cache_read_input_tokens: u.cached, cache_creation_input_tokens: 0, output_tokens: u.completion },
    output_tokens_details: { thinking_tokens: u.thoughts },
  };
  const content = [
    ...(reasoning ? [{ type: "thinking", thinking: reasoning, signature }] : []),
    ...(text === undefined ? [] : [{ type: "text", text }]),
    ...calls.map(({ id, name, args }) => ({ type: "tool_use", id, name, input: args })),
  ];
  const head = { id: "answer-1", type: "message", role: "assistant", model: "model-1" };
  if (!isStream) return { body: { ...head, content, stop_reason: FINISH.anthropic[finish], stop_sequence: null, usage } };
  const events = [{ type: "message_start", message: { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } } }];
  for (const [index, block] of content.entries()) {
    const delta = (delta) => events.push({ type: "content_block_delta", index, delta });
    const start = { thinking: { ...block, thinking: "", signature: "" }, text: { ...block, text: "" }, tool_use: { ...block, input: {} } }[block.type];
    events.push({ type: "content_block_start", index, content_block: start });
    if (index === 0) events.push({ type: "ping" });
    if (block.type === "thinking") {
      for (const thinking of pieces(block.thinking)) delta({ type: "thinking_delta", thinking });
      delta({ type: "signature_delta", signature });
    } else if (block.type === "text") for (const text of pieces(block.text)) delta({ type: "text_delta", text });
    else for (const partial_json of ["", ...pieces(JSON.stringify(block.input))]) delta({ type: "input_json_delta", partial_json });
    events.push({ type: "content_block_stop", index });
  }
  events.push({ type: "message_delta", delta: { stop_reason: FINISH.anthropic[finish], stop_sequence: null }, usage: { output_tokens: u.completion, output_tokens_details: usage.output_tokens_details } });
  events.push({ type: "message_stop" });
  return { events: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("") };
}

function gemini({ reasoning, signature, text, calls = [], finish, usage: u }, isStream) {
  const usageMetadata = {
    ...{ promptTokenCount: u.prompt, cachedContentTokenCount: u.cached, candidatesTokenCount: u.completion - u.thoughts },
    ...{ thoughtsTokenCount: u.thoughts, totalTokenCount: u.prompt + u.completion },
  };
  const head = { responseId: "answer-1", modelVersion: "model-1" };
  const callParts = calls.map(({ id, name, args }, index) => ({ functionCall: { id, name, args }, ...(signature && index === 0 && { thoughtSignature: signature }) }));
  const response = (parts, more = {}) => ({ candidates: [{ content: { role: "model", parts }, index: 0, ...more }], usageMetadata, ...head });
  if (!isStream) {
    const parts = [...(reasoning ? [{ text: reasoning, thought: true }] : []), ...(text === undefined ? [] : [{ text }]), ...callParts];
    return { body: response(parts, { finishReason: FINISH.gemini[finish] }) };
  }
  const events = [
    ...pieces(reasoning ?? "").map((piece) => response([{ text: piece, thought: true }])),
    ...pieces(text ?? "").map((piece) => response([{ text: piece }])),
    ...callParts.map((part) => response([part])),
    response([{ text: "" }], { finishReason: FINISH.gemini[finish] }),
  ];
  return { events: events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("") };
}

/** What OpenAI's dialect has and a request in another must say as well, in the form of the other: which dialect a URL speaks. */
export function dialectOf(url) {
  if (/\/messages$/.test(url)) return "anthropic";
  return /:(streamG|g)enerateContent/.test(url) ? "gemini" : "openai";
}

/** A `fetch` that gives these answers, one after the other, in the dialect of who asks; `seen` has what was asked. */
export function vendors(answers, { cut = 0 } = {}) {
  const seen = [];
  const fetch = async (url, { headers, body }) => {
    const dialect = dialectOf(url);
    const request = JSON.parse(body);
    const isStream = dialect === "gemini" ? url.includes(":streamGenerateContent") : !!request.stream;
    seen.push({ url, headers: Object.fromEntries(headers), request, dialect });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    if (answer instanceof Response) return answer.clone();
    const { body: whole, events } = answerIn(dialect, answer, isStream);
    if (!events) return Response.json(whole);
    const bytes = new TextEncoder().encode(events);
    const parts = cut ? Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) => bytes.slice(i * cut, (i + 1) * cut)) : [bytes];
    return new Response(new ReadableStream({ pull: (controller) => (parts.length ? controller.enqueue(parts.shift()) : controller.close()) }), {
      headers: { "content-type": "text/event-stream" },
    });
  };
  return { fetch, seen };
}

/** What the tests of streams share: streams of every kind, in reads of any size, and what they must come to. */

import { clientWith, STREAMED } from "./support.mjs";

const encoder = new TextEncoder();

/** Reads of one byte, of a few, of some events, and all at once. */
export const SIZES = [1, 7, 1000, Infinity];

/** The bytes of these events, each a JSON text, and of the end. */
export const bytesOf = (events, end = "data: [DONE]\n\n") => encoder.encode(events.map((event) => `data: ${event}\n\n`).join("") + end);

/** A body that gives these bytes in reads of this many, and says how often it was asked and whether it was let go. */
export function bodyOf(bytes, size = Infinity, { fail } = {}) {
  const seen = { pulls: 0, cancelled: false };
  let at = 0;
  seen.body = new ReadableStream(
    {
      pull(controller) {
        seen.pulls++;
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += Math.min(size, bytes.length))));
        else if (fail) controller.error(fail);
        else controller.close();
      },
      cancel: () => void (seen.cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return seen;
}

/** The stream of a body. */
export const openBody = (body, options, call) =>
  clientWith(async () => new Response(body, { headers: { "content-type": "text/event-stream" } }), options).chat.completions.create(STREAMED, call);

/** The stream of these events in reads of this many bytes. */
export const openEvents = (events, size, { end, fail } = {}) => openBody(bodyOf(bytesOf(events, end), size, { fail }).body);

/** A chunk as OpenAI sends it, as JSON. */
export const chunkText = (delta, more = {}, choice = {}) =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1763800000,
    model: "m",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...choice }],
    usage: null,
    ...more,
  });

const times = (count, make) => Array.from({ length: count }, (_, n) => make(n));
const call = (index, text, more) => chunkText({ tool_calls: [{ index, ...more, function: { arguments: text, ...more?.function } }] });
const raw = (json) => chunkText({ content: "@" }).replace('"@"', json);

/** Streams, each a list of JSON texts. */
export const STREAMS = {
  "text": ["", "Hello", " wörld", "\n\"quoted\" \\ 🦊", "\u2028", "\ufeff", "日本語", "x".repeat(5000), "long enough for a decoder"].map((content) => chunkText({ content })),
  "escapes": ['"\\n\\t\\b\\f\\r"', '"\\"\\\\\\/"', '"\\u0041\\u00e9\\u65e5"', '"\\ud83e\\udd8a"', '"\\u0000"', '"plain"', '""', '"\\ufffd"'].map(raw),
  "lone surrogates": ['"\\ud83d"', '"a"', '"\\ude00"', '"\\ud83d\\ude00"', '"b\\ud800c"', '"b"', '"\\udfff\\ud800"'].map(raw),
  "an emoji whose halves come apart": ['"\\ud83e"', '"\\udd8a"', '" and "', '"🦊"'].map(raw),
  "content that is null, a list or left out": [
    ...times(3, (n) => chunkText({ content: `a${n}` })),
    chunkText({ content: null }),
    chunkText({}),
    chunkText({ role: "assistant" }),
    ...times(3, (n) => chunkText({ content: `b${n}` })),
  ],
  "reasoning and then text": [...times(5, (n) => chunkText({ reasoning_content: `r${n}` })), ...times(5, (n) => chunkText({ content: `c${n}` }))],
  "reasoning beside the text": times(6, (n) => chunkText({ reasoning: `r${n}`, content: `c${n}`, refusal: null })),
  "a refusal": times(4, (n) => chunkText({ refusal: `no${n} `, content: null })),
  "two tool calls, interleaved": [
    call(0, "", { id: "call_a", type: "function", function: { name: "one" } }),
    call(1, "", { id: "call_b", type: "function", function: { name: "two" } }),
    ...times(12, (n) => call(n % 2, `{"${n}`)),
    chunkText({}, {}, { finish_reason: "tool_calls" }),
  ],
  "text and then a tool call": [...times(3, (n) => chunkText({ content: `${n}` })), ...times(3, (n) => call(0, `${n}`, { id: "call_a" }))],
  "three choices, interleaved": [
    ...times(12, (n) => chunkText({ content: `${n} ` }, {}, { index: n % 3 })),
    ...times(3, (index) => chunkText({}, {}, { index, finish_reason: "stop" })),
  ],
  "several choices in one chunk": times(5, (n) => JSON.stringify({ choices: [1, 0].map((index) => ({ index, delta: { content: `${n}${index}` } })) })),
  "choices of others alone": times(4, (n) => chunkText({ content: `${n}` }, {}, { index: 1 })),
  "padding": times(6, (n) => chunkText({ content: "x" }, { obfuscation: "p".repeat(n) })),
  "counts": times(6, (n) => chunkText({ content: "x" }, { usage: { prompt_tokens: 7, completion_tokens: n, total_tokens: n + 7, completion_tokens_details: { reasoning_tokens: 0 } } })),
  "usage at the end": [
    ...times(3, (n) => chunkText({ content: `${n}` })),
    chunkText({}, {}, { finish_reason: "stop" }),
    JSON.stringify({ id: "chatcmpl-1", choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cost: 1e-7 } }),
  ],
  "members that nobody knows": times(5, (n) => chunkText({ content: `${n}` }, { x: { deep: [{ a: [1, { b: null }] }], empty: [], none: {} } })),
  "a member twice": times(5, (n) => `{"choices":[{"index":0,"delta":{"content":"a${n}","content":"b${n}"}}]}`),
  "no two alike": times(20, (n) => chunkText({ content: `${n}` }, { [`key${n}`]: n })),
};

/** What textDeltas() must give: the texts of the first choice that say something. */
export const textsOf = (events) =>
  events
    .map((event) => JSON.parse(event).choices.find(({ index }) => index === 0)?.delta?.content)
    .filter((content) => typeof content === "string" && content !== "");

/** Strings of a delta that are whole each time they come. */
const WHOLE = ["role", "id", "type", "name"];
const isBlank = (value) => value === null || value === "";
const isObject = (value) => typeof value === "object" && value !== null;

/** What these chunks must come to: the rules of `stream.partial`, said once more. */
export function completionOf(chunks) {
  const whole = {};
  for (const { choices, ...members } of chunks) {
    for (const [key, value] of Object.entries(members)) {
      if (key === "object") whole.object = "chat.completion";
      else if (key !== "obfuscation") say(whole, key, value);
    }
    if (!choices) continue;
    whole.choices ??= [];
    for (const { delta, index, ...members } of choices) {
      const choice = (whole.choices[index] ??= { index, message: {}, finish_reason: null });
      for (const [key, value] of Object.entries(members)) say(choice, key, value);
      grow(choice.message, delta);
    }
  }
  // Choices without an item are holes in the list, which filter() passes over.
  whole.choices = whole.choices?.filter(() => true);
  for (const choice of whole.choices ?? []) {
    choice.message = { role: "assistant", content: null, ...choice.message };
    choice.message.tool_calls = choice.message.tool_calls?.filter(() => true);
    if (!choice.message.tool_calls) delete choice.message.tool_calls;
  }
  return chunks.length ? whole : null;
}

function say(into, key, value) {
  if (!isBlank(value) || into[key] == null) into[key] = value;
}

function grow(into, delta) {
  for (const [key, value] of Object.entries(delta)) {
    if (key === "tool_calls") {
      const calls = (into.tool_calls ??= []);
      for (const { index, ...call } of value) grow((calls[index] ??= {}), call);
    } else if (isObject(value)) grow((into[key] ??= {}), value);
    else if (typeof value === "string" && !WHOLE.includes(key)) into[key] = (into[key] ?? "") + value;
    else say(into, key, value);
  }
}

/**
 * What goes over the wire: streamed answers in OpenAI's format, the same bytes on every run, and the `fetch` that delivers
 * them from memory. Runs in Node, in pages and in workers.
 */

/** Numbers below 1 that are the same on every run: Park and Miller's generator. */
export function random(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

export const pick = (next, list) => list[Math.floor(next() * list.length)];
const words = (text) => text.split("|");

export const WORDS = words(
  " the| of| a| to| and| in| that| it| is| was| for| on| are| with| as| model| answer| question| which| because| however" +
    "| tokens| streaming| between| language| understand|ing|ed|ly|s|.|,|:|\n\n| \"|\"| (|)| `|`| **|**|1|2| Rust| async",
);
const WIDE = words("你|好|世界|流式|输出|，|。|我们|模型|这是|日本語|です|ありがとう|漢字|한국어|안녕|é|ß|😀|🚀|👩‍💻|🇨🇳|🎉| ok");

const BASE = {
  id: "chatcmpl-BqL0k8vT2mXwYd9RzNfHs4Uc7JpEa",
  object: "chat.completion.chunk",
  created: 1760000000,
  model: "gpt-4o-mini-2024-07-18",
  service_tier: "default",
  system_fingerprint: "fp_34a54ae93c",
};

const chunk = (delta, { finish_reason = null, usage = null, ...more } = {}) => ({
  ...BASE,
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  usage,
  ...more,
});

const usage = (completion_tokens) => ({
  prompt_tokens: 812,
  completion_tokens,
  total_tokens: 812 + completion_tokens,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
});

const FIRST = chunk({ role: "assistant", content: "", refusal: null });
const last = (count, finish_reason = "stop") => [chunk({}, { finish_reason }), { ...BASE, choices: [], usage: usage(count) }];
const content = ({ choices }) => choices[0]?.delta.content || "";

/** Chunks that differ in their `content` alone, but for what `more` adds to each. */
function answer(count, vocabulary, more = () => ({})) {
  const next = random(11);
  const body = Array.from({ length: count }, (_, at) => {
    const text = pick(next, vocabulary);
    return chunk({ content: text }, more(next, at, text));
  });
  return { head: [FIRST], body, tail: last(count), read: content };
}

/** Each workload: its chunks, and `read`, which takes out of a chunk what the reader of such a stream wants. */
const WORKLOADS = {
  text: (count) => answer(count, WORDS),
  cjk: (count) => answer(count, WIDE),
  usage: (count) => answer(count, WORDS, (_, at) => ({ usage: usage(at + 1) })),
  // Padding that hides the lengths of the tokens, as OpenAI sends it.
  obfuscation: (count) => answer(count, WORDS, (next, _, text) => ({ obfuscation: letters(next, 16 - text.length) })),

  reasoning(count) {
    const { body, ...rest } = answer(count, WORDS);
    for (const { choices } of body.slice(0, count / 2)) choices[0].delta = { reasoning_content: choices[0].delta.content };
    return { body, ...rest, read: ({ choices }) => choices[0]?.delta.reasoning_content || choices[0]?.delta.content || "" };
  },

  tools(count) {
    const next = random(13);
    const call = (index, more) => chunk({ tool_calls: [{ index, ...more }] });
    const body = [];
    for (let index = 0; body.length < count; index++) {
      const name = { id: `call_${letters(next, 24)}`, type: "function", function: { name: "write_file", arguments: "" } };
      const words = Array.from({ length: 997 }, () => JSON.stringify(pick(next, WORDS)).slice(1, -1));
      const parts = ['{"', "content", '":"', ...words, '"}'];
      body.push(call(index, name), ...parts.map((text) => call(index, { function: { arguments: text } })));
    }
    const head = [chunk({ role: "assistant", content: null, refusal: null })];
    const read = ({ choices }) => choices[0]?.delta.tool_calls?.[0].function.arguments || "";
    return { head, body, tail: last(count, "tool_calls"), read };
  },

  /** No two chunks are alike: the order of the members, which there are, and the lengths of all texts vary. */
  irregular(count) {
    const next = random(17);
    const body = Array.from({ length: count }, (_, at) => {
      const extra = ["trace", "region", "node", "cache", "route"].filter(() => next() < 0.5);
      const delta = { content: Array.from({ length: 1 + next() * 8 }, () => pick(next, WORDS)).join("") };
      const whole = chunk(delta, { usage: next() < 0.5 ? usage(at) : null });
      whole.id = `chatcmpl-${letters(next, 8 + next() * 24)}`;
      for (const name of extra) whole[`${name}_${letters(next, 3)}`] = letters(next, next() * 40);
      return shuffled(next, whole);
    });
    return { head: [FIRST], body, tail: last(count), read: content };
  },
};

export const NAMES = Object.keys(WORKLOADS);

const LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

function letters(next, length) {
  return Array.from({ length: Math.max(1, length) }, () => pick(next, LETTERS)).join("");
}

function shuffled(next, object) {
  const keyed = Object.entries(object).map((entry) => [next(), entry]);
  return Object.fromEntries(keyed.sort(([one], [other]) => one - other).map(([, entry]) => entry));
}

/**
 * A workload of about `count` events, its body `repeat` times over. `expected` says what contenders must find, by what
 * they give: bytes, chunks, the deltas of any kind, or the content alone.
 */
export function workload(name, count, repeat = 1) {
  const { head, body, tail, read } = WORKLOADS[name](count);
  const lines = (chunks) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const events = { head: lines(head), body: lines(body), tail: [...lines(tail), "data: [DONE]\n\n"] };
  const size = (list) => new TextEncoder().encode(list.join("")).length;
  const found = (take) => {
    const texts = body.map(take).filter(Boolean);
    return { text: texts.join("").repeat(repeat), count: texts.length * repeat };
  };
  const deltas = found(read);
  const expected = {
    bytes: { text: "", count: size(events.head) + size(events.body) * repeat + size(events.tail) },
    chunks: { text: deltas.text, count: head.length + body.length * repeat + tail.length },
    deltas,
    content: found(content),
  };
  return { name, events, repeat, read, expected, count: events.head.length + events.body.length * repeat + events.tail.length };
}

/**
 * A `fetch` that answers with the workload, cut into reads: `packing` is "event" for one event a read, or a number of bytes,
 * which cuts events and characters anywhere.
 */
export function streaming({ events, repeat }, packing) {
  const encode = (event) => new TextEncoder().encode(event);
  const cut = (list) => (packing === "event" ? list.map(encode) : slices(encode(list.join("")), Number(packing)));
  const body = repeat > 1 ? cut(events.body) : [];
  // In front of the repetitions and behind them; a workload that is not repeated is cut as one.
  const reads =
    repeat > 1
      ? [cut([...events.head, ...events.body]), ...Array(repeat - 1).fill(body), cut(events.tail)]
      : [cut([...events.head, ...events.body, ...events.tail])];
  return async () => {
    let [list, at] = [0, 0];
    const stream = new ReadableStream({
      pull(controller) {
        if (at === reads[list].length) [list, at] = [list + 1, 0];
        if (list === reads.length) controller.close();
        else controller.enqueue(reads[list][at++]);
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  };
}

function slices(bytes, size) {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.slice(at * size, (at + 1) * size));
}

/** A whole answer of about `size` bytes as JSON, and its text. */
export function whole(size) {
  const next = random(19);
  let text = "";
  while (text.length < size - 700) text += pick(next, WORDS);
  const message = { role: "assistant", content: text, refusal: null, annotations: [] };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
  return { text, body: JSON.stringify({ ...BASE, object: "chat.completion", choices, usage: usage(300) }) };
}

/** A `fetch` that answers with one JSON text. */
export function answering(body) {
  const bytes = new TextEncoder().encode(body);
  return async () => new Response(bytes, { headers: { "content-type": "application/json" } });
}

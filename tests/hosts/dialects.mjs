/** The module of the dialects in every runtime: a request written, a stream translated, an instance lost. */

const TEXTS = ["Hello", " wörld", " 😀", "\n", '"quoted"', " end"];

const event = (type, more) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const STREAM = [
  event("message_start", {
    message: { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [], usage: { input_tokens: 5, output_tokens: 1 } },
  }),
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  ...TEXTS.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
  event("content_block_stop", { index: 0 }),
  event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 7 } }),
  event("message_stop"),
].join("");

export async function run({ Chatmux }, { dialects }, { Desk }) {
  const request = { model: "claude-sonnet-4-5", max_tokens: 100, messages: [{ role: "user", content: "Hello" }], stream: true };
  const asked = [];
  const answer = async (url, { headers }) => {
    asked.push([url, headers.get("x-api-key"), headers.get("authorization")]);
    const bytes = new TextEncoder().encode(STREAM);
    const parts = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, at) => bytes.slice(at * 100, (at + 1) * 100));
    const source = new ReadableStream({ pull: (controller) => (parts.length ? controller.enqueue(parts.shift()) : controller.close()) });
    return new Response(source, { headers: { "content-type": "text/event-stream" } });
  };
  const client = new Chatmux({ providers: { anthropic: { apiKey: async () => "demo-key" } }, fetch: answer });
  const ask = async () => {
    let text = "";
    for await (const { choices } of await client.chat.completions.create(request)) text += choices[0]?.delta.content ?? "";
    return text === TEXTS.join("");
  };
  const [first, second] = [await ask(), await ask()];
  // More memory than there is.
  const lost = await dialects().then(() => new Desk().room(0x7fffffff)).catch(({ kind }) => kind);
  return { first, second, lost, next: await ask(), asked: asked[0] };
}

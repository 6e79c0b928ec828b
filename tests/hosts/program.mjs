/**
 * The same program in every runtime: a whole and a streamed answer through the client and through `chatmux/core`, a
 * stream that is left early, an error, two calls at once. It says what it saw; the test judges.
 */
export async function run({ Chatmux }, core, baseURL) {
  const apiKey = async () => "demo";
  const client = new Chatmux({ apiKey, baseURL });
  const request = { model: "gpt-4o-mini", messages: [{ role: "user", content: "What is the meaning of life?" }] };
  const create = (body, options) => client.chat.completions.create(body, options);
  const read = async (stream) => {
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    return text;
  };
  const failure = async (promise) => {
    const error = await promise.then(() => undefined, (thrown) => thrown);
    return error && { name: error.name, kind: error.kind, status: error.status, isError: error instanceof Error };
  };

  const [whole, streamed] = await Promise.all([create(request), create({ ...request, stream: true }).then(read)]);
  const stream = await create({ ...request, stream: true });
  let left = 0;
  for await (const _ of stream) if (++left === 2) break;

  /** The first try is refused, the second is answered. */
  const retried = async () => {
    let tries = 0;
    const busy = { status: 429, headers: { "retry-after-ms": "0" } };
    const fetchOnce = (url, init) => (++tries === 1 ? new Response("busy", busy) : fetch(url, init));
    await new Chatmux({ apiKey, baseURL, fetch: fetchOnce }).chat.completions.create(request);
    return tries;
  };
  /** Aborted while the answer is on its way. */
  const late = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    return create({ ...request, messages: [{ role: "user", content: "/slow" }] }, { signal: controller.signal });
  };

  return {
    whole: whole.choices[0].message.content,
    streamed,
    left,
    aborted: stream.controller.signal.aborted,
    coreWhole: (await core.createChatCompletion(request, { apiKey, baseURL })).choices[0].message.content,
    coreStreamed: await read(await core.createChatCompletionStream({ ...request, stream: true }, { apiKey, baseURL })),
    models: (await client.models.list()).data.length,
    catalogue: (await core.listCatalogue({ type: "llm" }, { baseURL }))[0].id,
    wrongKey: await failure(
      new Chatmux({ apiKey: async () => "wrong", baseURL }).chat.completions.create(request),
    ),
    cut: await failure(
      create({ ...request, stream: true, messages: [{ role: "user", content: "/cut" }] }).then(read),
    ),
    retried: await retried(),
    early: await failure(create(request, { signal: AbortSignal.abort() })),
    late: await failure(late()),
    slow: await failure(create({ ...request, messages: [{ role: "user", content: "/slow" }] }, { timeout: 20, maxRetries: 0 })),
    unreachable: await failure(
      new Chatmux({ apiKey, baseURL: "http://127.0.0.1:1/v1", maxRetries: 0 }).chat.completions.create(request),
    ),
    plainKey: await failure((async () => new Chatmux({ apiKey: "demo", baseURL }))()),
  };
}

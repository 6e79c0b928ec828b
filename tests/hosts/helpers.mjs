/** The helpers in every runtime: what a stream's events, structured output, a tool loop and the prices of it come to. */
export async function run({ Chatmux, ChatCompletionStream, toMessage }, baseURL) {
  const client = new Chatmux({ apiKey: async () => "demo", baseURL });
  const model = "gpt-4o-mini";
  const ask = (content) => [{ role: "user", content }];

  const events = [];
  let text = "";
  const stream = client.chat.completions
    .stream({ model, messages: ask("What is the meaning of life?"), stream_options: { include_usage: true } })
    .on("connect", () => events.push("connect"))
    .on("content", (delta, snapshot) => (text = snapshot))
    .on("end", () => events.push("end"));
  const streamed = await stream.finalContent();
  const copy = await ChatCompletionStream.fromReadableStream(
    client.chat.completions.stream({ model, messages: ask("What is the meaning of life?") }).toReadableStream(),
  ).finalContent();

  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
  const parsed = await client.chat.completions.parse({ model, messages: ask("Where?"), response_format: schema });

  const tool = {
    type: "function",
    function: { name: "get_weather", description: "The weather.", parameters: schema, parse: JSON.parse, function: ({ city }) => `sunny in ${city}` },
  };
  const runner = client.chat.completions.runTools({
    model: "deepseek-v3.2",
    reasoning_effort: "high",
    messages: ask("What is the weather in Paris?"),
    tools: [tool],
  });
  const final = await runner.finalContent();
  const turns = runner.messages.map(({ role, reasoning_content: reasoning }) => [role, !!reasoning]);

  const facts = [];
  const watched = new Chatmux({ apiKey: async () => "demo", baseURL, onEvent: ({ type }) => facts.push(type) });
  await watched.chat.completions.create({ model, messages: ask("hello") });

  const cost = await client.cost(await stream.finalChatCompletion(), { prices: { input: 1, output: 2 } });
  return {
    events, isWhole: streamed === text && text.length > 100, isSame: copy === streamed,
    parsed: parsed.choices[0].message.parsed, final, turns, facts, usd: cost.usd > 0,
    replayed: toMessage(runner.allChatCompletions()[0]).reasoning_content?.length > 10,
  };
}

/*
 * What the types do for the person who writes against them, apart from openai's.
 */

import type OpenAI from "openai";
import type { Chatmux } from "../../src/js/client.js";
import type { ClientOptions, Logger } from "../../src/js/options.js";
import type {
  CallEvent,
  CatalogueFilters,
  CatalogueModel,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParams,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
  ChatCompletionMessageToolCall,
  ChatCompletionTool,
  ReasoningDetail,
  ThinkingBlock,
} from "../../src/js/types.js";

/** Compiles only when the two are the same type. */
declare function same<A, B>(
  proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? "same" : "different",
): void;

/** The façade's method, as far as these tests need it. */
declare function create(body: ChatCompletionCreateParamsNonStreaming): Promise<ChatCompletion>;
declare function create(body: ChatCompletionCreateParamsStreaming): Promise<AsyncIterable<ChatCompletionChunk>>;
declare function create(
  body: ChatCompletionCreateParams,
): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;

const model = "any/id-at-all";
const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Hi" }];

/** `stream` picks what comes back. */
export async function streamPicksTheOverload(asked: boolean): Promise<void> {
  const whole = await create({ model, messages });
  same<typeof whole, ChatCompletion>("same");

  const told = await create({ model, messages, stream: false });
  same<typeof told, ChatCompletion>("same");

  const streamed = await create({ model, messages, stream: true, stream_options: { include_usage: true } });
  same<typeof streamed, AsyncIterable<ChatCompletionChunk>>("same");

  const params: ChatCompletionCreateParams = asked ? { model, messages, stream: true } : { model, messages };
  const either = await create(params);
  same<typeof either, ChatCompletion | AsyncIterable<ChatCompletionChunk>>("same");

  if (params.stream) same<typeof params, ChatCompletionCreateParamsStreaming>("same");
  else same<typeof params, ChatCompletionCreateParamsNonStreaming>("same");
}

/** A field that nobody knows is refused in a literal: it may be misspelt. */
export async function excessFields(): Promise<void> {
  // @ts-expect-error: misspelt
  await create({ model, messages, max_token: 10 });
  // @ts-expect-error: misspelt in a message
  await create({ model, messages: [{ role: "user", content: "Hi", nam: "Ada" }] });
  // @ts-expect-error: misspelt in a part
  await create({ model, messages: [{ role: "user", content: [{ type: "text", text: "Hi", cache: true }] }] });
  // @ts-expect-error: misspelt in the reasoning options
  await create({ model, messages, reasoning: { budget: 2048 } });
  // @ts-expect-error: OpenAI's type has no "image"; send it by extra_body
  await create({ model, messages, modalities: ["text", "image"] });
  // @ts-expect-error: a required field is missing
  await create({ model });

  // Through a variable it passes, as with any interface …
  const params = { model, messages, top_k: 40 };
  await create(params);
  // … and through extra_body.
  await create({ model, messages, extra_body: { top_k: 40, modalities: ["text", "image"] } });
  await create({ model, messages, stream: true, extra_body: { top_k: 40 } });
}

/** What providers add to a request. */
export async function requestExtensions(): Promise<void> {
  await create({ model, messages, reasoning_effort: "xhigh" });
  await create({ model, messages, reasoning: { max_tokens: 2048, display: "summarized", exclude: false } });
  await create({
    model,
    messages: [
      { role: "system", content: [{ type: "text", text: "Long", cache_control: { type: "ephemeral", ttl: "1h" } }] },
      { role: "user", content: "Hi", cache_control: { type: "ephemeral" } },
      {
        role: "assistant",
        content: "Hello",
        reasoning_content: "They greet.",
        reasoning_details: [{ type: "reasoning.text", text: "They greet.", signature: "c2ln", index: 0 }],
      },
    ],
    tools: [{ type: "function", function: { name: "now" }, cache_control: { type: "ephemeral" } }],
    web_search_options: {},
  });
}

/** A tool loop as it is written for openai. */
export async function toolLoop(run: (name: string, args: unknown) => Promise<string>): Promise<string | null> {
  const tools: ChatCompletionTool[] = [
    { type: "function", function: { name: "weather", parameters: { type: "object", properties: {} }, strict: true } },
  ];
  const conversation: ChatCompletionMessageParam[] = [{ role: "user", content: "Rain?" }];
  for (;;) {
    const completion = await create({ model, messages: conversation, tools, tool_choice: "auto" });
    const message = completion.choices[0]?.message;
    if (!message) return null;
    conversation.push(message);
    if (!message.tool_calls?.length) return message.content;
    for (const call of message.tool_calls) {
      if (call.type !== "function") continue;
      const content = await run(call.function.name, JSON.parse(call.function.arguments));
      conversation.push({ role: "tool", tool_call_id: call.id, content });
    }
  }
}

/** `role` and `type` tell the members of the unions apart. */
export function narrowing(
  message: ChatCompletionMessageParam,
  part: ChatCompletionContentPart,
  call: ChatCompletionMessageToolCall,
  tool: ChatCompletionTool,
  block: ThinkingBlock,
): unknown[] {
  const seen: unknown[] = [];
  switch (message.role) {
    case "tool":
      seen.push(message.tool_call_id satisfies string);
      break;
    case "assistant":
      seen.push(message.tool_calls satisfies ChatCompletionMessageToolCall[] | undefined);
      seen.push(message.reasoning_details satisfies ReasoningDetail[] | null | undefined);
      break;
    case "user":
      if (typeof message.content === "string") seen.push(message.content);
      else seen.push(message.content satisfies ChatCompletionContentPart[]);
      break;
    case "function":
    case "developer":
    case "system":
      break;
    default:
      message satisfies never;
  }
  // @ts-expect-error: not on every message
  seen.push(message.tool_call_id);

  if (part.type === "image_url") seen.push(part.image_url.url);
  else if (part.type === "file") seen.push(part.file.file_data);
  else if (part.type === "input_audio") seen.push(part.input_audio.format);
  else seen.push(part.text satisfies string);

  if (call.type === "function") seen.push(call.function.arguments, call.extra_content?.google?.thought_signature);
  else seen.push(call.custom.input satisfies string);

  seen.push(tool.type === "function" ? tool.function.parameters : tool.custom.format);
  seen.push(block.type === "thinking" ? block.thinking : block.data);
  return seen;
}

/** What providers add to an answer is there to be read. */
export function responseExtensions(completion: ChatCompletion, chunk: ChatCompletionChunk): unknown[] {
  const choice = completion.choices[0];
  const delta: ChatCompletionChunk.Choice.Delta | undefined = chunk.choices[0]?.delta;
  const call: ChatCompletionChunk.Choice.Delta.ToolCall | undefined = delta?.tool_calls?.[0];
  return [
    choice?.message.reasoning_content satisfies string | null | undefined,
    choice?.message.reasoning satisfies string | null | undefined,
    choice?.message.reasoning_details?.map((it) => it.text ?? it.summary ?? ""),
    choice?.message.images?.[0]?.image_url.url satisfies string | undefined,
    choice?.message.multi_mod_content?.map((it) => it.inline_data?.data ?? it.inlineData?.data),
    choice?.message.thinking_blocks,
    choice?.message.provider_specific_fields,
    choice?.native_finish_reason satisfies string | null | undefined,
    completion.provider satisfies string | undefined,
    completion.citations?.[0] satisfies string | undefined,
    completion.search_results?.[0]?.title satisfies string | undefined,
    completion.usage?.cost satisfies number | null | undefined,
    completion.usage?.cost_details?.upstream_inference_cost,
    completion.usage?.is_byok satisfies boolean | undefined,
    completion.usage?.prompt_tokens_details?.cache_write_tokens satisfies number | undefined,
    delta?.reasoning_content satisfies string | null | undefined,
    delta?.reasoning_details,
    call?.extra_content?.google?.thought_signature satisfies string | undefined,
    // @ts-expect-error: no index signatures, so a misspelt name is seen when reading too
    choice?.message.reasoning_contents,
    // @ts-expect-error: nor on usage
    completion.usage?.completion_token,
  ];
}

/** Known values are offered, others pass. */
export function openUnions(found: CatalogueModel): CatalogueFilters[] {
  found.types satisfies string[];
  const detail: ReasoningDetail = { type: "reasoning.new-kind", format: "someone-v2" };
  const stranger: CatalogueModel = { ...found, types: ["llm", "holograms"], endpoints: ["telepathy"] };
  // @ts-expect-error: only the type is open, not the fields
  const wrong: ReasoningDetail = { type: "reasoning.text", txt: "" };
  // @ts-expect-error: always there, null when unknown
  const bare: CatalogueModel = { ...found, context_length: undefined };
  // @ts-expect-error: there are two orders
  const order: CatalogueFilters = { sort_order: "up" };
  void [detail, stranger, wrong, bare, order];
  return [
    {},
    { type: "llm", modalities: ["text", "image"], features: ["tools", "new-thing"], model: "gpt" },
    { type: ["llm", "rerank"] as const, sort_by: "context_length", sort_order: "desc" },
  ];
}

/** What a call returns knows the response behind it, and an answer the id of its request. */
export async function whatACallReturns(client: Chatmux): Promise<void> {
  const { data, response, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
  const id: string | null | undefined = data._request_id;
  same<typeof request_id, string | null>("same");
  const raw = await client.chat.completions.create({ model, messages, stream: true }).asResponse();
  same<typeof raw, typeof response>("same");
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  for await (const { choices } of stream) same<typeof choices, ChatCompletionChunk["choices"]>("same");
  const files = await client.get<{ data: string[] }>("/files", { query: { limit: 10 } });
  const names: string[] = files.data;
  const patient = client.withOptions({ timeout: 1000, retry: "unbilled" });
  same<typeof patient, Chatmux>("same");
  // @ts-expect-error: there is no such policy
  client.withOptions({ retry: "always" });
  console.log(id, names);
}

/** Events are told apart by their type, and each has what is its own. */
export function eventsAreToldApart(event: CallEvent): string {
  same<CallEvent["type"], "request" | "response" | "retry" | "first_token" | "usage" | "end" | "error">("same");
  const { call, ms }: { call: number; ms: number } = event;
  if (event.type === "retry") return `${event.attempt} ${event.delay} ${event.status ?? event.kind}`;
  if (event.type === "usage") return `${event.usage.total_tokens}`;
  if (event.type === "end") return event.finishReasons.join();
  if (event.type === "error") return event.error.message;
  // @ts-expect-error what is left has no usage
  event.usage;
  return `${call} ${ms}`;
}

/** `console` is a logger, and so is what was written as one for openai. */
export function loggersFit(own: NonNullable<NonNullable<ConstructorParameters<typeof OpenAI>[0]>["logger"]>): ClientOptions[] {
  const logger: Logger = own;
  return [{ logger }, { logger: console, logLevel: "debug" }, { onEvent: async (event) => void event }];
}

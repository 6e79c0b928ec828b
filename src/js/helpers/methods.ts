/** What the helpers add to the classes of the client, as types. */

import type { RequestOptions } from "../options.js";
import type { APIPromise } from "../promise.js";
import type {
  ChatCompletionParseFormat,
  ChatCompletionSchemaParams,
  ChatCompletionStreamSchemaParams,
  CompletionCost,
  CostOptions,
  ExtractParsedContentFromParams,
  ParsedChatCompletion,
} from "../types.js";
import type { ChatCompletionStream } from "./completion-stream.js";
import type { ChatCompletionStreamingRunner } from "./streaming-tool-runner.js";
import type { RunnerOptions } from "./tool-loop.js";
import type { ChatCompletionRunner } from "./tool-runner.js";
import type { AnyRunnableTool, CheckedTools, Streamed, ToolRun, Whole } from "./tools.js";

/** The helpers of chat completions. */
export interface CompletionsHelpers {
  /**
   * Asks a model for an answer in the form of a schema, and parses it.
   *
   * `response_format` may be a schema that brings its own JSON Schema (zod from 4.2, arktype and others),
   * `{ schema, jsonSchema }` for one that does not, a plain JSON Schema, which is parsed without being validated, or what
   * `zodResponseFormat()` of `chatmux/zod` makes. `message.parsed` is null for a refusal.
   *
   * @example
   * const completion = await client.chat.completions.parse({
   *   model: "gpt-4o-mini",
   *   messages: [{ role: "user", content: "Ada was born in 1815." }],
   *   response_format: z.object({ name: z.string(), born: z.number() }),
   * });
   * completion.choices[0].message.parsed?.born; // 1815
   *
   * @see https://platform.openai.com/docs/guides/structured-outputs
   * @throws {LengthFinishReasonError} for an answer that was cut at its length.
   * @throws {ContentFilterFinishReasonError} for an answer that the provider held back.
   * @throws {InvalidJSONError | SchemaValidationError} for an answer that is not what was asked for.
   * @throws {APIError} when the provider answers with an error or cannot be reached.
   */
  parse<Params extends ChatCompletionSchemaParams, Parsed = ExtractParsedContentFromParams<Params>>(
    body: Params,
    options?: RequestOptions,
  ): APIPromise<ParsedChatCompletion<Parsed>>;

  /**
   * Asks for a streamed answer, to be followed by events, chunk by chunk, or at its end. The request is sent when the
   * program has had the time to add its listeners.
   *
   * @example
   * const stream = client.chat.completions.stream({ model, messages });
   * stream.on("content", (delta) => process.stdout.write(delta));
   * const message = await stream.finalMessage();
   */
  stream<Params extends ChatCompletionStreamSchemaParams, ParsedT = ExtractParsedContentFromParams<Params>>(
    body: Params,
    options?: RequestOptions,
  ): ChatCompletionStream<ParsedT>;

  /**
   * Asks a model, runs the tools that it wants, tells it what they gave, and asks again: until it wants none, or after
   * `maxChatCompletions` (10). What it said goes back to it unchanged, with its reasoning: see `toMessage()`.
   *
   * Tools of one answer run at the same time; one after the other with `parallel_tool_calls: false`, or where `tool_choice`
   * names a function: then the run ends when that one has been run. What a function throws ends the run, when all others
   * have ended; the message of what its `parse` throws goes to the model. `toolContext` is given to every function.
   *
   * @example
   * const runner = client.chat.completions.runTools({
   *   model: "gpt-4o-mini",
   *   messages: [{ role: "user", content: "What is the weather in Oslo?" }],
   *   tools: [
   *     {
   *       type: "function",
   *       function: {
   *         name: "weather",
   *         parse: JSON.parse,
   *         function: ({ city }: { city: string }) => `It rains in ${city}.`,
   *         parameters: { type: "object", properties: { city: { type: "string" } } },
   *       },
   *     },
   *   ],
   * });
   * console.log(await runner.finalContent());
   *
   * @see https://platform.openai.com/docs/guides/function-calling
   */
  runTools<
    const Tools extends readonly AnyRunnableTool<NoInfer<ToolContext>>[],
    ToolContext = unknown,
    Format extends Formats = undefined,
  >(
    body: Streamed<ToolRun<Tools & NoInfer<CheckedTools<Tools>>, ToolContext, Format>>,
    options?: RunnerOptions,
  ): ChatCompletionStreamingRunner<ExtractParsedContentFromParams<{ response_format: Format }>>;
  runTools<
    const Tools extends readonly AnyRunnableTool<NoInfer<ToolContext>>[],
    ToolContext = unknown,
    Format extends Formats = undefined,
  >(
    body: Whole<ToolRun<Tools & NoInfer<CheckedTools<Tools>>, ToolContext, Format>>,
    options?: RunnerOptions,
  ): ChatCompletionRunner<ExtractParsedContentFromParams<{ response_format: Format }>>;
}

type Formats = ChatCompletionParseFormat | undefined;

/** The helpers of a client. */
export interface ClientHelpers {
  /**
   * What a completion cost, in USD; `null` where its usage or its model's prices are not known.
   *
   * Its tokens, as `toUsage()` counts them, are taken at `options.prices`; without them at what the provider itself says it
   * charged (`usage.cost`, as OpenRouter has it, with what its upstream charged a key of your own); else at the prices of
   * AIHubMix's public catalogue, which each client asks for once. The model is looked up by its id, then in any case of
   * letters, and only then without the date at its end: `gpt-4o-mini-2024-07-18` may cost what `gpt-4o-mini` does.
   *
   * Reasoning is taken at the price of the answer; the cache at `cache_read` and `cache_write`, and where they are missing at
   * the price of the prompt, which is rarely less. Writes to Anthropic's cache for an hour, audio, images, searches and
   * cheaper service tiers have no prices of their own here. Parts are rounded to 1e-12 USD, and `usd` is their sum.
   *
   * @param of what `toUsage()` takes: a completion, a chunk, a stream (also one that was aborted: what is known), a helper's
   *   stream or runner (the sum of its completions), an error of a stream; a usage by itself with `prices`.
   * @throws {ChatmuxError} for prices that are none, and for a promise.
   * @throws {APIError} when the catalogue cannot be had; the next call asks again.
   * @example
   * const cost = await client.cost(completion);
   * console.log(cost?.usd); // 0.0000225
   * await client.cost(completion, { prices: { input: 0.15, output: 0.6, cache_read: 0.075 } });
   */
  cost(of: unknown, options?: CostOptions | null): Promise<CompletionCost | null>;
}

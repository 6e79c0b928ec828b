/*
 * What the types of runTools() do for the person who writes tools: programs for openai compile, and a function that cannot be
 * called with what its tool gives it does not.
 */

import type { Chatmux } from "../../src/js/client.js";
import {
  type ChatCompletionRunner,
  type ChatCompletionStreamingRunner,
  type ChatCompletionStreamingToolRunnerParams,
  type ChatCompletionToolRunnerParams,
  ParsingToolFunction,
  type RunnableToolFunction,
  type RunnableTools,
  toMessage,
} from "../../src/js/index.js";
import type { AutoParseableTool, ChatCompletionMessageParam, StandardJSONSchema } from "../../src/js/types.js";

/** Compiles only when the two are the same type. */
declare function same<A, B>(
  proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? "same" : "different",
): void;

declare const client: Chatmux;
const { completions } = client.chat;
const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Hi" }];
const base = { model: "any/id-at-all", messages };
const definition = { description: "Says what it is", parameters: { type: "object", properties: {} } };

/** `stream` picks what comes back, and `response_format` what is parsed. */
export async function whatComesBack(): Promise<void> {
  const whole = completions.runTools({ ...base, tools: [] });
  same<typeof whole, ChatCompletionRunner<null>>("same");
  const streamed = completions.runTools({ ...base, tools: [], stream: true });
  same<typeof streamed, ChatCompletionStreamingRunner<null>>("same");
  const options = { maxChatCompletions: 3, afterCompletion: () => {}, signal: AbortSignal.timeout(1000) };
  const formatted = completions.runTools(
    { ...base, tools: [], response_format: { type: "json_schema", json_schema: { name: "n" } } },
    options,
  );
  same<typeof formatted, ChatCompletionRunner<unknown>>("same");
}

declare const settled: RunnableToolFunction<{ city: string }>;
declare const parseable: AutoParseableTool<{ name: "a"; arguments: { x: number }; function: (args: { x: number }) => string }>;

declare const schema: StandardJSONSchema<{ n: string }, { n: number }>;

/** Tools of all kinds stand side by side. */
export function toolsOfAllKinds(): void {
  completions.runTools({
    ...base,
    tools: [
      { type: "function", function: { ...definition, function: function weather() { return "It rains."; } } },
      { type: "function", function: { ...definition, parse: JSON.parse, function: (args: { city: string }) => args.city } },
      { type: "function", function: { ...definition, function: (text: string) => text.length } },
      { type: "function", function: { ...definition, function: (text) => text } },
      { type: "function", function: { name: "n", parse: (text) => ({ n: text.length }), function: async ({ n }) => n } },
      { type: "function", function: { name: "p", parse: async (text: string) => text, function: (text: string) => text } },
      { type: "custom", custom: { name: "c" } },
      new ParsingToolFunction({ name: "o", parse: (text): object => JSON.parse(text), function: (args: object) => args }),
      { type: "function", function: { name: "s", parameters: schema, function: (args: { n: number }) => args.n } },
      settled,
      parseable,
    ],
  });
}

declare const list: RunnableToolFunction<{ a: number }>[];
declare const tuple: RunnableTools<[{ a: number }, string]>;
const constant = [{ type: "function", function: { name: "k", parse: JSON.parse, function: (a: { b: 1 }) => a.b } }] as const;

/** Tools may be settled before the call. */
export function settledTools(): void {
  completions.runTools({ ...base, tools: list });
  completions.runTools({ ...base, tools: tuple });
  completions.runTools({ ...base, tools: constant });
  completions.runTools({ ...base, tools: list, stream: true });
}

declare const whole: ChatCompletionToolRunnerParams<[{ a: number }, string]>;
declare const streamed: ChatCompletionStreamingToolRunnerParams<readonly string[], { user: string }>;

/** And so may the whole request. */
export function settledRequests(): void {
  completions.runTools(whole);
  completions.runTools(streamed);
  same<typeof streamed.toolContext, { user: string }>("same");
  same<typeof whole.toolContext, undefined>("same");
}

/** What was said goes back, from wherever it is. */
export async function replays(): Promise<void> {
  const completion = await completions.create({ ...base });
  const stream = completions.stream({ ...base });
  const chunks = await completions.create({ ...base, stream: true });
  messages.push(
    toMessage(completion),
    toMessage(completion.choices[0]!),
    toMessage(completion.choices[0]!.message),
    toMessage(await stream.finalMessage()),
    toMessage(await stream.finalChatCompletion()),
    toMessage(stream.currentChatCompletionSnapshot!),
    toMessage(stream.currentChatCompletionSnapshot!.choices[0]!),
    toMessage(chunks.partial!),
    toMessage(await completions.runTools({ ...base, tools: [] }).finalMessage()),
  );
  // @ts-expect-error: a completion that nobody has waited for.
  toMessage(completions.create({ ...base }));
  // @ts-expect-error: a message of the user.
  toMessage({ role: "user", content: "Hi" } as const);
}

/** What `toolContext` is, each function knows. */
export function context(): void {
  const toolContext = { user: "u" };
  completions.runTools({
    ...base,
    toolContext,
    tools: [
      { type: "function", function: { ...definition, function: (args, runner, { user }) => [args, runner.messages, user.trim()] } },
      { type: "function", function: { ...definition, function: (args: string, _, { user }: { user: string }) => args + user } },
    ],
  });
  completions.runTools({
    ...base,
    toolContext,
    // @ts-expect-error: there is no `other` in the context.
    tools: [{ type: "function", function: { ...definition, function: (_: string, __, { other }: { other: 1 }) => other } }],
  });
  completions.runTools({
    ...base,
    // @ts-expect-error: no context is given.
    tools: [{ type: "function", function: { ...definition, function: (_: string, __, { user }: { user: string }) => user } }],
  });
}

/** A function must be able to take what its tool calls it with. */
export function mistakes(): void {
  completions.runTools({
    ...base,
    // @ts-expect-error: without `parse` it is called with text.
    tools: [{ type: "function", function: { ...definition, function: (args: object) => args } }],
  });
  completions.runTools({
    ...base,
    // @ts-expect-error: `parse` gives something else.
    tools: [{ type: "function", function: { ...definition, parse: (text: string) => [text], function: (args: { a: 1 }) => args } }],
  });
  completions.runTools({
    ...base,
    // @ts-expect-error: the schema gives something else.
    tools: [{ type: "function", function: { name: "s", parameters: schema, function: (args: { n: string }) => args.n } }],
  });
  // @ts-expect-error: `parse` gives something else.
  new ParsingToolFunction({ parse: (text: string) => ({ text }), function: (args: { a: number }) => args.a });
  // @ts-expect-error: a tool without a function cannot be run.
  completions.runTools({ ...base, tools: [{ type: "function", function: { name: "none" } }] });
  // @ts-expect-error: no such field.
  completions.runTools({ ...base, tools: [], temprature: 1 });
}

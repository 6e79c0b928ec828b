/** The loop of a run of tools: ask the model, run the tools that it wants, tell it what they gave, ask again. */

import { type APIUserAbortError, ChatmuxError } from "../errors.js";
import type { RequestOptions } from "../options.js";
import type {
  ChatCompletion,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
  ChatCompletionMessageToolCall,
  ChatCompletionTool,
  ChatCompletionToolMessageParam,
  ParsedChatCompletion,
} from "../types.js";
import { parseJSON, resolveTool } from "./response-format.js";
import { toMessage, withoutParsed } from "./to-message.js";
import type { AnyRunnableTool, ToolRun, ToolRunner } from "./tools.js";

/** What `afterCompletion` may do with a run. */
export interface ChatCompletionRunnerContext {
  /** The conversation so far. What is pushed here is sent with the next request. */
  messages: ChatCompletionMessageParam[];

  /** Ends the run, and the request behind it. */
  abort(): void;
}

/** The options of a run of tools: those of each of its requests, and these. */
export interface RunnerOptions extends RequestOptions {
  /** How many completions are asked for at most. Default: 10. The run ends well when they are used up. */
  maxChatCompletions?: number;

  /** Called after each completion and the tools that it wanted, before the next request or the end; waited for. */
  afterCompletion?: (completion: ChatCompletion, runner: ChatCompletionRunnerContext) => void | Promise<void>;
}

/** The request of a run, whatever the types of its tools. */
export type ToolLoopParams = ToolRun<readonly AnyRunnableTool<never>[], unknown, unknown>;

/** A run, as the loop sees it. */
export interface ToolLoopHost {
  /** What tools and `afterCompletion` are given. */
  readonly runner: ToolRunner;
  /** Makes a request, and adds the answer to the conversation. */
  create(params: ChatCompletionCreateParamsBase): Promise<ParsedChatCompletion<unknown>>;
  /** Adds a message to the conversation; one that is not new was there before the run. */
  add(message: ChatCompletionMessageParam, isNew: boolean): void;
  /** The error of a run that was aborted. */
  aborted(): APIUserAbortError;
}

const MAX_CHAT_COMPLETIONS = 10;

/**
 * Asks until the model wants no more tools, the forced one has been run, or `maxChatCompletions` are used up.
 *
 * What the model said is sent back by {@link toMessage}: with its reasoning, unchanged.
 */
export async function runToolLoop(host: ToolLoopHost, params: ToolLoopParams, options: RunnerOptions = {}): Promise<void> {
  const { tools: given, toolContext, ...rest } = params;
  const { maxChatCompletions = MAX_CHAT_COMPLETIONS, afterCompletion } = options;
  check(params, maxChatCompletions);
  const { runner } = host;
  const { signal } = runner.controller;
  const tools = readTools(given);
  const forced = forcedFunction(params);
  const run = (call: ChatCompletionMessageToolCall): Promise<Outcome> => runCall(call, { host, tools, forced, toolContext });
  // What the model said in this run; all other messages are the caller's, who knows what they want sent.
  const said = new WeakSet<ChatCompletionMessageParam>();

  for (const message of params.messages) host.add(message, false);
  for (let made = 0; made < maxChatCompletions; made++) {
    const messages = runner.messages.map((message) =>
      message?.role === "assistant" && said.has(message) ? toMessage(message) : withoutParsed(message),
    );
    // OpenAI refuses an empty list of tools, and a choice without any.
    const wire = given.length ? { tools: tools.wire, tool_choice: rest.tool_choice ?? "auto" } : { tool_choice: undefined };
    const completion = await host.create({ ...rest, ...wire, messages } as ChatCompletionCreateParamsBase);
    const message = completion.choices[0]?.message;
    if (!message) throw new ChatmuxError("The completion has no message, so the run of tools cannot go on.");
    said.add(message as ChatCompletionMessageParam);

    const calls = message.tool_calls ?? [];
    const isSerial = forced !== undefined || params.parallel_tool_calls === false;
    const isOver = isSerial ? await runInTurn(host, calls, run, forced !== undefined) : await runAtOnce(host, calls, run);
    await afterCompletion?.(completion, runner);
    if (afterCompletion && signal.aborted) throw host.aborted();
    if (isOver || !calls.length) return;
  }
}

/** What a call came to: what the model is told of it, and whether a function was run. */
interface Outcome {
  message?: ChatCompletionToolMessageParam;
  wasRun?: boolean;
}

type Run = (call: ChatCompletionMessageToolCall) => Promise<Outcome>;

/** Runs calls one after the other; says whether one was run that was all that was wanted. */
async function runInTurn(
  host: ToolLoopHost,
  calls: ChatCompletionMessageToolCall[],
  run: Run,
  isOneEnough: boolean,
): Promise<boolean> {
  for (const call of calls) {
    const { message, wasRun } = await run(call);
    if (message) host.add(message, true);
    if (host.runner.controller.signal.aborted) throw host.aborted();
    if (isOneEnough && wasRun) return true;
  }
  return false;
}

/** Runs calls side by side. The run goes on, or fails, when all have ended: nothing is left behind that still works. */
async function runAtOnce(host: ToolLoopHost, calls: ChatCompletionMessageToolCall[], run: Run): Promise<false> {
  const { signal } = host.runner.controller;
  const outcomes = await Promise.allSettled(calls.map(run));
  // What was done before an abort is kept: it may be something that must not be done twice.
  if (!signal.aborted) for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled" && outcome.value.message) host.add(outcome.value.message, true);
  }
  if (signal.aborted) throw host.aborted();
  return false;
}

interface Running {
  host: ToolLoopHost;
  tools: Tools;
  forced: string | undefined;
  toolContext: unknown;
}

/** Runs one call. A call of a custom tool is the caller's to answer, in `afterCompletion`. */
async function runCall(call: ChatCompletionMessageToolCall, { host, tools, forced, toolContext }: Running): Promise<Outcome> {
  const { signal } = host.runner.controller;
  if (signal.aborted) throw host.aborted();
  if (call.type !== "function") return {};
  const { name, arguments: args } = call.function;
  const told = (content: string): { message: ChatCompletionToolMessageParam } => ({
    message: { role: "tool", tool_call_id: call.id, content },
  });

  // The words are openai's: models have been told them for years.
  const runnable = tools.byName.get(name);
  if (!runnable || (forced !== undefined && forced !== name)) {
    const options = `Available options are: ${[...tools.byName.keys()].map((option) => JSON.stringify(option)).join(", ")}.`;
    const wanted = runnable ? `${JSON.stringify(forced)} requested.` : options;
    return told(`Invalid tool_call: ${JSON.stringify(name)}. ${wanted} Please try again`);
  }

  let parsed: unknown = args;
  if (runnable.parse) {
    try {
      parsed = await runnable.parse(args);
    } catch (error) {
      if (signal.aborted) throw host.aborted();
      return told(error instanceof Error ? error.message : String(error));
    }
    if (signal.aborted) throw host.aborted();
  }
  try {
    return { ...told(toText(await runnable.run(parsed, host.runner, toolContext))), wasRun: true };
  } catch (error) {
    if (signal.aborted && Object.is(error, signal.reason)) throw host.aborted();
    throw error;
  }
}

/** What a function gave, as the model is told: text as it is, all else as JSON. */
function toText(result: unknown): string {
  return typeof result === "string" ? result : (JSON.stringify(result) ?? String(result));
}

/** A function that can be run. */
interface Runnable {
  run: (args: unknown, runner: ToolRunner, toolContext: unknown) => unknown;
  parse?: (args: string) => unknown;
}

/** The tools of a run: as they are sent, and those to be run. A map, in which no name is inherited. */
interface Tools {
  wire: ChatCompletionTool[];
  byName: Map<string, Runnable>;
}

function readTools(given: ToolLoopParams["tools"]): Tools {
  const byName = new Map<string, Runnable>();
  const wire = given.map((tool) => {
    if (tool.type !== "function") return tool;
    const { name, definition, runnable } = readTool(tool as unknown as FunctionTool);
    byName.set(name, runnable);
    return toWire({ ...tool, function: definition });
  });
  return { wire: wire as ChatCompletionTool[], byName };
}

/** A tool of either kind: with its function inside, or made by `zodFunction()`. */
interface FunctionTool {
  $brand?: unknown;
  $callback?: Runnable["run"];
  $parseRaw: (args: string) => unknown;
  function: { name?: string; parameters?: object; function: Runnable["run"] & { name?: string }; parse?: unknown };
}

function readTool(tool: FunctionTool): { name: string; definition: object; runnable: Runnable } {
  const { function: run, parse, ...definition } = tool.function;
  if (tool.$brand === "auto-parseable-tool") {
    if (!tool.$callback) throw new ChatmuxError(NO_FUNCTION);
    const runnable: Runnable = { run: (...args) => tool.$callback!(...args), parse: (args) => tool.$parseRaw(args) };
    return { name: definition.name!, definition, runnable };
  }
  if (typeof run !== "function") throw new ChatmuxError(NO_FUNCTION);
  const name = definition.name || run.name;
  if (!name) throw new ChatmuxError("A tool given to `runTools()` has no name: give its `function.name`.");
  const runnable: Runnable = { run: (...args) => tool.function.function(...args) };
  if (typeof parse === "function") runnable.parse = (args) => (tool.function as unknown as Required<Runnable>).parse(args);
  else if (isSchema(definition.parameters)) runnable.parse = resolveTool({ ...tool, function: definition }).parse!;
  return { name, definition: { ...definition, name }, runnable };
}

function isSchema(parameters: object | undefined): boolean {
  return "~standard" in Object(parameters ?? {});
}

const NO_FUNCTION = "A tool given to `runTools()` has no function to run: give its `function.function`.";

/**
 * A tool as it is sent. Where its arguments would be parsed with the answer, what cannot be parsed is null there: it is no
 * reason to give up the run, for the model hears of it from the tool's own `parse`.
 */
function toWire(tool: object): object {
  const resolved = resolveTool(tool);
  const wire = resolved.wire() as object;
  if (!resolved.parse) return wire;
  const value = (args: string): unknown => {
    try {
      return parseJSON(args);
    } catch {
      return null;
    }
  };
  return Object.defineProperty({ ...wire }, "$parseRaw", { value });
}

/** The name of the function that the request asks for and no other. */
function forcedFunction({ tool_choice: choice }: ToolLoopParams): string | undefined {
  return typeof choice === "object" && choice?.type === "function" ? choice.function.name : undefined;
}

function check({ messages, tools, n }: ToolLoopParams, maxChatCompletions: number): void {
  if (!Array.isArray(messages)) throw new ChatmuxError("`messages` must be a list.");
  if (!Array.isArray(tools)) throw new ChatmuxError("`tools` must be a list of tools with a function to run.");
  if ((n ?? 1) > 1) throw new ChatmuxError("`runTools()` only supports n=1: there is one conversation to go on with.");
  if (!(maxChatCompletions >= 1)) throw new ChatmuxError("`maxChatCompletions` must be 1 or more.");
}

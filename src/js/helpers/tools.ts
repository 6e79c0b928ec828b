/** The tools that `runTools()` runs, as types. */

import type {
  AnyAutoParseableTool,
  ChatCompletionCreateParamsBase,
  ChatCompletionCustomTool,
  ChatCompletionParseFormat,
  StandardSchema,
  StandardSchemaOutput,
} from "../types.js";
import type { ChatCompletionStreamingRunner } from "./streaming-tool-runner.js";
import type { ChatCompletionRunner } from "./tool-runner.js";

/** The run that calls a tool: the conversation so far, and how to end it. */
export type ToolRunner = ChatCompletionRunner<unknown> | ChatCompletionStreamingRunner<unknown>;

type PromiseOrValue<Value> = Value | Promise<Value>;

/** What the model is told of a function. */
interface Definition {
  /** Its name: up to 64 letters, digits, `_` and `-`. The name of the JavaScript function unless told. */
  name?: string | undefined;

  /** What it does, and when to call it. */
  description?: string | undefined;

  /**
   * Its arguments: a JSON Schema with an object at its root, or a schema that brings one along; such a schema is used to parse
   * them, unless there is a `parse`. None unless told.
   */
  parameters?: object | undefined;

  /** Whether the arguments must fit exactly; `parameters` then may use only a part of JSON Schema. */
  strict?: boolean | null | undefined;
}

/** A function that is called with the parsed arguments. */
export interface RunnableFunctionWithParse<Args extends object, ToolContext = unknown> extends Definition {
  /**
   * Does the work. A string that it gives back goes to the model as it is, all else as JSON. What it throws ends the run: an
   * error that the model should see is a result like any other.
   *
   * @param args what `parse` made of the arguments.
   * @param runner the run: `runner.abort()` ends it, `runner.controller.signal` says that somebody else has.
   * @param toolContext the request's `toolContext`.
   */
  function: (args: Args, runner: ToolRunner, toolContext: ToolContext) => PromiseOrValue<unknown>;

  /** Makes the model's JSON text what the function takes. The message of what it throws goes to the model. */
  parse: (input: string) => PromiseOrValue<Args>;
}

/** A function that is called with the arguments as the model wrote them: JSON text, which may be wrong. */
export interface RunnableFunctionWithoutParse<ToolContext = unknown> extends Definition {
  /** Does the work: see {@link RunnableFunctionWithParse}. */
  function: (args: string, runner: ToolRunner, toolContext: ToolContext) => PromiseOrValue<unknown>;
}

/** A function that can be run: called with what `parse` gives, or with text. */
export type RunnableFunction<Args extends object | string, ToolContext = unknown> = Args extends string
  ? RunnableFunctionWithoutParse<ToolContext>
  : Args extends object
    ? RunnableFunctionWithParse<Args, ToolContext>
    : never;

/** A tool whose function is called with the arguments as the model wrote them. */
export interface RunnableToolFunctionWithoutParse<ToolContext = unknown> {
  /** The kind of tool. */
  type: "function";

  /** The function. */
  function: RunnableFunctionWithoutParse<ToolContext>;
}

/** A tool whose function is called with the parsed arguments. */
export interface RunnableToolFunctionWithParse<Args extends object, ToolContext = unknown> {
  /** The kind of tool. */
  type: "function";

  /** The function. */
  function: RunnableFunctionWithParse<Args, ToolContext>;
}

/**
 * A tool that can be run.
 *
 * @example
 * const weather: RunnableToolFunction<{ city: string }> = {
 *   type: "function",
 *   function: { name: "weather", parse: JSON.parse, function: ({ city }) => `It rains in ${city}.` },
 * };
 */
export type RunnableToolFunction<Args extends object | string, ToolContext = unknown> = Args extends string
  ? RunnableToolFunctionWithoutParse<ToolContext>
  : Args extends object
    ? RunnableToolFunctionWithParse<Args, ToolContext>
    : never;

/** What the functions of a list are called with, one after the other. */
export type BaseFunctionsArgs = readonly (object | string)[];

/** Functions that can be run, by what each is called with. */
export type RunnableFunctions<
  FunctionsArgs extends BaseFunctionsArgs,
  ToolContext = unknown,
> = BaseFunctionsArgs extends FunctionsArgs
  ? readonly RunnableFunction<FunctionsArgs[number], ToolContext>[]
  : { [Index in keyof FunctionsArgs]: RunnableFunction<FunctionsArgs[Index], ToolContext> };

/** Tools that can be run, by what the function of each is called with. */
export type RunnableTools<
  FunctionsArgs extends BaseFunctionsArgs,
  ToolContext = unknown,
> = BaseFunctionsArgs extends FunctionsArgs
  ? readonly RunnableToolFunction<FunctionsArgs[number], ToolContext>[]
  : { [Index in keyof FunctionsArgs]: RunnableToolFunction<FunctionsArgs[Index], ToolContext> };

/**
 * A tool for TypeScript: that what `parse` gives is what `function` takes is checked here, where the mistake is.
 *
 * @example
 * const weather = new ParsingToolFunction({
 *   name: "weather",
 *   parse: (text) => Place.parse(JSON.parse(text)),
 *   function: (place) => forecast(place),
 *   parameters: { type: "object", properties: { city: { type: "string" } } },
 * });
 */
export class ParsingToolFunction<Args extends object, ToolContext = unknown>
  implements RunnableToolFunctionWithParse<Args, ToolContext>
{
  /** The kind of tool. */
  readonly type = "function";

  /** The function. */
  readonly function: RunnableFunctionWithParse<Args, ToolContext>;

  /** Makes a tool of a function and what the model is told of it. */
  constructor(input: RunnableFunctionWithParse<Args, ToolContext>) {
    this.function = input;
  }
}

/** What `JSON.parse()` gives, by TypeScript: where nobody says what the arguments of a function are, they are not checked. */
type Unchecked = ReturnType<JSON["parse"]>;

/** A tool that can be run, whatever its function is called with. */
export interface RunnableToolFunctionWithContext<ToolContext> {
  /** The kind of tool. */
  type: "function";

  /** The function. */
  function: Definition & {
    /** Does the work: see {@link RunnableFunctionWithParse}. */
    function: (args: Unchecked, runner: ToolRunner, toolContext: ToolContext) => unknown;

    /** Makes the model's JSON text what the function takes; without it and a schema, the function is called with the text. */
    parse?: ((input: string) => unknown) | undefined;
  };
}

/** A tool with a function of its own, as `zodFunction()` makes it; and one that is not a function, for you to answer. */
export type OtherTool = ChatCompletionCustomTool | AnyAutoParseableTool<true>;

/** Tools that can be run, of any kind. */
export type AnyRunnableTool<ToolContext = unknown> = RunnableToolFunctionWithContext<ToolContext> | OtherTool;

/** The tools themselves, where each function can be called with what its `parse` or its schema gives; with text without. */
export type CheckedTools<Tools extends readonly unknown[]> = { [Index in keyof Tools]: CheckedTool<Tools[Index]> };

type CheckedTool<Tool> = Tool extends { $brand: unknown }
  ? Tool
  : Tool extends { function: { function: (args: infer Args, ...rest: never[]) => unknown } }
    ? CalledWith<Tool["function"]> extends Args
      ? Tool
      : { function: { function: (args: CalledWith<Tool["function"]>) => unknown } }
    : Tool;

type CalledWith<Function> = Function extends { parse: (input: string) => infer Parsed }
  ? Awaited<Parsed>
  : Function extends { parameters: infer Schema extends StandardSchema }
    ? StandardSchemaOutput<Schema>
    : string;

/** The request of a run: that of a completion, with tools that can be run. */
export type ToolRun<Tools, ToolContext, Format> = Omit<ChatCompletionCreateParamsBase, "tools" | "response_format" | "stream"> & {
  /** The tools that the model may want run, each with its function. */
  tools: Tools;

  /** What every function is given beside its arguments: it is not sent. */
  toolContext?: ToolContext;

  /** The form of the last answer: as `parse()` takes it. */
  response_format?: Format;
};

/** The request of a run whose answers come whole, and whose functions need no context. */
export type ChatCompletionToolRunnerParamsWithoutContext<FunctionsArgs extends BaseFunctionsArgs> = Whole<Run<FunctionsArgs>>;

/** The request of a run whose answers come whole, and whose functions are given a context. */
export type ChatCompletionToolRunnerParamsWithContext<FunctionsArgs extends BaseFunctionsArgs, ToolContext> = Whole<
  RunWithContext<FunctionsArgs, ToolContext>
>;

/** The request of a run whose answers come whole: with a context, where its type is said. */
export type ChatCompletionToolRunnerParams<FunctionsArgs extends BaseFunctionsArgs, ToolContext = never> = Whole<
  [ToolContext] extends [never] ? Run<FunctionsArgs> : RunWithContext<FunctionsArgs, ToolContext>
>;

/** The request of a streamed run whose functions need no context. */
export type ChatCompletionStreamingToolRunnerParamsWithoutContext<FunctionsArgs extends BaseFunctionsArgs> = Streamed<
  Run<FunctionsArgs>
>;

/** The request of a streamed run whose functions are given a context. */
export type ChatCompletionStreamingToolRunnerParamsWithContext<FunctionsArgs extends BaseFunctionsArgs, ToolContext> = Streamed<
  RunWithContext<FunctionsArgs, ToolContext>
>;

/** The request of a streamed run: with a context, where its type is said. */
export type ChatCompletionStreamingToolRunnerParams<FunctionsArgs extends BaseFunctionsArgs, ToolContext = never> = Streamed<
  [ToolContext] extends [never] ? Run<FunctionsArgs> : RunWithContext<FunctionsArgs, ToolContext>
>;

/** The answers come in chunks, as they are made. */
export type Streamed<Of> = Of & { stream: true };

/** The answers come whole. */
export type Whole<Of> = Of & { stream?: false | null };

type AnyTools<FunctionsArgs extends BaseFunctionsArgs, ToolContext> =
  | RunnableTools<FunctionsArgs, ToolContext>
  | readonly AnyAutoParseableTool<true>[];
type Run<FunctionsArgs extends BaseFunctionsArgs> = ToolRun<
  AnyTools<FunctionsArgs, unknown>,
  never,
  ChatCompletionParseFormat | undefined
>;
type RunWithContext<FunctionsArgs extends BaseFunctionsArgs, ToolContext> = ToolRun<
  AnyTools<FunctionsArgs, ToolContext>,
  ToolContext,
  ChatCompletionParseFormat | undefined
> & { toolContext: ToolContext };

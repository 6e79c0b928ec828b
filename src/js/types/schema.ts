import type { ChatCompletionFunctionTool, FunctionDefinition, ResponseFormatJSONSchema } from "./request.js";

/**
 * A schema of any library that follows Standard Schema: zod, valibot, arktype and others.
 * @see https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the schema can do. */
  readonly "~standard": StandardSchemaProperties<Input, Output>;
}

/** What a schema can do, by Standard Schema. */
export interface StandardSchemaProperties<Input = unknown, Output = Input> {
  /** The version of the standard. */
  readonly version: 1;

  /** The name of the library. */
  readonly vendor: string;

  /** Checks a value, and turns it into what the schema makes of it. */
  readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;

  /** The types of the schema. There is no value behind it. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What comes of a check: a value, or what is wrong with it. */
export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

/** Something that is wrong with a value. */
export interface StandardSchemaIssue {
  /** What is wrong, in the words of the schema's library. */
  readonly message: string;

  /** Where it is: the keys from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A Standard Schema that brings its own JSON Schema: zod from 4.2, arktype from 2.1.28, valibot's `toStandardJsonSchema()`,
 * and what `chatmux/schema` makes.
 * @see https://standardschema.dev/json-schema
 */
export interface StandardJSONSchema<Input = unknown, Output = Input> {
  /** What the schema can do. */
  readonly "~standard": StandardSchemaProperties<Input, Output> & {
    /** Writes the schema as JSON Schema: of what goes in, and of what comes out. */
    readonly jsonSchema: {
      input(options: { readonly target: "draft-07" }): Record<string, unknown>;
      output(options: { readonly target: "draft-07" }): Record<string, unknown>;
    };
  };
}

/** What a Standard Schema makes of a value. */
export type StandardSchemaOutput<Schema> = Schema extends {
  readonly "~standard": { readonly types?: { readonly output: infer Output } | undefined };
}
  ? Output
  : unknown;

/** A Standard Schema that brings no JSON Schema, and the JSON Schema for it. */
export interface SchemaWithJSONSchema<Schema extends StandardSchema = StandardSchema> {
  /** What validates the answer. */
  schema: Schema;

  /** What the model is told. */
  jsonSchema: Record<string, unknown>;

  /** Its name: up to 64 letters, digits, `_` and `-`. Default: made of the JSON Schema's `title`, else `response`. */
  name?: string;

  /** What the answer is for, told to the model. */
  description?: string;

  /** Whether the answer must fit exactly. Default: where the JSON Schema allows it. */
  strict?: boolean;
}

/** A plain JSON Schema. What it asks for is parsed, but not validated: `chatmux/schema` does that. */
export type PlainJSONSchema = { readonly type: "object" } & Record<string, unknown>;

/** A response format that knows how to parse an answer: what `zodResponseFormat()` and `standardResponseFormat()` make. */
export interface AutoParseableResponseFormat<Parsed> extends ResponseFormatJSONSchema {
  /** The type of what is parsed. There is no value behind it. */
  __output: Parsed;

  /** What marks it; not enumerable. */
  $brand: "auto-parseable-response-format";

  /** Parses an answer; with a schema that validates asynchronously, into a promise. Not enumerable. */
  $parseRaw(content: string): Parsed;
}

/** What a tool's types are made of. */
export interface ParseableToolOptions {
  /** The name of the function. */
  name: string;

  /** Its arguments, parsed. */
  arguments: unknown;

  /** The function that `runTools()` calls. */
  function?: ((args: never) => unknown) | undefined;
}

/** A tool that knows how to parse its arguments, whatever they are. */
export interface AnyAutoParseableTool<HasFunction extends boolean = boolean> extends ChatCompletionFunctionTool {
  /** Whether there is a function to call. There is no value behind it. */
  __hasFunction: HasFunction;

  /** What marks it; not enumerable. */
  $brand: "auto-parseable-tool";

  /** The function that `runTools()` calls; not enumerable. */
  $callback: ((args: never) => unknown) | undefined;

  /** Parses the arguments; with a schema that validates asynchronously, into a promise. Not enumerable. */
  $parseRaw(args: string): unknown;
}

/** A tool that knows how to parse its arguments: what `zodFunction()` and `standardFunction()` make. */
export interface AutoParseableTool<
  Options extends ParseableToolOptions,
  HasFunction extends boolean = Options["function"] extends (...args: never[]) => unknown ? true : false,
> extends AnyAutoParseableTool<HasFunction> {
  /** The type of the arguments. There is no value behind it. */
  __arguments: Options["arguments"];

  /** The name of the function. There is no value behind it. */
  __name: Options["name"];

  /** The function that `runTools()` calls; not enumerable. */
  $callback: ((args: Options["arguments"]) => unknown) | undefined;

  /** Parses the arguments; with a schema that validates asynchronously, into a promise. Not enumerable. */
  $parseRaw(args: string): Options["arguments"];
}

/** A tool whose arguments are a schema that brings its own JSON Schema. */
export interface ChatCompletionSchemaTool extends Omit<ChatCompletionFunctionTool, "function"> {
  /** The function. */
  function: Omit<FunctionDefinition, "parameters"> & {
    /** Its arguments. */
    parameters: StandardJSONSchema;
  };
}

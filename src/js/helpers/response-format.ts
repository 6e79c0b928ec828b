/** Schemas, as the wire's formats and tools have them, and the parsers of what is written by them. */

import { ChatmuxError } from "../errors.js";
import type {
  AutoParseableResponseFormat,
  AutoParseableTool,
  ChatCompletionFunctionTool,
  NamedJSONSchema,
  ResponseFormatJSONSchema,
  ParseableToolOptions,
  StandardSchema,
  StandardSchemaOutput,
  StandardSchemaResult,
} from "../types.js";
import { InvalidJSONError, SchemaValidationError } from "./parse-errors.js";
import { copySchema, toStrictSchema } from "./strict-schema.js";

/** Levels that what a model writes may nest; validators, which are recursive, reach them without an overflow. */
const MAX_DEPTH = 1000;
const TOO_DEEP = `What the model wrote nests too deep: more than ${MAX_DEPTH} levels.`;

/** What a format or a tool comes to: what is sent, and what reads the answer; nothing reads one that is not to be parsed. */
export interface Resolved<Wire> {
  wire: Wire;
  parse: ((content: string) => unknown) | undefined;
}

/** The wire's form of a `response_format`, which may be a schema. @throws {ChatmuxError} for a schema that cannot be used. */
export function resolveFormat(format: unknown): Resolved<unknown> {
  if (!isObject(format)) return { wire: format, parse: undefined };
  let resolved = formats.get(format);
  if (!resolved) formats.set(format, (resolved = readFormat(format)));
  return resolved;
}

/** The wire's form of a tool, whose parameters may be a schema. @throws {ChatmuxError} for a schema that cannot be used. */
export function resolveTool(tool: unknown): Resolved<unknown> {
  if (!isObject(tool) || !isObject(tool["function"])) return { wire: tool, parse: undefined };
  let resolved = tools.get(tool);
  if (!resolved) tools.set(tool, (resolved = readTool(tool, tool["function"])));
  return resolved;
}

/** What is known already. A stream asks for its format with every event. */
const formats = new WeakMap<object, Resolved<unknown>>();
const tools = new WeakMap<object, Resolved<unknown>>();

function readFormat(format: Members): Resolved<unknown> {
  const { type, schema, jsonSchema } = format;
  if (typeof format["$parseRaw"] === "function") {
    const { $parseRaw } = format as { $parseRaw: (content: string) => unknown };
    return { wire: format, parse: (content) => $parseRaw.call(format, content) };
  }
  if (isStandard(format)) return named(isOwn(format) ? format : {}, ownSchema(format), reader(format));
  if (isStandard(schema) && jsonSchema !== undefined) return named(format, jsonSchema, reader(schema));
  if (isStandard(schema)) return named(format, ownSchema(schema), reader(schema));
  if (type === "json_schema") return { wire: format, parse: parseJSON };
  const isPlain = type === undefined ? SHAPES.some((name) => name in format) : TYPES.some((name) => name === type || [type].flat().includes(name));
  return isPlain ? named({}, format, parseJSON) : { wire: format, parse: undefined };
}

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];
const SHAPES = ["$ref", "$schema", "properties", "anyOf", "oneOf", "allOf", "enum", "const"];

/** The wire's format of a JSON Schema, under a name. */
function named(given: Members, schema: unknown, parse: (content: string) => unknown): Resolved<ResponseFormatJSONSchema> {
  const copy = copySchema(schema);
  const json_schema: NamedJSONSchema = { name: toName(given["name"], copy["title"]) };
  if (typeof given["description"] === "string") json_schema.description = given["description"];
  Object.assign(json_schema, fit(copy, given["strict"]));
  return { wire: { type: "json_schema", json_schema }, parse };
}

function readTool(tool: Members, definition: Members): Resolved<unknown> {
  const { parameters, strict } = definition;
  if (typeof tool["$parseRaw"] === "function") {
    const { $parseRaw } = tool as { $parseRaw: (content: string) => unknown };
    return { wire: tool, parse: (args) => $parseRaw.call(tool, args) };
  }
  const isSchema = isStandard(parameters);
  const plain = Object.entries(definition).filter(([, value]) => typeof value !== "function" || isStandard(value));
  if (!isSchema && plain.length === Object.keys(definition).length) return { wire: tool, parse: strict === true ? parseArguments : undefined };
  const sent: Members = Object.fromEntries(plain);
  if (!isSchema) return { wire: { ...tool, function: sent }, parse: strict === true ? parseArguments : undefined };
  const { schema, strict: isStrict } = fit(copySchema(ownSchema(parameters)), strict);
  return { wire: { ...tool, function: { ...sent, parameters: schema, strict: isStrict } }, parse: argumentsReader(parameters) };
}

/** A schema fit for strict mode, unless that is not wanted, or cannot be; an object it must be. */
function fit(schema: Members, strict: unknown): { schema: Members; strict: boolean } {
  if (strict === false) return { schema, strict };
  try {
    return { schema: toStrictSchema(structuredClone(schema)), strict: true };
  } catch (error) {
    if (strict === true || /must be of an object/.test((error as Error).message)) throw error;
    return { schema, strict: false };
  }
}

/** A name for a schema: the one given, or its title as far as a name can say it. */
function toName(name: unknown, title: unknown): string {
  if (name === undefined) return String(title ?? "").replace(/[^a-zA-Z0-9_-]+/g, "_").slice(0, 64) || "response";
  return checkedName(name);
}

function checkedName(name: unknown): string {
  if (typeof name === "string" && /^[a-zA-Z0-9_-]{1,64}$/.test(name)) return name;
  throw new ChatmuxError("The name of a schema or a function must be 1 to 64 letters, digits, `_` and `-`.");
}

/** The JSON Schema that a schema brings along. */
export function ownSchema(schema: StandardSchema): unknown {
  const { jsonSchema, vendor } = schema["~standard"] as { jsonSchema?: { input?: unknown }; vendor?: string };
  if (typeof jsonSchema?.input !== "function") {
    const way = vendor === "zod" ? "wrap it with `zodResponseFormat()` or `zodFunction()` of \"chatmux/zod\"" : "give `{ schema, jsonSchema }`";
    throw new ChatmuxError(`The schema brings no JSON Schema of its own: ${way}.`);
  }
  try {
    return jsonSchema.input({ target: "draft-07" });
  } catch (cause) {
    if (cause instanceof ChatmuxError) throw cause;
    throw new ChatmuxError(`The schema cannot be written as JSON Schema: ${(cause as Error)?.message}`, { cause });
  }
}

/** What parses by a schema: JSON, then what the schema makes of it. */
export function reader<Schema extends StandardSchema>(schema: Schema): (content: string) => StandardSchemaOutput<Schema> {
  return (content) => validated(schema, parseJSON(content), content) as StandardSchemaOutput<Schema>;
}

/** The same for the arguments of a tool: some providers write none as an empty text. */
export function argumentsReader<Schema extends StandardSchema>(schema: Schema): (args: string) => StandardSchemaOutput<Schema> {
  return (args) => validated(schema, parseArguments(args), args) as StandardSchemaOutput<Schema>;
}

function parseArguments(args: string): unknown {
  return parseJSON(/^\s*$/.test(args) ? "{}" : args);
}

/** What the model wrote, as JSON. @throws {InvalidJSONError} for what is none, and for what nests too deep. */
export function parseJSON(content: string): unknown {
  if (nests(content)) throw new InvalidJSONError(TOO_DEEP, content);
  try {
    return JSON.parse(content);
  } catch {
    // The engine's own message quotes the text.
    throw new InvalidJSONError("What the model wrote is not valid JSON.", content);
  }
}

/** Whether JSON nests too deep; of other texts the answer does not matter. */
function nests(content: string): boolean {
  if (content.length < MAX_DEPTH) return false;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < content.length; at++) {
    const char = content[at];
    if (char === '"') isText = !isText;
    else if (isText) at += char === "\\" ? 1 : 0;
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** What a schema makes of a value; where its check is asynchronous, a promise of it. */
function validated(schema: StandardSchema, value: unknown, content: string): unknown {
  const settle = (result: StandardSchemaResult<unknown>): unknown => {
    if (result.issues) throw new SchemaValidationError(result.issues, content);
    return result.value;
  };
  try {
    const result = schema["~standard"].validate(value);
    return "then" in result ? result.then(settle) : settle(result);
  } catch (error) {
    // The stack, of a validator that takes many frames for a level.
    if (error instanceof RangeError && /call stack|recursion/i.test(error.message)) throw new InvalidJSONError(TOO_DEEP, content);
    throw error;
  }
}

/** A response format that parses, in openai's shape. */
export function makeParseableResponseFormat<Parsed>(
  json_schema: NamedJSONSchema,
  parser: (content: string) => Parsed,
): AutoParseableResponseFormat<Parsed> {
  const format = { type: "json_schema", json_schema: { ...json_schema, name: checkedName(json_schema.name) } };
  // What the options of a caller bring along must not write the schema.
  delete (format.json_schema as { toJSON?: unknown }).toJSON;
  return marked(format, { $brand: "auto-parseable-response-format", $parseRaw: parser }) as AutoParseableResponseFormat<Parsed>;
}

/** A tool that parses its arguments, in openai's shape. */
export function makeParseableTool<Options extends ParseableToolOptions, HasFunction extends boolean>(
  definition: ChatCompletionFunctionTool["function"],
  parser: (args: string) => Options["arguments"],
  callback: Options["function"] | undefined,
): AutoParseableTool<Options, HasFunction> {
  const { name, parameters, strict, description } = definition;
  const tool = { type: "function", function: { name: checkedName(name), parameters, strict, ...(description && { description }) } };
  const parts = { $brand: "auto-parseable-tool", $parseRaw: parser, $callback: callback };
  return marked(tool, parts) as unknown as AutoParseableTool<Options, HasFunction>;
}

function marked(to: object, parts: Members): object {
  return Object.defineProperties(to, Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, { value }])));
}

type Members = Record<string, unknown>;

/** A schema may be a function, as those of arktype are. */
function isStandard(value: unknown): value is StandardSchema {
  if (typeof value !== "object" && typeof value !== "function") return false;
  const standard = (value as StandardSchema | null)?.["~standard"];
  return typeof standard?.validate === "function";
}

/** What `chatmux/schema` made; what schemas of others call `name` and `strict` is theirs. */
function isOwn(schema: StandardSchema): schema is StandardSchema & Members {
  return schema["~standard"].vendor === "chatmux";
}

function isObject(value: unknown): value is Members {
  return (typeof value === "object" && value !== null) || (typeof value === "function" && "~standard" in value);
}

/** Response formats and tools of schemas that follow Standard Schema, under openai's names. */

import type { AutoParseableResponseFormat, AutoParseableTool, StandardSchema, StandardSchemaOutput } from "../types.js";
import { argumentsReader, makeParseableResponseFormat, makeParseableTool, ownSchema, reader } from "./response-format.js";
import { copySchema, toStrictSchema } from "./strict-schema.js";

/** What a response format can be told. */
export interface StandardResponseFormatOptions {
  /** What the answer is for, told to the model. */
  description?: string;
  /** The JSON Schema, of a schema that brings none. */
  schema?: Record<string, unknown>;
}

/** What a tool is made of. */
export interface StandardFunctionOptions<Parameters extends StandardSchema, Name extends string = string> {
  /** Its name: up to 64 letters, digits, `_` and `-`. */
  name: Name;
  /** Its arguments. */
  parameters: Parameters;
  /** What `runTools()` calls; without it the tool is only parsed. */
  function?: ((args: StandardSchemaOutput<Parameters>) => unknown) | undefined;
  /** What it does, and when to call it. */
  description?: string;
  /** The JSON Schema of the arguments, of a schema that brings none. */
  schema?: Record<string, unknown>;
}

/**
 * The response format of a schema, in OpenAI's strict mode: `parse()` and `stream()` parse and validate by it.
 *
 * @example
 * const format = standardResponseFormat(toStandardJsonSchema(v.object({ name: v.string() })), "person");
 * @throws {ChatmuxError} for a schema that strict mode cannot say, and for one that brings no JSON Schema.
 */
export function standardResponseFormat<Schema extends StandardSchema>(
  schema: Schema,
  name: string,
  options: StandardResponseFormatOptions = {},
): AutoParseableResponseFormat<StandardSchemaOutput<Schema>> {
  const { schema: given, ...rest } = options;
  return makeParseableResponseFormat({ ...rest, name, strict: true, schema: strictSchema(schema, given) }, reader(schema));
}

/**
 * A tool whose arguments are of a schema, in OpenAI's strict mode: parsed and validated before its function is called.
 *
 * @example
 * const tool = standardFunction({ name: "weather", parameters: type({ city: "string" }), function: ({ city }) => forecast(city) });
 * @throws {ChatmuxError} for a schema that strict mode cannot say, and for one that brings no JSON Schema.
 */
export function standardFunction<
  Parameters extends StandardSchema,
  Callback extends (args: StandardSchemaOutput<Parameters>) => unknown,
  Name extends string = string,
>(
  options: StandardFunctionOptions<Parameters, Name> & { function: Callback },
): AutoParseableTool<{ name: Name; arguments: StandardSchemaOutput<Parameters>; function: Callback }>;
export function standardFunction<Parameters extends StandardSchema, Name extends string = string>(
  options: StandardFunctionOptions<Parameters, Name>,
): AutoParseableTool<{ name: Name; arguments: StandardSchemaOutput<Parameters>; function: StandardFunctionOptions<Parameters>["function"] }>;
export function standardFunction<Parameters extends StandardSchema>(options: StandardFunctionOptions<Parameters>): unknown {
  const { parameters, schema, function: callback, ...definition } = options;
  const written = { ...definition, parameters: strictSchema(parameters, schema), strict: true };
  return makeParseableTool(written, argumentsReader(parameters), callback);
}

function strictSchema(schema: StandardSchema, given: Record<string, unknown> | undefined): Record<string, unknown> {
  return toStrictSchema(copySchema(given ?? ownSchema(schema)), { tell: false });
}

/**
 * `chatmux/zod`: response formats and tools of zod's schemas, of zod 3 and of every zod 4. The schemas' own methods are
 * used: zod itself is not imported.
 */

import { ChatmuxError } from "./errors.js";
import { argumentsReader, makeParseableResponseFormat, makeParseableTool, reader } from "./helpers/response-format.js";
import { copySchema, toStrictSchema } from "./helpers/strict-schema.js";
import type { AutoParseableResponseFormat, AutoParseableTool, StandardSchema, StandardSchemaResult } from "./types.js";
import * as zod3 from "./vendor/zod3.js";
import * as zod4 from "./vendor/zod4.js";

/** A schema of zod 3, zod 4 or zod mini. */
export type ZodSchema = { readonly _output: unknown } | { readonly _zod: { readonly output: unknown } };

/** What a schema of zod makes of a value. */
export type ZodOutput<Schema extends ZodSchema> = Schema extends { readonly _output: infer Output }
  ? Output
  : Schema extends { readonly _zod: { readonly output: infer Output } }
    ? Output
    : never;

/** What a response format can be told. */
export interface ZodResponseFormatOptions {
  /** What the answer is for, told to the model. */
  description?: string;
  /** Schemas that are written once, under these names, and referred to. */
  schemaDefinitions?: Record<string, ZodSchema>;
}

/** What a tool is made of. */
export interface ZodFunctionOptions<Parameters extends ZodSchema, Name extends string = string> {
  /** Its name: up to 64 letters, digits, `_` and `-`. */
  name: Name;
  /** Its arguments. */
  parameters: Parameters;
  /** What `runTools()` calls; without it the tool is only parsed. */
  function?: ((args: ZodOutput<Parameters>) => unknown) | undefined;
  /** What it does, and when to call it. */
  description?: string;
}

/**
 * The response format of a zod schema, in OpenAI's strict mode: `parse()` and `stream()` parse and validate by it.
 *
 * @example
 * const completion = await client.chat.completions.parse({
 *   model: "gpt-4o-mini",
 *   messages: [{ role: "user", content: "Ada was born in 1815." }],
 *   response_format: zodResponseFormat(z.object({ name: z.string(), born: z.number() }), "person"),
 * });
 * @throws {ChatmuxError} for a schema that strict mode cannot say.
 */
export function zodResponseFormat<Schema extends ZodSchema>(
  schema: Schema,
  name: string,
  options: ZodResponseFormatOptions = {},
): AutoParseableResponseFormat<ZodOutput<Schema>> {
  const { schemaDefinitions, ...rest } = options;
  const written = { ...rest, name, strict: true, schema: strictSchema(schema, schemaDefinitions) };
  return makeParseableResponseFormat(written, reader(standard(schema)));
}

/**
 * A tool whose arguments are of a zod schema, in OpenAI's strict mode: parsed and validated before its function is called.
 *
 * @example
 * const tool = zodFunction({ name: "weather", parameters: z.object({ city: z.string() }), function: ({ city }) => forecast(city) });
 * @throws {ChatmuxError} for a schema that strict mode cannot say.
 */
export function zodFunction<
  Parameters extends ZodSchema,
  Callback extends (args: ZodOutput<Parameters>) => unknown,
  Name extends string = string,
>(
  options: ZodFunctionOptions<Parameters, Name> & { function: Callback },
): AutoParseableTool<{ name: Name; arguments: ZodOutput<Parameters>; function: Callback }>;
export function zodFunction<Parameters extends ZodSchema, Name extends string = string>(
  options: ZodFunctionOptions<Parameters, Name>,
): AutoParseableTool<{ name: Name; arguments: ZodOutput<Parameters>; function: ZodFunctionOptions<Parameters>["function"] }>;
export function zodFunction<Parameters extends ZodSchema>(options: ZodFunctionOptions<Parameters>): unknown {
  const { parameters, function: callback, ...definition } = options;
  const written = { ...definition, parameters: strictSchema(parameters), strict: true };
  return makeParseableTool(written, argumentsReader(standard(parameters)), callback);
}

/** What all versions of zod have in common, as far as it is there. */
interface Known {
  readonly _zod?: unknown;
  readonly _def?: unknown;
  readonly "~standard"?: { readonly jsonSchema?: { input(options: { target: string }): unknown } };
  meta?(): object | undefined;
  safeParse?(value: unknown): Parsed;
  safeParseAsync?(value: unknown): Promise<Parsed>;
}

type Parsed = { success: true; data: unknown } | { success: false; error: { issues: { message: string; path: PropertyKey[] }[] } };

function strictSchema(schema: ZodSchema, definitions: Record<string, ZodSchema> = {}): Record<string, unknown> {
  return toStrictSchema(copySchema(write(schema as Known, definitions)), { tell: false });
}

function write(schema: Known, definitions: Record<string, ZodSchema>): unknown {
  const isOf4 = typeof schema === "object" && schema !== null && "_zod" in schema;
  if (!isOf4 && !schema?._def) throw new ChatmuxError("This is no schema of zod: for those of other libraries there is `standardResponseFormat()`.");
  try {
    if (!isOf4) return zod3.toJSONSchema(schema, definitions);
    const names = new Map(Object.entries(definitions).map(([name, named]) => [named as object, name]));
    const own = schema["~standard"]?.jsonSchema;
    if (own && !names.size) return own.input({ target: "draft-07" });
    return zod4.toJSONSchema(schema, (of) => {
      // A schema knows the metadata of its own copy of zod, which need not be that which is built in here.
      const { meta } = of as Known;
      const known = meta ? meta.call(of) : zod4.metadataOf(of);
      return names.has(of) ? { ...known, id: names.get(of) } : known;
    });
  } catch (cause) {
    throw new ChatmuxError(`The schema cannot be written as JSON Schema: ${(cause as Error)?.message}`, { cause });
  }
}

/** A schema as Standard Schema; the first versions of zod 3 do not follow it. */
function standard<Schema extends ZodSchema>(schema: Schema): StandardSchema<unknown, ZodOutput<Schema>> {
  const known = schema as Known;
  if (known["~standard"]) return schema as unknown as StandardSchema<unknown, ZodOutput<Schema>>;
  const settle = (parsed: Parsed): StandardSchemaResult<ZodOutput<Schema>> =>
    parsed.success ? { value: parsed.data as ZodOutput<Schema> } : { issues: parsed.error.issues };
  const validate = (value: unknown): StandardSchemaResult<ZodOutput<Schema>> | Promise<StandardSchemaResult<ZodOutput<Schema>>> => {
    try {
      return settle(known.safeParse!(value));
    } catch (error) {
      // Only that says that a check of the schema is asynchronous.
      if (/async/i.test((error as Error)?.message)) return known.safeParseAsync!(value).then(settle);
      throw error;
    }
  };
  return { "~standard": { version: 1, vendor: "zod", validate } };
}

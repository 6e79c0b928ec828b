/** `chatmux/schema`: plain JSON Schema that validates. Its validator makes no code, so it runs under any policy. */

import { ChatmuxError } from "./errors.js";
import { copySchema } from "./helpers/strict-schema.js";
import type { StandardJSONSchema, StandardSchemaIssue, StandardSchemaResult } from "./types.js";
import { dereference, validate, type Draft, type Fault } from "./vendor/json-schema.js";

export { standardFunction, standardResponseFormat } from "./helpers/standard.js";

/** Schemas that one value may be held against, and so many more for each of its parts; what needs more is refused. */
const MAX_STEPS = 200_000;
const STEPS_PER_PART = 64;
/** Parts of a value that are counted. */
const MAX_PARTS = 1_000_000;
/** Items of an array, where some must be unique: each is held against each. */
const MAX_UNIQUE = 10_000;

/** What a JSON Schema can be told. */
export interface JSONSchemaOptions {
  /** Its name, for `response_format`: up to 64 letters, digits, `_` and `-`. Default: made of its `title`, else `response`. */
  name?: string;
}

/** A JSON Schema that validates: for `response_format`, for the parameters of a tool, and wherever Standard Schema is taken. */
export interface ValidatingJSONSchema<T = unknown> extends StandardJSONSchema<T, T> {
  /** Its name. */
  readonly name?: string;
}

/**
 * Makes a plain JSON Schema one that validates. What it is the schema of is said by the caller.
 *
 * Drafts 4, 7, 2019-09 and 2020-12 are known, by `$schema`; the last without one. A `format` that is not known is not
 * checked, and a `$ref` must lead to a place of the same schema.
 *
 * @example
 * const person = jsonSchema<{ name: string }>({
 *   type: "object",
 *   properties: { name: { type: "string" } },
 *   required: ["name"],
 * }, { name: "person" });
 * const completion = await client.chat.completions.parse({ model, messages, response_format: person });
 * completion.choices[0].message.parsed?.name;
 *
 * @throws {ChatmuxError} for a schema that cannot be used: a `$ref` that leads nowhere, a pattern that is none, one that
 *   refers to itself without end.
 */
export function jsonSchema<T = unknown>(schema: Record<string, unknown>, { name }: JSONSchemaOptions = {}): ValidatingJSONSchema<T> {
  const copy = copySchema(schema);
  const check = compile(copy);
  const write = (): Record<string, unknown> => copySchema(copy);
  const validate = (value: unknown): StandardSchemaResult<T> => {
    const issues = check(value);
    return issues.length ? { issues } : { value: value as T };
  };
  const standard = { version: 1, vendor: "chatmux", validate, jsonSchema: { input: write, output: write } } as const;
  return { "~standard": standard, ...(name !== undefined && { name }) };
}

type Schemas = Record<string, unknown>;

/** What checks values by a schema, which gets hidden members for it. */
function compile(schema: Schemas): (value: unknown) => StandardSchemaIssue[] {
  const schemas = known(schema);
  for (const one of Object.values(schemas)) checkPatterns(one);
  checkReferences(schemas);
  const draft = draftOf(schema["$schema"]);
  const hasUnique = Object.values(schemas).some((one) => Object(one).uniqueItems === true);
  return (value) => {
    const { parts, longest } = measure(value);
    if (hasUnique && longest > MAX_UNIQUE) return [{ message: `an array has more than ${MAX_UNIQUE} items` }];
    const counted = countingSteps(schemas, MAX_STEPS + STEPS_PER_PART * parts);
    try {
      const faults = validate(value, schema, draft, counted, true);
      return faults.length ? toIssues(all(() => validate(value, schema, draft, counted, false), faults)) : [];
    } catch (error) {
      // Of the stack, for a value that nests too deep; of a list that got too long, for too many faults.
      if (error instanceof TooManySteps || error instanceof RangeError) return [{ message: "takes too many steps to check" }];
      if (error instanceof URIError) return [{ message: "has a key that is half a character" }];
      throw new ChatmuxError(`The JSON Schema cannot be used: ${firstLine(error)}`, { cause: error });
    }
  };
}

/** The schemas in a schema, by their addresses. */
function known(schema: Schemas): Schemas {
  try {
    return dereference(schema);
  } catch (cause) {
    throw new ChatmuxError(`The JSON Schema cannot be used: ${firstLine(cause)}`, { cause });
  }
}

function checkPatterns(schema: unknown): void {
  const { pattern, patternProperties } = Object(schema) as { pattern?: unknown; patternProperties?: object };
  const patterns = [...(typeof pattern === "string" ? [pattern] : []), ...Object.keys(patternProperties ?? {})];
  for (const source of patterns) {
    try {
      new RegExp(source, "u");
    } catch (cause) {
      throw new ChatmuxError(`The JSON Schema cannot be used: ${JSON.stringify(source)} is no regular expression.`, { cause });
    }
  }
}

/** Keywords whose schemas are held against the same value as theirs is. */
const IN_PLACE = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

/** Every reference must lead somewhere, and none back to where it stands before a part of the value was reached. */
function checkReferences(schemas: Schemas): void {
  const done = new Set<object>();
  const open = new Set<object>();
  const visit = (schema: unknown): void => {
    if (typeof schema !== "object" || schema === null || done.has(schema)) return;
    if (open.has(schema)) throw new ChatmuxError("The JSON Schema cannot be used: it refers to itself without end.");
    open.add(schema);
    const { __absolute_ref__: address, $ref, ...rest } = withHidden(schema);
    if (address !== undefined && !(address in schemas)) {
      throw new ChatmuxError(`The JSON Schema cannot be used: its \`$ref\` ${JSON.stringify($ref)} leads to no place of it.`);
    }
    if (address !== undefined) visit(schemas[address]);
    for (const name of IN_PLACE) {
      const under = rest[name];
      if (Array.isArray(under) || /^dep/.test(name)) Object.values(Object(under)).forEach(visit);
      else visit(under);
    }
    open.delete(schema);
    done.add(schema);
  };
  Object.values(schemas).forEach(visit);
}

interface WithHidden extends Schemas {
  /** What the validator has made of `$ref`. */
  __absolute_ref__?: string;
}

function withHidden(schema: object): WithHidden {
  const hidden = schema as WithHidden;
  return { ...hidden, ...(hidden.__absolute_ref__ !== undefined && { __absolute_ref__: hidden.__absolute_ref__ }) };
}

/** A schema that refers to itself in more than one place can take steps without number: only references can do that. */
function countingSteps(schemas: Schemas, steps: number): Schemas {
  return new Proxy(schemas, {
    get(target, name) {
      if (steps-- <= 0) throw new TooManySteps();
      return target[name as string];
    },
  });
}

class TooManySteps extends Error {}

/** All faults, where it does not take too many steps to find them. */
function all(find: () => Fault[], otherwise: Fault[]): Fault[] {
  try {
    return find();
  } catch (error) {
    if (error instanceof TooManySteps || error instanceof RangeError) return otherwise;
    throw error;
  }
}

/** Keywords whose faults say no more than that there are others, which follow. */
const OUTER = [
  ...["$ref", "$recursiveRef", "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"],
  ...["items", "prefixItems", "additionalItems", "unevaluatedItems", "allOf", "dependentSchemas", "if"],
];

function toIssues(faults: Fault[]): StandardSchemaIssue[] {
  const told = faults.filter(({ keyword }) => !OUTER.includes(keyword));
  return (told.length ? told : faults).map(({ keyword, instanceLocation, error }) => ({
    message: keyword === "false" ? "is not allowed" : error,
    path: instanceLocation.split("/").slice(1).map(unescape),
  }));
}

/** A key, as it is written in a JSON Pointer of a URL. */
function unescape(token: string): string {
  return decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
}

function draftOf(address: unknown): Draft {
  if (typeof address !== "string") return "2020-12";
  if (/draft-04/.test(address)) return "4";
  if (/draft-0[67]/.test(address)) return "7";
  return /2019-09/.test(address) ? "2019-09" : "2020-12";
}

/** How many values there are in a value, itself among them, and how many items the longest array has. */
function measure(value: unknown): { parts: number; longest: number } {
  let parts = 0;
  let longest = 0;
  for (const rest = [value]; rest.length && parts < MAX_PARTS; parts++) {
    const one = rest.pop();
    if (Array.isArray(one)) longest = Math.max(longest, one.length);
    if (typeof one === "object" && one !== null) for (const part of Object.values(one)) rest.push(part);
  }
  return { parts, longest };
}

function firstLine(error: unknown): string {
  return String((error as Error)?.message).split("\n")[0]!;
}

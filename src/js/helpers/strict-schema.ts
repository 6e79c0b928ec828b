/**
 * JSON Schema made fit for OpenAI's strict mode: every object closed, every property required, and a part of the
 * keywords only.
 * @see https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
 */

import { ChatmuxError } from "../errors.js";

type Schema = Record<string, unknown>;

/** Levels of a schema; deeper ones are refused, so that walking it cannot overflow the stack. */
const MAX_DEPTH = 256;

/** Keywords that strict mode has not, and that no other keyword can say. */
const UNFIT = [
  ...["patternProperties", "unevaluatedProperties", "unevaluatedItems", "dependentSchemas", "dependentRequired", "dependencies"],
  ...["if", "then", "else", "not", "contains", "minContains", "maxContains", "prefixItems", "additionalItems", "propertyNames"],
  ...["minProperties", "maxProperties", "uniqueItems", "contentSchema", "$dynamicRef", "$recursiveRef", "$anchor"],
];
/** Keywords that strict mode has not; told in words, they still guide the model. */
const TOLD = ["minLength", "maxLength", "default"];
const FORMATS = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
const LOOKAROUND = /\(\?<?[=!]/;
const ANNOTATIONS = ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"];
const ROOT_ONLY = ["$schema", "$id", "$defs", "definitions"];

/** Strict mode cannot say what a schema says. */
export class UnfitSchemaError extends ChatmuxError {}

/** A copy of a JSON Schema, as JSON. @throws {ChatmuxError} for what is none. */
export function copySchema(schema: unknown): Schema {
  let copy: unknown;
  try {
    copy = JSON.parse(JSON.stringify(schema));
  } catch (cause) {
    throw new ChatmuxError("The JSON Schema cannot be written as JSON: it holds a cycle or a BigInt, or nests too deep.", { cause });
  }
  if (!isSchema(copy)) throw new ChatmuxError("The JSON Schema must be an object.");
  if (isDeeper(copy, MAX_DEPTH)) throw new ChatmuxError(`The JSON Schema nests deeper than ${MAX_DEPTH} levels.`);
  return copy;
}

/**
 * Makes a copied schema fit for strict mode, in place.
 *
 * Keywords that strict mode has not, but that only narrow a value, are told in the description: `tell: false` leaves them.
 * @throws {UnfitSchemaError} for what strict mode cannot say.
 * @throws {ChatmuxError} for what is no object at its root, which OpenAI takes in no mode.
 */
export function toStrictSchema(root: Schema, { tell = true } = {}): Schema {
  const strict = atRoot(nameTargets(root));
  if (strict["type"] !== "object" || strict["anyOf"] !== undefined || strict["oneOf"] !== undefined) {
    throw new ChatmuxError("The JSON Schema must be of an object: put what it is of into a property of one.");
  }
  // References are looked up in the schema as it was, whichever of its places were visited before.
  visit(strict, "#", { root: structuredClone(strict), tell });
  return strict;
}

/** Strict mode refers to definitions and to the root only: what is referred to elsewhere becomes a definition. */
function nameTargets(root: Schema): Schema {
  const names = new Map<string, string>();
  const definitions = (root["$defs"] ?? root["definitions"] ?? {}) as Schema;
  const under = root["$defs"] ? "$defs" : "definitions";
  const named: Schema = {};
  const refer = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { $ref } = value as Schema;
    if (typeof $ref === "string" && /^#\/(?!(\$defs|definitions)\/[^/]*$)/.test($ref)) {
      const target = resolve(root, $ref);
      if (target && !names.has($ref)) {
        let name = `shared${names.size}`;
        while (Object.hasOwn(definitions, name)) name += "_";
        names.set($ref, name);
        named[name] = structuredClone(target);
        refer(named[name]);
      }
      if (target) (value as Schema)["$ref"] = `#/${under}/${names.get($ref)}`;
    }
    Object.values(value).forEach(refer);
  };
  refer(root);
  return names.size ? { ...root, [under]: { ...definitions, ...named } } : root;
}

/** A schema that is a reference, as recursive ones are, or a union of one, with what it comes to in its place. */
function atRoot(root: Schema): Schema {
  let schema = root;
  for (const seen = new Set<unknown>(); ; ) {
    mergeAllOf(schema);
    const target = typeof schema["$ref"] === "string" ? resolve(root, schema["$ref"]) : onlyBranch(schema);
    if (!target || seen.has(target)) return schema;
    seen.add(target);
    schema = { ...structuredClone(target), ...only(schema, [...ROOT_ONLY, ...ANNOTATIONS]), ...only(root, ROOT_ONLY) };
  }
}

/** What a union of one is of, where nothing beside it says more. */
function onlyBranch({ anyOf, ...rest }: Schema): Schema | undefined {
  const possible = Array.isArray(anyOf) ? anyOf.filter((branch) => branch !== false) : [];
  const isAlone = Object.keys(rest).every((name) => ANNOTATIONS.includes(name) || ROOT_ONLY.includes(name));
  return possible.length === 1 && isAlone && isSchema(possible[0]) ? possible[0] : undefined;
}

interface Walk {
  root: Schema;
  tell: boolean;
}

function visit(schema: unknown, at: string, walk: Walk): void {
  if (!isSchema(schema)) throw unfit(at, "must be an object of keywords");
  mergeAllOf(schema);
  if (schema["allOf"] !== undefined) throw unfit(at, "`allOf` is not supported");
  if (schema["oneOf"] !== undefined && schema["anyOf"] === undefined) {
    // The library that validates the answer sees whether it is of one only.
    schema["anyOf"] = schema["oneOf"];
    delete schema["oneOf"];
  }
  if (schema["oneOf"] !== undefined) throw unfit(at, "`oneOf` beside `anyOf` is not supported");
  if (Array.isArray(schema["anyOf"])) simplifyUnion(schema, schema["anyOf"]);
  if (schema["additionalProperties"] !== undefined && schema["additionalProperties"] !== false) {
    throw unfit(at, "an object cannot have keys that are not among its `properties`, as a record has");
  }
  // No mode helps: an answer has no bytes for a file.
  if (schema["contentEncoding"] === "binary") throw new ChatmuxError(`The schema is of a file, at ${at}, which JSON cannot carry.`);
  const keyword = UNFIT.find((name) => schema[name] !== undefined);
  if (keyword) throw unfit(at, `\`${keyword}\` is not supported`);
  if (schema["$ref"] !== undefined) reference(schema, at, walk);
  if (schema["default"] === null && isWritable({ ...schema, default: undefined }, walk.root)) delete schema["default"];
  constrain(schema, at, walk);
  if (isOf(schema, "object") || schema["properties"] !== undefined) closeObject(schema, at, walk);
  if (isOf(schema, "array")) {
    if (!isSchema(schema["items"])) throw unfit(at, "an array needs `items` with one schema");
    visit(schema["items"], `${at}/items`, walk);
  }
  for (const name of ["anyOf", "$defs", "definitions"]) {
    const under = schema[name];
    if (typeof under !== "object" || under === null) continue;
    for (const [key, child] of Object.entries(under)) visit(child, `${at}/${name}/${key}`, walk);
  }
}

/** A union without what can never be, and without a type that its branches say themselves. */
function simplifyUnion(schema: Schema, branches: unknown[]): void {
  const possible = branches.filter((branch) => branch !== false);
  if (possible.length) schema["anyOf"] = possible;
  const types = [schema["type"]].flat();
  const isSaid = possible.every((branch) => isSchema(branch) && typeof branch["type"] === "string" && types.includes(branch["type"]));
  if (isSaid && schema["properties"] === undefined && schema["items"] === undefined) delete schema["type"];
}

/** What narrows a value, beyond its type. */
function constrain(schema: Schema, at: string, { tell }: Walk): void {
  const { format, pattern } = schema;
  const hasFormat = typeof format === "string" && FORMATS.includes(format);
  // Libraries write some formats as patterns too, with lookaround, which strict mode has not.
  if (hasFormat && typeof pattern === "string" && LOOKAROUND.test(pattern)) delete schema["pattern"];
  if (!tell) return;
  const isTyped = ["type", "$ref", "anyOf", "enum", "const"].some((name) => schema[name] !== undefined);
  if (!isTyped) throw unfit(at, "it does not say its type");
  const told = TOLD.filter((name) => schema[name] !== undefined);
  if (format !== undefined && !hasFormat) told.push("format");
  if (typeof schema["pattern"] === "string" && LOOKAROUND.test(schema["pattern"])) told.push("pattern");
  if (!told.length) return;
  const words = told.map((name) => `${name}: ${JSON.stringify(schema[name])}`).join(", ");
  schema["description"] = schema["description"] ? `${schema["description"]} (${words})` : words;
  for (const name of told) delete schema[name];
}

/** Every property required, and no others. */
function closeObject(schema: Schema, at: string, walk: Walk): void {
  // Of an object without properties openai's helpers make one that is empty.
  if (!walk.tell) schema["properties"] ??= {};
  const { properties } = schema;
  if (!isSchema(properties)) throw unfit(at, "an object needs `properties`");
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const unknown = required.find((key) => !Object.hasOwn(properties, key));
  if (unknown !== undefined) throw unfit(at, `\`${unknown}\` is required, but is not among its \`properties\``);
  for (const [key, property] of Object.entries(properties)) {
    const place = `${at}/properties/${key}`;
    if (!required.includes(key) && !isWritable(property, walk.root)) {
      throw unfit(place, "it is optional without being nullable (zod: `.optional()` without `.nullable()`): make it nullable");
    }
    visit(property, place, walk);
  }
  schema["additionalProperties"] = false;
  schema["required"] = Object.keys(properties);
}

/** A reference stands alone, and leads to a place of the same schema. */
function reference(schema: Schema, at: string, { root }: Walk): void {
  if (typeof schema["$ref"] !== "string" || !resolve(root, schema["$ref"])) throw unfit(at, "its `$ref` leads to no place of the schema");
  const others = Object.keys(schema).filter((name) => name !== "$ref" && name !== "$defs" && name !== "definitions");
  if (!others.length) return;
  if (others.some((name) => !ANNOTATIONS.includes(name))) throw unfit(at, "`$ref` must stand alone");
  schema["anyOf"] = [{ $ref: schema["$ref"] }];
  delete schema["$ref"];
}

/** Objects that are joined by `allOf`, as one; a single schema in `allOf`, or the same one again, as itself. Others are left. */
function mergeAllOf(schema: Schema): void {
  const { allOf, ...rest } = schema;
  if (!Array.isArray(allOf) || !allOf.every(isSchema)) return;
  const own = Object.keys(rest).filter((name) => !ANNOTATIONS.includes(name) && !ROOT_ONLY.includes(name));
  const all: Schema[] = [...allOf, ...(own.length ? [only(rest, own)] : [])];
  const parts = [...new Map(all.map((part) => [JSON.stringify(part), part])).values()];
  const merged = parts.length === 1 ? parts[0] : joined(parts);
  if (!merged) return;
  for (const name of ["allOf", ...own]) delete schema[name];
  for (const [name, value] of Object.entries(merged)) schema[name] ??= value;
  mergeAllOf(schema);
}

/** The object that all of several are, if they are plain ones without a property in common. */
function joined(parts: Schema[]): Schema | undefined {
  const isPlain = (part: Schema): boolean =>
    (part["type"] === "object" || (part === parts.at(-1) && part["type"] === undefined)) &&
    Object.keys(part).every((name) => ["type", "properties", "required", "additionalProperties", ...ANNOTATIONS].includes(name)) &&
    (part["additionalProperties"] === undefined || part["additionalProperties"] === false);
  const properties = parts.flatMap((part) => Object.entries((part["properties"] as object | undefined) ?? {}));
  const isDisjoint = new Set(properties.map(([key]) => key)).size === properties.length;
  if (!parts.every(isPlain) || !isDisjoint) return undefined;
  const required = parts.flatMap((part) => (part["required"] as string[] | undefined) ?? []);
  return { type: "object", properties: Object.fromEntries(properties), required };
}

/** Whether there is a value that stands for none, null or a default, so that it can always be written. */
function isWritable(schema: unknown, root: Schema, seen = new Set<unknown>()): boolean {
  if (!isSchema(schema) || seen.has(schema)) return false;
  seen.add(schema);
  if (schema["default"] !== undefined) return true;
  if (schema["$ref"] !== undefined) return isWritable(resolve(root, schema["$ref"]), root, seen);
  if (schema["const"] === null || isOf(schema, "null")) return true;
  if (Array.isArray(schema["enum"])) return schema["enum"].includes(null);
  if (Object.keys(schema).every((name) => ANNOTATIONS.includes(name))) return true;
  return [schema["anyOf"], schema["oneOf"]].some((all) => Array.isArray(all) && all.some((one) => isWritable(one, root, seen)));
}

/** What a reference leads to, by own members only. */
function resolve(root: Schema, ref: unknown): Schema | undefined {
  if (typeof ref !== "string" || !/^#(\/|$)/.test(ref)) return undefined;
  let found: unknown = root;
  for (const token of ref.split("/").slice(1)) {
    let key = token;
    try {
      key = decodeURIComponent(token);
    } catch {
      // A name with a percent sign, as it stands.
    }
    key = key.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Schema)[key];
  }
  return isSchema(found) ? found : undefined;
}

function isOf({ type }: Schema, name: string): boolean {
  return type === name || (Array.isArray(type) && type.includes(name));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function only(schema: Schema, names: string[]): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => names.includes(name)));
}

/** Whether a value nests deeper than so many levels. */
export function isDeeper(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return false;
}

function unfit(at: string, why: string): UnfitSchemaError {
  return new UnfitSchemaError(`The JSON Schema does not fit OpenAI's strict mode, at ${at}: ${why}.`);
}

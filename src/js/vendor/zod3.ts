/** The writer of JSON Schema for zod 3, which the build puts in here: zod 3 has none. */

import { ignoreOverride, zodToJsonSchema } from "zod-to-json-schema";

/** A schema of zod 3, as far as it is looked at here. */
interface Schema {
  _def: Definition;
  isOptional(): boolean;
  isNullable(): boolean;
}

interface Definition {
  typeName: string;
  value?: unknown;
  coerce?: boolean;
  effect?: { type: string };
  description?: string;
  innerType?: Schema;
  schema?: Schema;
  type?: Schema;
  options?: Schema[] | Map<unknown, Schema>;
  shape?(): Record<string, Schema>;
}

/** Where the writer is in the schema. */
interface Place {
  currentPath: string[];
  propertyPath: string[] | undefined;
  /** What was written, and where: what is used again is referred to. */
  seen: Map<Definition, { path: string[] }>;
  isPreprocessed?: boolean;
}

/** Schemas of what JSON does not have. */
const UNFIT = ["BigInt", "Date", "Function", "Map", "NaN", "Never", "Promise", "Set", "Symbol", "Undefined", "Void"];

/**
 * Writes a schema of zod 3 as JSON Schema of what goes into it; all keys are required that must be there or may be null.
 * @throws {Error} for what JSON cannot carry.
 */
export const toJSONSchema = (schema: object, definitions: Record<string, object>): Record<string, unknown> =>
  zodToJsonSchema(schema as never, {
    target: "jsonSchema7",
    pipeStrategy: "input",
    override: (definition, place) => before(definition as never, place as never),
    postProcess: (written, definition, place) => {
      forgetInner(definition as never, place as never);
      return { ...written, ...corrections({ ...written } as never, definition as never) } as never;
    },
    ...(Object.keys(definitions).length > 0 && { definitions: definitions as never }),
  });

function before(definition: Definition, place: Place): typeof ignoreOverride {
  const { typeName, effect, innerType, options } = definition;
  // An optional is written as what it is of, as that of a property is: in JSON nothing is undefined.
  if (typeName === "ZodOptional") place.propertyPath = place.currentPath;
  if (effect?.type === "preprocess") place.isPreprocessed = true;
  // Nullables and unions write what they are of by themselves, if it is simple.
  const inside = [definition, innerType?._def, ...Array.from(options?.values() ?? [], ({ _def }) => _def)];
  const unfit = inside.find((of) => of && isUnfit(of, place));
  if (!unfit) return ignoreOverride;
  const at = place.currentPath.join("/");
  throw new Error(`${unfit.typeName} at ${at} is of what JSON does not have: take a string and transform it.`);
}

function isUnfit({ typeName, value, coerce }: Definition, { isPreprocessed }: Place): boolean {
  const isPrimitive = value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
  if (typeName === "ZodLiteral") return !isPrimitive;
  // A date can be made of the string that is written.
  if (typeName === "ZodDate" && (coerce || isPreprocessed)) return false;
  return UNFIT.some((name) => typeName === `Zod${name}`);
}

/** What is in a default, or in what has another description, is not referred to: they are not its own. */
function forgetInner(definition: Definition, { currentPath, seen }: Place): void {
  let inner = innerOf(definition);
  if (definition.typeName !== "ZodDefault" && definition.description === inner?.description) return;
  for (; inner && seen.get(inner)?.path === currentPath; inner = innerOf(inner)) seen.delete(inner);
}

function innerOf({ innerType, schema, type }: Definition): Definition | undefined {
  return (innerType ?? schema ?? type)?._def;
}

/** What the writer leaves out, or has otherwise. */
function corrections({ type, items }: { type?: unknown; items?: unknown }, definition: Definition): object {
  const { typeName, value, shape } = definition;
  if (typeName === "ZodLiteral" && value === null) return { type: "null", const: null };
  if (typeName === "ZodArray") return { items: items ?? { description: innerOf(definition)?.description } };
  if (typeName === "ZodObject") {
    const properties = Object.entries(shape!());
    return { required: properties.filter(([, property]) => isRequired(property)).map(([key]) => key) };
  }
  return Array.isArray(type) ? { type: [...new Set(type)] } : {};
}

/** Whether a property can be required: other than an optional one that may not be null. */
function isRequired(property: Schema): boolean {
  try {
    return !property.isOptional() || property.isNullable();
  } catch {
    // What runs in it takes no undefined, or does not tell at once.
    return true;
  }
}

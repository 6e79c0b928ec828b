/** The kinds of zod 3's schemas: what zod-to-json-schema imports of zod. Each is its own name. */

const KINDS = [
  "ZodAny", "ZodArray", "ZodBigInt", "ZodBoolean", "ZodBranded", "ZodCatch",
  "ZodDate", "ZodDefault", "ZodDiscriminatedUnion", "ZodEffects", "ZodEnum", "ZodFunction",
  "ZodIntersection", "ZodLazy", "ZodLiteral", "ZodMap", "ZodNaN", "ZodNativeEnum",
  "ZodNever", "ZodNull", "ZodNullable", "ZodNumber", "ZodObject", "ZodOptional",
  "ZodPipeline", "ZodPromise", "ZodReadonly", "ZodRecord", "ZodSet", "ZodString",
  "ZodSymbol", "ZodTuple", "ZodUndefined", "ZodUnion", "ZodUnknown", "ZodVoid",
];

export const ZodFirstPartyTypeKind = Object.fromEntries(KINDS.map((kind) => [kind, kind]));

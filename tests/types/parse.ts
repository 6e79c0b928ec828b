/*
 * The types of structured output: the result is that of the schema, whatever brings it. Large schemas, which have made
 * compilers run out of depth, compile as quickly as small ones.
 */

import { type } from "arktype";
import type { APIPromise } from "../../src/js/promise.js";
import { Chatmux } from "../../src/js/index.js";
import { jsonSchema } from "../../src/js/schema.js";
import type {
  AutoParseableResponseFormat,
  ChatCompletionMessageParam,
  ChatCompletionParseParams,
  ChatCompletionSchemaParams,
  ExtractParsedContentFromParams,
  ParsedChatCompletion,
  StandardJSONSchema,
} from "../../src/js/types.js";
import { standardFunction, standardResponseFormat } from "../../src/js/helpers/standard.js";
import { zodFunction, zodResponseFormat } from "../../src/js/zod.js";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { z } from "zod";
import { z as z3 } from "zod3";
import { z as z40 } from "zod40";
import { z as z41 } from "zod41";
import * as mini from "zod/mini";

/** Compiles only when the two are the same type. */
declare function same<A, B>(
  proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? "same" : "different",
): void;

const model = "any/id-at-all";
const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Hi" }];
const { completions } = new Chatmux().chat;

interface Person {
  name: string;
  born: number | null;
}

/** Every kind of schema says what `parsed` is. */
export async function everyKindOfSchema(): Promise<void> {
  const direct = completions.parse({ model, messages, response_format: z.object({ name: z.string(), born: z.number().nullable() }) });
  same<typeof direct, APIPromise<ParsedChatCompletion<{ name: string; born: number | null }>>>("same");
  const person: Person | null | undefined = (await direct).choices[0]?.message.parsed;
  void person;

  const transformed = await completions.parse({ model, messages, response_format: z.object({ at: z.string().transform(Number) }) });
  same<typeof transformed, ParsedChatCompletion<{ at: number }> & { readonly _request_id?: string | null }>("same");

  const arks = completions.parse({ model, messages, response_format: type({ name: "string" }) });
  same<typeof arks, APIPromise<ParsedChatCompletion<{ name: string }>>>("same");

  const valibots = completions.parse({ model, messages, response_format: toStandardJsonSchema(v.object({ name: v.string() })) });
  same<typeof valibots, APIPromise<ParsedChatCompletion<{ name: string }>>>("same");

  const bare = completions.parse({ model, messages, response_format: { schema: v.object({ name: v.string() }), jsonSchema: { type: "object" } } });
  same<typeof bare, APIPromise<ParsedChatCompletion<{ name: string }>>>("same");

  const ours = completions.parse({ model, messages, response_format: jsonSchema<Person>({ type: "object" }) });
  same<typeof ours, APIPromise<ParsedChatCompletion<Person>>>("same");

  const plain = completions.parse({ model, messages, response_format: { type: "object", properties: { a: { type: "string" } } } });
  same<typeof plain, APIPromise<ParsedChatCompletion<unknown>>>("same");

  const wires = completions.parse({ model, messages, response_format: { type: "json_schema", json_schema: { name: "a", schema: {} } } });
  same<typeof wires, APIPromise<ParsedChatCompletion<unknown>>>("same");

  const none = completions.parse({ model, messages });
  same<typeof none, APIPromise<ParsedChatCompletion<null>>>("same");
  const text = completions.parse({ model, messages, response_format: { type: "text" } });
  same<typeof text, APIPromise<ParsedChatCompletion<null>>>("same");
}

/** A schema that brings no JSON Schema cannot be given by itself. */
export function bareSchemas(): void {
  // @ts-expect-error: valibot's schemas bring no JSON Schema
  void completions.parse({ model, messages, response_format: v.object({ name: v.string() }) });
  // @ts-expect-error: nor do zod 4.1's
  void completions.parse({ model, messages, response_format: z41.object({ name: z41.string() }) });
  // @ts-expect-error: an answer in chunks is parsed by stream()
  void completions.parse({ model, messages, stream: true });
}

/** Schemas of every zod, under openai's names. */
export function everyZod(): void {
  const of3 = zodResponseFormat(z3.object({ name: z3.string(), born: z3.number().nullable() }), "person");
  const of40 = zodResponseFormat(z40.object({ name: z40.string(), born: z40.number().nullable() }), "person");
  const of41 = zodResponseFormat(z41.object({ name: z41.string(), born: z41.number().nullable() }), "person");
  const of4 = zodResponseFormat(z.object({ name: z.string(), born: z.number().nullable() }), "person");
  const ofMini = zodResponseFormat(mini.object({ name: mini.string(), born: mini.nullable(mini.number()) }), "person");
  type Format = AutoParseableResponseFormat<{ name: string; born: number | null }>;
  same<typeof of3, Format>("same");
  same<typeof of40, Format>("same");
  same<typeof of41, Format>("same");
  same<typeof of4, Format>("same");
  same<typeof ofMini, Format>("same");

  const parsed = completions.parse({ model, messages, response_format: of3 });
  same<typeof parsed, APIPromise<ParsedChatCompletion<{ name: string; born: number | null }>>>("same");
  // The wire takes it, too.
  void completions.create({ model, messages, response_format: of4 });

  const standard = standardResponseFormat(type({ name: "string" }), "person");
  same<typeof standard, AutoParseableResponseFormat<{ name: string }>>("same");
  void standardResponseFormat(v.object({ name: v.string() }), "person", { schema: { type: "object" } });
}

/** Tools know their arguments, and whether there is a function to call. */
export function tools(): void {
  const weather = zodFunction({ name: "weather", parameters: z.object({ city: z.string() }), function: ({ city }) => city.length });
  same<(typeof weather)["__arguments"], { city: string }>("same");
  same<(typeof weather)["__hasFunction"], true>("same");
  const parsed = zodFunction({ name: "weather", parameters: z3.object({ city: z3.string() }) });
  same<(typeof parsed)["__hasFunction"], false>("same");
  const standard = standardFunction({ name: "weather", parameters: type({ city: "string" }), function: async ({ city }) => city.length });
  same<(typeof standard)["__arguments"], { city: string }>("same");
  void completions.parse({ model, messages, tools: [weather, parsed, standard] });
  void completions.create({ model, messages, tools: [weather] });
  void completions.parse({
    model,
    messages,
    tools: [{ type: "function", function: { name: "weather", parameters: jsonSchema({ type: "object" }) } }],
  });
}

/** Params made elsewhere keep their types. */
export function namedParams(): void {
  const params = { model, messages, response_format: z.object({ name: z.string() }) } satisfies ChatCompletionSchemaParams;
  same<ExtractParsedContentFromParams<typeof params>, { name: string }>("same");
  const anything: ChatCompletionSchemaParams = { model, messages };
  void completions.parse(anything);
  const wires: ChatCompletionParseParams = { model, messages };
  void completions.parse(wires);
}

/** So do schemas that a function is given. */
export async function generic<Parsed>(schema: z.ZodType<Parsed>, standard: StandardJSONSchema<unknown, Parsed>): Promise<void> {
  const direct = await completions.parse({ model, messages, response_format: schema });
  const one: Parsed | null | undefined = direct.choices[0]?.message.parsed;
  const wrapped = await completions.parse({ model, messages, response_format: zodResponseFormat(schema, "it") });
  const two: Parsed | null | undefined = wrapped.choices[0]?.message.parsed;
  const other = await completions.parse({ model, messages, response_format: standard });
  const three: Parsed | null | undefined = other.choices[0]?.message.parsed;
  void [one, two, three];
}

/** 30 levels, and 30 fields on one. */
const deep = z.object({
  a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({
  a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({
  a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({ a: z.object({
    last: z.number().nullable(),
  }), }), }), }), }), }), }), }), }), }),
  }), }), }), }), }), }), }), }), }), }),
  }), }), }), }), }), }), }), }), }), }),
});

const leaf = { s: z.string(), n: z.number().nullish(), e: z.enum(["x", "y"]), l: z.array(z.object({ t: z.string() })) };
const wide = z.object({
  f1: z.object(leaf), f2: z.object(leaf), f3: z.object(leaf), f4: z.object(leaf), f5: z.object(leaf), f6: z.object(leaf),
  f7: z.object(leaf), f8: z.object(leaf), f9: z.object(leaf), f10: z.object(leaf), f11: z.object(leaf), f12: z.object(leaf),
  f13: z.object(leaf), f14: z.object(leaf), f15: z.object(leaf), f16: z.object(leaf), f17: z.object(leaf), f18: z.object(leaf),
  f19: z.object(leaf), f20: z.object(leaf), f21: z.object(leaf), f22: z.object(leaf), f23: z.object(leaf), f24: z.object(leaf),
  f25: z.object(leaf), f26: z.object(leaf), f27: z.object(leaf), f28: z.object(leaf), f29: z.object(leaf), f30: deep,
});

export async function largeSchemas(): Promise<void> {
  const direct = await completions.parse({ model, messages, response_format: wide });
  const { f30, f1 } = direct.choices[0]!.message.parsed!;
  const last = f30.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.last;
  same<typeof last, number | null>("same");
  same<typeof f1.l, { t: string }[]>("same");
  const format = zodResponseFormat(wide, "wide");
  const wrapped = await completions.parse({ model, messages, response_format: format });
  same<NonNullable<(typeof wrapped.choices)[0]["message"]["parsed"]>["f29"]["e"], "x" | "y">("same");
  const tool = zodFunction({ name: "wide", parameters: wide, function: ({ f2 }) => f2.s });
  void completions.parse({ model, messages, tools: [tool], response_format: standardResponseFormat(wide, "wide") });
}

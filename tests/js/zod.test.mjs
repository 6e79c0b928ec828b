/** `chatmux/zod`: the same formats and tools from every zod there is. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError, InvalidJSONError, SchemaValidationError } from "chatmux";
import { zodFunction, zodResponseFormat } from "chatmux/zod";
import * as openai from "openai/helpers/zod";
import * as mini from "zod/mini";
import { z } from "zod";
import { z as z322 } from "zod322";
import { z as z325 } from "zod3";
import { z as z40 } from "zod40";
import * as mini40 from "zod40/mini";
import { z as z41 } from "zod41";
import { COMPLETION, failure, jsonResponse, KEY, REQUEST } from "./support.mjs";

const VERSIONS = { "3.22": z322, "3.25": z325, "4.0": z40, "4.1": z41, "4.6": z };
const DRAFT = "http://json-schema.org/draft-07/schema#";

for (const [version, z] of Object.entries(VERSIONS)) {
  suite(`zod ${version}`, () => {
    const Cat = z.object({ kind: z.literal("cat"), lives: z.number() });
    const Dog = z.object({ kind: z.literal("dog"), name: z.string().min(1) });
    const Pet = z.object({
      name: z.string().describe("What it is called"),
      age: z.number().nullable(),
      chip: z.string().nullish(),
      colour: z.enum(["black", "white"]),
      pet: z.discriminatedUnion("kind", [Cat, Dog]),
      tags: z.array(z.string()),
    });
    const VALUE = { name: "Tom", age: null, chip: null, colour: "black", pet: { kind: "cat", lives: 9 }, tags: ["a"] };

    test("has its schema written in strict mode, as openai's helper does", () => {
      const format = zodResponseFormat(Pet, "pet", { description: "An animal" });
      const object = (properties) => ({ type: "object", properties, required: Object.keys(properties), additionalProperties: false });
      assert.deepEqual({ ...format }, {
        type: "json_schema",
        json_schema: {
          description: "An animal",
          name: "pet",
          strict: true,
          schema: {
            $schema: DRAFT,
            ...object({
              name: { type: "string", description: "What it is called" },
              age: { type: ["number", "null"] },
              chip: { type: ["string", "null"] },
              colour: { type: "string", enum: ["black", "white"] },
              pet: {
                anyOf: [
                  object({ kind: { type: "string", const: "cat" }, lives: { type: "number" } }),
                  object({ kind: { type: "string", const: "dog" }, name: { type: "string", minLength: 1 } }),
                ],
              },
              tags: { type: "array", items: { type: "string" } },
            }),
          },
        },
      });
    });

    test("parses and validates answers by parse()", async () => {
      const answering = (content) => {
        const body = { ...COMPLETION, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content, refusal: null } }] };
        const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", fetch: async () => jsonResponse(body) });
        return client.chat.completions.parse({ ...REQUEST, response_format: zodResponseFormat(Pet, "pet") });
      };
      assert.deepEqual((await answering(JSON.stringify(VALUE))).choices[0].message.parsed, VALUE);
      const error = await failure(answering(JSON.stringify({ ...VALUE, pet: { kind: "dog", name: "" } })));
      assert.ok(error instanceof SchemaValidationError);
      assert.deepEqual(error.issues.map(({ path }) => path), [["pet", "name"]]);
      assert.ok((await failure(answering("{"))) instanceof InvalidJSONError);
    });

    test("makes of an answer what its transforms and defaults make of it", () => {
      const schema = z.object({ at: z.string().transform(Number), unit: z.string().default("C") });
      const format = zodResponseFormat(schema, "reading");
      assert.deepEqual(format.json_schema.schema.properties, { at: { type: "string" }, unit: { type: "string", default: "C" } });
      assert.deepEqual(format.json_schema.schema.required, ["at", "unit"]);
      assert.deepEqual(format.$parseRaw('{"at":"21"}'), { at: 21, unit: "C" });
    });

    test("may check asynchronously", async () => {
      const format = zodResponseFormat(z.object({ name: z.string().refine(async (name) => name === "Ada", { message: "nobody" }) }), "person");
      assert.deepEqual(await format.$parseRaw('{"name":"Ada"}'), { name: "Ada" });
      assert.match((await failure(format.$parseRaw('{"name":"Bob"}'))).message, /name: nobody/);
    });

    test("may be recursive, and use a schema in several places", () => {
      const tree = z.object({ value: z.number(), kids: z.array(z.lazy(() => tree)) });
      const home = z.object({ city: z.string() });
      const format = zodResponseFormat(z.object({ tree, home, work: home }), "all");
      const { definitions, properties } = format.json_schema.schema;
      const kids = (properties.tree.properties ?? definitions[properties.tree.$ref.split("/").pop()].properties).kids.items;
      const again = definitions[kids.$ref.split("/").pop()];
      assert.deepEqual(again.required, ["value", "kids"]);
      assert.deepEqual(again.properties.kids.items, kids);
      const work = properties.work.$ref ? definitions[properties.work.$ref.split("/").pop()] : properties.work;
      assert.deepEqual(work, { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false });
      const value = { tree: { value: 1, kids: [{ value: 2, kids: [] }] }, home: { city: "A" }, work: { city: "B" } };
      assert.deepEqual(format.$parseRaw(JSON.stringify(value)), value);
    });

    test("may be recursive at its root, and lazy there", () => {
      const node = z.lazy(() => z.object({ label: z.string(), children: z.array(node) }));
      const format = zodResponseFormat(node, "ui");
      assert.deepEqual([format.json_schema.schema.type, format.json_schema.schema.required], ["object", ["label", "children"]]);
      const value = { label: "a", children: [{ label: "b", children: [] }] };
      assert.deepEqual(format.$parseRaw(JSON.stringify(value)), value);
    });

    test("writes named definitions once", () => {
      const Home = z.object({ city: z.string() });
      const { schema } = zodResponseFormat(z.object({ home: Home, work: Home }), "all", { schemaDefinitions: { Home } }).json_schema;
      assert.deepEqual(schema.properties, { home: { $ref: "#/definitions/Home" }, work: { $ref: "#/definitions/Home" } });
      assert.deepEqual(Object.keys(schema.definitions), ["Home"]);
      assert.deepEqual(schema.definitions.Home.required, ["city"]);
    });

    test("is refused where strict mode cannot say it, with where and why", () => {
      const refused = (schema, message) => assert.throws(() => zodResponseFormat(schema, "it"), (error) => error instanceof ChatmuxError && message.test(error.message));
      refused(z.object({ list: z.array(z.object({ a: z.string().optional() })) }), /at #\/properties\/list\/items\/properties\/a: it is optional without being nullable/);
      refused(z.object({ a: z.record(z.string(), z.number()) }), /at #\/properties\/a: an object cannot have keys that are not among/);
      refused(z.object({ a: z.tuple([z.string(), z.number()]) }), /at #\/properties\/a: /);
      refused(z.string(), /must be of an object/);
      refused(z.union([Cat, Dog]), /must be of an object/);
      assert.throws(() => zodResponseFormat(Pet, "a pet"), /1 to 64 letters/);
    });

    test("has optional fields that are nullable, and others that take undefined, required", () => {
      const home = z.object({ city: z.string() });
      const schema = z.object({
        home: home.optional().nullable(),
        list: z.array(z.string().optional()),
        any: z.any(),
        unknown: z.unknown().optional(),
        text: z.coerce.string(),
        is: z.coerce.boolean(),
        all: z.array(z.any().describe("What it may be")).min(1),
        nothing: z.literal(null),
        union: z.union([z.number(), z.string().default("x")]),
      });
      const format = zodResponseFormat(schema, "it");
      const { properties, required } = format.json_schema.schema;
      assert.deepEqual(properties, {
        home: { anyOf: [{ type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false }, { type: "null" }] },
        list: { type: "array", items: { type: "string" } },
        any: {},
        unknown: {},
        text: { type: "string" },
        is: { type: "boolean" },
        all: { type: "array", items: { description: "What it may be" }, minItems: 1 },
        nothing: { type: "null", const: null },
        union: { anyOf: [{ type: "number" }, { type: "string", default: "x" }] },
      });
      assert.deepEqual(required, ["home", "list", "any", "unknown", "text", "is", "all", "nothing", "union"]);
      const value = { home: null, list: ["a"], any: 1, unknown: null, text: "t", is: false, all: [{}], nothing: null, union: "y" };
      assert.deepEqual(format.$parseRaw(JSON.stringify(value)), value);
      assert.throws(() => zodResponseFormat(z.object({ a: z.union([z.number(), z.string().optional()]) }), "it"), /#\/properties\/a: it is optional without being nullable/);
    });

    test("says nothing of a default that is null", () => {
      const { properties, required } = zodResponseFormat(z.object({ a: z.string().min(1).nullable().default(null) }), "it").json_schema.schema;
      assert.deepEqual([properties, required], [{ a: { anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] } }, ["a"]]);
    });

    test("is refused where JSON cannot carry what it is of", () => {
      for (const unfit of [z.date(), z.bigint(), z.void(), z.undefined(), z.nan(), z.symbol(), z.literal(1n), z.literal(undefined)]) {
        for (const field of [unfit, unfit.nullable(), z.array(unfit), z.union([z.string(), unfit]), z.object({ of: unfit })]) {
          assert.throws(() => zodResponseFormat(z.object({ field }), "it"), (error) => error instanceof ChatmuxError && /cannot be written as JSON Schema: /.test(error.message));
        }
      }
      if (!z.file) return;
      assert.throws(() => zodResponseFormat(z.object({ a: z.file() }), "it"), /of a file, at #\/properties\/a, which JSON cannot carry/);
    });

    test("makes tools in openai's shape", () => {
      const run = ({ city }) => city;
      const tool = zodFunction({ name: "weather", parameters: z.object({ city: z.string() }), function: run, description: "The weather" });
      const parameters = { $schema: DRAFT, type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
      assert.deepEqual({ ...tool }, { type: "function", function: { name: "weather", parameters, strict: true, description: "The weather" } });
      assert.deepEqual([tool.$brand, tool.$callback], ["auto-parseable-tool", run]);
      assert.deepEqual(tool.$parseRaw('{"city":"Paris"}'), { city: "Paris" });
      assert.throws(() => tool.$parseRaw('{"city":1}'), SchemaValidationError);
      assert.equal(zodFunction({ name: "weather", parameters: z.object({}) }).$callback, undefined);
    });
  });
}

for (const [version, z] of [["3.22", z322], ["3.25", z325]]) {
  suite(`zod ${version}`, () => {
    test("is refused by kind and place where JSON cannot carry what it is of", () => {
      for (const [kind, schema] of Object.entries({
        ZodDate: z.date(),
        ZodBigInt: z.coerce.bigint(),
        ZodFunction: z.function(),
        ZodPromise: z.promise(z.string()),
        ZodMap: z.map(z.string(), z.string()),
        ZodSet: z.set(z.string()),
        ZodLiteral: z.literal(Number.NaN),
      })) {
        assert.throws(() => zodResponseFormat(z.object({ a: schema }), "it"), (error) => error.message.includes(`: ${kind} at #/properties/a is of what JSON does not have`));
      }
    });

    test("may have dates that are made of the string that is written", () => {
      const toDate = (value) => new Date(value);
      const format = zodResponseFormat(z.object({ a: z.coerce.date(), b: z.preprocess(toDate, z.date()), c: z.string().transform(toDate) }), "it");
      const date = { type: "string", format: "date-time" };
      assert.deepEqual(format.json_schema.schema.properties, { a: date, b: date, c: { type: "string" } });
      const at = "1815-12-10T00:00:00.000Z";
      assert.deepEqual(format.$parseRaw(JSON.stringify({ a: at, b: at, c: at })), { a: new Date(at), b: new Date(at), c: new Date(at) });
    });

    test("may check what it takes no undefined for", () => {
      const schema = z.object({ a: z.preprocess((value) => value.trim(), z.string()), b: z.any().refine(async () => true) });
      assert.deepEqual(zodResponseFormat(schema, "it").json_schema.schema.required, ["a", "b"]);
    });

    test("has defaults and descriptions where they are only, though a schema is used in several places", () => {
      const name = z.string().min(1);
      const home = z.object({ city: name });
      const schema = z.object({ first: name.default("Ada"), last: name, home: home.readonly().brand("home").describe("Home"), work: home });
      const text = { type: "string", minLength: 1 };
      const { properties } = zodResponseFormat(schema, "it").json_schema.schema;
      assert.deepEqual([properties.first, properties.last, properties.home.description], [{ ...text, default: "Ada" }, text, "Home"]);
      assert.deepEqual(properties.work, { type: "object", properties: { city: { $ref: "#/definitions/shared0" } }, required: ["city"], additionalProperties: false });
    });

    test("has a default in one place of a schema that is used in several", () => {
      const unit = z.string().default("C");
      const { properties, required, definitions } = zodResponseFormat(z.object({ a: unit, b: unit, c: z.null().nullable() }), "it").json_schema.schema;
      assert.deepEqual(properties, { a: { type: "string", default: "C" }, b: { $ref: "#/definitions/shared0" }, c: { type: ["null"] } });
      assert.deepEqual([required, definitions], [["a", "b", "c"], { shared0: { type: "string", default: "C" } }]);
    });
  });
}

suite("chatmux/zod", () => {
  test("takes schemas of zod mini", () => {
    for (const m of [mini, mini40]) {
      const format = zodResponseFormat(m.object({ a: m.string().check(m.minLength(2)), b: m.nullish(m.number()) }), "it");
      assert.deepEqual(format.json_schema.schema.required, ["a", "b"]);
      assert.deepEqual(format.json_schema.schema.properties.a, { type: "string", minLength: 2 });
      assert.deepEqual(format.$parseRaw('{"a":"xx"}'), { a: "xx" });
      assert.throws(() => format.$parseRaw('{"a":"x"}'), SchemaValidationError);
    }
  });

  test("writes what openai's helper writes, for a schema of zod 4", () => {
    const schema = z.object({
      a: z.string().describe("A").min(2),
      b: z.int().nullish(),
      c: z.discriminatedUnion("k", [z.object({ k: z.literal("x") }), z.object({ k: z.literal("y"), n: z.number().gt(3) })]),
      d: z.array(z.object({ t: z.enum(["p", "q"]) })).max(4),
    });
    const ours = zodResponseFormat(schema, "it", { description: "It" });
    assert.deepEqual({ ...ours }, { ...openai.zodResponseFormat(schema, "it", { description: "It" }) });
    const tool = { name: "it", parameters: schema, description: "It" };
    assert.deepEqual({ ...zodFunction(tool) }, { ...openai.zodFunction(tool) });
  });

  test("leaves out the pattern of a format that strict mode has, where it looks around", () => {
    const { properties } = zodResponseFormat(z.object({ mail: z.email({ pattern: /^(?!\.)\S+@\S+$/ }) }), "it").json_schema.schema;
    assert.deepEqual(properties.mail, { type: "string", format: "email" });
  });

  test("refuses what is no schema of zod", () => {
    for (const value of [{}, null, undefined, "schema", { "~standard": { version: 1, vendor: "other", validate() {} } }]) {
      assert.throws(() => zodResponseFormat(value, "it"), (error) => error instanceof ChatmuxError && /no schema of zod/.test(error.message));
    }
    assert.throws(() => zodResponseFormat(z.object({ a: z.bigint() }), "it"), /cannot be written as JSON Schema: BigInt/);
  });

  test("is what parse() points to for a zod that brings no JSON Schema", async () => {
    const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", fetch: async () => jsonResponse() });
    for (const old of [z325, z40, z41]) {
      const error = await failure(client.chat.completions.parse({ ...REQUEST, response_format: old.object({ a: old.string() }) }));
      assert.match(error.message, /`zodResponseFormat\(\)` or `zodFunction\(\)` of "chatmux\/zod"/);
    }
  });
});

/** `parse()`: what is sent for each kind of schema, what comes of the answer, and which errors there are. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { toJsonSchema, toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import {
  APIConnectionError, Chatmux, ChatmuxError, ContentFilterFinishReasonError, InvalidJSONError, LengthFinishReasonError, SchemaValidationError,
  standardFunction, standardResponseFormat,
} from "chatmux";
import * as v from "valibot";
import { z } from "zod";
import { COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, REQUEST } from "./support.mjs";

// What a promise of chatmux leaves unhandled would end a program of Node's.
forbidStrayRejections();

/** A completion with this content, or this message, or these choices. */
function completionOf(said, finish_reason = "stop") {
  const choices = Array.isArray(said) ? said : [typeof said === "string" ? { content: said } : said];
  return {
    ...COMPLETION,
    choices: choices.map((message, index) => ({ index, finish_reason, logprobs: null, message: { role: "assistant", content: null, refusal: null, ...message } })),
  };
}

/** Asks for an answer to be parsed. Gives the answer, the call, and what was sent for it. */
function parse(body, said, finish_reason) {
  const seen = {};
  const fetch = async (url, { body }) => {
    seen.body = JSON.parse(body);
    return jsonResponse(completionOf(said, finish_reason), { headers: { "x-request-id": "req_7" } });
  };
  const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0, fetch });
  return { call: client.chat.completions.parse({ ...REQUEST, ...body }), seen };
}

/** What is parsed of a content by a schema. */
async function parsed(response_format, content) {
  return (await parse({ response_format }, content).call).choices[0].message.parsed;
}

/** What is sent for a schema. */
async function sentFor(response_format, content = "{}") {
  const { call, seen } = parse({ response_format }, content);
  await call.catch(() => {});
  return seen.body.response_format;
}

const DRAFT = "http://json-schema.org/draft-07/schema#";
const NAME = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const CLOSED = { ...NAME, additionalProperties: false };
const CALL = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } };
const STRICT = { type: "function", function: { name: "weather", strict: true, parameters: {} } };

suite("what is sent by parse() for a schema", () => {
  test("of zod is its JSON Schema, in strict mode", async () => {
    const json_schema = { name: "response", schema: { $schema: DRAFT, ...CLOSED }, strict: true };
    assert.deepEqual(await sentFor(z.object({ name: z.string() })), { type: "json_schema", json_schema });
  });

  test("of arktype, which is a function, and of valibot is theirs", async () => {
    const ark = await sentFor(type({ name: "string" }));
    assert.deepEqual(ark.json_schema, { name: "response", schema: { $schema: DRAFT, ...CLOSED }, strict: true });
    const valibot = await sentFor(toStandardJsonSchema(v.object({ name: v.string() })));
    assert.deepEqual(valibot.json_schema, { name: "response", schema: { $schema: DRAFT, ...CLOSED }, strict: true });
  });

  test("that brings none is the one beside it, under its name", async () => {
    const schema = v.object({ name: v.string() });
    const sent = await sentFor({ schema, jsonSchema: toJsonSchema(schema), name: "person-1", description: "Who it is." });
    assert.deepEqual(sent.json_schema, { name: "person-1", description: "Who it is.", schema: { $schema: DRAFT, ...CLOSED }, strict: true });
  });

  test("that is plain JSON Schema is it, closed, and left as it was for its owner", async () => {
    const schema = structuredClone(NAME);
    assert.deepEqual((await sentFor(schema)).json_schema, { name: "response", schema: CLOSED, strict: true });
    assert.deepEqual(schema, NAME);
  });

  test("is that of the moment, when its owner has changed it", async () => {
    const schema = structuredClone(NAME);
    await sentFor(schema);
    schema.title = "Later";
    assert.equal((await sentFor(schema)).json_schema.name, "Later");
  });

  test("has the name of its title, as far as a name can say it", async () => {
    assert.equal((await sentFor({ ...NAME, title: "A person, or two" })).json_schema.name, "A_person_or_two");
    assert.equal((await sentFor({ ...NAME, title: "x".repeat(70) })).json_schema.name, "x".repeat(64));
    assert.equal((await sentFor({ ...NAME, title: "人" })).json_schema.name, "_");
    assert.equal((await sentFor({ ...NAME, title: "" })).json_schema.name, "response");
  });

  test("that the wire has itself is sent as it is", async () => {
    for (const format of [
      { type: "json_schema", json_schema: { name: "any name at all", schema: { type: "string" }, of_theirs: 1 } },
      { type: "json_object" },
      { type: "text" },
      { type: "grammar", grammar: "root ::= [a-z]+" },
    ]) {
      assert.deepEqual(await sentFor(format), format);
    }
  });

  test("that strict mode cannot say is sent as it is, not strict", async () => {
    for (const schema of [
      { type: "object", properties: { a: { type: "string" } } },
      { type: "object" },
      { type: "object", additionalProperties: { type: "number" } },
      { type: "object", properties: { a: {} }, required: ["a"] },
      { type: "object", properties: { a: { type: "array" } }, required: ["a"] },
      { type: "object", properties: { a: { type: "array", prefixItems: [{ type: "string" }], items: { type: "string" } } }, required: ["a"] },
      { type: "object", properties: { a: { not: { type: "string" } } }, required: ["a"] },
      { type: "object", properties: { a: { $ref: "https://else.test/schema" } }, required: ["a"] },
      { type: "object", properties: {}, required: ["a"] },
      { type: "object", properties: { a: { oneOf: [{ type: "null" }, { $ref: "#/properties/b" }], description: "A" }, b: { type: "string" } }, required: ["a"] },
    ]) {
      assert.deepEqual((await sentFor(schema)).json_schema, { name: "response", schema, strict: false });
    }
    const zods = await sentFor(z.object({ a: z.string().optional() }));
    assert.deepEqual(zods.json_schema, { name: "response", schema: { $schema: DRAFT, type: "object", properties: { a: { type: "string" } } }, strict: false });
  });

  test("has every property required that can be null or has a default", async () => {
    const schema = z.object({ a: z.string().nullish(), b: z.number().default(3), c: z.union([z.literal(1), z.null()]).optional() });
    const { required, properties } = (await sentFor(schema)).json_schema.schema;
    assert.deepEqual(required, ["a", "b", "c"]);
    assert.deepEqual(properties.b, { type: "number", description: "default: 3" });
    assert.deepEqual(await parsed(schema, '{"a":null,"b":4,"c":null}'), { a: null, b: 4, c: null });
  });

  test("tells in words what strict mode has no keywords for", async () => {
    const properties = {
      a: { type: "string", minLength: 2, maxLength: 9, description: "A word" },
      b: { type: "string", format: "uri" },
      c: { type: "string", format: "email", pattern: "^(?!\\.)a" },
      d: { type: "string", pattern: "^(?!x)" },
      e: { type: "string", format: "date", pattern: "^2" },
    };
    const sent = await sentFor({ type: "object", properties, required: ["a", "b", "c", "d", "e"] });
    assert.equal(sent.json_schema.strict, true);
    assert.deepEqual(sent.json_schema.schema.properties, {
      a: { type: "string", description: "A word (minLength: 2, maxLength: 9)" },
      b: { type: "string", description: 'format: "uri"' },
      c: { type: "string", format: "email" },
      d: { type: "string", description: 'pattern: "^(?!x)"' },
      e: { type: "string", format: "date", pattern: "^2" },
    });
  });

  test("has what OpenAI wants in place of oneOf, allOf and references", async () => {
    const a = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    const b = { type: "object", properties: { b: { type: "string" } }, required: ["b"] };
    const sent = await sentFor({
      type: "object",
      properties: {
        one: { oneOf: [a, b] },
        all: { allOf: [a, b] },
        single: { description: "S", allOf: [{ type: "string" }] },
        there: { $ref: "#/properties/one/oneOf/0", description: "As there" },
        root: { anyOf: [{ $ref: "#" }, { type: "null" }] },
        union: { type: ["object", "string"], anyOf: [false, a, { type: "string" }] },
      },
      required: ["one", "all", "single", "there", "root", "union"],
    });
    const closed = { ...a, additionalProperties: false };
    assert.deepEqual(sent.json_schema.schema.properties, {
      one: { anyOf: [closed, { ...b, additionalProperties: false }] },
      all: { type: "object", properties: { ...a.properties, ...b.properties }, required: ["a", "b"], additionalProperties: false },
      single: { description: "S", type: "string" },
      there: { description: "As there", anyOf: [{ $ref: "#/definitions/shared0" }] },
      root: { anyOf: [{ $ref: "#" }, { type: "null" }] },
      union: { anyOf: [closed, { type: "string" }] },
    });
    assert.deepEqual(sent.json_schema.schema.definitions, { shared0: closed });
    assert.equal(sent.json_schema.strict, true);
  });

  test("is one schema where allOf says it several times, and where a root is a union of one", async () => {
    const city = { type: "string", minLength: 1 };
    const properties = {
      same: { allOf: [{ $ref: "#/definitions/city" }, { $ref: "#/definitions/city" }] },
      beside: { type: "number", allOf: [{ type: "number" }] },
      there: { $ref: "#/anyOf/1/allOf/0/properties/beside" },
    };
    const branch = { allOf: [{ type: "object", properties, required: ["same", "beside", "there"] }] };
    const { json_schema } = await sentFor({ title: "It", anyOf: [false, branch], definitions: { city } });
    const number = { type: "number" };
    assert.deepEqual(json_schema, {
      name: "It",
      schema: {
        title: "It",
        type: "object",
        properties: { same: { $ref: "#/definitions/city" }, beside: number, there: { $ref: "#/definitions/shared0" } },
        required: ["same", "beside", "there"],
        additionalProperties: false,
        definitions: { city: { type: "string", description: "minLength: 1" }, shared0: number },
      },
      strict: true,
    });
    const apart = { type: "object", properties: { a: { allOf: [{ type: "string" }, { type: "number" }] } }, required: ["a"] };
    assert.equal((await sentFor(apart)).json_schema.strict, false);
  });

  test("has a default told, wherever it stands, but not one of null beside null", async () => {
    const sent = await sentFor({
      type: "object",
      properties: { a: { type: ["string", "null"], default: null }, b: { $ref: "#/$defs/b" }, c: { anyOf: [{ type: "number" }, { type: "string", default: "x" }] }, d: { type: "string", default: null } },
      $defs: { a: { type: "string", default: "y" }, b: { type: "object", properties: { a: { $ref: "#/$defs/a" } } } },
      required: ["b"],
    });
    assert.equal(sent.json_schema.strict, true);
    assert.deepEqual(sent.json_schema.schema.properties, {
      a: { type: ["string", "null"] },
      b: { $ref: "#/$defs/b" },
      c: { anyOf: [{ type: "number" }, { type: "string", description: 'default: "x"' }] },
      d: { type: "string", description: "default: null" },
    });
    assert.deepEqual(sent.json_schema.schema.$defs, {
      a: { type: "string", description: 'default: "y"' },
      b: { type: "object", properties: { a: { $ref: "#/$defs/a" } }, required: ["a"], additionalProperties: false },
    });
  });

  test("can be recursive at its root", async () => {
    const sent = await sentFor({
      $ref: "#/$defs/tree",
      $defs: { tree: { type: "object", properties: { kids: { type: "array", items: { $ref: "#/$defs/tree" } } }, required: ["kids"] } },
    });
    const tree = { type: "object", properties: { kids: { type: "array", items: { $ref: "#/$defs/tree" } } }, required: ["kids"], additionalProperties: false };
    assert.deepEqual(sent.json_schema, { name: "response", schema: { ...tree, $defs: { tree } }, strict: true });
  });

  test("keeps properties that are named like members of every object", async () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}},"required":["__proto__","constructor"]}');
    const sent = await sentFor(schema);
    assert.deepEqual(Object.keys(sent.json_schema.schema.properties), ["__proto__", "constructor"]);
    assert.equal(sent.json_schema.strict, true);
  });
});

suite("parse() refuses before anything is sent", () => {
  /** The error of a call that must send nothing. */
  async function refused(body) {
    const { call, seen } = parse(body, "{}");
    const error = await failure(call);
    assert.equal(seen.body, undefined);
    assert.ok(error instanceof ChatmuxError);
    assert.equal(error.kind, "invalid_request");
    return error.message;
  }

  test("a schema that brings no JSON Schema, and says what to do", async () => {
    assert.match(await refused({ response_format: v.object({}) }), /brings no JSON Schema.*\{ schema, jsonSchema \}/);
  });

  test("a schema of no object", async () => {
    for (const format of [z.array(z.string()), z.string(), z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), { type: "array", items: {} }, { $ref: "#" }]) {
      assert.match(await refused({ response_format: format }), /must be of an object: put what it is of into a property of one/);
    }
  });

  test("a schema that is none, and one that nests without end", async () => {
    const cycle = { type: "object", properties: {} };
    cycle.properties.self = cycle;
    assert.match(await refused({ response_format: cycle }), /cannot be written as JSON/);
    let deep = { type: "string" };
    for (let level = 0; level < 400; level++) deep = { type: "array", items: deep };
    assert.match(await refused({ response_format: { type: "object", properties: { deep } } }), /nests deeper than 256 levels/);
    assert.match(await refused({ response_format: { schema: v.object({}), jsonSchema: "{}" } }), /must be an object/);
    assert.match(await refused({ response_format: z.object({ a: z.bigint() }) }), /cannot be written as JSON Schema: BigInt/);
    assert.match(await refused({ response_format: z.object({ a: z.file() }) }), /of a file, at #\/properties\/a, which JSON cannot carry/);
  });

  test("a name that OpenAI refuses", async () => {
    for (const name of ["", "a name", "x".repeat(65), 7, null]) {
      assert.match(await refused({ response_format: { schema: v.object({}), jsonSchema: NAME, name } }), /1 to 64 letters, digits/);
    }
  });

  test("strict mode that is asked for and cannot be, and says where and why", async () => {
    const jsonSchema = { type: "object", properties: { list: { type: "array", items: { type: "object", properties: { "a/b": { type: "string" } } } } }, required: ["list"] };
    const message = await refused({ response_format: { schema: v.object({}), jsonSchema, strict: true } });
    assert.match(message, /strict mode, at #\/properties\/list\/items\/properties\/a\/b: it is optional without being nullable/);
  });

  test("tools whose arguments it could not rely on, and streams", async () => {
    assert.match(await refused({ tools: [{ type: "function", function: { name: "weather" } }] }), /`weather` is not marked with `strict: true`/);
    assert.match(await refused({ tools: [{ type: "retrieval" }] }), /`function` or `custom`/);
    assert.match(await refused({ stream: true }), /use `stream\(\)`/);
  });
});

suite("what parse() makes of an answer", () => {
  test("is what the schema makes of it", async () => {
    assert.deepEqual(await parsed(z.object({ at: z.string().transform((text) => new Date(text)) }), '{"at":"2026-01-02"}'), { at: new Date("2026-01-02") });
    assert.deepEqual(await parsed(type({ name: "string" }), '{"name":"Ada"}'), { name: "Ada" });
    const schema = v.pipe(v.object({ name: v.string() }), v.transform(({ name }) => name.length));
    assert.equal(await parsed({ schema, jsonSchema: NAME }, '{"name":"Ada"}'), 3);
  });

  test("can be the work of an asynchronous validator", async () => {
    const schema = z.object({ name: z.string().refine(async (name) => name === "Ada", "nobody knows them") });
    assert.deepEqual(await parsed(schema, '{"name":"Ada"}'), { name: "Ada" });
    const error = await failure(parsed(schema, '{"name":"Bob"}'));
    assert.ok(error instanceof SchemaValidationError);
    assert.deepEqual(error.issues.map(({ message, path }) => ({ message, path })), [{ message: "nobody knows them", path: ["name"] }]);
    assert.equal(error.completion.choices[0].message.content, '{"name":"Bob"}');
  });

  test("is JSON, unvalidated, for a plain JSON Schema and for openai's own form", async () => {
    assert.deepEqual(await parsed(NAME, '{"name":7}'), { name: 7 });
    assert.deepEqual(await parsed({ type: "json_schema", json_schema: { name: "n", schema: NAME } }, " [1]\n"), [1]);
  });

  test("is null where nothing is to be parsed", async () => {
    for (const format of [undefined, null, { type: "text" }, { type: "json_object" }]) assert.equal(await parsed(format, '{"a":1}'), null);
  });

  test("is the whole completion, with a parsed message in each choice", async () => {
    const { call } = parse({ response_format: z.object({ n: z.number() }), n: 2 }, [{ content: '{"n":1}' }, { content: '{"n":2}' }]);
    const completion = await call;
    const expected = completionOf([{ content: '{"n":1}', parsed: { n: 1 } }, { content: '{"n":2}', parsed: { n: 2 } }]);
    assert.deepEqual(JSON.parse(JSON.stringify(completion)), expected);
  });

  test("keeps the id of the request, the response behind it, and is made once", async () => {
    let made = 0;
    const schema = z.object({ name: z.string() }).transform((value) => (made++, value));
    const { call } = parse({ response_format: schema }, '{"name":"Ada"}');
    const { data, response, request_id } = await call.withResponse();
    assert.equal(await call, data);
    assert.equal((await call.asResponse()).status, 200);
    assert.deepEqual([data._request_id, request_id, response.headers.get("x-request-id")], ["req_7", "req_7", "req_7"]);
    assert.deepEqual(Object.keys(data), Object.keys(COMPLETION));
    assert.equal(made, 1);
  });

  test("is the raw response, unread, for those who want it alone", async () => {
    const { call } = parse({ response_format: z.object({ name: z.string() }) }, "no JSON");
    const response = await call.asResponse();
    assert.equal((await response.json()).choices[0].message.content, "no JSON");
  });

  test("is null for a word beside tool calls, which is no answer yet", async () => {
    const body = { response_format: z.object({ name: z.string() }), tools: [STRICT] };
    const later = { schema: { "~standard": { version: 1, vendor: "x", validate: async () => ({ issues: [{ message: "no" }] }) } }, jsonSchema: CLOSED };
    for (const [given, content] of [[body, "I look it up."], [body, '{"name":1}'], [{ ...body, response_format: later }, "{}"]]) {
      const { message } = (await parse(given, { content, tool_calls: [CALL] }, "tool_calls").call).choices[0];
      assert.deepEqual([message.parsed, message.content], [null, content]);
    }
    const broken = { "~standard": { version: 1, vendor: "x", validate: () => assert.fail("broken") } };
    const error = await failure(parse({ ...body, response_format: { schema: broken, jsonSchema: CLOSED } }, { content: "{}", tool_calls: [CALL] }).call);
    assert.match(error.message, /broken/);
  });

  test("takes a call without a type for one of a function", async () => {
    const { type, ...untyped } = CALL;
    const { message } = (await parse({ tools: [STRICT] }, { tool_calls: [untyped] }, "tool_calls").call).choices[0];
    assert.deepEqual(message.tool_calls, [{ ...CALL, function: { ...CALL.function, parsed_arguments: { city: "Paris" } } }]);
  });

  test("C6: is null for a refusal, which is kept", async () => {
    const { call } = parse({ response_format: z.object({ a: z.string() }) }, { content: "{", refusal: "I will not." });
    const [{ message }] = (await call).choices;
    assert.deepEqual([message.parsed, message.refusal], [null, "I will not."]);
  });

  test("is null beside tool calls that come with no text", async () => {
    const body = { response_format: z.object({ a: z.string() }), tools: [STRICT] };
    for (const content of [null, ""]) {
      const { message } = (await parse(body, { content, tool_calls: [CALL] }, "tool_calls").call).choices[0];
      assert.equal(message.parsed, null);
      assert.deepEqual(message.tool_calls[0].function.parsed_arguments, { city: "Paris" });
    }
  });

  test("C3: has keys such as __proto__ as keys of its own", async () => {
    const value = await parsed(NAME, '{"__proto__":{"admin":true},"constructor":1}');
    assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
    assert.equal(value.admin, undefined);
    assert.equal({}.admin, undefined);
  });
});

suite("an answer that is not what was asked for", () => {
  test("C6: and was cut at its length is a LengthFinishReasonError with the completion", async () => {
    const error = await failure(parse({ response_format: z.object({ a: z.string() }) }, '{"a":"', "length").call);
    assert.ok(error instanceof LengthFinishReasonError);
    assert.equal(error.completion.usage.total_tokens, 2);
    assert.deepEqual(Object.keys(error), []);
  });

  test("C6: and was held back is a ContentFilterFinishReasonError with the completion", async () => {
    const error = await failure(parse({ response_format: z.object({ a: z.string() }) }, '{"a":"', "content_filter").call);
    assert.ok(error instanceof ContentFilterFinishReasonError);
    assert.equal(error.completion.id, COMPLETION.id);
  });

  test("and is no JSON is an InvalidJSONError that does not quote it", async () => {
    const error = await failure(parsed(z.object({ a: z.string() }), 'secret words, {"a":'));
    assert.ok(error instanceof InvalidJSONError && error instanceof ChatmuxError);
    assert.deepEqual([error.name, error.kind, error.message], ["InvalidJSONError", "invalid_json", "What the model wrote is not valid JSON."]);
    assert.equal(error.content, 'secret words, {"a":');
    assert.doesNotMatch(inspect(error) + JSON.stringify(error), /secret/);
  });

  test("and does not fit is a SchemaValidationError with the issues, that does not hold the answer", async () => {
    const schema = z.object({ list: z.array(z.object({ n: z.number() })), secret: z.string() });
    const error = await failure(parsed(schema, '{"list":[{"n":"secret words"}],"secret":"words"}'));
    assert.ok(error instanceof SchemaValidationError && error instanceof ChatmuxError);
    assert.equal(error.message, "What the model wrote does not fit the schema: list.0.n: Invalid input: expected number, received string.");
    assert.deepEqual([error.name, error.kind, error.issues.length], ["SchemaValidationError", "schema_validation", 1]);
    assert.deepEqual(error.issues[0].path, ["list", 0, "n"]);
    assert.match(error.content, /secret words/);
    assert.doesNotMatch(inspect(error), /secret words/);
  });

  test("tells of five issues, and how many more there are", async () => {
    const schema = z.object(Object.fromEntries([..."abcdefg"].map((key) => [key, z.string({ error: `no ${key}` })])));
    const error = await failure(parsed(schema, "{}"));
    assert.equal(error.message, "What the model wrote does not fit the schema: a: no a; b: no b; c: no c; d: no d; e: no e; and 2 more.");
    assert.equal(error.issues.length, 7);
  });

  test("and nests 100 000 levels is an error, whatever reads it", async () => {
    const arrays = "[".repeat(100_000) + "]".repeat(100_000);
    const objects = '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000);
    const tree = z.object({ get a() { return tree.optional(); } });
    for (const content of [arrays, objects, "[".repeat(100_000)]) {
      for (const format of [{ type: "json_schema", json_schema: { name: "n" } }, NAME, tree]) {
        const error = await failure(parsed(format, content));
        assert.ok(error instanceof InvalidJSONError);
        assert.match(error.message, /more than 1000 levels/);
      }
    }
  });

  test("but has as many brackets in a text as it likes is read", async () => {
    const text = '["\\'.repeat(1_000_000);
    assert.deepEqual(await parsed(NAME, JSON.stringify({ name: text, list: Array(5000).fill([]) })), { name: text, list: Array(5000).fill([]) });
  });

  test("and throws in a validator is what the validator threw", async () => {
    const schema = { "~standard": { version: 1, vendor: "test", validate: () => { throw new TypeError("mine"); } } };
    const error = await failure(parsed({ schema, jsonSchema: NAME }, "{}"));
    assert.ok(error instanceof TypeError);
    const deep = () => deep();
    const endless = { "~standard": { version: 1, vendor: "test", validate: deep } };
    assert.ok((await failure(parsed({ schema: endless, jsonSchema: NAME }, "{}"))) instanceof InvalidJSONError);
  });

  test("and never came is the error of the call", async () => {
    const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0, fetch: async () => { throw new TypeError("fetch failed"); } });
    const call = client.chat.completions.parse({ ...REQUEST, response_format: z.object({}) });
    assert.ok((await failure(call)) instanceof APIConnectionError);
    assert.ok((await failure(call.asResponse())) instanceof APIConnectionError);
  });
});

suite("the tools of parse()", () => {
  const weather = z.object({ city: z.string(), days: z.number().nullable() });
  const PARAMETERS = { type: "object", properties: { city: { type: "string" }, days: { anyOf: [{ type: "number" }, { type: "null" }] } }, required: ["city", "days"] };

  test("that are strict have their arguments parsed", async () => {
    const { call, seen } = parse({ tools: [STRICT, { type: "custom", custom: { name: "note" } }] }, { tool_calls: [CALL, { id: "c2", type: "custom", custom: { name: "note", input: "x" } }] });
    const [first, second] = (await call).choices[0].message.tool_calls;
    assert.deepEqual(first, { ...CALL, function: { ...CALL.function, parsed_arguments: { city: "Paris" } } });
    assert.deepEqual(second, { id: "c2", type: "custom", custom: { name: "note", input: "x" } });
    assert.deepEqual(seen.body.tools[0], STRICT);
  });

  test("may have a schema for parameters, which validates them", async () => {
    const tools = [{ type: "function", function: { name: "weather", description: "W", parameters: weather } }];
    const calling = (args) => parse({ tools }, { tool_calls: [{ ...CALL, function: { name: "weather", arguments: args } }] });
    const { call, seen } = calling('{"city":"Paris","days":null}');
    assert.deepEqual((await call).choices[0].message.tool_calls[0].function.parsed_arguments, { city: "Paris", days: null });
    const sent = seen.body.tools[0].function;
    assert.deepEqual([sent.strict, sent.description, sent.parameters.required], [true, "W", ["city", "days"]]);
    const error = await failure(calling('{"city":7,"days":null}').call);
    assert.ok(error instanceof SchemaValidationError);
    assert.deepEqual(error.issues[0].path, ["city"]);
    assert.ok((await failure(calling('{"city":').call)) instanceof InvalidJSONError);
  });

  test("of standardFunction() have openai's shape", async () => {
    const run = () => {};
    const schema = toStandardJsonSchema(v.object({ city: v.string(), days: v.nullable(v.number()) }));
    const tool = standardFunction({ name: "weather", parameters: schema, function: run, description: "W" });
    const parameters = { $schema: DRAFT, ...PARAMETERS, additionalProperties: false };
    assert.deepEqual({ ...tool }, { type: "function", function: { name: "weather", parameters, strict: true, description: "W" } });
    assert.deepEqual(Object.keys(tool), ["type", "function"]);
    assert.deepEqual([tool.$brand, tool.$callback], ["auto-parseable-tool", run]);
    assert.deepEqual(tool.$parseRaw('{"city":"Paris","days":1}'), { city: "Paris", days: 1 });
    assert.throws(() => tool.$parseRaw('{"city":"Paris"}'), SchemaValidationError);
    const { call } = parse({ tools: [tool] }, { tool_calls: [{ ...CALL, function: { name: "weather", arguments: '{"city":"Paris","days":2}' } }] });
    assert.deepEqual((await call).choices[0].message.tool_calls[0].function.parsed_arguments, { city: "Paris", days: 2 });
  });

  test("that the model calls with no arguments at all are called with none", async () => {
    const tool = standardFunction({ name: "now", parameters: z.object({}) });
    assert.equal(tool.$callback, undefined);
    const none = standardFunction({ name: "now", parameters: v.object({}), schema: { type: "object" } });
    assert.deepEqual(none.function.parameters, { type: "object", properties: {}, required: [], additionalProperties: false });
    const { call } = parse({ tools: [tool] }, { tool_calls: [{ ...CALL, function: { name: "now", arguments: "" } }] });
    assert.deepEqual((await call).choices[0].message.tool_calls[0].function.parsed_arguments, {});
  });

  test("C3: are not found under the names of inherited members", async () => {
    const { call } = parse({ tools: [STRICT] }, { tool_calls: [{ ...CALL, function: { name: "__proto__", arguments: "{" } }] });
    assert.equal((await call).choices[0].message.tool_calls[0].function.parsed_arguments, null);
  });

  test("with functions in them are sent without", async () => {
    const tools = [{ type: "function", function: { name: "weather", strict: true, parameters: {}, function: () => {}, parse: JSON.parse } }];
    const { call, seen } = parse({ tools }, "Hi");
    await call;
    assert.deepEqual(seen.body.tools, [STRICT]);
  });
});

suite("standardResponseFormat()", () => {
  test("makes openai's format, whose parser is not enumerable", () => {
    const format = standardResponseFormat(type({ name: "string" }), "person", { description: "Who" });
    assert.deepEqual({ ...format }, { type: "json_schema", json_schema: { description: "Who", name: "person", strict: true, schema: { $schema: DRAFT, ...CLOSED } } });
    assert.deepEqual([Object.keys(format), format.$brand], [["type", "json_schema"], "auto-parseable-response-format"]);
    assert.deepEqual(format.$parseRaw('{"name":"Ada"}'), { name: "Ada" });
  });

  test("is not written by what its options bring along", () => {
    const toJSON = () => ({ name: "other" });
    const format = standardResponseFormat(type({ name: "string" }), "person", { name: "other", strict: false, toJSON });
    assert.deepEqual(JSON.parse(JSON.stringify(format)).json_schema, { name: "person", strict: true, schema: { $schema: DRAFT, ...CLOSED } });
  });

  test("takes the JSON Schema of a schema that brings none, and refuses what strict mode cannot say", async () => {
    const schema = v.object({ name: v.string() });
    assert.deepEqual(await parsed(standardResponseFormat(schema, "person", { schema: NAME }), '{"name":"Ada"}'), { name: "Ada" });
    assert.throws(() => standardResponseFormat(schema, "person"), /brings no JSON Schema/);
    assert.throws(() => standardResponseFormat(schema, "person", { schema: { ...NAME, required: [] } }), /#\/properties\/name: it is optional without being nullable/);
    assert.throws(() => standardResponseFormat(schema, "a person", { schema: NAME }), ChatmuxError);
  });
});

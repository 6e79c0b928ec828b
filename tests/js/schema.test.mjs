/** `chatmux/schema`: plain JSON Schema that validates, whatever it is and whatever it is held against. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError, SchemaValidationError, standardFunction as fromMain } from "chatmux";
import { jsonSchema, standardFunction, standardResponseFormat } from "chatmux/schema";
import { COMPLETION, failure, jsonResponse, KEY, REQUEST, spawned } from "./support.mjs";

const PERSON = {
  type: "object",
  properties: { name: { type: "string", minLength: 2 }, born: { type: ["integer", "null"] }, tags: { type: "array", items: { type: "string" } } },
  required: ["name", "born", "tags"],
  additionalProperties: false,
};
const ADA = { name: "Ada", born: 1815, tags: [] };

/** What is wrong with a value: where, and what. */
function issues(schema, value) {
  const result = jsonSchema(schema)["~standard"].validate(value);
  return (result.issues ?? []).map(({ path = [], message }) => `${path.join(".")}: ${message}`);
}

/** Asks for an answer in the form of a schema. */
function parse(body, message) {
  const seen = {};
  const fetch = async (url, { body }) => {
    seen.body = JSON.parse(body);
    return jsonResponse({ ...COMPLETION, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: null, refusal: null, ...message } }] });
  };
  const client = new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", fetch });
  return { call: client.chat.completions.parse({ ...REQUEST, ...body }), seen };
}

suite("a schema of chatmux/schema", () => {
  test("follows Standard Schema, and brings its JSON Schema", () => {
    const { "~standard": standard } = jsonSchema(PERSON);
    assert.deepEqual([standard.version, standard.vendor], [1, "chatmux"]);
    assert.deepEqual(standard.validate(ADA), { value: ADA });
    assert.equal(standard.validate(ADA).value, ADA);
    for (const write of [standard.jsonSchema.input, standard.jsonSchema.output]) assert.deepEqual(write({ target: "draft-07" }), PERSON);
  });

  test("is a response format: sent strict, and validated", async () => {
    const good = parse({ response_format: jsonSchema(PERSON, { name: "person" }) }, { content: JSON.stringify(ADA) });
    assert.deepEqual((await good.call).choices[0].message.parsed, ADA);
    const { json_schema } = good.seen.body.response_format;
    assert.deepEqual([json_schema.name, json_schema.strict, json_schema.schema.properties.born], ["person", true, { type: ["integer", "null"] }]);
    const error = await failure(parse({ response_format: jsonSchema(PERSON) }, { content: '{"name":"A","born":null,"tags":[7]}' }).call);
    assert.ok(error instanceof SchemaValidationError);
    assert.deepEqual(error.issues.map(({ path }) => path), [["name"], ["tags", "0"]]);
  });

  test("is the parameters of a tool", async () => {
    const tools = [{ type: "function", function: { name: "greet", parameters: jsonSchema(PERSON) } }];
    const calling = (args) => parse({ tools }, { tool_calls: [{ id: "c", type: "function", function: { name: "greet", arguments: JSON.stringify(args) } }] });
    const { call, seen } = calling(ADA);
    assert.deepEqual((await call).choices[0].message.tool_calls[0].function.parsed_arguments, ADA);
    assert.deepEqual(seen.body.tools[0].function.parameters.required, ["name", "born", "tags"]);
    assert.ok((await failure(calling({ ...ADA, born: "1815" }).call)) instanceof SchemaValidationError);
  });

  test("goes into standardFunction() and standardResponseFormat(), which are here as well", () => {
    assert.equal(standardFunction, fromMain);
    const tool = standardFunction({ name: "greet", parameters: jsonSchema(PERSON), function: ({ name }) => `Hi ${name}` });
    assert.deepEqual(tool.$parseRaw(JSON.stringify(ADA)), ADA);
    assert.throws(() => standardResponseFormat(jsonSchema(PERSON), "person").$parseRaw("{}"), SchemaValidationError);
  });

  test("does not change with the object that it was made of", () => {
    const source = structuredClone(PERSON);
    const schema = jsonSchema(source);
    source.properties.name = { type: "number" };
    assert.deepEqual(schema["~standard"].validate(ADA), { value: ADA });
    assert.deepEqual(Reflect.ownKeys(source.properties), ["name", "born", "tags"]);
    assert.deepEqual(Reflect.ownKeys(source), ["type", "properties", "required", "additionalProperties"]);
  });
});

suite("what is wrong with a value", () => {
  test("is told in all places, with the keys that lead there", () => {
    assert.deepEqual(issues(PERSON, { born: 1.5, tags: ["a", 1, 2], "a/b~c %#ü": 1 }), [
      ': Instance does not have required property "name".',
      'born: Instance type "number" is invalid. Expected "integer", "null".',
      'tags.1: Instance type "number" is invalid. Expected "string".',
      'tags.2: Instance type "number" is invalid. Expected "string".',
      "a/b~c %#ü: is not allowed",
    ]);
  });

  test("is known of every keyword of the drafts", () => {
    const bad = [
      [{ enum: ["a", "b"] }, "c"], [{ const: { a: [1] } }, { a: [2] }], [{ maximum: 3 }, 4], [{ exclusiveMinimum: 3 }, 3], [{ multipleOf: 0.1 }, 0.25],
      [{ pattern: "^a" }, "b"], [{ format: "email" }, "x"], [{ format: "date-time" }, "yesterday"], [{ maxLength: 1 }, "ab"], [{ uniqueItems: true }, [1, 1]],
      [{ minItems: 1 }, []], [{ contains: { const: 1 } }, [2]], [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1]], [{ not: { type: "string" } }, "a"],
      [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3], [{ anyOf: [{ type: "string" }, { type: "null" }] }, 1], [{ allOf: [{ minimum: 1 }, { maximum: 0 }] }, 1],
      [{ patternProperties: { "^x": { type: "string" } } }, { xa: 1 }], [{ propertyNames: { maxLength: 1 } }, { ab: 1 }], [{ dependentRequired: { a: ["b"] } }, { a: 1 }],
      [{ if: { minimum: 3 }, then: { multipleOf: 2 } }, 5], [{ properties: { a: {} }, unevaluatedProperties: false }, { b: 1 }],
      [{ $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }], additionalItems: false }, ["a", 1]],
      [{ $schema: "http://json-schema.org/draft-04/schema#", minimum: 3, exclusiveMinimum: true }, 3],
    ];
    for (const [schema, value] of bad) assert.notDeepEqual(issues(schema, value), [], JSON.stringify(schema));
    const good = [[{ format: "unheard-of" }, "x"], [{ multipleOf: 0.1 }, 0.3], [{ type: "integer" }, 1.0], [true && {}, null], [{ maxLength: 1 }, "😀"]];
    for (const [schema, value] of good) assert.deepEqual(issues(schema, value), [], JSON.stringify(schema));
  });

  test("C3: is not hidden by members that every object inherits", () => {
    assert.deepEqual(issues({ required: ["constructor"] }, {}), [': Instance does not have required property "constructor".']);
    assert.deepEqual(issues({ properties: { toString: { type: "string" } } }, {}), []);
    const own = JSON.parse('{"__proto__":1}');
    assert.deepEqual(issues({ additionalProperties: false }, own), ["__proto__: is not allowed"]);
    assert.deepEqual(issues(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), own), ['__proto__: Instance type "number" is invalid. Expected "string".']);
  });

  test("may be a key that is half a character", () => {
    assert.deepEqual(issues({ additionalProperties: { type: "string" } }, { "\ud800": 1 }), [": has a key that is half a character"]);
  });
});

suite("a schema that cannot be used", () => {
  const refused = (schema, message) => assert.throws(() => jsonSchema(schema), (error) => error instanceof ChatmuxError && message.test(error.message), String(message));

  test("is refused when it is made", () => {
    refused({ $ref: "#/$defs/none" }, /`\$ref` "#\/\$defs\/none" leads to no place of it/);
    refused({ properties: { a: { $ref: "https://else.test/schema" } } }, /leads to no place of it/);
    refused({ properties: { a: { pattern: "(" } } }, /"\(" is no regular expression/);
    refused({ patternProperties: { "[": {} } }, /"\[" is no regular expression/);
    for (const schema of [undefined, null, "{}", [], 7]) refused(schema, /cannot be written as JSON|must be an object/);
    const cycle = {};
    cycle.not = cycle;
    refused(cycle, /holds a cycle/);
    refused({ $id: "http://[" }, /cannot be used: /);
  });

  test("is one that refers to itself before it comes to a part of the value", () => {
    refused({ $ref: "#" }, /refers to itself without end/);
    refused({ $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } } }, /refers to itself without end/);
    jsonSchema({ properties: { a: { $ref: "#" } } });
    jsonSchema({ items: { $ref: "#" }, allOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }], $defs: { a: { type: "array" } } });
  });

  test("is one that nests deeper than anyone writes", () => {
    let deep = {};
    for (let level = 0; level < 400; level++) deep = { not: deep };
    refused(deep, /nests deeper than 256 levels/);
    for (let level = 0; level < 100_000; level++) deep = { not: deep };
    refused(deep, /nests too deep/);
  });
});

suite("a value that is made to take long", () => {
  const TREE = { anyOf: [{ type: "null" }, { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }] };
  const nested = (levels, inside = null) => JSON.parse('{"a":'.repeat(levels) + JSON.stringify(inside) + "}".repeat(levels));

  test("by its depth does not fit, and does not crash", () => {
    assert.deepEqual(issues(TREE, nested(100)), []);
    assert.deepEqual(issues(TREE, nested(100_000)), [": takes too many steps to check"]);
  });

  test("by branches that all go on does not fit, and soon", async () => {
    // Each level doubles what there is to do: 2^60 steps.
    const source = `
      import { jsonSchema } from "chatmux/schema";
      const branch = { properties: { a: { $ref: "#" } } };
      const schema = jsonSchema({ anyOf: [branch, branch] });
      let value = {};
      for (let level = 0; level < 60; level++) value = { a: value };
      console.log(JSON.stringify(schema["~standard"].validate(value)));`;
    assert.deepEqual(JSON.parse((await spawned(source)).stdout), { issues: [{ message: "takes too many steps to check" }] });
  });

  test("by more items than can be told apart does not fit", () => {
    const schema = { properties: { list: { uniqueItems: true } } };
    assert.deepEqual(issues(schema, { list: Array.from({ length: 10_001 }, (_, at) => at) }), [": an array has more than 10000 items"]);
    assert.deepEqual(issues({}, Array(20_000).fill(1)), []);
  });

  test("by its size alone is checked", () => {
    const schema = { items: { $ref: "#/$defs/row" }, $defs: { row: { properties: { id: { $ref: "#/$defs/id" } } }, id: { type: "integer" } } };
    const rows = Array.from({ length: 100_000 }, (_, id) => ({ id }));
    assert.deepEqual(issues(schema, rows), []);
  });
});

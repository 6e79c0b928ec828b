/** JSON that is still being written, as the helpers read it. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { PartialJson } from "../../dist/helpers/partial-json.js";
import { random } from "./random.mjs";

/** What is known of a text that came in such pieces, after each of them. */
function valuesOf(pieces) {
  const json = new PartialJson();
  return [...pieces].map((piece) => {
    json.add(piece);
    return json.value;
  });
}
const valueOf = (...pieces) => valuesOf(pieces).at(-1);

test("a value grows with its text: strings as far as they go, numbers when they are whole, members with their values", () => {
  const growth = [
    ["", undefined],
    [' {"', {}],
    ["na", {}],
    ['me"', {}],
    [":", {}],
    ['"', { name: "" }],
    ["A\\u00", { name: "A" }],
    ["64a\\", { name: "Ada" }],
    ['"', { name: 'Ada"' }],
    ['", "born": 18', { name: 'Ada"' }],
    ["15", { name: 'Ada"' }],
    [",", { name: 'Ada"', born: 1815 }],
    ['"is":t', { name: 'Ada"', born: 1815, is: true }],
    ["rue", { name: 'Ada"', born: 1815, is: true }],
    [',"of":[n', { name: 'Ada"', born: 1815, is: true, of: [null] }],
    ["ull,{", { name: 'Ada"', born: 1815, is: true, of: [null, {}] }],
    ["},[1", { name: 'Ada"', born: 1815, is: true, of: [null, {}, []] }],
    ["]]}\n", { name: 'Ada"', born: 1815, is: true, of: [null, {}, [1]] }],
  ];
  assert.deepEqual(valuesOf(growth.map(([piece]) => piece)), growth.map(([, value]) => value));
});

test("a value by itself is known as far as it goes, a number too, which nothing else ends", () => {
  assert.deepEqual(valuesOf('"ab"'), ["", "a", "ab", "ab"]);
  assert.deepEqual(valuesOf("-1.5e3"), [undefined, -1, -1, -1.5, -1.5, -1500]);
  assert.deepEqual(valuesOf("fal"), [false, false, false]);
  assert.equal(valueOf("12 "), 12);
  assert.equal(valueOf(" \n"), undefined);
});

/** A JSON text of a value of any kind, in one of several ways to write it. */
function randomText({ below, pick, chance }) {
  const keys = ["a", "b", "", "__proto__", "constructor", 'é"', "1", "toString"];
  const value = (depth) => {
    const kind = below(depth > 3 ? 4 : 6);
    if (kind === 0) return pick(["", "a", 'Hello \n"\\/ wörld 🦊', "\u2028\ud83d", "\u0000\u001f"]);
    if (kind === 1) return pick([0, -0.5, 12, 1e21, 1.5e-7, -1e300]);
    if (kind === 2) return pick([true, false]);
    if (kind === 3) return null;
    if (kind === 4) return Array.from({ length: below(4) }, () => value(depth + 1));
    const object = {};
    for (let left = below(4); left > 0; left--) {
      Object.defineProperty(object, pick(keys), { value: value(depth + 1), enumerable: true, configurable: true, writable: true });
    }
    return object;
  };
  const text = JSON.stringify(value(0), null, chance(2) ? " \t" : undefined);
  return chance(2) ? text.replace(/[^\x20-\x7e\s]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`) : text;
}

/** Whether a value may be what is known of another: a part of it, from its beginning on. */
function isBeginning(part, whole) {
  if (part === undefined) return true;
  if (typeof part === "string") return typeof whole === "string" && whole.startsWith(part);
  if (typeof part !== "object" || part === null) return part === whole;
  if (Array.isArray(part) !== Array.isArray(whole)) return false;
  const names = Object.keys(part);
  // All but the last are finished.
  return names.every((name) => Object.hasOwn(whole, name) && isBeginning(part[name], whole[name]));
}

test("whatever the text and wherever it is cut, what is known is a part of the whole, never less than before, and at the end all of it", () => {
  for (let seed = 0; seed < 400; seed++) {
    const text = randomText(random(seed));
    const whole = JSON.parse(text);
    const values = valuesOf(text.split(""));
    for (const [at, value] of values.entries()) {
      const so_far = `${text.slice(0, at + 1)} (seed ${seed})`;
      // One that is all there is may be a smaller number before it is whole.
      if (typeof whole !== "number") {
        assert.ok(isBeginning(value, whole), so_far);
        assert.ok(at === 0 || isBeginning(values[at - 1], value), `less than before: ${so_far}`);
      }
      assert.deepEqual(valueOf(text.slice(0, at + 1)), value, `in one piece: ${so_far}`);
    }
    assert.deepEqual(values.at(-1), whole, `seed ${seed}`);
    assert.equal(JSON.stringify(values.at(-1)), JSON.stringify(whole), `seed ${seed}`);
  }
});

suite("a text that is no JSON", () => {
  const before = [
    ['{"a":1 "b":2}', { a: 1 }],
    ['{"a":"x\ny"}', { a: "x" }],
    ['{"a":"x\\qy"}', { a: "x" }],
    ['{"a":"\\u00g0"}', { a: "" }],
    ['{"a":truf}', { a: true }],
    ['{"a":01}', {}],
    ['{"a":1.,"b":2}', {}],
    ['{"a":-}', {}],
    ['{"a":NaN}', {}],
    ['{"a":[1,2}', { a: [1, 2] }],
    ['{"a":1,}', { a: 1 }],
    ['[{"a":1,},2,', [{ a: 1 }]],
    ["[1,]", [1]],
    ["[[1,],2,", [[1]]],
    ["[,1]", []],
    ["{a:1}", {}],
    ["{'a':1}", {}],
    ['{"a";1}', {}],
    ["]", undefined],
    ["```json\n{}", undefined],
    ['{"a":1} {"b":2}', { a: 1 }],
    ['{"a":1}}', { a: 1 }],
  ];
  for (const [text, value] of before) {
    test(`is what it was before the mistake, however much comes after: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(valueOf(text), value);
      assert.deepEqual(valueOf(...text), value);
      assert.deepEqual(valueOf(text, ',"more":1}'), value);
    });
  }

  test("because it nests deeper than 128 levels is what it was before", () => {
    const nested = (levels) => {
      let value = [];
      for (let level = 1; level < levels; level++) value = [value];
      return value;
    };
    assert.deepEqual(valueOf("[".repeat(128)), nested(128));
    assert.deepEqual(valueOf("[".repeat(1_000_000)), nested(128));
    assert.deepEqual(valueOf("[".repeat(128) + "]".repeat(128)), nested(128));
  });
});

test("C3: names of prototypes are members like any other", () => {
  for (const text of ['{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[', '{"__proto__":{"polluted":']) {
    const value = valueOf(text);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.ok(Object.hasOwn(value, "__proto__"));
    assert.equal(value.polluted, undefined);
  }
  assert.equal({}.polluted, undefined);
});

test("a value that was given is not changed any more, and is the same one while nothing comes", () => {
  const json = new PartialJson();
  json.add('{"list":[{"a":1},{"b":"x');
  const first = json.value;
  assert.equal(json.value, first);
  json.add("");
  assert.equal(json.value, first);
  json.add('y"},3,4');
  assert.deepEqual(first, { list: [{ a: 1 }, { b: "x" }] });
  assert.deepEqual(json.value, { list: [{ a: 1 }, { b: "xy" }, 3] });
  assert.notEqual(json.value, first);
});

suite("C7: the values of a text cost no more than a few copies a character", () => {
  /** How many items and members the values have in all that are made along the way. */
  function made(text, step) {
    const json = new PartialJson();
    const seen = new Set();
    let count = 0;
    for (let at = 0; at < text.length; at += step) {
      json.add(text.slice(at, at + step));
      const value = json.value;
      if (typeof value !== "object" || value === null || seen.has(value)) continue;
      seen.add(value);
      count += Array.isArray(value) ? value.length : Object.keys(value).length;
    }
    return { count, values: seen.size, value: json.value };
  }

  test("in a list of a hundred thousand numbers", () => {
    const text = JSON.stringify(Array.from({ length: 100_000 }, () => 1));
    const { count, values, value } = made(text, 2);
    assert.deepEqual(value, JSON.parse(text));
    assert.ok(count <= 2 ** 22 + 33 * text.length, `${count} items`);
    assert.ok(values > 100, `${values} values`);
  });

  test("in an object of twenty thousand members", () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n])));
    const { count, values, value } = made(text, 4);
    assert.deepEqual(value, JSON.parse(text));
    assert.ok(count * 16 <= 2 ** 22 + 33 * text.length, `${count} members`);
    assert.ok(values > 100, `${values} values`);
  });

  test("and a small one is always up to date", () => {
    const text = JSON.stringify(Array.from({ length: 500 }, (_, n) => ({ n, text: "some words" })));
    const json = new PartialJson();
    for (let at = 0; at < text.length; at++) {
      json.add(text[at]);
      assert.equal(json.value.length, text.slice(0, at + 1).split("{").length - 1);
    }
  });
});

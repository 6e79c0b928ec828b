/**
 * The core's JSON against the platform's: an event of a stream is a chunk exactly when `JSON.parse` takes it for an object, of
 * not more than 128 levels. `TextDecoder` says what bytes mean that are no UTF-8.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openBody } from "./streams.mjs";
import { collect, failure, forbidStrayRejections } from "./support.mjs";

forbidStrayRejections();

const LEVELS = 128;
const NEWLINES = /\r\n|\r|\n/g;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** An event with these bytes as its data: a line of data for each of their lines. */
const eventOf = (bytes) => Buffer.from(`data: ${Buffer.from(bytes).toString("latin1").replace(NEWLINES, "\ndata: ")}\n\n`, "latin1");

const depthOf = (value) => (typeof value === "object" && value !== null ? 1 + Object.values(value).reduce((most, item) => Math.max(most, depthOf(item)), 0) : 0);

/** What the platform makes of the data of an event: the object, as JSON, or nothing. */
function judge(bytes) {
  let value;
  try {
    value = JSON.parse(decoder.decode(bytes).replace(NEWLINES, "\n"));
  } catch {
    return undefined;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && depthOf(value) <= LEVELS ? JSON.stringify(value) : undefined;
}

const read = async (events) => collect(await openBody(Buffer.concat([...events, Buffer.from("data: [DONE]\n\n")])));

/** Compares the verdicts on all of these data; how many of them are chunks. */
async function compare(all) {
  const data = all.map((one) => (typeof one === "string" ? Buffer.from(one) : one));
  const good = data.filter((bytes) => judge(bytes) !== undefined);
  const show = (bytes) => JSON.stringify(decoder.decode(bytes).slice(0, 500));
  for (let at = 0; at < good.length; at += 100) {
    const some = good.slice(at, at + 100);
    const chunks = await read(some.map(eventOf)).catch(async () => {
      // One of them is refused: which?
      for (const bytes of some) await read([eventOf(bytes)]).catch((error) => assert.fail(`${show(bytes)}: ${error}`));
    });
    assert.equal(chunks.length, some.length);
    chunks.forEach((chunk, n) => assert.equal(JSON.stringify(chunk), judge(some[n]), show(some[n])));
  }
  for (const bytes of data.filter((one) => judge(one) === undefined)) {
    const error = await failure(read([eventOf(bytes)]));
    assert.equal(error.kind, "malformed_response", `${show(bytes)}: ${error}`);
  }
  return good.length;
}

/** The same numbers in each run: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
function random(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A text that is JSON, in all the ways in which it may be written. */
function write(next, depth = 0) {
  const pick = (list) => list[next(list.length)];
  const space = () => pick(["", "", "", " ", "\t", "\n", "\r\n", "  "]);
  const times = (most, make) => Array.from({ length: next(most) }, make).join("");
  const digits = () => pick(["0", "7", "10", "123456789", "9007199254740993"]);
  const character = () => pick(["a", " ", "é", "日", "🦊", "\u2028", "\x7f", "\\n", '\\"', "\\\\", "\\/", "\\u0000", "\\uD83E\\uDD8A", "\\ud800", "\\uDFff", "'", "{", "]", ","]);
  const string = () => `"${times(6, character)}"`;
  const number = () => pick(["", "-"]) + digits() + pick(["", "", ".5", ".00", ".10"]) + pick(["", "", "e5", "E-7", "e+05", "e999"]);
  const list = (item) => Array.from({ length: next(4) }, () => space() + item() + space()).join(",") || space();
  const value = () => {
    const kind = next(depth > 4 ? 5 : 7);
    if (kind < 2) return string();
    if (kind < 4) return number();
    if (kind === 4) return pick(["true", "false", "null"]);
    if (kind === 5) return `[${list(() => write(next, depth + 2))}]`;
    return object();
  };
  const object = () => `{${list(() => `${pick(['"a"', '"b"', '""', '"1"', '"content"', '"usage"', string()])}${space()}:${space()}${write(next, depth + 1)}`)}}`;
  return depth === 0 ? space() + object() + space() : value();
}

/** The same, with something wrong in it, or not. */
function mutate(text, next) {
  const characters = [...text];
  for (let times = 1 + next(2); times > 0; times--) {
    const at = next(characters.length + 1);
    const alphabet = ["{", "}", "[", "]", ":", ",", '"', "\\", "0", "1", "-", "+", ".", "e", "u", "t", "n", " ", "\n", "\t", "\0", "\x1f", "\u00a0", "\ufeff", "'", "/", "é"];
    characters.splice(at, next(2), ...(next(3) ? [alphabet[next(alphabet.length)]] : []));
  }
  return characters.join("");
}

/** The same, with bytes that are perhaps no UTF-8. */
function damage(text, next) {
  const bytes = [...Buffer.from(text)];
  const bad = [0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0x90, 0xff];
  for (let times = 1 + next(4); times > 0; times--) bytes.splice(next(bytes.length + 1), next(2), bad[next(bad.length)]);
  return Buffer.from(bytes);
}

const times = (count, make) => Array.from({ length: count }, make);

suite("an event is a chunk exactly when JSON.parse takes it for an object", () => {
  test("2 000 texts that are JSON", async () => {
    const next = random(1);
    assert.equal(await compare(times(2000, () => write(next))), 2000);
  });

  test("4 000 texts with something wrong in them, or not", async () => {
    const next = random(2);
    const count = await compare(times(4000, () => mutate(write(next), next)));
    assert.ok(count > 400 && count < 3600, `${count} of them are JSON all the same`);
  });

  test("3 000 texts with bytes in them that are perhaps no UTF-8", async () => {
    const next = random(3);
    const count = await compare(times(3000, () => damage(write(next), next)));
    assert.ok(count > 100 && count < 2900, `${count} of them are JSON all the same`);
  });

  test("every byte in a string, alone and after the beginning of a character", async () => {
    const strings = [[], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0xa6], [0xed]].flatMap((before) => times(256, (_, byte) => [...before, byte]));
    await compare(strings.map((bytes) => Buffer.from([...Buffer.from('{"a":"'), ...bytes, ...Buffer.from('b"}')])));
  });

  test("every byte between the parts of a text", async () => {
    for (const text of ["{@}", '{@"a":1}', '{"a"@:1}', '{"a":@1}', '{"a":1@}', '{"a":1}@', '@{"a":1}', '{"a":[1@]}', '{"a":[1,@2]}', '{"a":-@}', '{"a":1@5}', '{"a":"\\@"}', '{"a":"\\u00@1"}']) {
      const [head, tail] = text.split("@");
      await compare(times(256, (_, byte) => Buffer.from([...Buffer.from(head), byte, ...Buffer.from(tail)])));
    }
  });

  test("every beginning of a text", async () => {
    const text = '{"a":[1.5e-3,true,null,{"b":"\\ud83e\\udd8a é"}],"c":false} ';
    const bytes = Buffer.from(text);
    assert.equal(await compare(times(bytes.length, (_, at) => bytes.subarray(0, at))), 1);
  });

  test("values that are no objects, and texts of other languages", async () => {
    const none = ["", " ", "null", "true", "1", '"a"', "[]", "[{}]", "{}{}", "{},{}", "{a:1}", "{'a':1}", '{"a":1,}', '{"a":NaN}', '{"a":Infinity}', '{"a":undefined}', '{"a":0x1}', '{"a":1}//', "\ufeff{}"];
    assert.equal(await compare(none), 0);
  });

  test("128 levels and no more, of lists, of objects and of both", async () => {
    for (const [open, close] of [["[", "]"], ['{"a":', "}"], ['[{"a":', "}]"]]) {
      const each = open.length > 5 ? 2 : 1;
      const nested = (levels) => `{"a":${open.repeat(levels / each)}1${close.repeat(levels / each)}}`;
      const good = times(100, (_, n) => nested(each * (n + 1))).filter((text) => depthOf(JSON.parse(text)) <= LEVELS);
      assert.equal(await compare(good), good.length);
      const most = LEVELS - 1 - ((LEVELS - 1) % each);
      assert.equal(await compare([nested(most), nested(most + each), nested(1000)]), 1);
      for (const levels of [10_000, 1_000_000]) {
        const error = await failure(read([eventOf(Buffer.from(nested(levels)))]));
        assert.equal(error.kind, "malformed_response", `${levels} levels`);
      }
    }
  });
});

suite("the cases of JSONTestSuite", () => {
  const folder = process.env.CHATMUX_FIXTURES;
  const skip = folder ? false : "CHATMUX_FIXTURES is not set";

  test("have the right verdict, as a member of an event and as an event", { skip }, async () => {
    const { cases } = JSON.parse(readFileSync(join(folder, "json-cases.json"), "utf8"));
    assert.ok(cases.length > 150, "the file is cut short");
    for (const { name, expect, b64 } of cases) {
      const bytes = Buffer.from(b64, "base64");
      const member = Buffer.concat([Buffer.from('{"v":'), bytes, Buffer.from("}")]);
      const taken = await compare([member]);
      if (expect !== "either") assert.equal(taken, expect === "accept" ? 1 : 0, name);
      const count = await compare([bytes]);
      if (expect === "reject") assert.equal(count, 0, name);
    }
  });
});

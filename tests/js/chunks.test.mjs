/** Chunks are ordinary objects, whatever way the core took to them: parsed, or made from the shape of others. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { chunkText as chunk, openEvents } from "./streams.mjs";

async function read(events, size) {
  const chunks = [];
  for await (const chunk of await openEvents(events, size)) chunks.push(chunk);
  return chunks;
}

const call = (index, text) => chunk({ tool_calls: [{ index, id: `call_${index}`, function: { arguments: text } }] });
const times = (count, make) => Array.from({ length: count }, (_, n) => make(n));

const STREAMS = {
  "text": ["", "Hello", " wörld", "\n\"quoted\" \\ 🦊", "\u2028", "日本語", "x".repeat(5000)].map((content) => chunk({ content })),
  "lone surrogates": ['"\\ud83d"', '"a"', '"\\ude00"', '"\\ud83d\\ude00"', '"b"'].map((text) => chunk({ content: "@" }).replace('"@"', text)),
  "a lone surrogate in a name above the text": times(5, (n) => `{"choices":[],"\\ud800":{"content":"${n}"}}`),
  "reasoning and then text": [...times(5, (n) => chunk({ reasoning_content: `r${n}` })), ...times(5, (n) => chunk({ content: `c${n}` }))],
  "both at once": times(6, (n) => chunk({ reasoning: `r${n}`, content: `c${n}`, refusal: null })),
  "two tool calls, interleaved": times(12, (n) => call(n % 2, `{"${n}`)),
  "three choices, interleaved": times(12, (n) => chunk({ content: `${n}` }, {}, { index: n % 3 })),
  "several choices in one chunk": times(5, (n) => JSON.stringify({ choices: [0, 1].map((index) => ({ index, delta: { content: `${n}${index}` } })) })),
  "padding": times(6, (n) => chunk({ content: "x" }, { obfuscation: "p".repeat(n) })),
  "counts": times(6, (n) => chunk({ content: "x" }, { usage: { prompt_tokens: 7, completion_tokens: n, total_tokens: n + 7, completion_tokens_details: { reasoning_tokens: 0 } } })),
  "subtrees beside the text": times(5, (n) => chunk({ content: `${n}` }, { x: { deep: [{ a: [1, { b: null }] }], empty: [], none: {} } })),
  "keys that a prototype has": times(5, (n) => `{"choices":[{"delta":{"content":"${n}","constructor":1,"toString":{"a":1}}}],"hasOwnProperty":[]}`),
  "a member __proto__": times(5, (n) => `{"choices":[{"delta":{"content":"${n}","__proto__":{"polluted":1}}}]}`),
  "a member twice": times(5, (n) => `{"choices":[{"delta":{"content":"a${n}","content":"b${n}"}}]}`),
  "escaped keys": times(5, (n) => `{"choices":[{"delta":{"c\\u006fntent":"${n}","content\\"":"x"}}]}`),
  "keys that are numbers": times(5, (n) => `{"b":1,"2":{"content":"${n}"},"1":[{"text":"${n}"}]}`),
  "no two alike": times(40, (n) => chunk({ content: "x" }, { [`key${n}`]: n })),
};

suite("the chunks of a stream of", () => {
  for (const [what, events] of Object.entries(STREAMS)) {
    test(what, async () => {
      const expected = events.map((event) => JSON.parse(event));
      for (const size of [1, 7, 64, 1000, Infinity]) {
        const chunks = await read(events, size);
        assert.deepEqual(chunks, expected, `in reads of ${size} bytes`);
        assert.deepEqual(chunks.map((item) => JSON.stringify(item)), expected.map((item) => JSON.stringify(item)), "order of keys");
      }
      assert.equal({}.polluted, undefined);
    });
  }
});

suite("a chunk", () => {
  /** Every object and array in a value. */
  const parts = (value) => (typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(parts)] : []);

  test("shares nothing with any other, at any depth", async () => {
    for (const events of Object.values(STREAMS)) {
      const all = (await read(events)).flatMap(parts);
      assert.equal(new Set(all).size, all.length);
    }
  });

  test("can be changed while the stream is read, and changes no other", async () => {
    for (const events of Object.values(STREAMS)) {
      const seen = [];
      for await (const item of await openEvents(events)) {
        seen.push(JSON.stringify(item));
        for (const part of parts(item)) for (const key of Object.keys(part)) part[key] = "changed";
      }
      assert.deepEqual(seen, events.map((event) => JSON.stringify(JSON.parse(event))));
    }
  });

  test("is an ordinary object, its members its own and enumerable", async () => {
    const [, , item] = await read(STREAMS.text);
    assert.equal(Object.getPrototypeOf(item), Object.prototype);
    assert.ok(Array.isArray(item.choices));
    assert.deepEqual(Object.keys(item), Object.keys(JSON.parse(STREAMS.text[2])));
    const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(item.choices[0].delta, "content");
    assert.deepEqual([value, writable, enumerable, configurable], [" wörld", true, true, true]);
  });

  test("is not lost when the memory of the module moves between two of them", async () => {
    const waiting = await openEvents(times(50, (n) => chunk({ content: `${n}` })));
    const iterator = waiting[Symbol.asyncIterator]();
    await iterator.next();
    assert.equal((await read([chunk({ content: "x".repeat(40 << 20) })], 1 << 16)).length, 1);
    for (let n = 1; n < 50; n++) assert.equal((await iterator.next()).value.choices[0].delta.content, `${n}`);
    assert.equal((await iterator.next()).done, true);
  });
});

/** The instance of the wasm: replaced when it has grown or failed, and nobody notices. Each program is a process of its own. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { program } from "./support.mjs";

/** Answers of one event each; `size` is that of the instance in use, in MiB. */
const ASKING = `
  const { memoryBytes } = await import(${JSON.stringify(new URL("../../dist/wasm.js", import.meta.url).href)});
  const size = () => memoryBytes().length / 2 ** 20;
  const event = (text) => 'data: {"choices":[{"index":0,"delta":{"content":"' + text + '"}}]}\\n\\n';
  const open = async (parts, options) => {
    const body = new ReadableStream({ pull: (c) => { const part = parts.next(); part.done ? c.close() : c.enqueue(new TextEncoder().encode(part.value)); } }, { highWaterMark: 0 });
    const fetch = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
    const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch, ...options });
    return client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], stream: true });
  };
  const of = (...texts) => [...texts.map(event), "data: [DONE]\\n\\n"].values();
  const ask = async (text) => (await open(of(text))).text();
  const collected = async () => { for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); } };`;
const GC = { NODE_OPTIONS: "--expose-gc" };

suite("an instance of the wasm", () => {
  test("that has grown past 32 MiB is replaced when its last stream ends, and not before", async () => {
    const seen = await program(`${ASKING}
      const slow = await open(of("a", "b"));
      const chunks = slow[Symbol.asyncIterator]();
      await chunks.next();
      const large = (await ask("x".repeat(10 << 20))).length;
      const [during, { value }] = [size(), await chunks.next()];
      await chunks.next();
      console.log(JSON.stringify({ large, during: during > 32, b: value.choices[0].delta.content, after: size() < 8, next: await ask("c") }));`);
    assert.deepEqual(seen, { large: 10 << 20, during: true, b: "b", after: true, next: "c" });
  });

  test("is gone for good: what the garbage collector finds of it later does the new one no harm", async () => {
    const seen = await program(
      `${ASKING}
      const answers = [];
      for (let i = 0; i < 3; i++) {
        await ask("x".repeat(10 << 20));
        await collected();
        answers.push(await ask(String(i)), await ask("again"));
      }
      console.log(JSON.stringify(answers));`,
      GC,
    );
    assert.deepEqual(seen, ["0", "again", "1", "again", "2", "again"]);
  });

  test("that runs out of memory fails one stream with a typed error, and the others go on", async () => {
    const seen = await program(
      `${ASKING}
      const other = await open(of("a", "b"));
      const chunks = other[Symbol.asyncIterator]();
      await chunks.next();
      function* endless() { yield event("begun"); yield 'data: {"choices":"'; for (;;) yield "x".repeat(1 << 20); }
      const stream = await open(endless(), { maxEventBytes: Infinity });
      const error = await stream.text().catch((error) => error);
      const said = { name: error.name, kind: error.kind, aborted: stream.controller.signal.aborted };
      const { value } = await chunks.next();
      await chunks.next();
      await collected();
      console.log(JSON.stringify({ said, b: value.choices[0].delta.content, after: size() < 8, next: await ask("c") }));`,
      GC,
    );
    const said = { name: "ChatmuxError", kind: "wasm_failed", aborted: true };
    assert.deepEqual(seen, { said, b: "b", after: true, next: "c" });
  });

  test("stays where there is no memory for another, and is replaced later", async () => {
    const seen = await program(`${ASKING}
      await ask("a");
      const Instance = WebAssembly.Instance;
      WebAssembly.Instance = function () { throw new RangeError("Out of memory"); };
      const large = (await ask("x".repeat(10 << 20))).length;
      const [grown, next] = [size() > 32, await ask("b")];
      WebAssembly.Instance = Instance;
      console.log(JSON.stringify({ large, grown, next, again: await ask("c"), after: size() < 8, last: await ask("d") }));`);
    assert.deepEqual(seen, { large: 10 << 20, grown: true, next: "b", again: "c", after: true, last: "d" });
  });
});

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

  test("that runs out of memory fails all that it served with a typed error, and the next call gets another", async () => {
    const seen = await program(
      `${ASKING}
      const other = await open(of("a", "b"));
      const chunks = other[Symbol.asyncIterator]();
      await chunks.next();
      function* endless() { yield event("begun"); yield 'data: {"choices":"'; for (;;) yield "x".repeat(1 << 20); }
      const stream = await open(endless(), { maxEventBytes: Infinity });
      const saying = async (run) => {
        const { name, kind, partial, cause } = await run().catch((error) => error);
        return { name, kind, partial, cause: cause.name };
      };
      const said = [await saying(() => stream.text()), await saying(() => chunks.next())];
      const { done } = await chunks.next();
      const aborted = [stream, other].map(({ controller }) => controller.signal.aborted);
      await collected();
      console.log(JSON.stringify({ said, done, aborted, partial: other.partial, next: await ask("c"), after: size() < 8 }));`,
      GC,
    );
    const said = { name: "ChatmuxError", kind: "wasm_failed", partial: null, cause: "RuntimeError" };
    assert.deepEqual(seen, { said: [said, said], done: true, aborted: [true, true], partial: null, next: "c", after: true });
  });

  test("that cannot be replaced for want of memory is asked for again by each call", async () => {
    const seen = await program(`${ASKING}
      const stream = await open((function* () { yield event("a"); yield 'data: {"choices":"'; for (;;) yield "x".repeat(1 << 20); })(), { maxEventBytes: Infinity });
      const kinds = [await stream.text().catch(({ kind }) => kind)];
      const { instantiate } = WebAssembly;
      WebAssembly.instantiate = async () => { throw new RangeError("Out of memory"); };
      for (let i = 0; i < 2; i++) kinds.push(await ask("b").catch(({ kind }) => kind));
      WebAssembly.instantiate = instantiate;
      console.log(JSON.stringify({ kinds, next: await ask("c") }));`);
    assert.deepEqual(seen, { kinds: ["wasm_failed", "wasm_not_loaded", "wasm_not_loaded"], next: "c" });
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

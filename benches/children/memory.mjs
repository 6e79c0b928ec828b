/** One stream of a million events, read with `for await`: prints how much memory there is after each 100 000. */

import { BASE_URL, REQUEST } from "../lib/sample.mjs";
import { streaming, workload } from "../lib/workloads.mjs";

const STEP = 100_000;

// The module's memory is nobody's business but the module's: it is caught where the module is instantiated.
let wasm;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const result = await instantiate(...args);
  wasm = (result.instance ?? result).exports.memory;
  return result;
};

const { clientOf } = await import("../contenders/chatmux.mjs");
const work = workload("text", 10_000, 100);
const client = clientOf({ fetch: streaming(work, 16384), baseURL: BASE_URL });
const steps = [];
let [count, characters] = [0, 0];
for await (const chunk of await client.chat.completions.create({ ...REQUEST, stream: true })) {
  characters += work.read(chunk).length;
  if (++count % STEP === 0) {
    globalThis.gc();
    const { rss, heapUsed } = process.memoryUsage();
    steps.push({ count, rss, heap: heapUsed, wasm: wasm.buffer.byteLength, text: characters });
  }
}
const { chunks } = work.expected;
if (count !== chunks.count || characters !== chunks.text.length) throw new Error("the stream was not read as it was sent");
console.log(JSON.stringify(steps));
process.exit();

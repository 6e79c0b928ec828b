/** Memory over one stream of a million events. */

import { child, table } from "../lib/measure.mjs";

export async function run() {
  const steps = await child("memory.mjs", [], ["--expose-gc"]);
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const rows = [
    ["events read", "their text, MiB", "JavaScript heap, MiB", "wasm memory, MiB", "whole process, MiB"],
    ...steps.map(({ count, ...sizes }) => [count.toLocaleString("en"), ...["text", "heap", "wasm", "rss"].map((of) => mebibytes(sizes[of]))]),
  ];
  console.log(`\nMemory over one stream in Node, after a garbage collection\n\n${table(rows)}`);
  const growth = (of) => (steps.at(-1)[of] - steps[0][of]) / 2 ** 20;
  return { tables: { memory: rows }, figures: { heap: growth("heap"), wasm: growth("wasm") / growth("text"), rss: growth("rss") } };
}

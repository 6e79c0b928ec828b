/** Whether the cost of an event depends on how many there are, or on how they are cut into reads. */

import { child, compare, contenders, digits, interleave, ROUNDS, table } from "../lib/measure.mjs";

const JOBS = [
  ...[1_000, 10_000, 100_000, 1_000_000].map((count) => ({ count, packing: 16384 })),
  ...[200, 2_000].map((count) => ({ count, packing: 1 })),
  ...["event", 1024, 65536, 1048576].map((packing) => ({ count: 10_000, packing })),
];
const READS = { 1: "1 byte", event: "one event", 1024: "1 KiB", 16384: "16 KiB", 65536: "64 KiB", 1048576: "1 MiB" };

export async function run() {
  const subjects = await contenders(["plumbing", "floor", "chatmux"]);
  const rows = [["events, bytes a read", ...subjects.map(({ contender }) => `${contender.name}, µs/event`), "chatmux × floor"]];
  const figures = {};
  for (const { count, packing } of JOBS) {
    // Longer streams are made of the same events again.
    const job = { name: "text", packing, count: Math.min(count, 10_000), repeat: Math.max(1, count / 10_000) };
    const samples = await interleave(subjects, ({ path }) => child("stream.mjs", [path, JSON.stringify(job)]), Math.min(ROUNDS, 3));
    const compared = Object.fromEntries(Object.keys(samples).map((id) => [id, compare(samples[id], samples.floor, "cpu")]));
    rows.push([
      `${count.toLocaleString("en")}, ${READS[packing]}`,
      ...subjects.map(({ id }) => digits(compared[id]?.value)),
      digits(compared.chatmux?.ratio),
    ]);
    figures[`${count}:${packing}`] = compared.chatmux;
  }
  console.log(`\nThe cost of an event by the length of the stream and of its reads, CPU in Node\n\n${table(rows)}`);
  return { tables: { scale: rows }, figures };
}

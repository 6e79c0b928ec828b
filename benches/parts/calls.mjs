/** Whole answers: what a client costs over `fetch` and `response.json()`. */

import { child, compare, contenders, digits, interleave, table } from "../lib/measure.mjs";
import { median } from "../lib/sample.mjs";

const SIZES = { 2048: "2 KB", 204800: "200 KB" };

export async function run() {
  const subjects = await contenders(["floor", "chatmux", "openai", "ai-sdk"]);
  const [tables, figures] = [{}, {}];
  for (const [bytes, size] of Object.entries(SIZES)) {
    const samples = await interleave(subjects, ({ path }) => child("calls.mjs", [path, bytes]));
    const rows = [["", "CPU, µs/call", "× floor", "over the floor, µs", "time, µs/call"]];
    for (const { id, contender } of subjects.filter(({ id }) => samples[id])) {
      const { value, ratio } = compare(samples[id], samples.floor, "cpu");
      const over = median(samples[id].map(({ cpu }, round) => cpu - samples.floor[round].cpu));
      const time = compare(samples[id], samples.floor, "wall").value;
      const name = id === "floor" ? "fetch and json()" : contender.name.replace(/,.*/, "");
      rows.push([name, digits(value), digits(ratio), digits(over), digits(time)]);
      (figures[bytes] ??= {})[id] = { ratio, over };
    }
    console.log(`\nWhole answers of ${size} in Node\n\n${table(rows)}`);
    tables[`calls ${bytes}`] = rows;
  }
  return { tables, figures };
}

/** Decoding in Node: every workload, every contender. */

import { decode } from "../lib/decode.mjs";
import { child, digits } from "../lib/measure.mjs";

const FULL = ["text:event", "text:16384"];
const JOBS = [
  ...FULL,
  "tools:16384",
  "cjk:1021",
  "reasoning:16384",
  "obfuscation:16384",
  "usage:16384",
  "irregular:event",
  "irregular:16384",
];

export async function run() {
  const sample = ({ path }, job) => child("stream.mjs", [path, JSON.stringify(job)]);
  const { tables, ratios, subjects } = await decode("Node", JOBS, sample, { figures: ["cpu", "wall"] });
  const shown = subjects.filter(({ id }) => Object.values(ratios).some((job) => id in job));
  const matrix = [["CPU × floor", ...shown.map(({ contender }) => contender.name)]];
  for (const [job, of] of Object.entries(ratios)) matrix.push([job.replace(":", ", "), ...shown.map(({ id }) => digits(of[id]))]);
  return {
    tables: { ...Object.fromEntries(FULL.map((job) => [`node ${job}`, tables[job]?.rows])), "node all": matrix },
    figures: ratios,
  };
}

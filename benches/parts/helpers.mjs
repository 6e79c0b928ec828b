/** `stream()` in Node: what it costs to follow a completion by its events, next to reading its chunks. */

import { decode } from "../lib/decode.mjs";
import { child } from "../lib/measure.mjs";

const JOBS = ["text:event", "text:16384"];

export async function run() {
  const sample = ({ path }, job) => child("stream.mjs", [path, JSON.stringify(job)]);
  const among = ["floor", "chatmux", "openai", "chatmux-events", "openai-events"];
  const { tables, ratios } = await decode("Node, stream()", JOBS, sample, { figures: ["cpu", "wall"], among });
  return { tables: Object.fromEntries(JOBS.map((job) => [`helpers ${job}`, tables[job]?.rows])), figures: ratios };
}

/** Translating in Node: other vendors' streams into OpenAI's bytes, next to a translator that one would write by hand. */

import { fileURLToPath } from "node:url";
import { COUNT, PACKINGS } from "../lib/decode.mjs";
import { child, compare, digits, interleave, note, table } from "../lib/measure.mjs";

const JOBS = ["anthropic:event", "anthropic:16384", "gemini:event", "gemini:16384"];
const SUBJECTS = { hand: "translator-by-hand", chatmux: "translator" };

export async function run() {
  const subjects = [];
  for (const [id, file] of Object.entries(SUBJECTS)) {
    const path = fileURLToPath(new URL(`../contenders/${file}.mjs`, import.meta.url));
    subjects.push({ id, path, contender: (await import(path)).default });
  }
  const rows = [["stream, bytes a read", ...subjects.map(({ contender }) => `${contender.name}, CPU, µs/event`), "× by hand"]];
  const figures = {};
  for (const key of JOBS) {
    const [name, packing] = key.split(":");
    const job = JSON.stringify({ name, packing, count: COUNT });
    const samples = await interleave(subjects, ({ path }) => child("dialects.mjs", [path, job]));
    if (!samples.hand || !samples.chatmux) {
      note(`FAILED: ${key} was not translated by both`);
      continue;
    }
    const compared = subjects.map(({ id }) => compare(samples[id], samples.hand, "cpu"));
    figures[key] = compared[1].ratio;
    rows.push([`${name}, ${PACKINGS[packing]}`, ...compared.map(({ value }) => digits(value)), digits(figures[key])]);
  }
  console.log(`\nTranslation into OpenAI's bytes in Node\n\n${table(rows)}`);
  return { tables: { dialects: rows }, figures };
}

/** How parts are measured: contenders interleaved in rounds, each time in a fresh process, and compared round by round. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "./sample.mjs";

export const ROUNDS = Number(process.env.ROUNDS || 3);
const ONLY = process.env.ONLY?.split(",");

/** The modules of the contenders, by a short name: `ONLY=floor,chatmux` takes some of them. */
const MODULES = {
  plumbing: "contenders/plumbing.mjs",
  floor: "contenders/floor.mjs",
  chatmux: "contenders/chatmux.mjs",
  "chatmux-deltas": "contenders/chatmux-deltas.mjs",
  "chatmux-text": "contenders/chatmux-text.mjs",
  "eventsource-parser": "peers/eventsource-parser.mjs",
  openai: "peers/openai.mjs",
  "ai-sdk": "peers/ai-sdk.mjs",
};
/** Those that follow a stream by its events, which is another thing than to read it. */
const FOLLOWERS = { "chatmux-events": "contenders/chatmux-events.mjs", "openai-events": "peers/openai-events.mjs" };

/** What this run left out or failed at, by name. */
export const notes = [];

/**
 * The contenders that can take part: `{ id, path, contender }`. With `names`, these alone; the floor is always one of them.
 */
export async function contenders(names = Object.keys(MODULES)) {
  const list = [];
  for (const id of names.filter((name) => name === "floor" || !ONLY || ONLY.includes(name))) {
    const path = fileURLToPath(new URL(`../${MODULES[id] ?? FOLLOWERS[id]}`, import.meta.url));
    const { default: contender } = await import(path);
    list.push({ id, path, contender });
  }
  return list;
}

export function note(text) {
  if (notes.includes(text)) return;
  notes.push(text);
  console.log(text);
}

/**
 * Takes a sample of each subject once a round, in alternating order. Resolves to `{ [id]: [sample of each round] }`; a subject
 * whose sample is null, or that fails, is left out.
 */
export async function interleave(subjects, sample, rounds = ROUNDS) {
  const samples = Object.fromEntries(subjects.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 ? [...subjects].reverse() : subjects) {
      const { id } = subject;
      if (!samples[id]) continue;
      const taken = await sample(subject).catch((error) => note(`FAILED: ${id}: ${error.message}`));
      if (taken) samples[id].push(taken);
      else delete samples[id];
    }
  }
  return samples;
}

/** The median of one figure, and of its ratios to the same figure of `floor` in the same round. */
export function compare(samples, floor, figure) {
  return {
    value: median(samples.map((sample) => sample[figure])),
    ratio: median(samples.map((sample, round) => sample[figure] / floor[round][figure])),
  };
}

/** Runs a script in a process of its own and returns the JSON that it prints last. */
export function child(script, args = [], nodeOptions = []) {
  const path = script.startsWith("/") ? script : fileURLToPath(new URL(`../children/${script}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [...nodeOptions, path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    process_.stdout.on("data", (text) => (output += text));
    process_.stderr.on("data", (text) => (errors += text));
    process_.on("error", reject);
    process_.on("close", (code) => {
      if (code) return reject(new Error(errors.trim().split("\n").slice(0, 6).join("\n")));
      resolve(JSON.parse(output.trim().split("\n").at(-1)));
    });
  });
}

/** Rows as a Markdown table, padded so that it can be read in a terminal as well. The first row is the head. */
export function table(rows) {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0].map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const pad = (cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  const line = (row) => `| ${row.map(pad).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2))).join("|")}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join("\n");
}

/** A figure with three digits that say something. */
export function digits(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}

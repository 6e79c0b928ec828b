/** BENCHMARKS.md: every table between its markers is made of what was measured, which is kept in `results.json`. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../scripts/setup.mjs";
import { digits, table } from "./lib/measure.mjs";

const resultsFile = fileURLToPath(new URL("results.json", import.meta.url));
const reportFile = join(root, "BENCHMARKS.md");

/** The bars that chatmux is to be below: what, how much, and where the figure is among the results. */
const BARS = [
  ["chunks, 16 KiB reads, Node", 0.35, "× floor", ({ node }) => node["text:16384"].chatmux],
  ["chunks, 16 KiB reads, Node", 0.08, "× openai", ({ node }) => node["text:16384"].chatmux / node["text:16384"].openai],
  ["chunks, one event a read, Node", 0.6, "× floor", ({ node }) => node["text:event"].chatmux],
  ["chunks, one event a read, Chromium", 0.8, "× floor", ({ chromium }) => chromium["text:event"].chatmux],
  ["chunks, one event a read, workerd", 0.75, "× floor", ({ workerd }) => workerd["text:event"].chatmux],
  ["textDeltas(), 16 KiB reads, Node", 0.3, "× floor", ({ node }) => node["text:16384"]["chatmux-deltas"]],
  ["text(), 16 KiB reads, Node", 0.3, "× floor", ({ node }) => node["text:16384"]["chatmux-text"]],
  ["irregular chunks, 16 KiB reads, Node", 1.1, "× floor", ({ node }) => node["irregular:16384"].chatmux],
  ["an event of 1,000,000 over one of 10,000", 1.15, "×", ({ scale }) => scale["1000000:16384"].value / scale["10000:16384"].value],
  ["an event in 1-byte reads: of 2,000 over one of 200", 1.15, "×", ({ scale }) => scale["2000:1"].value / scale["200:1"].value],
  ["whole answer of 2 KB", 50, "µs over fetch and json()", ({ calls }) => calls[2048].chatmux.over],
  ["whole answer of 200 KB", 1.1, "× fetch and json()", ({ calls }) => calls[204800].chatmux.ratio],
  ["cold start, bundled, CPU", 5, "ms over fetch and json()", ({ cold }) => cold.chatmux.cpu],
  ["wasm memory, growth over 1,000,000 events", 1.5, "× their text", ({ memory }) => memory.wasm],
  ["JavaScript heap, growth over 1,000,000 events", 1, "MiB", ({ memory }) => memory.heap],
  ["Anthropic's events to OpenAI's, 16 KiB reads, Node", 0.4, "× by hand", ({ dialects }) => dialects["anthropic:16384"]],
  ["Anthropic's events to OpenAI's, one event a read, Node", 0.75, "× by hand", ({ dialects }) => dialects["anthropic:event"]],
  ["Gemini's events to OpenAI's, 16 KiB reads, Node", 0.4, "× by hand", ({ dialects }) => dialects["gemini:16384"]],
  ["Gemini's events to OpenAI's, one event a read, Node", 0.75, "× by hand", ({ dialects }) => dialects["gemini:event"]],
  ["bundled app, gzip", 40, "kB", ({ size }) => size.chatmux / 1000],
];

/** Keeps what these parts found, and writes all tables anew. */
export function write(parts) {
  const results = { ...(existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : {}), ...parts };
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 1)}\n`);
  const tables = { bars: bars(results), machine: machine(results) };
  for (const part of Object.values(results)) {
    for (const [name, rows] of Object.entries(part.tables)) tables[name] = table(rows);
  }
  const text = readFileSync(reportFile, "utf8").replace(
    /(<!-- (.+?) -->\n)[^]*?(<!-- end -->)/g,
    (all, begin, name, end) => (tables[name] ? `${begin}\n${tables[name]}\n\n${end}` : all),
  );
  writeFileSync(reportFile, text);
}

function bars(results) {
  const figures = Object.fromEntries(Object.entries(results).map(([part, result]) => [part, result.figures]));
  const rows = [["", "bar", "measured", ""]];
  for (const [what, bar, unit, measured] of BARS) {
    const value = valueOf(measured, figures);
    const verdict = value === undefined ? "not measured" : value <= bar ? "met" : "not met";
    rows.push([what, `${bar} ${unit}`, digits(value), verdict]);
  }
  return table(rows);
}

/** A figure, or undefined where its part has not been run. */
function valueOf(measured, figures) {
  try {
    return measured(figures);
  } catch {
    return undefined;
  }
}

/** Where the results come from: one line for each machine, set of versions and build that they were measured with. */
function machine(results) {
  const groups = new Map();
  for (const [name, { machine: host, wasm, versions }] of Object.entries(results)) {
    const key = `${host}, \`chatmux.wasm\` ${wasm}`;
    const group = groups.get(key) ?? { names: [], versions: {} };
    group.names.push(name);
    Object.assign(group.versions, versions);
    groups.set(key, group);
  }
  return [...groups]
    .map(([key, { names, versions }]) => {
      const list = Object.entries(versions).map(([name, version]) => (version.startsWith(name) ? version : `${name} ${version}`));
      return `- ${names.join(", ")}: ${key}; ${list.join(", ")}`;
    })
    .join("\n");
}

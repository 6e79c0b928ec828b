/** The core by itself: times by criterion, and instructions counted by valgrind against those that are committed. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { has, root, run as command, say } from "../../scripts/setup.mjs";
import { digits, note, table } from "../lib/measure.mjs";

const folder = fileURLToPath(new URL("../native", import.meta.url));
const target = join(root, "target", "benches", "native");
const baselineFile = join(folder, "baseline.json");
const cargo = (...args) => command("cargo", args, { cwd: folder, env: { CARGO_TARGET_DIR: target } });
const EVENTS = 2000;

export async function run({ baseline: isNewBaseline }) {
  say("compiling the native benches…");
  await cargo("build", "--release", "--locked");
  const rustc = (await command("rustc", ["--version"])).trim();
  const tables = { "native times": await times() };
  console.log(`\nThe core natively\n\n${table(tables["native times"])}`);
  const counts = await instructions();
  if (!counts) return { tables, versions: { rustc } };
  if (isNewBaseline) writeFileSync(baselineFile, `${JSON.stringify({ rustc, instructions: counts }, null, 2)}\n`);
  const baseline = JSON.parse(readFileSync(baselineFile, "utf8"));
  if (baseline.rustc !== rustc) note(`the baseline of instructions was counted with ${baseline.rustc}, this is ${rustc}`);
  const rows = [["layer, stream, bytes a read", "instructions/event", "× baseline"]];
  for (const [job, count] of Object.entries(counts)) {
    rows.push([job.replaceAll(" ", ", ").replace(", 0", ""), Math.round(count / EVENTS), digits(count / baseline.instructions[job])]);
  }
  console.log(`\nInstructions of the core\n\n${table(rows)}`);
  return { tables: { ...tables, "native instructions": rows }, figures: counts, versions: { rustc } };
}

async function times() {
  await cargo("bench", "--locked", "--bench", "times", "--", "--noplot", "--warm-up-time", "0.5", "--measurement-time", "1");
  const results = join(target, "criterion");
  const rows = [["layer, stream, bytes a read", "ns/event"]];
  for (const path of readdirSync(results, { recursive: true }).sort()) {
    const [group, ...names] = path.split("/");
    if (!path.endsWith("new/estimates.json")) continue;
    const { median } = JSON.parse(readFileSync(join(results, path), "utf8"));
    rows.push([[group, ...names.slice(0, -2)].join(", "), digits(median.point_estimate / EVENTS)]);
  }
  return rows;
}

/** How many instructions each job takes, or undefined where there is no valgrind. */
async function instructions() {
  if (!(await valgrind())) return note("skipped: instruction counts (there is no valgrind on this machine)");
  const program = join(target, "release", "instructions");
  const counts = {};
  for (const job of (await command(program, [])).trim().split("\n")) {
    const options = ["--tool=callgrind", "--toggle-collect=*counted*", "--callgrind-out-file=/dev/null"];
    const output = await command("valgrind", [...options, program, ...job.split(" ")]);
    counts[job] = Number(/Collected : (\d+)/.exec(output)[1]);
  }
  return counts;
}

/** Whether there is a valgrind. It is installed where that takes no password, as the tests do with browsers. */
async function valgrind() {
  if (has("valgrind")) return true;
  if (process.getuid?.() !== 0 || !has("apt-get")) return false;
  say("installing valgrind with apt-get…");
  await command("apt-get", ["update"])
    .then(() => command("apt-get", ["install", "-y", "--no-install-recommends", "valgrind"]))
    .catch((error) => say(`that failed: ${error.message}`));
  return has("valgrind");
}

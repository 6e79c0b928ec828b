/** Cold start: a new process, a bundled program, its first answer from memory. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { bundle, scratch } from "../lib/bundle.mjs";
import { contenders, digits, interleave, ROUNDS, table } from "../lib/measure.mjs";
import { median } from "../lib/sample.mjs";

const SAY_CPU = "console.log(JSON.stringify(process.cpuUsage()));";

export async function run() {
  const subjects = [{ id: "node", argv: ["-e", SAY_CPU], name: "an empty program" }];
  for (const { id, path, contender } of await contenders(["floor", "chatmux", "openai", "ai-sdk"])) {
    const name = id === "floor" ? "fetch and json(), bundled" : `${contender.name.replace(/,.*/, "")}, bundled`;
    subjects.push({ id, argv: [await program(id, path)], name });
  }
  const samples = await interleave(subjects, async ({ argv }) => start(argv), ROUNDS * 5);
  const rows = [["", "time, ms", "over the floor, ms", "CPU, ms", "over the floor, ms"]];
  const figures = {};
  for (const { id, name } of subjects.filter(({ id }) => samples[id])) {
    const value = (figure) => median(samples[id].map((sample) => sample[figure]));
    const over = (figure) => median(samples[id].map((sample, round) => sample[figure] - samples.floor[round][figure]));
    rows.push([name, ...["time", "cpu"].flatMap((figure) => [digits(value(figure)), digits(over(figure))])]);
    figures[id] = { time: over("time"), cpu: over("cpu") };
  }
  console.log(`\nCold start in Node\n\n${table(rows)}`);
  return { tables: { cold: rows }, figures };
}

/** A program as it is deployed: one minified file that asks once. */
async function program(id, path) {
  const folder = scratch(join("cold", id));
  const source = `
    import contender from ${JSON.stringify(path)};
    import { BASE_URL } from "./lib/sample.mjs";
    import { answering } from "./lib/workloads.mjs";
    const body = JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "m", choices: [
      { index: 0, message: { role: "assistant", content: "42" }, finish_reason: "stop" },
    ] });
    const { complete } = contender.setup({ fetch: answering(body), baseURL: BASE_URL });
    if ((await complete()) !== "42") throw new Error("another answer");
    ${SAY_CPU}
    process.exit();`;
  // Some packages still ask for a \`require\` of Node.
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
  await bundle(source, folder, { platform: "node", outfile: join(folder, "main.mjs"), banner });
  return join(folder, "main.mjs");
}

function start(argv) {
  const before = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  const time = performance.now() - before;
  if (status) throw new Error(stderr.slice(0, 600));
  const { user, system } = JSON.parse(stdout);
  return { time, cpu: (user + system) / 1000 };
}

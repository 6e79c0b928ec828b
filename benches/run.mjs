/**
 * `npm run bench` measures everything; `npm run bench -- node size` these parts alone. `--write` puts the tables into
 * BENCHMARKS.md, `--baseline` takes the instruction counts of `native` as what later ones are compared with. `ROUNDS`, `ONLY` and
 * `JOBS` of the environment are explained in BENCHMARKS.md.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.mjs";
import { nodeModules, root, rust } from "../scripts/setup.mjs";

const PARTS = ["size", "node", "chromium", "workerd", "scale", "memory", "calls", "cold", "helpers", "dialects", "native"];

try {
  const { values: options, positionals } = parseArgs({
    options: { write: { type: "boolean" }, baseline: { type: "boolean" } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !PARTS.includes(name));
  if (unknown.length) throw new Error(`No such part: ${unknown.join(", ")}. The parts are: ${PARTS.join(", ")}.`);
  await measure(positionals.length ? positionals : PARTS, options);
} catch (error) {
  console.error(`chatmux: ${error.message}`);
  process.exitCode = 1;
}

async function measure(parts, options) {
  await Promise.all([nodeModules(), rust(), nodeModules(fileURLToPath(new URL("peers", import.meta.url)))]);
  await build();
  const wasm = createHash("sha256").update(readFileSync(join(root, "dist/chatmux.wasm"))).digest("hex").slice(0, 12);
  const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${process.platform} ${arch()}`;
  const results = {};
  for (const name of parts) {
    console.log(`\n── ${name} ${"─".repeat(60 - name.length)}`);
    const start = Date.now();
    const { run } = await import(`./parts/${name}.mjs`);
    const result = await run(options);
    if (result) results[name] = { wasm, machine, ...result, versions: { Node: process.versions.node, ...result.versions } };
    console.log(`\n${name}: ${Math.round((Date.now() - start) / 1000)} s`);
  }
  const { write } = await import("./report.mjs");
  if (options.write) write(results);
  const { notes } = await import("./lib/measure.mjs");
  if (notes.length) console.log(`\n${notes.join("\n")}`);
  if (notes.some((text) => text.startsWith("FAILED"))) process.exitCode = 1;
}

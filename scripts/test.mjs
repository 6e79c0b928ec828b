/**
 * `npm test`: sets up what is missing, runs every part and counts. `npm test -- client hosts` runs these parts alone.
 */

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build, buildTraps } from "./build.mjs";
import { browsers, nodeModules, root, rust, rustComponents, say, wasmBindgen } from "./setup.mjs";

const hosts = join(root, "tests/hosts");
const WASM = ["--target", "wasm32-unknown-unknown"];

/** Each part: what it needs, and the commands that it runs. */
const PARTS = {
  lint: async () => {
    await rustComponents();
    return [
      ["cargo", ["fmt", "--check"]],
      ["cargo", ["clippy", "--all-targets", "--locked", "--", "-D", "warnings"]],
      ["cargo", ["clippy", "--locked", ...WASM, "--all-targets", "--features", "test-traps", "--", "-D", "warnings"]],
      // What nobody compiles breaks without being seen.
      ["cargo", ["clippy", "--locked", "--manifest-path", "benches/native/Cargo.toml", "--", "-D", "warnings"]],
    ];
  },
  types: async () => {
    await build();
    return [[process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tests/types"]]];
  },
  native: async () => {
    const fixtures = process.env.CHATMUX_FIXTURES;
    if (!fixtures) skip("recorded traffic (CHATMUX_FIXTURES is not set)");
    return [["cargo", ["test", "--locked", ...(fixtures ? ["--features", "fixtures"] : [])]]];
  },
  "wasm in Node": async () => [await wasmTest({})],
  "wasm in Chromium": async () => {
    const { chromium, chromedriver } = await browsers();
    if (!chromium || !chromedriver) return skip("wasm-bindgen tests in Chromium (no Chromium or ChromeDriver on this machine)");
    return [await wasmTest({ WASM_BINDGEN_USE_BROWSER: "1", CHROMEDRIVER: chromedriver })];
  },
  client: async () => {
    await build();
    return [nodeTest(tests("tests/js"))];
  },
  hosts: async () => {
    await Promise.all([buildTraps(), nodeModules(hosts), browsers()]);
    return [nodeTest(tests("tests/hosts").filter((file) => !file.endsWith("demo.test.mjs")))];
  },
  demo: async () => {
    await Promise.all([build(), nodeModules(hosts), browsers()]);
    return [nodeTest(["tests/hosts/demo.test.mjs"])];
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS[name]);
if (unknown.length) {
  console.error(`No such part: ${unknown.join(", ")}. The parts are: ${Object.keys(PARTS).join(", ")}.`);
  process.exit(1);
}

let skipped = [];
const results = {};
try {
  await nodeModules();
  await rust();
  for (const name of wanted.length ? wanted : Object.keys(PARTS)) results[name] = await runPart(name);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

console.log();
console.table(
  Object.fromEntries(
    Object.entries(results).map(([name, { passed, failed, skipped, seconds }]) => [name, { passed, failed, skipped: skipped.length, seconds }]),
  ),
);
const all = Object.values(results);
for (const name of all.flatMap((result) => result.skipped)) console.log(`skipped: ${name}`);
const sum = (key) => all.reduce((total, result) => total + result[key], 0);
const failed = sum("failed");
console.log(`${sum("passed")} passed, ${failed} failed, ${all.flatMap((result) => result.skipped).length} skipped`);
process.exitCode = failed ? 1 : 0;

async function runPart(name) {
  console.log(`\n── ${name} ${"─".repeat(60 - name.length)}`);
  const start = Date.now();
  skipped = [];
  let [passed, failures] = [0, 0];
  for (const [command, args, env] of await setUp(name)) {
    const { code, output } = await show(command, args, env);
    const count = counts(output);
    skipped.push(...count.skipped);
    // A command without tests of its own, such as a linter, is one test.
    passed += count.tests ? count.passed : Number(code === 0);
    failures += count.failed || Number(code !== 0);
  }
  return { passed, failed: failures, skipped, seconds: Math.round((Date.now() - start) / 1000) };
}

/** The commands of a part. A set-up that fails is a failure of this part, and the others still run. */
async function setUp(name) {
  try {
    return (await PARTS[name]()) ?? [];
  } catch (error) {
    console.error(error.message);
    return [[process.execPath, ["-e", "process.exit(1)"]]];
  }
}

/** Runs a command, shows its output as it comes, and returns it. */
function show(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.on("data", (data) => {
        output += data;
        to.write(data);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** The counts of cargo's and of Node's test runner. */
function counts(output) {
  const all = (pattern) => [...output.matchAll(pattern)];
  const sum = (pattern) => all(pattern).reduce((total, [, count]) => total + Number(count), 0);
  return {
    tests: /test result: \w+\. \d+ passed|^ℹ pass \d+$/m.test(output),
    passed: sum(/test result: \w+\. (\d+) passed/g) + sum(/^ℹ pass (\d+)$/gm),
    failed: sum(/test result: \w+\. \d+ passed; (\d+) failed/g) + sum(/^ℹ (?:fail|cancelled) (\d+)$/gm),
    skipped: [
      ...all(/^test (.+) \.\.\. ignored/gm).map(([, name]) => name),
      ...all(/^\s*﹣ (.+?) \([\d.]+ms\)(?: # (.+))?$/gm).map(([, name, why]) => (why ? `${name} (${why})` : name)),
    ],
  };
}

function skip(name) {
  skipped.push(name);
  return [];
}

async function wasmTest(env) {
  const runner = join(await wasmBindgen(), "wasm-bindgen-test-runner");
  return ["cargo", ["test", "--locked", ...WASM, "--test", "web"], { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: runner, ...env }];
}

function nodeTest(files) {
  return [process.execPath, ["--test", "--test-reporter=spec", ...files]];
}

function tests(folder) {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith(".test.mjs"));
  if (!files.length) say(`there are no tests in ${folder}`);
  return files.map((name) => join(folder, name));
}

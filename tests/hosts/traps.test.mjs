/** A lost instance heals: a build of the same sources that can be made to fail, in each runtime that chatmux claims. */

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { buildTraps } from "../../scripts/build.mjs";
import { chromium, close, firefox, inBun, inChromium, inDeno, inFirefox, inWorkerd, open, output, page, programFile, project } from "./runtimes.mjs";
import { stall } from "./stall.mjs";

const ROUNDS = 20;
/** Three ways to fail, at three places. */
const CASES = 9 * ROUNDS;
const GLUE = "/node_modules/chatmux/dist/glue/chatmux.js";
const IMPORTS = `import * as chatmux from "chatmux";\nimport * as glue from ".${GLUE}";\nimport { run } from "./traps.mjs";\n`;
const NATIVE = IMPORTS.replace(`.${GLUE}`, GLUE).replace('"chatmux"', '"/node_modules/chatmux/dist/entry/default.js"');
const RUN = () => `run(chatmux, glue, ${JSON.stringify(provider.baseURL)}, ${ROUNDS})`;

let provider;

before(async () => {
  await open();
  cpSync(await buildTraps(), join(project, "node_modules/chatmux/dist"), { recursive: true });
  provider = await stall();
});
after(() => Promise.all([provider?.close(), close()]));

/** Judges what the program saw; `overflow` is what the engine throws when the stack is full, `ignored` what it always reports. */
function judge({ full, strays, ...report }, { overflow = "RangeError", ignored = [] } = {}) {
  const fails = ["trap: RuntimeError", `overflow: ${overflow}`, "memory: RuntimeError"];
  assert.deepEqual(report, {
    // Each case has eight calls in flight, and one that fails by itself.
    kinds: { wasm_failed: 9 * CASES },
    causes: Object.fromEntries(fails.map((name) => [name, ROUNDS])),
    handles: { wasm_failed: 10 * CASES },
    next: { "The answer is 42.": 2 * CASES },
    listeners: 0,
    open: 0,
    large: ["wasm_failed", "The answer is 42."],
    deep: { "The answer is 42.": 200 },
  });
  assert.deepEqual(strays.filter((what) => !ignored.includes(what)), []);
  assert.deepEqual(Object.keys(full).sort(), ["no error", "wasm_failed"]);
}

/** The program, as a file. It must end by itself: no timer and no socket is left. */
const script = (name) => programFile(name, `${IMPORTS}console.log(JSON.stringify(await ${RUN()}));\n`);

suite("an instance that is lost fails what needs it, and the next call gets another", { concurrency: 1 }, () => {
  test("in Node", async () => judge(await output(process.execPath, [script("node.mjs")])));

  test("in Deno", async () => judge(await inDeno(script("deno.mjs"))));

  test("in Bun", async () => judge(await inBun(script("bun.mjs"))));

  test("in workerd", async () => {
    const report = await inWorkerd(`${IMPORTS}export default { fetch: async () => Response.json(await ${RUN()}) };`);
    // A read that waits while its reader is cancelled or its request aborted: workerd reports it, whoever handles it.
    judge(report, { ignored: ["Error: Stream was cancelled.", "AbortError: The operation was aborted"] });
  });

  test("in Chromium", chromium, async () => judge(await inChromium(page(NATIVE, RUN()))));

  test("in Firefox", firefox, async () => judge(await inFirefox(page(NATIVE, RUN())), { overflow: "InternalError" }));
});

test("two megabytes of memory are enough for what the other tests of the runtimes do", async () => {
  const ordinary = await serve(createProvider({ pace: 0 }));
  try {
    const imports = 'import * as chatmux from "chatmux";\nimport * as core from "chatmux/core";\nimport { run } from "./program.mjs";\n';
    const file = programFile("ordinary.mjs", `${imports}console.log(JSON.stringify(await run(chatmux, core, "${ordinary.url}/v1")));\n`);
    const { whole, streamed } = await output(process.execPath, [file]);
    assert.match(whole, /meaning|42/);
    assert.equal(streamed, whole);
  } finally {
    await ordinary.close();
  }
});

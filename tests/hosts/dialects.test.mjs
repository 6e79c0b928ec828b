/** Another vendor's stream is translated, by a module of its own, in each runtime that chatmux claims. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { chromium, close, exec, firefox, here, inBun, inChromium, inDeno, inEdgeRuntime, inFirefox, inWorkerd, open, output, page, pages, programFile, project } from "./runtimes.mjs";

const RUN = "run(chatmux, door, glue)";

/** The imports of a program: the package, the door to the dialects, and the glue of their module. */
const from = (entry, folder) =>
  [`* as chatmux from "${entry}"`, `* as door from "${folder}/dialects.js"`, `* as glue from "${folder}/glue/dialects.js"`, '{ run } from "./dialects.mjs"']
    .map((what) => `import ${what};\n`)
    .join("");
const IMPORTS = from("chatmux/dialects", "./node_modules/chatmux/dist");
const NATIVE = from("/node_modules/chatmux/dist/entry/dialects.default.js", "/node_modules/chatmux/dist");

before(open);
after(close);

const judge = (report) => assert.deepEqual(report, { first: true, second: true, lost: "wasm_failed", next: true, asked: ["https://api.anthropic.com/v1/messages", "demo-key", null] });
const script = (name) => programFile(name, `${IMPORTS}console.log(JSON.stringify(await ${RUN}));\n`);

suite("the dialects are translated", { concurrency: 1 }, () => {
  test("in Node", async () => judge(await output(process.execPath, [script("node.mjs")])));

  test("in Deno", async () => judge(await inDeno(script("deno.mjs"))));

  test("in Bun", async () => judge(await inBun(script("bun.mjs"))));

  test("in workerd", async () => judge(await inWorkerd(`${IMPORTS}export default { fetch: async () => Response.json(await ${RUN}) };`)));

  test("in edge-runtime", async () => judge(await inEdgeRuntime(IMPORTS, RUN)));

  test("in a window of Chromium", chromium, async () => judge(await inChromium(page(NATIVE, RUN))));

  test("in a page built by Vite, in Chromium", chromium, async () => {
    page(IMPORTS.replaceAll("./node_modules", "../node_modules"), RUN, "vite");
    await exec(process.execPath, [join(here, "node_modules/vite/bin/vite.js"), "build", "--outDir", "built", "--base", "/vite/built/"], {
      cwd: join(project, "vite"),
    });
    judge(await inChromium(`${pages.url}/vite/built/index.html`));
  });

  test("in a window of Firefox", firefox, async () => judge(await inFirefox(page(NATIVE, RUN))));
});

/** Every example of the guide: it compiles as strict TypeScript, runs, and prints what stands behind `// →`. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { root } from "../../scripts/setup.mjs";

const exec = promisify(execFile);
// Inside the package, whose own name leads to it.
const folder = join(root, "target", "guide");

/** The examples, each with the heading that it stands under. */
const examples = [];
let heading;
for (const [, title, code] of readFileSync(join(root, "docs/from-openai.md"), "utf8").matchAll(/^#+ (.+)$|^```ts\n([^]*?)^```$/gm)) {
  heading = title ?? heading;
  if (code) examples.push({ name: `${examples.length + 1}, of “${heading}”`, file: `example-${examples.length + 1}`, code });
}

let provider;
before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  provider = await serve(createProvider({ pace: 0 }));
});
after(() => provider?.close());

suite("the guide's example", () => {
  test("are there", () => assert.ok(examples.length >= 8));

  for (const { name, file, code } of examples) {
    test(name, async () => {
      const path = join(folder, `${file}.mjs`);
      writeFileSync(path, (await transform(code, { loader: "ts" })).code);
      const env = { ...process.env, AIHUBMIX_API_KEY: "demo", CHATMUX_BASE_URL: `${provider.url}/v1`, NODE_NO_WARNINGS: "1" };
      const { stdout, stderr } = await exec(process.execPath, [path], { env });
      const said = stdout.trimEnd().split("\n");
      const expected = [...code.matchAll(/\/\/ → (.+)$/gm)].map(([, line]) => line);
      assert.ok(expected.length > 0);
      assert.equal(stderr, "");
      expected.forEach((line, at) => assert.match(said[at] ?? "", pattern(line), `line ${at + 1} of\n${stdout}`));
    });
  }

  test("all compile as strict TypeScript", async () => {
    for (const { file, code } of examples) writeFileSync(join(folder, `${file}.ts`), code);
    const config = {
      compilerOptions: {
        ...{ strict: true, noEmit: true, skipLibCheck: true, target: "es2022", module: "nodenext", types: ["node"] },
        ...{ lib: ["es2022", "dom", "dom.iterable", "esnext.disposable"], moduleDetection: "force" },
      },
      include: ["*.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    await exec(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch(({ stdout }) => assert.fail(stdout));
  });
});

/** What a line must be, where `…` stands for anything. */
function pattern(line) {
  const escaped = line.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}

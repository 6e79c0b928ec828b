/** Contenders as a user's bundler makes them: one minified file, and the wasm beside it where a runtime imports it. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { root } from "../../scripts/setup.mjs";

const benches = fileURLToPath(new URL("..", import.meta.url));

/** An empty folder for what a part writes. */
export function scratch(name) {
  const folder = join(root, "target", "benches", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Bundles `source`, whose imports are seen from `benches/`, into `main.js` of `folder`. Returns the files written. */
export async function bundle(source, folder, options = {}) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: benches },
    outfile: join(folder, "main.js"),
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["node:*"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    legalComments: "none",
    logLevel: "error",
    write: false,
    ...options,
  });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  return outputFiles;
}

/** Decoding in Chromium, bundled and minified as a user would; each round in a context of its own. A page knows the clock alone. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { browsers } from "../../scripts/setup.mjs";
import { bundle, scratch } from "../lib/bundle.mjs";
import { decode } from "../lib/decode.mjs";
import { host } from "../lib/hosts.mjs";
import { contenders, note } from "../lib/measure.mjs";

const JOBS = ["text:event", "text:16384", "irregular:16384"];

export async function run() {
  const { chromium: executablePath } = await browsers();
  if (!executablePath) return note("skipped: chromium (there is no Chromium on this machine)");
  const { chromium } = await host("playwright-core");
  const pages = await serve(await scripts());
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"] });
  try {
    const sample = async ({ id }, job) => {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(`${pages.url}/${id}`);
        await page.waitForFunction(() => globalThis.sample);
        return await page.evaluate((job) => globalThis.sample(job), job);
      } finally {
        await context.close();
      }
    };
    const { tables, ratios } = await decode("Chromium", JOBS, sample, { figures: ["wall"] });
    return {
      tables: Object.fromEntries(Object.entries(tables).map(([job, { rows }]) => [`chromium ${job}`, rows])),
      figures: ratios,
      versions: { Chromium: browser.version() },
    };
  } finally {
    await browser.close();
    pages.close();
  }
}

/** The bundle of each contender, by its id. */
async function scripts() {
  const files = {};
  for (const { id, path } of await contenders()) {
    const folder = scratch(join("chromium", id));
    const source = `
      import contender from ${JSON.stringify(path)};
      import { prepare, time } from "./lib/sample.mjs";
      globalThis.sample = async (job) => {
        const prepared = prepare(contender, job);
        return prepared ? time(prepared) : null;
      };`;
    await bundle(source, folder);
    files[`/${id}.js`] = readFileSync(join(folder, "main.js"));
  }
  return files;
}

/** Serves the scripts, and at `/<id>` a page that loads one of them. */
async function serve(files) {
  const server = createServer(({ url }, response) => {
    const script = files[url];
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html; charset=utf-8" });
    response.end(script ?? `<!doctype html><title>bench</title><script type="module" src="${url}.js"></script>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

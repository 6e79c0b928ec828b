/** The packed package, installed into an empty project, and each runtime that chatmux claims, to run a program there. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { serve } from "../../dist/testing/server.js";
import { browsers, root } from "../../scripts/setup.mjs";
import { site } from "../../scripts/site.mjs";

export const exec = promisify(execFile);
export const here = fileURLToPath(new URL(".", import.meta.url));
export const bin = (name) => join(here, "node_modules", ".bin", name);

const found = await browsers();
/** What is said of tests that need a browser which is not there. */
export const chromium = { skip: found.chromium ? false : "no Chromium on this machine" };
export const firefox = { skip: found.firefox ? false : "no Firefox on this machine" };

/** The modules that the package brings. */
export const WASMS = ["chatmux.wasm", "dialects.wasm"];

/** What the runtimes run. */
const PROGRAMS = ["program.mjs", "helpers.mjs", "traps.mjs", "dialects.mjs"];

/** The folder of the project, and where its files are served. */
export let project;
export let pages;

/** Makes them. */
export async function open() {
  project = realpathSync(mkdtempSync(join(tmpdir(), "chatmux-hosts-")));
  const { stdout } = await exec("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  await exec("npm", ["install", "--no-audit", "--no-fund", join(project, filename)], { cwd: project });
  for (const name of PROGRAMS) cpSync(join(here, name), join(project, name));
  pages = await serve(async (request) => (await site({ "/": project })(request)) ?? new Response(null, { status: 404 }));
}

/** Takes them away. */
export async function close() {
  await pages?.close();
  rmSync(project, { recursive: true, force: true });
}

/** What a program for a runtime prints last, as JSON. It is started with a file, in the project's folder. */
export async function output(command, args, env) {
  const { stdout } = await exec(command, args, { cwd: project, timeout: 120_000, env: { ...process.env, NO_COLOR: "1", ...env } });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** The same in Deno, with no permission but the network's. */
export const inDeno = (file) => output(bin("deno"), ["run", "--no-prompt", "--allow-net=127.0.0.1", file], { DENO_NO_UPDATE_CHECK: "1" });

/** The same in Bun. */
export const inBun = (file) => output(bin("bun"), ["run", file]);

/** Writes a page that evaluates the expression, and returns its address. */
export function page(imports, expression, folder = "page") {
  mkdirSync(join(project, folder), { recursive: true });
  for (const name of PROGRAMS) cpSync(join(here, name), join(project, folder, name));
  writeFileSync(join(project, folder, "index.html"), '<!doctype html><meta charset="utf-8"><title>chatmux</title><script type="module" src="./main.mjs"></script>');
  writeFileSync(join(project, folder, "main.mjs"), `${imports}globalThis.report = ${expression};`);
  return `${pages.url}/${folder}/index.html`;
}

/** What a page reports, in Chromium. */
export async function inChromium(address, flags = []) {
  const { chromium } = await import("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", ...flags];
  return visit(await chromium.launch({ executablePath: found.chromium, args }), address);
}

/** The same in Firefox. */
export async function inFirefox(address) {
  const { default: puppeteer } = await import("puppeteer-core");
  return visit(await puppeteer.launch({ browser: "firefox", executablePath: found.firefox, headless: true }), address);
}

/** Opens the page in a browser and reads what its program saw. Both drivers speak alike so far. */
async function visit(browser, address) {
  try {
    const tab = await browser.newPage();
    await tab.goto(address);
    await tab.waitForFunction(() => "report" in globalThis);
    return await tab.evaluate(() => globalThis.report);
  } finally {
    await browser.close();
  }
}

/** Bundles a worker, runs it in workerd, and reads its answer to one request. */
export async function inWorkerd(source, bindings = {}, read = (response) => response.json()) {
  const folder = mkdtempSync(join(project, "workerd-"));
  await bundle(source, join(folder, "worker.js"), "workerd", (path) => ({ path: `./${path}`, external: true }));
  for (const name of WASMS) cpSync(join(project, "node_modules/chatmux/dist", name), join(folder, name));
  const port = await freePort();
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["local", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js"), ${WASMS.map((name) => `(name = "${name}", wasm = embed "${name}")`)}],
  compatibilityDate = "2026-01-01",
  bindings = [${Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = "${text}")`)}],
);`,
  );
  const child = spawn(bin("workerd"), ["serve", join(folder, "config.capnp")], { stdio: ["ignore", "inherit", "inherit"] });
  try {
    for (let tries = 0; ; tries++) {
      const response = await fetch(`http://127.0.0.1:${port}/?q=What+is+the+meaning+of+life%3F`).catch((error) => error);
      if (response.ok) return await read(response);
      if (response instanceof Response) assert.fail(await response.text());
      if (child.exitCode !== null || tries > 100) throw response;
      await sleep(100);
    }
  } finally {
    child.kill();
  }
}

/** Evaluates an expression in Vercel's edge runtime. */
export async function inEdgeRuntime(imports, expression) {
  const { EdgeRuntime } = await import("edge-runtime");
  const source = `${imports}
    addEventListener("fetch", (event) => event.respondWith(
      ${expression}.then((report) => new Response(JSON.stringify(report)))));`;
  const file = join(project, "edge.js");
  // What Vercel's and Next's builds do with `.wasm?module`: the compiled modules become globals of the runtime.
  const module = (name) => new WebAssembly.Module(readFileSync(join(project, "node_modules/chatmux/dist", name)));
  const modules = Object.fromEntries(WASMS.map((name) => [name, module(name)]));
  await bundle(source, file, "edge-light", (path) => ({ path, namespace: "global" }), "?module", "iife");
  const runtime = new EdgeRuntime({
    initialCode: readFileSync(file, "utf8"),
    extend: (context) => Object.assign(context, modules),
  });
  const response = await runtime.dispatchFetch("http://127.0.0.1/");
  return JSON.parse(await response.text());
}

/** Bundles a program with esbuild, under the condition of a runtime, which imports wasm files with this at the end of their names. */
async function bundle(source, outfile, condition, resolveWasm, suffix = "", format = "esm") {
  await build({
    stdin: { contents: source, resolveDir: project },
    outfile,
    bundle: true,
    format,
    conditions: [condition],
    logLevel: "error",
    plugins: [
      {
        name: "wasm",
        setup(plugin) {
          plugin.onResolve({ filter: /\.wasm/ }, ({ path }) => {
            const name = WASMS.find((name) => path.endsWith(`/${name}${suffix}`));
            assert.ok(name, `the entry for ${condition} imports ${path}`);
            return resolveWasm(name);
          });
          plugin.onLoad({ filter: /./, namespace: "global" }, ({ path }) => ({ contents: `export default globalThis[${JSON.stringify(path)}];` }));
        },
      },
    ],
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A program for runtimes that are started with a file, in the project's folder. */
export function programFile(name, source) {
  const file = join(project, name);
  writeFileSync(file, source);
  return file;
}

/** Has a server of a test listen on this machine alone, and gives its URL. */
export async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

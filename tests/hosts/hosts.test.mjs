/** The packed package, installed into an empty project, in each runtime that chatmux claims. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { browsers, root } from "../../scripts/setup.mjs";
import { site } from "../../scripts/site.mjs";

const exec = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const bin = (name) => join(here, "node_modules", ".bin", name);
const found = await browsers();
const IMPORTS = 'import * as chatmux from "chatmux";\nimport * as core from "chatmux/core";\nimport { run } from "./program.mjs";\n';
const NATIVE = IMPORTS.replace(/"chatmux(\/core)?"/g, (_, core) => `"/node_modules/chatmux/dist/entry/${core ? "core." : ""}default.js"`);

let project;
let provider;
let pages;
let baseURL;

before(async () => {
  project = realpathSync(mkdtempSync(join(tmpdir(), "chatmux-hosts-")));
  const { stdout } = await exec("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], { cwd: root });
  const [{ filename }] = JSON.parse(stdout);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  await exec("npm", ["install", "--no-audit", "--no-fund", join(project, filename)], { cwd: project });
  cpSync(join(here, "program.mjs"), join(project, "program.mjs"));
  provider = await serve(createProvider({ pace: 0 }));
  baseURL = `${provider.url}/v1`;
  pages = await serve(async (request) => (await site({ "/": project })(request)) ?? new Response(null, { status: 404 }));
});

after(async () => {
  await Promise.all([provider?.close(), pages?.close()]);
  rmSync(project, { recursive: true, force: true });
});

/** Judges what the program saw. */
function judge(report, { isBrowser = false } = {}) {
  assert.match(report.whole, /meaning|42/);
  for (const name of ["streamed", "coreWhole", "coreStreamed"]) assert.equal(report[name], report.whole, name);
  assert.equal(report.left, 2);
  assert.equal(report.aborted, true);
  assert.ok(report.models > 3);
  assert.equal(report.catalogue, "gpt-4o-mini");
  assert.deepEqual(report.wrongKey, { name: "AuthenticationError", kind: "authentication", status: 401, isError: true });
  assert.equal(report.cut.name, "StreamTruncatedError");
  assert.equal(report.unreachable.name, "APIConnectionError");
  assert.equal(report.retried, 2);
  assert.equal(report.early.name, "APIUserAbortError");
  assert.equal(report.late.name, "APIUserAbortError");
  assert.equal(report.slow.name, "APIConnectionTimeoutError");
  assert.equal(report.plainKey?.name, isBrowser ? "ChatmuxError" : undefined);
}

/** A program for runtimes that are started with a file, in the project's folder. */
function script(name) {
  const file = join(project, name);
  writeFileSync(file, `${IMPORTS}console.log(JSON.stringify(await run(chatmux, core, ${JSON.stringify(baseURL)})));\n`);
  return file;
}

async function output(command, args, env) {
  const { stdout } = await exec(command, args, { cwd: project, timeout: 120_000, env: { ...process.env, NO_COLOR: "1", ...env } });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

suite("the packed package answers, whole and streamed", { concurrency: 1 }, () => {
  test("in Node", async () => judge(await output(process.execPath, [script("node.mjs")])));

  test("in Deno, with no permission but the network's", async () => {
    const args = ["run", "--no-prompt", "--allow-net=127.0.0.1", script("deno.mjs")];
    judge(await output(bin("deno"), args, { DENO_NO_UPDATE_CHECK: "1" }));
  });

  test("in Bun", async () => judge(await output(bin("bun"), ["run", script("bun.mjs")])));

  test("in workerd", async () => judge(await inWorkerd(`${IMPORTS}
    export default {
      fetch: async () => Response.json(await run(chatmux, core, ${JSON.stringify(baseURL)})),
    };`)));

  test("in workerd, as the README's worker", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const worker = /```js\n\/\/ worker\.js\n([^]*?)```/.exec(readme)[1];
    const text = await inWorkerd(worker, { CHATMUX_BASE_URL: baseURL, AIHUBMIX_API_KEY: "demo" }, (response) => response.text());
    assert.match(text, /meaning|42/);
  });

  test("in edge-runtime", async () => judge(await inEdgeRuntime()));

  const chromium = { skip: found.chromium ? false : "no Chromium on this machine" };
  test("in a window of Chromium", chromium, async () => judge(await inChromium(page(NATIVE)), { isBrowser: true }));

  test("in a worker of Chromium", chromium, async () => {
    writeFileSync(join(project, "worker.mjs"), `${NATIVE}postMessage(await run(chatmux, core, ${JSON.stringify(baseURL)}));`);
    const address = page("", 'new Promise((resolve) => { new Worker("/worker.mjs", { type: "module" }).onmessage = ({ data }) => resolve(data); })');
    judge(await inChromium(address), { isBrowser: true });
  });

  test("in a page built by Vite, in Chromium", chromium, async () => {
    page(IMPORTS, undefined, "vite");
    await exec(process.execPath, [join(here, "node_modules/vite/bin/vite.js"), "build", "--outDir", "built", "--base", "/vite/built/"], {
      cwd: join(project, "vite"),
    });
    judge(await inChromium(`${pages.url}/vite/built/index.html`), { isBrowser: true });
  });

  const firefox = { skip: found.firefox ? false : "no Firefox on this machine" };
  test("in a window of Firefox", firefox, async () => judge(await inFirefox(page(NATIVE)), { isBrowser: true }));
});

suite("the packed types compile in a strict project", { concurrency: 1 }, () => {
  const SOURCE = `
    import Chatmux, { type ChatCompletion, type ChatCompletionChunk, Stream, init } from "chatmux";
    import { createChatCompletion, createChatCompletionStream, listCatalogue, listModels } from "chatmux/core";
    const client = new Chatmux({ apiKey: async () => "k", fetch: async (url, init) => fetch(url.trim(), { ...init, redirect: "error" }) });
    const request = { model: "m", messages: [{ role: "user" as const, content: "x" }] };
    export const whole: Promise<ChatCompletion> = client.chat.completions.create(request);
    export const streamed: Promise<Stream<ChatCompletionChunk>> = client.chat.completions.create({ ...request, stream: true });
    export const text = whole.then(({ choices }) => choices[0]?.message.content?.length);
    export const core = [createChatCompletion(request), createChatCompletionStream({ ...request, stream: true }), listModels(), listCatalogue()];
    export const ready: Promise<void> = init(new URL("https://example.test/chatmux.wasm"));
    export const isError = (error: unknown) => error instanceof Chatmux.APIError && error.status === 429 && error.kind;
  `;
  const tsc = (...options) => {
    writeFileSync(join(project, "types.ts"), SOURCE);
    const args = [join(root, "node_modules/typescript/bin/tsc"), "--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "false", ...options, "types.ts"];
    return exec(process.execPath, args, { cwd: project }).catch(({ stdout }) => assert.fail(stdout));
  };
  for (const [name, ...options] of [
    ["of Node's modules, with the DOM", "--module", "nodenext", "--lib", "es2022,dom"],
    ["of a bundler, with the DOM of ES2020", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2020,dom"],
    ["of a worker", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,webworker"],
    ["with exact optional properties", "--module", "nodenext", "--lib", "es2022,dom", "--exactOptionalPropertyTypes"],
    ["with the defaults of the compiler"],
  ]) {
    test(name, () => tsc(...options, "--types", ""));
  }
});

/** Writes a page that runs the program, and returns its address. */
function page(imports, expression = `run(chatmux, core, ${JSON.stringify(baseURL)})`, folder = "page") {
  mkdirSync(join(project, folder), { recursive: true });
  cpSync(join(here, "program.mjs"), join(project, folder, "program.mjs"));
  writeFileSync(join(project, folder, "index.html"), '<!doctype html><meta charset="utf-8"><title>chatmux</title><script type="module" src="./main.mjs"></script>');
  writeFileSync(join(project, folder, "main.mjs"), `${imports}globalThis.report = ${expression};`);
  return `${pages.url}/${folder}/index.html`;
}

async function inChromium(address) {
  const { chromium } = await import("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  return visit(await chromium.launch({ executablePath: found.chromium, args }), address);
}

async function inFirefox(address) {
  const { default: puppeteer } = await import("puppeteer-core");
  return visit(await puppeteer.launch({ browser: "firefox", executablePath: found.firefox, headless: true }), address);
}

/** Opens the page in a browser and reads what its program saw. Both drivers speak alike so far. */
async function visit(browser, address) {
  try {
    const tab = await browser.newPage();
    await tab.goto(address);
    await tab.waitForFunction(() => globalThis.report);
    return await tab.evaluate(() => globalThis.report);
  } finally {
    await browser.close();
  }
}

/** Bundles a worker, runs it in workerd, and reads its answer to one request. */
async function inWorkerd(source, bindings = {}, read = (response) => response.json()) {
  const folder = mkdtempSync(join(project, "workerd-"));
  const wasm = join(project, "node_modules/chatmux/dist/chatmux.wasm");
  await bundle(source, join(folder, "worker.js"), "workerd", (path) => ({ path: `./${path}`, external: true }), "chatmux.wasm");
  cpSync(wasm, join(folder, "chatmux.wasm"));
  const port = await freePort();
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["local", "private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js"), (name = "chatmux.wasm", wasm = embed "chatmux.wasm")],
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

async function inEdgeRuntime() {
  const { EdgeRuntime } = await import("edge-runtime");
  const source = `${IMPORTS}
    addEventListener("fetch", (event) => event.respondWith(
      run(chatmux, core, ${JSON.stringify(baseURL)}).then((report) => new Response(JSON.stringify(report)))));`;
  const file = join(project, "edge.js");
  // What Vercel's and Next's builds do with \`.wasm?module\`: the compiled module becomes a global of the runtime.
  const module = new WebAssembly.Module(readFileSync(join(project, "node_modules/chatmux/dist/chatmux.wasm")));
  await bundle(source, file, "edge-light", () => ({ path: "wasm", namespace: "global" }), "chatmux.wasm?module", "iife");
  const runtime = new EdgeRuntime({
    initialCode: readFileSync(file, "utf8"),
    extend: (context) => Object.assign(context, { chatmuxWasm: module }),
  });
  const response = await runtime.dispatchFetch("http://127.0.0.1/");
  return JSON.parse(await response.text());
}

async function bundle(source, outfile, condition, resolveWasm, wasmName, format = "esm") {
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
          plugin.onResolve({ filter: /chatmux\.wasm/ }, ({ path }) => {
            assert.ok(path.endsWith(wasmName), `the entry for ${condition} imports ${path}`);
            return resolveWasm("chatmux.wasm");
          });
          plugin.onLoad({ filter: /./, namespace: "global" }, () => ({ contents: "export default globalThis.chatmuxWasm;" }));
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

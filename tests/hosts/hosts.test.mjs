/** The packed package, installed into an empty project, in each runtime that chatmux claims. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { root } from "../../scripts/setup.mjs";
import { chromium, close, exec, firefox, here, inBun, inChromium, inDeno, inEdgeRuntime, inFirefox, inWorkerd, open, output, page, pages, programFile, project } from "./runtimes.mjs";

const IMPORTS = 'import * as chatmux from "chatmux";\nimport * as core from "chatmux/core";\nimport { run } from "./program.mjs";\n';
const NATIVE = IMPORTS.replace(/"chatmux(\/core)?"/g, (_, core) => `"/node_modules/chatmux/dist/entry/${core ? "core." : ""}default.js"`);

const RUN = () => `run(chatmux, core, ${JSON.stringify(baseURL)})`;

let provider;
let baseURL;

before(async () => {
  await open();
  provider = await serve(createProvider({ pace: 0 }));
  baseURL = `${provider.url}/v1`;
});
after(() => Promise.all([provider?.close(), close()]));

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

/** The program, as a file. */
const script = (name) => programFile(name, `${IMPORTS}console.log(JSON.stringify(await ${RUN()}));\n`);

suite("the packed package answers, whole and streamed", { concurrency: 1 }, () => {
  test("in Node", async () => judge(await output(process.execPath, [script("node.mjs")])));

  test("S9: in Deno, with no permission but the network's", async () => judge(await inDeno(script("deno.mjs"))));

  test("in Bun", async () => judge(await inBun(script("bun.mjs"))));

  test("in workerd", async () => judge(await inWorkerd(`${IMPORTS}
    export default {
      fetch: async () => Response.json(await ${RUN()}),
    };`)));

  test("in workerd, as the README's worker", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const worker = /```js\n\/\/ worker\.js\n([^]*?)```/.exec(readme)[1];
    const text = await inWorkerd(worker, { CHATMUX_BASE_URL: baseURL, AIHUBMIX_API_KEY: "demo" }, (response) => response.text());
    assert.match(text, /meaning|42/);
  });

  test("in edge-runtime", async () => judge(await inEdgeRuntime(IMPORTS, RUN())));

  test("in a window of Chromium", chromium, async () => judge(await inChromium(page(NATIVE, RUN())), { isBrowser: true }));

  test("in a worker of Chromium", chromium, async () => {
    writeFileSync(join(project, "worker.mjs"), `${NATIVE}postMessage(await ${RUN()});`);
    const address = page("", 'new Promise((resolve) => { new Worker("/worker.mjs", { type: "module" }).onmessage = ({ data }) => resolve(data); })');
    judge(await inChromium(address), { isBrowser: true });
  });

  test("in a page built by Vite, in Chromium", chromium, async () => {
    page(IMPORTS, RUN(), "vite");
    await exec(process.execPath, [join(here, "node_modules/vite/bin/vite.js"), "build", "--outDir", "built", "--base", "/vite/built/"], {
      cwd: join(project, "vite"),
    });
    judge(await inChromium(`${pages.url}/vite/built/index.html`), { isBrowser: true });
  });

  test("in a window of Firefox", firefox, async () => judge(await inFirefox(page(NATIVE, RUN())), { isBrowser: true }));
});

suite("the helpers of the packed package", { concurrency: 1 }, () => {
  const from = (entry) => `import * as chatmux from "${entry}";\nimport { run } from "./helpers.mjs";\n`;
  const [PLAIN, HELPERS] = [from("chatmux"), from("chatmux/helpers")];
  const IN_BROWSER = from("/node_modules/chatmux/dist/entry/helpers.default.js");
  const RUN_HELPERS = () => `run(chatmux, ${JSON.stringify(baseURL)})`;
  const helpers = (name, imports) => programFile(name, `${imports}console.log(JSON.stringify(await ${RUN_HELPERS()}));\n`);
  const worker = (imports, value) => `${imports}\nexport default { fetch: async () => Response.json(await ${value}) };`;
  const judgeHelpers = (report) => {
    const { facts, ...rest } = report;
    assert.deepEqual(rest, {
      events: ["connect", "end"], isWhole: true, isSame: true, parsed: { city: "Paris" },
      final: "The tool answered **sunny in Paris**, and that is all I know about it.",
      turns: [["user", false], ["assistant", true], ["tool", false], ["assistant", true]],
      usd: true, replayed: true,
    });
    for (const fact of ["request", "response", "end"]) assert.ok(facts.includes(fact), fact);
  };

  for (const [name, imports] of [["chatmux", PLAIN], ["chatmux/helpers", HELPERS]]) {
    test(`as ${name}, in Node`, async () => judgeHelpers(await output(process.execPath, [helpers("helpers-node.mjs", imports)])));
    test(`as ${name}, in Deno`, async () => judgeHelpers(await inDeno(helpers("helpers-deno.mjs", imports))));
    test(`as ${name}, in Bun`, async () => judgeHelpers(await inBun(helpers("helpers-bun.mjs", imports))));
  }

  test("as chatmux/helpers, in workerd", async () => judgeHelpers(await inWorkerd(worker(HELPERS, RUN_HELPERS()))));

  test("are not in a worker that imports chatmux: each says where it is to be had", async () => {
    const said = `(async () => {
      const client = new chatmux.Chatmux({ apiKey: "demo" });
      const tries = [() => client.chat.completions.stream({}), () => client.chat.completions.parse({}), () => client.chat.completions.runTools({}),
        () => client.cost({}), () => new chatmux.Chatmux({ onEvent() {} })];
      return tries.map((attempt) => { try { attempt(); return "nothing"; } catch (error) { return [error.name, error.message]; } });
    })()`;
    for (const [name, message] of await inWorkerd(worker('import * as chatmux from "chatmux";', said))) {
      assert.equal(name, "ChatmuxError");
      assert.match(message, /"chatmux\/helpers"/);
    }
  });

  test("as chatmux/helpers, in a window of Chromium", chromium, async () => judgeHelpers(await inChromium(page(IN_BROWSER, RUN_HELPERS()))));

  test("as chatmux/helpers, in a page built by Vite, in Chromium", chromium, async () => {
    page(HELPERS, RUN_HELPERS(), "vite-helpers");
    await exec(process.execPath, [join(here, "node_modules/vite/bin/vite.js"), "build", "--outDir", "built", "--base", "/vite-helpers/built/"], {
      cwd: join(project, "vite-helpers"),
    });
    judgeHelpers(await inChromium(`${pages.url}/vite-helpers/built/index.html`));
  });

  test("as chatmux/helpers, in a window of Firefox", firefox, async () => judgeHelpers(await inFirefox(page(IN_BROWSER, RUN_HELPERS()))));
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
    export const messages: Chatmux.Chat.ChatCompletionMessageParam[] = request.messages;
    export const completions: Chatmux.Chat.Completions = client.chat.completions;
    export const usage = whole.then(({ usage }): Chatmux.CompletionUsage | undefined => usage);
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

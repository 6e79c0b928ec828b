import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { ROOT } from "./support.mjs";

const exec = promisify(execFile);
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const text = (file) => readFileSync(join(ROOT, file), "utf8");
let files;
let project;

before(async () => {
  const { stdout } = await exec("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  files = JSON.parse(stdout)[0].files.map(({ path }) => path);
  // An empty project with the packed files in it, and nothing else of this repository.
  project = realpathSync(mkdtempSync(join(tmpdir(), "chatmux-package-")));
  const packed = JSON.parse((await exec("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], { cwd: ROOT })).stdout);
  const home = join(project, "node_modules/chatmux");
  mkdirSync(home, { recursive: true });
  await exec("tar", ["-xzf", join(project, packed[0].filename), "-C", home, "--strip-components=1"]);
});
after(() => rmSync(project, { recursive: true, force: true }));

/** The files that one leads to. */
function reach(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!/\.(js|d\.ts)$/.test(file)) return seen;
  for (const [, quoted] of text(file).replace(/^\s*(\*|\/\/).*$/gm, "").matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)) {
    const target = posix.join(posix.dirname(file), quoted.replace(/\?.*$/, ""));
    reach(file.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target, seen);
  }
  return seen;
}

/** Every file that the exports name. */
const targets = (entry) => (typeof entry === "string" ? [entry.replace(/^\.\//, "")] : Object.values(entry).flatMap(targets));

suite("the packed files", () => {
  test("are what the exports lead to, and the papers, and nothing else", () => {
    const needed = new Set(["README.md", "LICENSE", "THIRD_PARTY_NOTICES.md", "CHANGELOG.md"]);
    for (const target of targets(manifest.exports)) for (const file of reach(target)) needed.add(file);
    // A declaration beside a module that is needed does no harm.
    const described = files.filter((file) => file.endsWith(".d.ts") && needed.has(file.replace(/\.d\.ts$/, ".js")));
    assert.deepEqual([...needed].filter((file) => !files.includes(file)), [], "is missing");
    assert.deepEqual(files.filter((file) => !needed.has(file) && !described.includes(file)), [], "is not needed");
  });

  test("hold no tests, no provider, no sources and no maps", () => {
    for (const file of files) assert.doesNotMatch(file, /test|\.map$|\.rs$|\.mjs$|(?<!\.d)\.ts$|^(src|www|scripts|target|node_modules)\//);
    for (const file of files.filter((name) => name.endsWith(".js"))) assert.doesNotMatch(text(file), /sourceMappingURL/);
  });

  test("have no way to make the core fail, as a test build has", () => {
    for (const file of files.filter((name) => name.startsWith("dist/glue/"))) assert.doesNotMatch(text(file), /forceTrap|fillMemory/);
  });

  test("say nothing of the machine that they were made on", () => {
    for (const file of files) {
      const bytes = readFileSync(join(ROOT, file), "latin1");
      for (const trace of [ROOT.slice(0, -1), "/home/", "/root/", ".cargo/registry"]) assert.ok(!bytes.includes(trace), `${file} holds ${trace}`);
    }
  });

  test("ask for no package and run nothing when they are installed", () => {
    assert.deepEqual(Object.keys(manifest.peerDependencies), Object.keys(manifest.peerDependenciesMeta));
    for (const { optional } of Object.values(manifest.peerDependenciesMeta)) assert.equal(optional, true);
    for (const field of ["dependencies", "optionalDependencies", "bundleDependencies", "bundledDependencies", "bin", "gypfile"]) {
      assert.equal(manifest[field], undefined, field);
    }
    for (const script of ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"]) assert.equal(manifest.scripts[script], undefined, script);
    assert.equal(manifest.type, "module");
    assert.equal(manifest.license, "MIT");
  });

  test("say whose code they hold, under which licence", () => {
    const vendors = files.filter((name) => name.startsWith("dist/vendor/") && name.endsWith(".js"));
    assert.deepEqual(vendors.sort(), ["dist/vendor/json-schema.js", "dist/vendor/zod3.js", "dist/vendor/zod4.js"]);
    for (const file of vendors) {
      assert.match(text(file), /^\/\*!\n@?[\w/-]+\n[^]*Copyright[^]*(Permission is hereby granted|Permission to use)[^]*\*\//, file);
      assert.doesNotMatch(text(file), /^import /m, `${file} is not bundled`);
    }
  });

  test("hold no eval, no Function and no top-level await", () => {
    for (const file of files.filter((name) => name.endsWith(".js"))) {
      assert.doesNotMatch(text(file), /\beval\s*\(|\bnew Function\b|\bFunction\s*\(/, file);
      assert.doesNotMatch(text(file), /^(?:(?:export |const |let )[^\n]*= )?await /m, file);
    }
  });
});

suite("the exports", () => {
  test("name every entry with types first and default last", () => {
    const conditions = Object.entries(manifest.exports).map(([name, entry]) => [name, typeof entry === "string" ? entry : Object.keys(entry).join(" ")]);
    const ofHosts = "types workerd edge-light default";
    const withNode = "types workerd edge-light node default";
    assert.deepEqual(Object.fromEntries(conditions), {
      ".": withNode,
      "./dialects": withNode,
      "./helpers": withNode,
      "./core": ofHosts,
      "./schema": "types default",
      "./zod": "types default",
      "./chatmux.wasm": ofHosts,
      "./package.json": "./package.json",
    });
    for (const target of targets(manifest.exports)) if (target !== "package.json") assert.ok(files.includes(target), target);
  });

  test("of an empty project are importable, by Node, and nothing else is", async () => {
    const source = `
      import Default, { Chatmux } from "chatmux";
      import { createRequire } from "node:module";
      import { readFileSync } from "node:fs";
      const core = await import("chatmux/core");
      const { jsonSchema } = await import("chatmux/schema");
      const { zodResponseFormat } = await import("chatmux/zod");
      const wasm = readFileSync(new URL(import.meta.resolve("chatmux/chatmux.wasm")));
      const { default: manifest } = await import("chatmux/package.json", { with: { type: "json" } });
      const hidden = [];
      for (const name of ["chatmux/dist/client.js", "chatmux/dist/vendor/zod4.js", "chatmux/dist/entry/default.js"]) {
        hidden.push(await import(name).then(() => name, (error) => error.code));
      }
      const fetch = async () => Response.json({ id: "1" });
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      const { id } = await new Chatmux({ apiKey: "sk-1234567890", fetch }).chat.completions.create(request);
      const seen = { same: Default === Chatmux, core: typeof core.createChatCompletion, wasm: WebAssembly.validate(wasm), more: [typeof jsonSchema, typeof zodResponseFormat] };
      console.log(JSON.stringify({ ...seen, name: manifest.name, hidden, id }));`;
    writeFileSync(join(project, "imports.mjs"), source);
    const { stdout } = await exec(process.execPath, ["--no-warnings", "imports.mjs"], { cwd: project });
    const code = "ERR_PACKAGE_PATH_NOT_EXPORTED";
    assert.deepEqual(JSON.parse(stdout), { same: true, core: "function", wasm: true, more: ["function", "function"], name: "chatmux", hidden: [code, code, code], id: "1" });
  });
});

suite("a bundle", () => {
  /** Bundles a program of the empty project with esbuild, runs it, and returns what it printed as JSON. */
  async function bundled(source, options = {}, flags = []) {
    const outfile = join(project, `bundle-${Math.random().toString(36).slice(2)}.mjs`);
    const { metafile } = await build({
      stdin: { contents: source, resolveDir: project },
      outfile, bundle: true, format: "esm", platform: "neutral", metafile: true, logLevel: "silent", ...options,
    });
    const { stdout } = await exec(process.execPath, [...flags, outfile]);
    // What was read and left out again is no part of it.
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
    const names = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([name]) => name);
    return { said: JSON.parse(stdout), inputs: names, code: readFileSync(outfile, "utf8") };
  }
  const ANSWER = `async () => new Response('{"id":"1","choices":[]}')`;
  const OPTIONS = `{ apiKey: "sk-1234567890", baseURL: "http://provider.test/v1", fetch: ${ANSWER} }`;
  const REQUEST = '{ model: "m", messages: [{ role: "user", content: "x" }] }';
  const PROGRAMS = {
    'import { Chatmux } from "chatmux"': `import { Chatmux } from "chatmux";
      console.log(JSON.stringify(await new Chatmux(${OPTIONS}).chat.completions.create(${REQUEST})));`,
    'import Chatmux from "chatmux"': `import Chatmux from "chatmux";
      console.log(JSON.stringify(await new Chatmux(${OPTIONS}).chat.completions.create(${REQUEST})));`,
    'import { createChatCompletion } from "chatmux/core"': `import { createChatCompletion } from "chatmux/core";
      console.log(JSON.stringify(await createChatCompletion(${REQUEST}, ${OPTIONS})));`,
    'import * as core from "chatmux/core"': `import * as core from "chatmux/core";
      console.log(JSON.stringify(await core.createChatCompletion(${REQUEST}, ${OPTIONS})));`,
  };
  for (const [what, source] of Object.entries(PROGRAMS)) {
    for (const minify of [false, true]) {
      test(`of ${what} can be called${minify ? " when it is minified" : ""}`, async () => {
        const { said, inputs } = await bundled(source, { minify });
        assert.deepEqual(said, { id: "1", choices: [] });
        assert.ok(inputs.every((name) => name === "<stdin>" || name.includes("node_modules/chatmux/dist/")), inputs.join());
      });
    }
  }

  test("of chatmux has no byte of the helpers, and of chatmux/helpers all of them", async () => {
    const browser = { minify: true, platform: "browser" };
    const plain = await bundled(PROGRAMS['import { Chatmux } from "chatmux"'], browser);
    assert.deepEqual(plain.inputs.filter((name) => name.includes("/helpers/")), []);
    const whole = await bundled(PROGRAMS['import { Chatmux } from "chatmux"'].replace('"chatmux"', '"chatmux/helpers"'), browser);
    assert.ok(whole.inputs.some((name) => name.endsWith("helpers/install.js")));
    assert.ok(whole.code.length > plain.code.length);
    const one = await bundled(`import { toMessage } from "chatmux"; console.log(JSON.stringify(toMessage({ role: "assistant", content: "x" })));`, browser);
    assert.deepEqual(one.inputs.filter((name) => name.endsWith("client.js")), []);
  });

  test("of chatmux/core alone is without the client", async () => {
    const { inputs, code } = await bundled(PROGRAMS['import { createChatCompletion } from "chatmux/core"'], { minify: true });
    assert.ok(!inputs.some((name) => name.endsWith("dist/client.js")));
    assert.doesNotMatch(code, /maxRetries=\w+\.maxRetries/);
  });

  test("of the client is without the helpers and the dialects, and with them without the code of others", async () => {
    const { inputs: kept } = await bundled(PROGRAMS['import { Chatmux } from "chatmux"']);
    assert.deepEqual(kept.filter((name) => /dist\/(helpers|providers|vendor|schema|zod|translate|dialects|glue\/dialects|inline-dialects)/.test(name)), []);
    const helped = await bundled(PROGRAMS['import { Chatmux } from "chatmux"'].replace('"chatmux"', '"chatmux/helpers"'));
    assert.deepEqual(helped.inputs.filter((name) => /dist\/(vendor|schema|zod)/.test(name)), []);
    assert.ok(helped.inputs.some((name) => name.endsWith("dist/helpers/parse.js")));
  });

  test("of chatmux/schema and chatmux/zod runs where no code may be made of texts, with nothing installed", async () => {
    const source = `import { Chatmux } from "chatmux/helpers";
      import { jsonSchema } from "chatmux/schema";
      import { zodResponseFormat } from "chatmux/zod";
      const schema = jsonSchema({ type: "object", properties: { n: { type: "number" } }, required: ["n"] });
      const client = new Chatmux({ ...${OPTIONS}, fetch: async () => Response.json({ choices: [{ message: { content: '{"n":1}' } }] }) });
      const { choices } = await client.chat.completions.parse({ ...${REQUEST}, response_format: schema });
      const { issues } = schema["~standard"].validate({});
      let refused;
      try { zodResponseFormat({}, "it"); } catch (error) { refused = error.name; }
      console.log(JSON.stringify([choices[0].message.parsed, issues.length, refused]));`;
    const { said, inputs } = await bundled(source, { platform: "browser", minify: true }, ["--disallow-code-generation-from-strings"]);
    assert.deepEqual(said, [{ n: 1 }, 1, "ChatmuxError"]);
    assert.ok(inputs.every((name) => name === "<stdin>" || name.includes("node_modules/chatmux/dist/")), inputs.join());
  });

  test("that imports an error class alone works, too", async () => {
    const source = `import { APIError } from "chatmux"; const error = new APIError(400, { message: "no" }, undefined, undefined);
      console.log(JSON.stringify([error.name, error.message, APIError.name, error.kind]));`;
    const { said } = await bundled(source, { minify: true });
    assert.deepEqual(said, ["APIError", "400 no", "APIError", "api"]);
  });

  test("that is minified without names keeps those of the errors", async () => {
    const source = `import * as chatmux from "chatmux";
      const { Chatmux, ...rest } = chatmux;
      const errors = Object.entries(rest).filter(([name]) => /^[A-Z]\\w+Error$/.test(name));
      const names = errors.map(([name, Class]) => [name, Class.name, Class.prototype.name]);
      const error = await new Chatmux({ ...${OPTIONS}, fetch: async () => Response.json({ error: { message: "no" } }, { status: 429 }), maxRetries: 0 })
        .chat.completions.create(${REQUEST}).catch((thrown) => thrown);
      const said = [error.name, error.constructor.name, error.stack.split("\\n")[0], error instanceof Chatmux.RateLimitError];
      console.log(JSON.stringify({ names, error: said }));`;
    const { said, code } = await bundled(source, { minify: true, keepNames: false });
    assert.equal(said.names.length, 20);
    for (const [name, className, prototypeName] of said.names) {
      const expected = name === "OpenAIError" ? "ChatmuxError" : name;
      assert.deepEqual([className, prototypeName], [expected, expected]);
    }
    assert.deepEqual(said.error, ["RateLimitError", "RateLimitError", "RateLimitError: 429 no", true]);
    assert.match(code, /"StreamTruncatedError"/);
  });
});

suite("the types", () => {
  const core = text("dist/core.d.ts");

  test("of chatmux/core say what each call resolves to", () => {
    const flat = core.replace(/\s+/g, " ");
    for (const [name, type] of Object.entries({
      createChatCompletion: "ChatCompletion",
      createChatCompletionStream: "ChunkStream",
      listModels: "ModelList",
      listCatalogue: "CatalogueModel[]",
    })) {
      const signature = new RegExp(`export declare function ${name}\\([^;]*\\): ([^;]*);`).exec(flat);
      assert.equal(signature?.[1], `APIPromise<${type}>`, name);
    }
    assert.match(flat, /export declare function init\(|export \{ APIPromise, ChunkStream, init, Stream \}/);
  });

  test("never say any, but for what wasm-bindgen writes of its own module", () => {
    for (const file of files.filter((name) => name.endsWith(".d.ts") && name !== "dist/glue/chatmux.d.ts")) {
      const code = text(file).replace(/\/\*[^]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      assert.doesNotMatch(code, /(?:[:<,|(]|=>)\s*any\b|\bany\[\]/, file);
      assert.doesNotMatch(code, /\[\w+: string\]:/, `${file} has an index signature`);
    }
    const glue = text("dist/glue/chatmux.d.ts").replace(/\/\*[^]*?\*\//g, "");
    for (const type of ["Promise<ChatCompletion>", "Promise<ChunkSource>", "Promise<ModelList>", "Promise<CatalogueModel[]>"]) {
      assert.ok(glue.includes(type), type);
    }
    assert.doesNotMatch(glue, /Promise<any>/);
  });

  test("do not lead to what is not there", () => {
    for (const file of files.filter((name) => name.endsWith(".d.ts"))) {
      for (const target of reach(file)) assert.ok(files.includes(target), `${file} leads to ${target}`);
    }
  });
});

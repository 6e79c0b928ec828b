/** cargo → wasm-bindgen → shrink → inline → tsc, each only when what it reads has changed. */

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { nodeModules, root, run, rust, say, wasmBindgen } from "./setup.mjs";
import { deflate, shrink } from "./shrink.mjs";
import { split } from "./split.mjs";

const dist = join(root, "dist");
const target = join(root, "target");
const NOTICES = "THIRD_PARTY_NOTICES.md";
/** The modules of `dist/vendor`, and whose code is put into them. */
const VENDORS = { "json-schema": ["@cfworker/json-schema", "punycode.js", "ajv"], zod3: ["zod-to-json-schema"], zod4: ["zod"] };
const SCRIPTS = ["scripts/build.mjs", "scripts/zod3-kinds.mjs", "scripts/shrink.mjs", "scripts/split.mjs", "scripts/wasm.mjs"];

/**
 * The modules: the client, and the dialects of other vendors, which are loaded when they are used first. Each by the features
 * of the crate that make it, and by the name of the file that it is inlined in.
 */
const CLIENT = { name: "chatmux", features: ["client"], inlined: "deflated" };
const DIALECTS = { name: "dialects", features: ["dialects"], inlined: "dialects-deflated" };

/** A build of a module: where it is made, and the most memory that an instance may take, in bytes. */
const RELEASE = [
  { ...CLIENT, folder: target, maxMemory: 1 << 30 },
  { ...DIALECTS, folder: join(target, "dialects"), maxMemory: 1 << 30 },
];
const TRAPS = [
  { ...CLIENT, features: ["client", "test-traps"], folder: join(target, "traps"), maxMemory: 2 << 20 },
  { ...DIALECTS, folder: join(target, "traps", "dialects"), maxMemory: 2 << 20 },
];

/** Builds what is out of date and returns the sizes of what users download. */
export async function build() {
  const built = await modules(RELEASE);
  const [{ step, stamps }] = built;
  const wasms = built.map(({ optimised }) => optimised);
  await step("compiling TypeScript…", ["tsconfig.json", NOTICES, "package-lock.json", ...files("src/js"), ...wasms], join(dist, "index.js"), async () => {
    rmSync(dist, { recursive: true, force: true });
    await run("node", [join(root, "node_modules/typescript/bin/tsc")]);
    await bundleVendors();
    for (const module of built) place(module, dist);
    writeFileSync(
      join(dist, "chatmux.wasm.d.ts"),
      "/** The wasm of chatmux, where the bundler or runtime imports wasm files as compiled modules. */\n" +
        "declare const module: WebAssembly.Module;\nexport default module;\n",
    );
    stamps.sizes = await sizes(wasms);
  });
  return stamps.sizes;
}

/**
 * Builds what the tests of a lost instance run: the same sources with ways to lose it, and with little memory. Returns the
 * folder that is to stand for `dist`.
 */
export async function buildTraps() {
  await build();
  const built = await modules(TRAPS);
  const [{ step }] = built;
  const folder = join(TRAPS[0].folder, "dist");
  await step("putting together the build with traps…", [...files("dist"), ...built.map(({ optimised }) => optimised)], folder, async () => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(dist, folder, { recursive: true });
    for (const module of built) place(module, folder);
  });
  return folder;
}

/** Puts other people's modules into those of `dist/vendor` that re-export them, under their licences. */
async function bundleVendors() {
  const { build: bundle } = await import("esbuild");
  const [, ...notices] = readFileSync(join(root, NOTICES), "utf8").split(/^## /m);
  for (const [name, packages] of Object.entries(VENDORS)) {
    const file = join(dist, "vendor", `${name}.js`);
    const licences = notices.filter((notice) => packages.includes(notice.split("\n", 1)[0]));
    if (licences.length !== packages.length) throw new Error(`${NOTICES} must have a section for each of ${packages.join(", ")}.`);
    await bundle({
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      bundle: true,
      minifySyntax: true,
      minifyWhitespace: true,
      format: "esm",
      target: "es2022",
      platform: "neutral",
      legalComments: "none",
      // Of zod 3 the converter needs the names of its kinds only.
      alias: { "zod/v3": join(root, "scripts/zod3-kinds.mjs") },
      banner: { js: `/*!\n${licences.join("\n")}*/` },
    });
  }
}

/** Puts a wasm and its glue into the folder that is published. */
function place({ name, inlined, glue, optimised }, folder) {
  for (const file of [name, inlined].flatMap((name) => [`${name}.js`, `${name}.d.ts`])) {
    cpSync(join(glue, file), join(folder, "glue", file));
  }
  cpSync(optimised, join(folder, `${name}.wasm`));
}

/** Makes the modules of a build, one after the other. */
async function modules(builds) {
  const built = [];
  for (const one of builds) built.push(await core(one));
  return built;
}

/** Makes a wasm and its glue, where they are out of date; and what makes further steps. */
async function core({ name: moduleName, inlined, folder, features, maxMemory }) {
  const bindgen = join(folder, "bindgen", "raw");
  const glue = join(folder, "bindgen", "glue");
  const wasm = join(folder, "wasm32-unknown-unknown", "release", "chatmux.wasm");
  const optimised = join(folder, "bindgen", `${moduleName}.wasm`);
  const stampFile = join(folder, "build.json");
  const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};
  const step = async (name, inputs, output, work) => {
    const stamp = digest([...inputs, ...SCRIPTS]);
    if (stamps[name] === stamp && existsSync(output)) return;
    say(name);
    await work();
    stamps[name] = digest([...inputs, ...SCRIPTS]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(stampFile, JSON.stringify(stamps));
  };

  await Promise.all([nodeModules(), rust()]);
  await step("compiling the Rust core to wasm…", ["Cargo.toml", "Cargo.lock", ...files("src", ".rs")], wasm, async () => {
    await run("cargo", ["fetch", "--locked"]);
    const options = ["build", "--release", "--locked", "--lib", "--no-default-features", "--features", ["allocator", ...features].join()];
    await run("cargo", [...options, "--target", "wasm32-unknown-unknown", "--target-dir", folder], { env: { CARGO_ENCODED_RUSTFLAGS: flags(maxMemory) } });
  });
  await step("binding it to JavaScript…", [wasm], join(bindgen, `${moduleName}.js`), async () => {
    const bin = await wasmBindgen();
    const options = ["--target", "web", "--omit-default-module-path", "--experimental-reset-state-function"];
    await run(join(bin, "wasm-bindgen"), [wasm, ...options, "--out-name", moduleName, "--out-dir", bindgen]);
  });
  await step("optimising and inlining it…", [join(bindgen, `${moduleName}_bg.wasm`), "src/js/join.ts"], optimised, async () => {
    mkdirSync(glue, { recursive: true });
    await shrink(moduleName, bindgen, glue, optimised);
    const { bytes, layout, whole } = await split(readFileSync(optimised));
    // The file is what the inlined one becomes: they are one module.
    writeFileSync(optimised, whole);
    const deflated = (await deflate(bytes)).toString("base64");
    const constants = { deflated, layout };
    const lines = Object.entries(constants).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`);
    writeFileSync(join(glue, `${inlined}.js`), lines.join(""));
    writeFileSync(
      join(glue, `${inlined}.d.ts`),
      'import type { Layout } from "../join.js";\n\n' +
        "/** The wasm module in parts, deflated (RFC 1951) and in base64. */\nexport declare const deflated: string;\n" +
        "/** How the parts stand. */\nexport declare const layout: Layout;\n",
    );
  });
  return { name: moduleName, inlined, step, stamps, glue, optimised };
}

/** What one user downloads: an app that imports the client and nothing else, bundled and minified. */
async function sizes([wasm, dialects]) {
  const { build: bundle } = await import("esbuild");
  /** The files of an app: those that it starts with, and those that it loads when it uses a dialect. */
  const app = async (entry, options) => {
    const { outputFiles, metafile } = await bundle({
      stdin: { contents: `import { Chatmux } from "./dist/${entry}"; globalThis.app = new Chatmux();`, resolveDir: root },
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      target: "es2022",
      outdir: root,
      write: false,
      metafile: true,
      legalComments: "none",
      ...options,
    });
    const first = new Set(["stdin.js"]);
    for (const file of first) {
      for (const { path, kind } of metafile.outputs[file].imports) if (kind === "import-statement") first.add(path);
    }
    const contents = (isFirst) => outputFiles.filter(({ path }) => first.has(basename(path)) === isFirst).map(({ contents }) => contents);
    return [contents(true), contents(false)];
  };
  const [started] = await app("entry/default.js");
  const [withDialects, later] = await app("entry/dialects.default.js");
  const [worker] = await app("index.js");
  const rows = {
    "app in a browser or Node, bundled (wasm inlined)": started,
    "the same with dialects": withDialects,
    "what that loads when a dialect is used first": later,
    "app in an edge worker, bundled: JavaScript": worker,
    "app in an edge worker, bundled: chatmux.wasm": [readFileSync(wasm)],
    "app in an edge worker, bundled: dialects.wasm": [readFileSync(dialects)],
  };
  const sum = (files, size) => files.reduce((sum, bytes) => sum + size(bytes), 0);
  return Object.fromEntries(
    Object.entries(rows).map(([name, files]) => [
      name,
      {
        raw: sum(files, (bytes) => bytes.length),
        gzip: sum(files, (bytes) => gzipSync(bytes, { level: 9 }).length),
        brotli: sum(files, (bytes) => brotliCompressSync(bytes).length),
      },
    ]),
  );
}

/** Options of rustc. The paths of this machine are kept out of the module: the same sources make the same wasm anywhere. */
function flags(maxMemory) {
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry", "src");
  const paths = readdirSync(registry).map((name) => `--remap-path-prefix=${join(registry, name)}=deps`);
  return [...paths, `-Clink-arg=--max-memory=${maxMemory}`].join("\x1f");
}

function files(folder, ending = "") {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith(ending) && statSync(join(root, name)).isFile())
    .sort();
}

function digest(names) {
  const hash = createHash("sha256");
  for (const name of names) {
    const path = name.startsWith(root) ? name : join(root, name);
    hash.update(`${name}\0`).update(existsSync(path) ? readFileSync(path) : "");
  }
  return hash.digest("hex");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const table = await build().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  console.table(table);
}

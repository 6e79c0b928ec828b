/** What a user downloads, and what each layer of it costs. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { root } from "../../scripts/setup.mjs";
import { optimise } from "../../scripts/shrink.mjs";
import { bundle, scratch } from "../lib/bundle.mjs";
import { digits, table } from "../lib/measure.mjs";
import { parse } from "../lib/wasm.mjs";

const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;
const kilobytes = (bytes) => digits(bytes / 1000);

export async function run() {
  const folder = scratch("size");
  const { rows, figures } = await apps(folder);
  const tables = { "size apps": rows, "size wasm": await layers(folder), "size javascript": await files(folder) };
  const titles = ["A bundled, minified app that asks once whole and once streamed", "The wasm by layer", "The JavaScript by file"];
  Object.values(tables).forEach((lines, at) => console.log(`\n${titles[at]}, kB\n\n${table(lines)}`));
  return { tables, figures };
}

/** The same small program, with each client. */
const PROGRAMS = {
  "`fetch` by hand": `import floor from "./contenders/floor.mjs"; globalThis.main = (options) => floor.setup(options);`,
  chatmux: app('import { Chatmux } from "chatmux";', "Chatmux"),
  "chatmux/helpers": app('import { Chatmux } from "chatmux/helpers";', "Chatmux"),
  openai: app('import { OpenAI } from "./peers/node_modules/openai/index.mjs";', "OpenAI"),
  "AI SDK": `
    import { generateText, streamText } from "./peers/node_modules/ai";
    import { createOpenAICompatible } from "./peers/node_modules/@ai-sdk/openai-compatible";
    globalThis.main = async (options, out) => {
      const request = { model: createOpenAICompatible(options)("m"), prompt: "hi" };
      out((await generateText(request)).text);
      for await (const text of streamText(request).textStream) out(text);
    };`,
};

function app(imports, client) {
  return `${imports}
    globalThis.main = async (options, out) => {
      const { completions } = new ${client}(options).chat;
      const request = { model: "m", messages: [{ role: "user", content: "hi" }] };
      out((await completions.create(request)).choices[0].message.content);
      for await (const { choices } of await completions.create({ ...request, stream: true })) out(choices[0]?.delta.content);
    };`;
}

async function apps(folder) {
  const rows = [["", "raw", "gzip", "brotli"]];
  const row = (name, bytes) => {
    rows.push([name, kilobytes(bytes.length), kilobytes(gzip(bytes)), kilobytes(brotliCompressSync(bytes).length)]);
    return gzip(bytes);
  };
  const figures = {};
  for (const [name, source] of Object.entries(PROGRAMS)) {
    const { first, later } = await split(source, folder);
    figures[name] = row(name, first);
    if (later.length) row(`${name}: what is loaded when it is used`, later);
  }
  const edge = await bundle(PROGRAMS.chatmux, folder, { conditions: ["workerd"] });
  for (const { path, contents } of edge) row(`chatmux in an edge worker: ${path.endsWith(".wasm") ? basename(path) : "JavaScript"}`, contents);
  return { rows, figures };
}

/** What an app starts with, and what it loads when it is used, as bundlers tell these apart. */
async function split(source, folder) {
  let metafile;
  const plugins = [{ name: "meta", setup: (build) => build.onEnd((result) => void ({ metafile } = result)) }];
  const options = { splitting: true, outfile: undefined, outdir: folder, metafile: true, plugins };
  const outputs = await bundle(source, folder, options);
  const at = (name) => Object.keys(metafile.outputs).find((path) => basename(path) === basename(name));
  const first = new Set([at("stdin.js")]);
  for (const path of first) {
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === "import-statement" && at(next)) first.add(at(next));
  }
  const contents = (isFirst) => Buffer.concat(outputs.filter(({ path }) => first.has(at(path)) === isFirst).map(({ contents }) => contents));
  return { first: contents(true), later: contents(false), entry: metafile.outputs[at("stdin.js")] };
}

const web = readdirSync(join(root, "src", "web")).map((file) => file.replace(".rs", ""));
const GROUPS = [
  // Generic code counts for the module whose types it is made of, wherever it was written.
  [new RegExp(`chatmux::web::(${web.join("|")})\\b`), (name) => `web::${name}`],
  [/chatmux::web\b|^(?:chunksource_|__wbg_chunksource|createChat|list[CM])/, () => "web"],
  [/chatmux::([a-z]\w*)/, (name) => name],
  [/\b(gloo_net|serde_wasm_bindgen|serde_core)\b/, (name) => name],
  [/dlmalloc|talc|__rdl_|__rust_|__rustc/, () => "the allocator"],
  [/wasm_bindgen|js_sys|web_sys|externref|__wbindgen/, () => "wasm-bindgen, js-sys, web-sys, their futures"],
  [/./, () => "core, alloc, std"],
];

/** The layer of a function, by its name. What was inlined counts for the function that it was inlined into. */
function layerOf(name) {
  for (const [pattern, layer] of GROUPS) {
    const found = pattern.exec(name);
    if (found) return layer(found[1]);
  }
  return "core, alloc, std";
}

/** The module by layer, from a build that has the names of its functions and is the published one otherwise. */
async function layers(folder) {
  const named = join(folder, "named.wasm");
  await optimise(join(root, "target", "bindgen", "raw"), named, "--debuginfo");
  const bytes = readFileSync(named);
  const { functions, sections } = parse(bytes);
  const parts = new Map();
  const add = (layer, range) => parts.set(layer, [...(parts.get(layer) ?? []), range]);
  for (const section of sections) {
    if (section.name === "code") for (const body of functions) add(layerOf(body.name), body);
    else if (section.name === "data") add("data: texts and tables", section);
    else if (section.name !== "name") add("imports, exports, types", section);
  }
  const published = readFileSync(join(root, "dist", "chatmux.wasm"));
  return shares("layer", parts, bytes, published);
}

/** The JavaScript of the app by file, in the order in which esbuild puts them together. */
async function files(folder) {
  const { first: contents, entry } = await split(PROGRAMS.chatmux, folder);
  const parts = new Map();
  let at = 0;
  for (const [path, { bytesInOutput }] of Object.entries(entry.inputs)) {
    const name = basename(path) === "<stdin>" ? "the app itself" : path.replace(/^.*dist\//, "");
    parts.set(name, [{ start: at, end: (at += bytesInOutput) }]);
  }
  return shares("file", parts, Buffer.from(contents), contents);
}

/**
 * The parts of `bytes`, the largest first: their bytes, and their share of what `whole` is when compressed. A part's share is by how
 * much the rest compresses to less without it.
 */
function shares(what, parts, bytes, whole) {
  const all = [...parts.values()].flat().sort((one, other) => one.start - other.start);
  const compressed = (ranges) => gzip(Buffer.concat(ranges.map(({ start, end }) => bytes.subarray(start, end))));
  const size = compressed(all);
  const measured = [...parts].map(([name, ranges]) => {
    const raw = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    return { name, raw, saved: size - compressed(all.filter((range) => !ranges.includes(range))) };
  });
  const saved = measured.reduce((sum, part) => sum + part.saved, 0);
  const total = gzip(whole);
  measured.sort((one, other) => other.raw - one.raw);
  return [
    [what, "raw", "gzip"],
    ...measured.map(({ name, raw, saved: share }) => [name, kilobytes(raw), kilobytes((share * total) / saved)]),
    ["all", kilobytes(measured.reduce((sum, { raw }) => sum + raw, 0)), kilobytes(total)],
  ];
}

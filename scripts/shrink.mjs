/** What makes the wasm and its glue small: no panic messages, short names, binaryen's optimiser, a thorough deflate. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./setup.mjs";

const FEATURES = ["bulk-memory", "mutable-globals", "sign-ext", "nontrapping-float-to-int", "reference-types", "multivalue"];

/** Takes the control flow apart and puts it together anew: the pass after it makes the most of that. */
const RELOOP = ["--flatten", "--rereloop"];

const PASSES = [
  ...["-Oz", ...RELOOP, "-Oz", ...RELOOP, "-Oz", "-Oz", "--always-inline-max-function-size=6"],
  // One large function of several has many locals, whose numbers are longer and repeat less.
  "--one-caller-inline-max-function-size=250",
  // Rust's stack starts at 0, and none of its objects is among the first 1024 bytes.
  "--low-memory-unused",
  // Next to each other, the functions of one module are deflated better.
  "--reorder-functions-by-name",
  ...["--strip-producers", "--strip-target-features"],
];

/**
 * Makes the wasm and its glue out of what wasm-bindgen left in the folder `bindgen`. They share names that are
 * shortened; so neither fits the other one's original.
 */
export async function shrink(moduleName, bindgen, glue, wasm) {
  const { default: binaryen } = await import("binaryen");
  binaryen.setDebugInfo(true);
  const text = (name) => readFileSync(join(bindgen, name), "utf8");
  const module = binaryen.readBinary(readFileSync(join(bindgen, `${moduleName}_bg.wasm`)));
  const { js, names } = await shorten(text(`${moduleName}.js`), sharedNames(binaryen, module));
  rename(binaryen, module, names);
  cutPanics(binaryen, module);
  writeFileSync(join(bindgen, CUT), module.emitBinary());
  await optimise(bindgen, wasm, "--strip-debug");
  writeFileSync(join(glue, `${moduleName}.js`), js);
  writeFileSync(join(glue, `${moduleName}.d.ts`), before(text(`${moduleName}.d.ts`), "export interface InitOutput") + LOADING_TYPES);
}

/** What is left of the module when names are shortened and panics cut. */
const CUT = "cut.wasm";

/** Optimises what `shrink` left of the module; with `--debuginfo` its functions keep their names. */
export async function optimise(bindgen, wasm, option) {
  const options = [...PASSES, option, ...FEATURES.map((name) => `--enable-${name}`), "-o", wasm];
  await run("node", [join(root, "node_modules/binaryen/bin/wasm-opt"), join(bindgen, CUT), ...options]);
}

/**
 * What is said otherwise in the glue than wasm-bindgen says it, so that nothing of an instance that was lost is used again,
 * or disturbs the next one. Each text must be there.
 */
const EDITS = [
  // Replaced by `use`, below; so nobody asks for a reset any more.
  [/export function __wbg_reset_state[^]*?\n}\n/, ""],
  [/function __wbg_call_guard[^]*?\n}\n/, ""],
  [/__wbg_call_guard\(\);\n/g, ""],
  [/let ret;\s*ret = /g, "const ret = "],
  [/wasmInstance = instance;\s*wasm = instance\.exports;\s*wasmModule = module;/, "wasm = guarded(instance.exports);"],
  // A handle of another instance is refused, to be freed as well: its address is somebody else's by now.
  [/if \(this\.__wbg_inst !== undefined && [^{]*{\s*throw new Error\('Invalid stale object[^}]*}/g, "check(this);"],
  [/free\(\) {\n/g, "free() {\n        check(this);\n"],
];

/** The same of closures, where the glue has any. */
const CLOSURE_EDITS = [
  // Who calls a closure is a promise or a timer of the host: nobody would hear the error, and Node would end its process.
  [/throw new Error\('Cannot invoke closure from previous WASM instance'\);/, "return;"],
  [/(return f\(a, state\.b, \.\.\.args\);\s*})( finally)/, "$1 catch (error) { if (state.instance === __wbg_instance_id) throw error; }$2"],
  [/if \(--state\.cnt === 0\)/, "if (--state.cnt === 0 && state.instance === __wbg_instance_id)"],
  // A promise swallows what its executor throws, and is nobody's when the instance was lost in there.
  [/const ret = new Promise\(cb0\);/g, "const ret = new Promise(cb0);\n                ret.catch(() => {});"],
];

/**
 * What `src/js/wasm.ts`, which has a loader of its own, needs of the glue; bundlers leave out the loader that is there.
 *
 * Whatever is thrown across an export of the wasm means that the instance is lost: Rust's own errors are thrown by the glue,
 * when the export has returned. From then on everything that would use the instance throws instead: also what frames of it
 * that are still on the stack import, so that they end as well. A stack that is full may have no room for the hook: it is
 * called by the next that is refused.
 */
const loading = (caches) => `
let lose, thrown, lost;
const failed = () => (lost ||= lose(thrown));
const gone = new Proxy({}, { get() { throw failed(); } });
const check = (handle) => { if (handle.__wbg_inst !== __wbg_instance_id) throw failed(); };
const guarded = (exports) => {
  const copy = {};
  for (const name in exports) {
    const run = exports[name];
    copy[name] = typeof run !== "function" ? run : (...args) => {
      try {
        return run(...args);
      } catch (error) {
        if (wasm === copy) {
          wasm = gone;
          __wbg_instance_id++;
          thrown = error;
          ${caches.map((name) => `${name} = `).join("")}lost = null;
        }
        throw failed();
      }
    };
  }
  return copy;
};
export { __wbg_get_imports as imports };
export const memory = () => wasm.memory;
export const use = (instance, hook) => {
  lose = hook;
  __wbg_instance_id++;
  __wbg_finalize_init(instance);
};
`;

const LOADING_TYPES = `/** What the module imports. */
export function imports(): WebAssembly.Imports;

/**
 * Makes this instance the one that the functions call: handles of the one before are refused from then on. When it is lost,
 * the hook lose() is called with what was thrown; what it returns is thrown by everything that is used of the instance, for good.
 */
export function use(instance: WebAssembly.Instance, lose: (cause: unknown) => Error): void;

/** The memory of the instance. */
export function memory(): WebAssembly.Memory;
`;

/** The names that the wasm and its glue call each other's functions by. */
function sharedNames(binaryen, module) {
  const names = new Set();
  for (const { module: from, base } of functions(binaryen, module)) if (base) names.add(from).add(base);
  for (const { name } of exports(binaryen, module)) names.add(name);
  // A property of this name is the memory's, but the instance's `memory` is known to others than the glue.
  names.delete("memory");
  return names;
}

/** The glue with short names in the place of these, and which name became which: those that it does not use have none. */
async function shorten(js, names) {
  const edits = js.includes("state.cnt") ? [...EDITS, ...CLOSURE_EDITS] : EDITS;
  for (const [text, other] of edits) {
    if (js.search(text) < 0) throw new Error(`The glue has nothing like ${text}.`);
    js = js.replace(text, other);
  }
  const { transform } = await import("esbuild");
  const pattern = [...names].map((name) => name.replace(/\W/g, "\\$&")).join("|");
  const caches = [...js.matchAll(/^let (cached\w+Memory0) = /gm)].map(([, name]) => name);
  const { code, mangleCache } = await transform(js + loading(caches), {
    mangleProps: new RegExp(`^(?:${pattern})$`),
    mangleQuoted: true,
    mangleCache: {},
  });
  return { js: code, names: mangleCache };
}

/** Gives the imports and exports of the wasm the names that its glue has for them. */
function rename(binaryen, module, names) {
  for (const { name, module: from, base, params, results } of functions(binaryen, module)) {
    if (!base) continue;
    if (!names[from] || !names[base]) throw new Error(`The glue does not have \`${base}\`, which the wasm imports.`);
    module.removeFunction(name);
    module.addFunctionImport(name, names[from], names[base], params, results);
  }
  const add = {
    [binaryen.ExternalFunction]: "addFunctionExport",
    [binaryen.ExternalTable]: "addTableExport",
  };
  for (const { name, kind, value } of exports(binaryen, module)) {
    if (name === "memory") continue;
    module.removeExport(name);
    if (names[name]) module[add[kind]](value, names[name]);
  }
}

/** The standard library's functions for panics and formatting, which is done for the message of a panic alone. */
const PANICS =
  /^(?!.*chatmux)<?(core|std|alloc|__rustc)\[.*(panic|fail|handle_error|handle_alloc_error|alloc_error|unwind|abort)|panicking|\bfmt::/;

/**
 * Ends a panic at once rather than after its message, which nobody sees: what follows is the same trap. Were formatting
 * used for anything else it would trap as well, so that is an error of the build.
 */
function cutPanics(binaryen, module) {
  let cut = 0;
  for (const { name, base, pointer } of functions(binaryen, module)) {
    if (base || !PANICS.test(name)) continue;
    binaryen.Function.setBody(pointer, module.unreachable());
    cut++;
  }
  if (!cut) throw new Error("The wasm has no functions for panics: are their names still in it?");
  const live = /call \$"[^"]*\bfmt::[^"]*"/.exec(module.emitText());
  if (live) throw new Error(`The core may not format text, but does: ${live[0]}`);
}

function functions(binaryen, module) {
  return Array.from({ length: module.getNumFunctions() }, (_, index) => {
    const pointer = module.getFunctionByIndex(index);
    return { ...binaryen.getFunctionInfo(pointer), pointer };
  });
}

function exports(binaryen, module) {
  return Array.from({ length: module.getNumExports() }, (_, index) => binaryen.getExportInfo(module.getExportByIndex(index)));
}

function before(text, mark) {
  if (!text.includes(mark)) throw new Error(`The glue has no \`${mark}\`.`);
  return text.slice(0, text.indexOf(mark));
}

/** `bytes` deflated (RFC 1951) as far as it goes: what is inlined is compressed no further on its way to users. */
export async function deflate(bytes) {
  const { default: zopfli } = await import("@gfx/zopfli");
  return new Promise((resolve, reject) => {
    zopfli.deflate(bytes, { numiterations: 15, blocksplittingmax: 0 }, (error, deflated) => (error ? reject(error) : resolve(Buffer.from(deflated))));
  });
}

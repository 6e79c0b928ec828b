/**
 * Takes a wasm module apart for inlining: what is alike stands together, which deflates to an eighth less. `src/js/join.ts`
 * puts it together again. What it can tell by itself is left out: the sizes of the code, and the alignments of loads and
 * stores, which are mere hints.
 *
 * The parts are: all but the bodies of functions; what locals these have; the types of their blocks; their instructions;
 * and, of what belongs to an instruction: labels of branches, long constants such as addresses, offsets of
 * loads and stores, and, each by the opcode that follows, constants and indices of locals.
 */

import { join } from "node:path";
import { root } from "./setup.mjs";
import { Reader, valueOf } from "./wasm.mjs";

const [REST, DECLARATIONS, BLOCKS, CODE, LABELS, ADDRESSES, OFFSETS, CONSTANTS] = Array(8).keys();
const LOCALS = CONSTANTS + 16;

const CODE_SECTION = 10;

/** Stands for the opcode of an `i32.const` with a long constant, and is no opcode itself. */
const LONG_CONSTANT = 0xff;

/** Calls, globals, tables, the size of the memory, null: instructions with one number, which stays with them. */
const ONE_NUMBER = new Set([0x10, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0xd0]);

/** The module in parts: their bytes, and what is needed to put them together. */
export async function split(wasm) {
  const parts = Array.from({ length: LOCALS + 16 }, () => []);
  const reader = new Reader(wasm);
  parts[REST].push(...reader.bytes(8));
  const layout = { size: 0, functions: 0, before: 0, sizes: [] };
  while (!reader.atEnd()) {
    const start = reader.at;
    const section = reader.byte();
    const end = reader.value() + reader.at;
    if (section !== CODE_SECTION) {
      parts[REST].push(...wasm.subarray(start, (reader.at = end)));
      continue;
    }
    layout.before = parts[REST].length;
    const count = reader.leb();
    parts[REST].push(...count);
    layout.functions = valueOf(count);
    while (reader.at < end) splitFunction(reader, parts);
  }
  layout.sizes = parts.map((part) => part.length);
  const bytes = Uint8Array.from(parts.flat());
  const { joinParts } = await client();
  layout.size = joinParts(bytes, { ...layout, size: 2 * wasm.length }).length;
  const whole = joinParts(bytes, layout);
  // Throws where that is no module.
  new WebAssembly.Module(whole);
  return { bytes, layout, whole };
}

/** What the client puts the parts together with. */
async function client() {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ entryPoints: [join(root, "src/js/join.ts")], format: "esm", write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

function splitFunction(reader, parts) {
  const size = reader.value();
  const end = reader.at + size;
  const move = (part, count = 1) => {
    for (; count > 0; count--) parts[part].push(...reader.leb());
  };
  const moveByNext = (part) => {
    const number = reader.leb();
    parts[part + ((nextOpcode(reader) >> 3) & 15)].push(...number);
  };
  const groups = reader.leb();
  parts[DECLARATIONS].push(...groups);
  move(DECLARATIONS, 2 * valueOf(groups));
  let depth = 1;
  while (depth > 0) {
    const opcode = nextOpcode(reader);
    const op = reader.byte();
    parts[CODE].push(opcode);
    if (op >= 0x02 && op <= 0x04) {
      depth++;
      move(BLOCKS);
    } else if (op === 0x0b) depth--;
    else if (op === 0x0c || op === 0x0d) move(LABELS);
    else if (op === 0x0e) {
      const count = reader.leb();
      parts[LABELS].push(...count);
      move(LABELS, valueOf(count) + 1);
    } else if (ONE_NUMBER.has(op)) move(CODE);
    else if (op === 0x11) move(CODE, 2);
    else if (op >= 0x20 && op <= 0x22) moveByNext(LOCALS);
    else if (op >= 0x28 && op <= 0x3e) {
      reader.leb();
      move(OFFSETS);
    } else if (opcode === LONG_CONSTANT) move(ADDRESSES);
    else if (op === 0x41 || op === 0x42) moveByNext(CONSTANTS);
    else if (op === 0x44) parts[CODE].push(...reader.bytes(8));
    else if (op === 0xfc) {
      const kind = reader.byte();
      parts[CODE].push(kind);
      if (kind > 17) throw new Error(`src/js/join.ts does not know the instruction 0xfc ${kind}.`);
      if (kind > 7) move(CODE, kind % 2 || kind > 14 ? 1 : 2);
    } else if (!(op < 0x02 || op === 0x05 || op === 0x0f || op === 0x1a || op === 0x1b || (op >= 0x45 && op <= 0xc4))) {
      throw new Error(`src/js/join.ts does not know the instruction 0x${op.toString(16)}.`);
    }
  }
  if (reader.at !== end) throw new Error("A function of the wasm does not end where its size says.");
}

/** The opcode at which the reader stands. */
function nextOpcode({ wasm, at }) {
  const isLong = wasm[at] === 0x41 && new Reader(wasm, at + 1).peek().length > 3;
  return isLong ? LONG_CONSTANT : wasm[at];
}

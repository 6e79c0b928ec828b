/**
 * Takes a wasm module apart for inlining: what is alike stands together, which deflates to an eighth less. `src/js/join.ts`
 * puts it together again. What it can tell by itself is left out: the sizes of the code, and the alignments of loads and
 * stores, which are mere hints.
 *
 * The parts are: all but the bodies of functions; what locals these have; the types of their blocks; their instructions;
 * and, of what belongs to an instruction: labels of branches, constants, long constants such as addresses, indices of
 * locals, offsets of loads and stores.
 */

import { join } from "node:path";
import { root } from "./setup.mjs";
import { Reader, valueOf } from "./wasm.mjs";

const [REST, DECLARATIONS, BLOCKS, CODE, LABELS, CONSTANTS, ADDRESSES, LOCALS, OFFSETS] = Array(9).keys();

const CODE_SECTION = 10;

/** Stands for the opcode of an `i32.const` with a long constant, and is no opcode itself. */
const LONG_CONSTANT = 0xff;

/** Calls, globals, tables, the size of the memory, null: instructions with one number, which stays with them. */
const ONE_NUMBER = new Set([0x10, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0xd0]);

/** The module in parts: their bytes, and what is needed to put them together. */
export async function split(wasm) {
  const parts = Array.from({ length: 9 }, () => []);
  const reader = new Reader(wasm);
  parts[REST].push(...reader.bytes(8));
  const layout = { size: 0, functions: 0, before: 0, starts: [] };
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
  let at = 0;
  for (const part of parts) {
    layout.starts.push(at);
    at += part.length;
  }
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
  const groups = reader.leb();
  parts[DECLARATIONS].push(...groups);
  move(DECLARATIONS, 2 * valueOf(groups));
  let depth = 1;
  while (depth > 0) {
    const op = reader.byte();
    const isLong = op === 0x41 && reader.peek().length > 3;
    parts[CODE].push(isLong ? LONG_CONSTANT : op);
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
    else if (op >= 0x20 && op <= 0x22) move(LOCALS);
    else if (op >= 0x28 && op <= 0x3e) {
      reader.leb();
      move(OFFSETS);
    } else if (op === 0x41) move(isLong ? ADDRESSES : CONSTANTS);
    else if (op === 0x42) move(CONSTANTS);
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

/** Puts a wasm module together from the parts in which it is inlined: `scripts/split.mjs`, which made them, says why. */

/** How the parts stand. */
export interface Layout {
  /** The size of the module. */
  size: number;
  /** How many functions it has. */
  functions: number;
  /** How much stands before its code. */
  before: number;
  /** Where each part starts. */
  starts: readonly number[];
}

const REST = 0;
const DECLARATIONS = 1;
const BLOCKS = 2;
const CODE = 3;
const LABELS = 4;
const CONSTANTS = 5;
const ADDRESSES = 6;
const LOCALS = 7;
const OFFSETS = 8;

/** The module of these parts. The numbers below are opcodes: https://webassembly.github.io/spec/core/binary/instructions.html */
export function joinParts(bytes: Uint8Array, { size, functions, before, starts }: Layout): Uint8Array {
  const wasm = new Uint8Array(size);
  const next = Uint32Array.from(starts);
  let to = 0;

  /** Moves numbers in LEB128, and returns the last one where it is a small one. */
  const move = (part: number, count = 1): number => {
    let byte = 0;
    while (count-- > 0) {
      do wasm[to++] = byte = bytes[next[part]!++]!;
      while (byte > 127);
    }
    return byte;
  };
  const moveBytes = (part: number, count: number): void => {
    while (count-- > 0) wasm[to++] = bytes[next[part]!++]!;
  };
  /** Writes something after its size, which takes three bytes. */
  const sized = (write: () => void): void => {
    const start = (to += 3);
    write();
    const length = to - start;
    wasm[start - 3] = length | 128;
    wasm[start - 2] = (length >> 7) | 128;
    wasm[start - 1] = length >> 14;
  };
  const body = (): void => {
    move(DECLARATIONS, 2 * move(DECLARATIONS));
    for (let depth = 1; depth; ) {
      const op = (wasm[to++] = bytes[next[CODE]!++]!);
      if (op > 0x1f && op < 0x23) move(LOCALS);
      else if (op > 0x27 && op < 0x3f) {
        to++;
        move(OFFSETS);
      } else if (op === 0x41 || op === 0x42) move(CONSTANTS);
      else if (op === 0xff) {
        wasm[to - 1] = 0x41;
        move(ADDRESSES);
      } else if (op === 0x0c || op === 0x0d) move(LABELS);
      else if (op === 0x0e) move(LABELS, move(LABELS) + 1);
      else if (op > 0x01 && op < 0x05) {
        depth++;
        move(BLOCKS);
      } else if (op === 0x0b) depth--;
      else if (op === 0x10 || (op > 0x22 && op < 0x41) || op === 0xd0) move(CODE);
      else if (op === 0x11) move(CODE, 2);
      else if (op === 0x44) moveBytes(CODE, 8);
      else if (op === 0xfc) {
        const kind = move(CODE);
        if (kind > 7) move(CODE, kind & 1 || kind > 14 ? 1 : 2);
      }
    }
  };

  moveBytes(REST, before);
  wasm[to++] = 10;
  sized(() => {
    move(REST);
    while (functions-- > 0) sized(body);
  });
  moveBytes(REST, starts[DECLARATIONS]! - next[REST]!);
  return wasm.subarray(0, to);
}

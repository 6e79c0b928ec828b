/** Puts a wasm module together from the parts in which it is inlined: `scripts/split.mjs`, which made them, says why. */

/** How the parts stand. */
export interface Layout {
  /** The size of the module. */
  size: number;
  /** How many functions it has. */
  functions: number;
  /** How much stands before its code. */
  before: number;
  /** How long each part is. */
  sizes: readonly number[];
}

const REST = 0;
const DECLARATIONS = 1;
const BLOCKS = 2;
const CODE = 3;
const LABELS = 4;
const ADDRESSES = 5;
const OFFSETS = 6;
/** The first of 16 parts each, by bits of the opcode that follows: what a number is for says much about it. */
const CONSTANTS = 7;
const LOCALS = 23;

/** Where the number after an opcode stands: https://webassembly.github.io/spec/core/binary/instructions.html */
const PART = new Uint8Array(256)
  .fill(BLOCKS, 0x02, 0x05)
  .fill(LABELS, 0x0c, 0x0f)
  .fill(CODE, 0x10, 0x12)
  .fill(LOCALS, 0x20, 0x23)
  .fill(CODE, 0x23, 0x27)
  .fill(OFFSETS, 0x28, 0x3f)
  .fill(CODE, 0x3f, 0x41)
  .fill(CONSTANTS, 0x41, 0x43)
  .fill(CODE, 0xd0, 0xd1)
  .fill(CODE, 0xfc, 0xfd)
  .fill(ADDRESSES, 0xff);

/** The module of these parts. */
export function joinParts(bytes: Uint8Array, { size, functions, before, sizes }: Layout): Uint8Array {
  const wasm = new Uint8Array(size);
  let end = 0;
  const next = sizes.map((size) => (end += size) - size);
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
    const at = next[part]!;
    wasm.set(bytes.subarray(at, (next[part] = at + count)), to);
    to += count;
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
      const part = PART[op]!;
      if (part) {
        if (part === BLOCKS) depth++;
        else if (part === OFFSETS) to++;
        else if (part === ADDRESSES) wasm[to - 1] = 0x41;
        const number = move(part < CONSTANTS ? part : part + ((bytes[next[CODE]!]! >> 3) & 15));
        if (op === 0x0e) move(LABELS, number + 1);
        else if (op === 0x11) move(CODE);
        else if (op === 0xfc && number > 7) move(CODE, number & 1 || number > 14 ? 1 : 2);
      } else if (op === 0x0b) depth--;
      else if (op === 0x44) moveBytes(CODE, 8);
    }
  };

  moveBytes(REST, before);
  wasm[to++] = 10;
  sized(() => {
    move(REST);
    while (functions-- > 0) sized(body);
  });
  moveBytes(REST, sizes[REST]! - next[REST]!);
  return wasm.subarray(0, to);
}

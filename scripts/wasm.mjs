/** Reads the binary form of WebAssembly: https://webassembly.github.io/spec/core/binary/ */

/** A cursor over a module. */
export class Reader {
  constructor(wasm) {
    this.wasm = wasm;
    this.at = 0;
  }

  atEnd() {
    return this.at === this.wasm.length;
  }

  byte() {
    return this.wasm[this.at++];
  }

  bytes(count) {
    return this.wasm.subarray(this.at, (this.at += count));
  }

  /** The bytes of a number in LEB128, without reading them. */
  peek() {
    let end = this.at;
    while (this.wasm[end++] > 127);
    return this.wasm.subarray(this.at, end);
  }

  leb() {
    return this.bytes(this.peek().length);
  }

  value() {
    return valueOf(this.leb());
  }
}

/** The number of these bytes, where it is not negative. */
export function valueOf(leb) {
  return leb.reduceRight((value, byte) => value * 128 + (byte & 127), 0);
}

/** The data with which the memory starts: `{ address, bytes }`, the bytes in their place in the module. */
export function* dataOf(wasm) {
  const reader = new Reader(wasm);
  reader.bytes(8);
  while (!reader.atEnd()) {
    const section = reader.byte();
    const end = reader.value() + reader.at;
    if (section === 11) {
      for (let count = reader.value(); count > 0; count--) {
        // Kind 0, with an offset: `i32.const`, the number, `end`.
        if (reader.byte() !== 0 || reader.byte() !== 0x41) throw new Error("The wasm has data of a kind that was not expected.");
        const address = reader.value();
        reader.byte();
        yield { address, bytes: reader.bytes(reader.value()) };
      }
    }
    reader.at = end;
  }
}

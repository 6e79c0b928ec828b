/** Reads the binary form of WebAssembly: https://webassembly.github.io/spec/core/binary/ */

/** A cursor over a module. */
export class Reader {
  constructor(wasm, at = 0) {
    this.wasm = wasm;
    this.at = at;
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

  text() {
    return new TextDecoder().decode(this.bytes(this.value()));
  }
}

/** The number of these bytes, where it is not negative. */
export function valueOf(leb) {
  return leb.reduceRight((value, byte) => value * 128 + (byte & 127), 0);
}

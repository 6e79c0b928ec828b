/** What a wasm module consists of: the bytes of its functions by name, and of its other sections. */

const CUSTOM = 0;
const IMPORT = 2;
const CODE = 10;
const SECTIONS = "custom types imports functions tables memory globals exports start elements code data counts tags".split(" ");

/** `{ functions: [{ name, start, end }], sections: [{ name, start, end }] }`, ranges of the module's bytes. */
export function parse(bytes) {
  const reader = new Reader(bytes, 8);
  const sections = [];
  const bodies = [];
  const names = new Map();
  let imported = 0;
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.number();
    const end = reader.at + size;
    let name = SECTIONS[id];
    if (id === IMPORT) imported = countFunctions(reader);
    if (id === CODE) {
      for (let count = reader.number(); count > 0; count--) {
        const from = reader.at;
        const length = reader.number();
        reader.at += length;
        bodies.push({ start: from, end: reader.at });
      }
    }
    if (id === CUSTOM) {
      name = reader.text();
      if (name === "name") readNames(reader, end, names);
    }
    sections.push({ name, start, end });
    reader.at = end;
  }
  const functions = bodies.map((body, index) => ({ ...body, name: names.get(imported + index) ?? "" }));
  return { functions, sections };
}

/** How many of the imports are functions. */
function countFunctions(reader) {
  let functions = 0;
  for (let count = reader.number(); count > 0; count--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) functions++;
    // A function's type, a table's element and limits, a memory's limits, a global's type and mutability.
    if (kind === 0) reader.number();
    else if (kind === 3) reader.at += 2;
    else {
      if (kind === 1) reader.byte();
      if (reader.byte() & 1) reader.number();
      reader.number();
    }
  }
  return functions;
}

/** The names of the functions, which are one of the parts of the section of names. */
function readNames(reader, end, names) {
  while (reader.at < end) {
    const part = reader.byte();
    const size = reader.number();
    const after = reader.at + size;
    if (part === 1) for (let count = reader.number(); count > 0; count--) names.set(reader.number(), reader.text());
    reader.at = after;
  }
}

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned number in LEB128. */
  number() {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
      shift += 7;
    }
  }

  text() {
    const length = this.number();
    return new TextDecoder().decode(this.bytes.subarray(this.at, (this.at += length)));
  }
}

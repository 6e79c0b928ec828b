/** What a wasm module consists of: the bytes of its functions by name, and of its other sections. */

import { Reader } from "../../scripts/wasm.mjs";

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
    const size = reader.value();
    const end = reader.at + size;
    let name = SECTIONS[id];
    if (id === IMPORT) imported = countFunctions(reader);
    if (id === CODE) {
      for (let count = reader.value(); count > 0; count--) {
        const from = reader.at;
        const length = reader.value();
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
  for (let count = reader.value(); count > 0; count--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) functions++;
    // A function's type, a table's element and limits, a memory's limits, a global's type and mutability.
    if (kind === 0) reader.value();
    else if (kind === 3) reader.at += 2;
    else {
      if (kind === 1) reader.byte();
      if (reader.byte() & 1) reader.value();
      reader.value();
    }
  }
  return functions;
}

/** The names of the functions, which are one of the parts of the section of names. */
function readNames(reader, end, names) {
  while (reader.at < end) {
    const part = reader.byte();
    const size = reader.value();
    const after = reader.at + size;
    if (part === 1) for (let count = reader.value(); count > 0; count--) names.set(reader.value(), reader.text());
    reader.at = after;
  }
}

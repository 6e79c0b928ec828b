/** The chunks of a stream, made of what the core says of them: JSON to parse, or values to put in the holes of a shape. */

import type { ChunkSource } from "./glue/chatmux.js";
import type { ChatCompletionChunk } from "./types.js";
import { memoryBytes, memoryWords } from "./wasm.js";

// How many numbers come first, and the kinds of chunks: see src/batch.rs.
const HEADER = 4;
const LEARNT = 1;
const SHAPED = 2;

type Json = Record<string | number, unknown>;
type Path = (string | number)[];
/** Makes a chunk, or a part of one, with these values in its holes. */
type Make = (values: string[]) => unknown;

/** What is known of the chunks of one shape: how to make one, and how many holes there are. */
interface Shape {
  make: Make;
  holes: number;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A text in the memory of the module. A decoder costs more than a token is long: short ASCII is done by hand. */
function decode(at: number, length: number): string {
  const bytes = memoryBytes();
  if (length < SHORT) {
    let text = "";
    let i = at;
    for (const end = at + length; i < end && bytes[i]! < 128; i++) text += ASCII[bytes[i]!];
    if (i === at + length) return text;
  }
  return decoder.decode(bytes.subarray(at, at + length));
}

const SHORT = 12;
const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

/** The chunks of one read. They are made one by one, when they are asked for. */
export class Chunks {
  readonly #shapes: Shape[] = [];
  readonly #values: string[] = [];
  #left = 0;
  #text = "";
  #textAt = 0;
  #numbers: Uint32Array = new Uint32Array(0);
  #at = 0;

  /** How many chunks are left. */
  get left(): number {
    return this.#left;
  }

  /** Feeds the bytes of one read to the core. The chunks of the last one must have been taken. */
  feed(source: ChunkSource, bytes: Uint8Array): void {
    const start = source.feed(bytes) >>> 2;
    const words = memoryWords();
    this.#left = words[start]!;
    if (this.#left === 0) return;
    this.#text = decode(words[start + 1]!, words[start + 2]!);
    this.#textAt = 0;
    // A copy, because the memory may be another by the time that the next chunk is asked for.
    this.#numbers = words.slice(start + HEADER, start + words[start + 3]!);
    this.#at = 0;
  }

  /** Drops what is left. */
  clear(): void {
    this.#left = 0;
  }

  /** Makes the next chunk. */
  take(): ChatCompletionChunk {
    this.#left--;
    const kind = this.#numbers[this.#at++]!;
    if (kind >= SHAPED) {
      const { make, holes } = this.#shapes[kind - SHAPED]!;
      for (let i = 0; i < holes; i++) this.#values[i] = this.#next();
      return make(this.#values) as ChatCompletionChunk;
    }
    const text = this.#next();
    if (kind === LEARNT) {
      const number = this.#numbers[this.#at++]!;
      const paths: Path[] = JSON.parse(this.#next());
      const make = maker(JSON.parse(text), paths.map((path, index) => ({ path, index })))!;
      this.#shapes[number] = { make, holes: paths.length };
    }
    return JSON.parse(text);
  }

  #next(): string {
    const from = this.#textAt;
    return this.#text.slice(from, (this.#textAt += this.#numbers[this.#at++]!));
  }
}

/** A hole below the value at hand: the rest of its path, and which of the values goes there. */
interface Hole {
  path: Path;
  index: number;
}

/**
 * A function that makes copies of `value` with other values in its holes. Copies share nothing with each other. Each part
 * has a function of its own, because engines remember the form of the objects that a function copies.
 */
function maker(value: unknown, holes: Hole[]): Make | undefined {
  const [hole] = holes;
  if (hole && hole.path.length === 0) {
    const { index } = hole;
    return typeof value === "number" ? (values) => Number(values[index]) : (values) => values[index];
  }
  if (typeof value !== "object" || value === null) return undefined;
  const keys: (string | number)[] = [];
  const makes: Make[] = [];
  for (const key of Object.keys(value)) {
    const below = holes.filter(({ path }) => String(path[0]) === key).map(({ path, index }) => ({ path: path.slice(1), index }));
    const make = maker((value as Json)[key], below);
    if (!make) continue;
    keys.push(key);
    makes.push(make);
  }
  const [firstKey, only] = [keys[0]!, makes[0]!];
  if (Array.isArray(value)) {
    if (value.length === 1 && only) return (values) => [only(values)];
    return (values) => fill(value.slice() as unknown as Json, keys, makes, values);
  }
  if (keys.length !== 1) return (values) => fill({ ...value }, keys, makes, values);
  return (values) => {
    const copy: Json = { ...value };
    copy[firstKey] = only(values);
    return copy;
  };
}

function fill(copy: Json, keys: (string | number)[], makes: Make[], values: string[]): Json {
  for (let i = 0; i < keys.length; i++) copy[keys[i]!] = makes[i]!(values);
  return copy;
}

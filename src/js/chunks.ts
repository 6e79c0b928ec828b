/** The items of a stream, made of what the core says of them: chunks, or their texts alone. */

import type { ChatCompletionChunk } from "./types.js";
import { memoryBytes, memoryWords } from "./wasm.js";

// How many numbers come first, and the kinds of chunks: see src/batch.rs.
const HEADER = 8;
const LEARNT = 1;
const SHAPED = 2;

/** All chunks of a read: as many as a number of 32 bits can say. */
const ALL = 0xffffffff;

type Key = string | number;
type Json = Record<Key, unknown>;
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

/**
 * The items of one read. They are made one by one, when they are asked for; until then their numbers stay where the core
 * has put them.
 */
export abstract class Items<Item> {
  /** How many are left. */
  left = 0;
  /** Whether the stream is over with them, so that nothing more need be read. */
  last = false;
  /** How many chunks were read. */
  read = 0;
  /** Where the next bytes may be put in the memory, and how many of them. */
  spaceAt = 0;
  space = 0;
  /** The text of those that are left, and where in the memory their numbers go on. */
  protected text = "";
  protected textAt = 0;
  protected at = 0;

  /** Takes over the items of a read, whose numbers are at this address. Those of the last one must have been taken. */
  load(address: number): void {
    const words = memoryWords();
    const at = address >>> 2;
    this.left = words[at]!;
    this.last = words[at + 3] !== 0;
    this.spaceAt = words[at + 5]!;
    this.space = words[at + 6]!;
    this.read = words[at + 7]!;
    if (this.left === 0) return;
    this.text = decode(words[at + 1]!, words[at + 2]!);
    this.textAt = 0;
    this.at = at + HEADER;
  }

  /** Makes the next item. */
  abstract take(): Item;

  /** How many chunks of the read are taken with the items that were. */
  abstract get chunks(): number;

  protected slice(length: number): string {
    const from = this.textAt;
    return this.text.slice(from, (this.textAt += length));
  }
}

/** The chunks of a read. */
export class Chunks extends Items<ChatCompletionChunk> {
  readonly #shapes: Shape[] = [];
  readonly #values: string[] = [];
  #count = 0;

  override load(address: number): void {
    super.load(address);
    this.#count = this.left;
  }

  get chunks(): number {
    return this.left ? this.#count - this.left : ALL;
  }

  take(): ChatCompletionChunk {
    const words = memoryWords();
    this.left--;
    const kind = words[this.at++]!;
    if (kind < SHAPED) return this.#parse(words, kind === LEARNT);
    const { make, holes } = this.#shapes[kind - SHAPED]!;
    for (let i = 0; i < holes; i++) this.#values[i] = this.slice(words[this.at++]!);
    return make(this.#values) as ChatCompletionChunk;
  }

  /** A function of its own, so that engines see nothing in `take` but what is done for nearly every chunk. */
  #parse(words: Uint32Array, isLearnt: boolean): ChatCompletionChunk {
    const text = this.slice(words[this.at++]!);
    if (isLearnt) {
      const number = words[this.at++]!;
      const paths: Key[][] = JSON.parse(this.slice(words[this.at++]!));
      const make = maker(JSON.parse(text), paths.map((path, index) => ({ path, index })))!;
      this.#shapes[number] = { make, holes: paths.length };
    }
    return JSON.parse(text);
  }
}

/** The texts of a read, of the chunks that have any. */
export class Texts extends Items<string> {
  #chunks = 0;
  #anyJson = false;

  override load(address: number): void {
    super.load(address);
    this.#anyJson = memoryWords()[(address >>> 2) + 4] !== 0;
  }

  /** All texts that are left, as one. */
  rest(): string {
    let rest = "";
    if (this.#anyJson) while (this.left) rest += this.take();
    else rest = this.text.slice(this.textAt);
    this.left = 0;
    return rest;
  }

  get chunks(): number {
    return this.left ? this.#chunks : ALL;
  }

  take(): string {
    const words = memoryWords();
    this.left--;
    this.#chunks = words[this.at++]!;
    const length = words[this.at++]!;
    const text = this.slice(length >>> 1);
    return length & 1 ? JSON.parse(text) : text;
  }
}

/** A hole below the value at hand: the rest of its path, and which of the values goes there. */
interface Hole {
  path: Key[];
  index: number;
}

/** A function that makes copies of `value` with other values in its holes. Copies share nothing with each other. */
function maker(value: unknown, holes: Hole[]): Make | undefined {
  const [hole] = holes;
  if (hole && hole.path.length === 0) {
    const { index } = hole;
    return typeof value === "number" ? (values) => Number(values[index]) : (values) => values[index];
  }
  if (typeof value !== "object" || value === null) return undefined;
  const parts: [Key, Make][] = [];
  for (const key of Object.keys(value)) {
    const below = holes.filter(({ path }) => String(path[0]) === key).map(({ path, index }) => ({ path: path.slice(1), index }));
    const make = maker((value as Json)[key], below);
    if (make) parts.push([key, make]);
  }
  if (Array.isArray(value)) {
    const [first] = parts;
    if (value.length === 1 && first) return (values) => [first[1](values)];
    return (values) => fill(value.slice() as unknown as Json, parts, values);
  }
  const [first, ...rest] = parts;
  if (!first) return () => ({ ...value });
  const copy = COPIES[hash(Object.keys(value)) % COPIES.length]!(value as Json, ...first);
  return rest.length ? (values) => fill(copy(values), rest, values) : copy;
}

function fill(copy: Json, parts: [Key, Make][], values: string[]): Json {
  for (const [key, make] of parts) copy[key] = make(values);
  return copy;
}

/**
 * The same function in several places. Engines remember for each place in the source what the objects look like that are
 * copied there, and copy those of a few forms five times as fast as those of many: each form keeps to its own place. So this
 * is not to be one function: what they would share is what must stay apart.
 */
const COPIES: ((value: Json, key: Key, make: Make) => (values: string[]) => Json)[] = [
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
  (value, key, make) => (values) => { const copy = { ...value }; copy[key] = make(values); return copy; },
];

function hash(keys: string[]): number {
  let hash = 0;
  for (const character of keys.join()) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return hash;
}

/**
 * The dialects of other vendors at work: OpenAI's requests in their form, and their answers in OpenAI's. Bytes to bytes.
 *
 * It is loaded when a dialect is used first, and imports nothing that is loaded before, but is handed it: bundlers would else put
 * what both have in common into a file of its own, which everybody pays for.
 */

import { Desk, imports, memory, type Stream, use } from "./glue/dialects.js";
import type { Host } from "./dialects.js";

/** A dialect by its name. */
export type DialectName = "anthropic" | "gemini";

/** One thing that is not sent as the caller said it. */
export interface Loss {
  /** What it is: its path in the request, such as `messages[0].content[1].image_url.detail`. */
  param: string;
  /** What has become of it. */
  action: "dropped" | "clamped" | "moved" | "emulated" | "assumed";
  /** Why. */
  reason: string;
}

/** Where a request goes. */
export interface DialectTarget {
  /** The id of the model, as it is sent. */
  model: string;
  /** Whether it goes to AIHubMix, which speaks the dialects of other vendors with suffixes of its own to the ids. */
  isAihubmix?: boolean | undefined;
  /** Whether anything that would be lost is an error instead. */
  isStrict?: boolean | undefined;
}

/** A request as a provider takes it. */
export interface DialectRequest {
  /** The path under the provider's base URL, with what belongs to its query. */
  path: string;
  /** What the dialect itself wants; the credentials are not among it. */
  headers: Record<string, string>;
  /** The body, as JSON. */
  body: string;
  losses: Loss[];
  /** What the reader of the answer must know, good for any number of them. */
  back: string;
}

/** A whole answer in OpenAI's form: a completion or an error, and the status that it comes with. */
export interface DialectAnswer {
  status: number;
  body: Uint8Array;
}

/** How a stream is translated. */
export interface DialectStreamOptions {
  /** When the answer was made, in seconds since 1970: now, unless it is said. */
  created?: number | undefined;
  /** The most bytes that one event may have: 128 MiB, unless it is said. */
  maxEventBytes?: number | undefined;
  /** The most bytes that the stream may have: 512 MiB, unless it is said. */
  maxBytes?: number | undefined;
  /**
   * Whether a stream that was cut ends in an error, as it does unless this is false: then it just ends, without any mark that it
   * was whole, and who reads it finds out.
   */
  saysCut?: boolean | undefined;
}

/** A streamed answer in translation: the provider's bytes in, cut anywhere, and out the bytes of OpenAI's that they finish. */
export interface Translator {
  /** Whether everything was said, so that nothing more need be read. */
  readonly ended: boolean;
  /** Translates the next bytes. */
  feed(bytes: Uint8Array): Uint8Array;
  /** The end of the provider's bytes: what is left to say. */
  finish(): Uint8Array;
  /** Lets go of it before its end. */
  free(): void;
}

/** What a read gives. */
export interface BytesRead {
  done: boolean;
  value?: Uint8Array | undefined;
}

/** What reads a body, as a reader of a `ReadableStream` does. */
export interface BytesReader {
  read(): Promise<BytesRead>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** The dialects of other vendors. */
export interface Dialects {
  /** OpenAI's request, as JSON, in the form of this dialect. @throws {ChatmuxError} where it cannot be sent. */
  request(dialect: DialectName, json: string, target: DialectTarget): DialectRequest;
  /** A whole answer, of any status, in OpenAI's form; `undefined` where it is none of this dialect. */
  answer(dialect: DialectName, body: Uint8Array, status: number, back: string, created?: number): DialectAnswer | undefined;
  /** The translator of a streamed answer. */
  stream(dialect: DialectName, back: string, options?: DialectStreamOptions): Translator;
  /** A reader of the body of a streamed answer, translated. What ends the one ends the other. */
  reader(bytes: ReadableStream<Uint8Array>, translator: Translator): BytesReader;
  /** The same as a stream, which costs more. */
  body(bytes: ReadableStream<Uint8Array>, translator: Translator): ReadableStream<Uint8Array>;
}

// The flags of a request, the statuses of one, and the numbers of the dialects: see src/web_dialects.rs.
const IS_AIHUBMIX = 1;
const IS_STRICT = 2;
const NUMBERS: Record<DialectName, number> = { anthropic: 0, gemini: 1 };

const MAX_EVENT_BYTES = 128 << 20;
const MAX_BYTES = 512 << 20;
/** How many bytes are translated in one go. */
const MAX_FEED = 64 << 10;
const NO_BYTES = new Uint8Array(0);
const END: BytesRead = { done: true, value: undefined };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

let host: Host;
let loading: Promise<Dialects> | undefined;
/** The module that the instance is of: another can be made of it. */
let module: WebAssembly.Module | undefined;
/** How many streams are in translation. */
let streams = 0;
/** Which instance it is: an address in the memory of another is nothing in this one's. */
let generation = 0;
let bytes = NO_BYTES;
let words = new Uint32Array(0);

/** The memory of the module, as bytes: good until it is called again, for its memory may move when it grows. */
function memoryBytes(): Uint8Array {
  return bytes.length ? bytes : (bytes = new Uint8Array(memory().buffer));
}

/** The same, as numbers of 32 bits. */
function memoryWords(): Uint32Array {
  return words.length ? words : (words = new Uint32Array(memory().buffer));
}

/** Loads the module, once. */
export function load(from: Host): Promise<Dialects> {
  host = from;
  if (loading && streams === 0) shed();
  loading ??= start().catch((cause: unknown) => {
    loading = undefined;
    throw host.notLoaded(cause);
  });
  return loading;
}

async function start(): Promise<Dialects> {
  const made = await host.instantiate(module ?? host.source(), imports());
  module = made.module;
  enter(made.instance);
  return { request, answer, stream, reader, body };
}

function enter(instance: WebAssembly.Instance): void {
  use(instance, lose);
  leave();
}

function leave(): void {
  generation++;
  streams = 0;
  bytes = NO_BYTES;
  words = new Uint32Array(0);
}

/** Replaces an instance that has grown large while nobody needs it, or leaves it where there is no memory for another. */
function shed(): void {
  try {
    if (memory().buffer.byteLength > host.MAX_IDLE_MEMORY) enter(new WebAssembly.Instance(module!, imports()));
  } catch {}
}

/** The instance is lost: by a trap, a full stack or for want of memory. Who needs it next has another loaded. */
function lose(cause: unknown): Error {
  loading = undefined;
  leave();
  return host.trapped(cause);
}

/** Puts the inputs of a call where it reads them, runs it, and returns the status and the parts of what it says. */
function call(inputs: Uint8Array[], run: (desk: Desk) => number): [status: number, parts: Uint8Array[]] {
  return atDesk(inputs, (desk) => {
    const at = run(desk) >>> 2;
    const [words, memory] = [memoryWords(), memoryBytes()];
    const parts = Array.from({ length: words[at + 1]! }, (_, number) => {
      const [from, length] = [words[at + 2 + 2 * number]!, words[at + 3 + 2 * number]!];
      return memory.slice(from, from + length);
    });
    return [words[at]!, parts];
  });
}

function atDesk<Result>(inputs: Uint8Array[], run: (desk: Desk) => Result): Result {
  const desk = new Desk();
  let at = desk.room(inputs.reduce((sum, { length }) => sum + length, 0));
  const memory = memoryBytes();
  for (const input of inputs) {
    memory.set(input, at);
    at += input.length;
  }
  const result = run(desk);
  // Not where it throws: then there is no instance any more.
  desk.free();
  return result;
}

const now = (): number => Math.floor(Date.now() / 1000);

function request(dialect: DialectName, json: string, { model, isAihubmix, isStrict }: DialectTarget): DialectRequest {
  const whole = encoder.encode(json);
  const flags = (isAihubmix ? IS_AIHUBMIX : 0) | (isStrict ? IS_STRICT : 0);
  const [status, parts] = call([whole, encoder.encode(model)], (desk) => desk.request(NUMBERS[dialect], whole.length, flags));
  const texts = parts.map((part) => decoder.decode(part));
  if (!status) {
    const [kind, message, error] = texts as [string, string, string];
    throw host.toError({ kind, message, error: error ? JSON.parse(error).error : undefined });
  }
  const [path, headers, body, losses, back] = texts as [string, string, string, string, string];
  const names: string[] = JSON.parse(headers);
  const pairs = names.flatMap((name, at) => (at % 2 ? [] : [[name, names[at + 1]!]]));
  return { path, headers: Object.fromEntries(pairs), body, losses: JSON.parse(losses), back };
}

function answer(dialect: DialectName, body: Uint8Array, status: number, back: string, created = now()): DialectAnswer | undefined {
  const run = (desk: Desk): number => desk.answer(NUMBERS[dialect], body.length, status, created);
  const [said, [translated]] = call([body, encoder.encode(back)], run);
  return translated && { status: said, body: translated };
}

function stream(dialect: DialectName, back: string, options: DialectStreamOptions = {}): Translator {
  const { created = now(), maxEventBytes = MAX_EVENT_BYTES, maxBytes = MAX_BYTES, saysCut = true } = options;
  const made = atDesk([encoder.encode(back)], (desk) => desk.stream(NUMBERS[dialect], created, maxEventBytes, maxBytes, saysCut));
  return new Translation(made);
}

class Translation implements Translator {
  ended = false;
  #stream: Stream | undefined;
  readonly #generation = generation;
  /** Where the next bytes may be put in the memory, and how many of them. */
  #spaceAt = 0;
  #space = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
    streams++;
  }

  feed(bytes: Uint8Array): Uint8Array {
    if (bytes.length <= MAX_FEED) return this.#feed(bytes);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length && !this.ended; at += MAX_FEED) parts.push(this.#feed(bytes.subarray(at, at + MAX_FEED)));
    const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #feed(bytes: Uint8Array): Uint8Array {
    const stream = this.#stream;
    if (!stream) return NO_BYTES;
    const { length } = bytes;
    // Of an instance that was lost it is refused to make room.
    const at = length > this.#space || this.#generation !== generation ? stream.room(length) : this.#spaceAt;
    memoryBytes().set(bytes, at);
    return this.#take(stream.feed(length));
  }

  finish(): Uint8Array {
    const stream = this.#stream;
    return stream ? this.#take(stream.finish()) : NO_BYTES;
  }

  free(): void {
    const stream = this.#stream;
    if (!stream) return;
    this.#stream = undefined;
    try {
      stream.free();
      streams--;
    } catch {
      // It went with its instance.
    }
  }

  /** What the numbers at this address say. */
  #take(address: number): Uint8Array {
    const words = memoryWords();
    const at = address >>> 2;
    const from = words[at]!;
    const length = words[at + 1]!;
    this.#spaceAt = words[at + 3]!;
    this.#space = words[at + 4]!;
    const out = length ? memoryBytes().slice(from, from + length) : NO_BYTES;
    if (words[at + 2] !== 0) {
      this.ended = true;
      this.free();
    }
    return out;
  }
}

/** Reads a body, translated: without a stream of its own, which would cost as much as the translation. */
function reader(bytes: ReadableStream<Uint8Array>, translator: Translator): BytesReader {
  const reader = bytes.getReader();
  let isOver = false;
  /** Nothing more is wanted of the source. */
  const leave = (): void => void reader.cancel().catch(() => {});
  const onRead = ({ done, value }: BytesRead): BytesRead | Promise<BytesRead> => {
    if (isOver) return END;
    try {
      const out = done ? translator.finish() : translator.feed(value!);
      isOver = done || translator.ended;
      if (isOver && !done) leave();
      return out.length ? { done: false, value: out } : read();
    } catch (cause) {
      leave();
      throw cause;
    }
  };
  const onBroken = (cause: unknown): never => {
    translator.free();
    throw cause;
  };
  const read = (): Promise<BytesRead> => (isOver ? Promise.resolve(END) : reader.read().then(onRead, onBroken));
  return {
    read,
    cancel(reason) {
      isOver = true;
      translator.free();
      return reader.cancel(reason);
    },
    releaseLock: () => reader.releaseLock(),
  };
}

function body(bytes: ReadableStream<Uint8Array>, translator: Translator): ReadableStream<Uint8Array> {
  const { read, cancel } = reader(bytes, translator);
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const onRead = ({ done, value }: BytesRead): void => (done ? controller.close() : controller.enqueue(value!));
  return new ReadableStream<Uint8Array>(
    {
      start: (its) => void (controller = its),
      pull: () => read().then(onRead),
      cancel,
    },
    { highWaterMark: 0 },
  );
}

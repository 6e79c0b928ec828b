/** The wasm module: where it comes from, and that it is loaded once. The one file that knows how a runtime loads it. */

import { ChatmuxError } from "./errors.js";
import { imports, memory, use } from "./glue/chatmux.js";

/**
 * What the module can be loaded from: a URL to fetch, a `Response`, the bytes, or a compiled `WebAssembly.Module`, or a
 * promise of one. Written without the names of the platform's types, which not every project has.
 */
export type WasmSource = string | object;

let source: () => WasmSource;
let loading: Promise<void> | undefined;
/** The module that the instance is of: another can be made of it. */
let module: WebAssembly.Module | undefined;
/** The calls and streams that need the instance, each by what it does when the instance is lost. */
let users = new Set<Lost>();
let bytes = new Uint8Array(0);
let words = new Uint32Array(0);

/**
 * The memory of the module, as bytes: good until the core is called again, for its memory may move when it grows.
 * @internal
 */
export function memoryBytes(): Uint8Array {
  return bytes.length ? bytes : (bytes = new Uint8Array(memory().buffer));
}

/**
 * The same, as numbers of 32 bits.
 * @internal
 */
export function memoryWords(): Uint32Array {
  return words.length ? words : (words = new Uint32Array(memory().buffer));
}

/** How much memory an instance may have when nobody needs it, in bytes: it never gives any back. */
export const MAX_IDLE_MEMORY = 32 << 20;

/** What a call or a stream does when the instance is lost, with the error that it is to fail with. */
export type Lost = (error: ChatmuxError) => void;

/**
 * Keeps the instance for a call or a stream, until it is released or lost.
 * @internal
 */
export function hold(user: Lost): void {
  try {
    // An instance that was lost on a full stack says so now, before it has another user.
    memory();
  } catch {}
  users.add(user);
}

/**
 * Releases the instance. One that has grown large is replaced when its last user is gone, or stays where there is no memory
 * for another.
 * @internal
 */
export function release(user: Lost): void {
  if (!users.delete(user) || users.size || !loading) return;
  try {
    if (memory().buffer.byteLength > MAX_IDLE_MEMORY) enter(new WebAssembly.Instance(module!, imports()));
  } catch {}
}

function enter(instance: WebAssembly.Instance): void {
  use(instance, lose);
  leave();
}

function leave(): void {
  bytes = new Uint8Array(0);
  words = new Uint32Array(0);
}

/**
 * The instance is lost: by a trap, a full stack or for want of memory. All who need it are told, and the next who does loads
 * another.
 */
function lose(cause: unknown): ChatmuxError {
  const error = trapped(cause);
  // In turns of their own: frames of the instance may be on the stack, and what one user does is no other's concern.
  for (const user of users) Promise.resolve(error).then(user).catch(() => {});
  users = new Set();
  loading = undefined;
  leave();
  return error;
}

/**
 * The error for what was thrown where the core was at work: by the core itself, or by the host for want of memory.
 * @internal
 */
export function trapped(cause: unknown): ChatmuxError {
  if (cause instanceof ChatmuxError) return cause;
  const message = "The WebAssembly of chatmux failed, most likely because it ran out of memory; see `cause`.";
  return Object.defineProperties(new ChatmuxError(message, { cause }), { kind: { value: "wasm_failed" }, partial: { value: null } });
}

/** Says where the module comes from in this runtime. Called by the entries alone. */
export function setSource(from: () => WasmSource): void {
  source = from;
}

/**
 * Loads the wasm, once. Nobody has to call it: the first call of the client does. It is there to load early, or from
 * elsewhere: a `WebAssembly.Module`, its bytes, or a URL to fetch.
 *
 * @example await init(); // before the first message is typed
 */
export function init(from?: WasmSource): Promise<void> {
  loading ??= start(from).catch((cause: unknown) => {
    loading = undefined;
    throw notLoaded(cause);
  });
  return loading;
}

async function start(from: WasmSource | undefined): Promise<void> {
  const made = await instantiate(from ?? module ?? source(), imports());
  module = made.module;
  enter(made.instance);
}

/** A module, and an instance of it. */
export async function instantiate(from: WasmSource, imports: WebAssembly.Imports): Promise<WebAssembly.WebAssemblyInstantiatedSource> {
  let given = (await from) as RequestInfo | URL | Response | BufferSource | WebAssembly.Module;
  if (typeof given === "string" || given instanceof URL || given instanceof Request) given = await fetch(given);
  if (given instanceof Response) {
    if (!given.ok) throw new Error(`${given.url} answered with ${given.status}.`);
    given = await given.arrayBuffer();
  }
  // Of a compiled module this makes the instance; of bytes, a pair that has both.
  const made = (await WebAssembly.instantiate(given as WebAssembly.Module, imports)) as Partial<WebAssembly.WebAssemblyInstantiatedSource>;
  return { module: made.module ?? (given as WebAssembly.Module), instance: made.instance ?? (made as WebAssembly.Instance) };
}

/** The error for a module that could not be loaded. */
export function notLoaded(cause: unknown): ChatmuxError {
  const message = "The WebAssembly of chatmux could not be loaded. A page with a Content-Security-Policy needs `script-src 'wasm-unsafe-eval'`; see `cause`.";
  return Object.defineProperty(new ChatmuxError(message, { cause }), "kind", { value: "wasm_not_loaded" });
}

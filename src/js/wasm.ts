/** The wasm module: where it comes from, and that it is loaded once. The one file that knows how a runtime loads it. */

import { ChatmuxError } from "./errors.js";
import { imports, memory, replace, use } from "./glue/chatmux.js";

/**
 * What the module can be loaded from: a URL to fetch, a `Response`, the bytes, or a compiled `WebAssembly.Module`, or a
 * promise of one. Written without the names of the platform's types, which not every project has.
 */
export type WasmSource = string | object;

let source: () => WasmSource;
let loading: Promise<void> | undefined;
/** How many calls and streams need the instance, and the handles of those that saw it fail. */
let users = 0;
let failed: object[] = [];
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
const MAX_IDLE_MEMORY = 32 << 20;

/**
 * Keeps the instance for a call or a stream, until it is released.
 * @internal
 */
export function hold(): void {
  users++;
}

/**
 * Releases the instance. One that has failed or grown large is replaced when its last user is gone, or stays where there is
 * no memory for another.
 * @internal
 */
export function release(): void {
  if (--users || !loading || (!failed.length && memory().buffer.byteLength <= MAX_IDLE_MEMORY)) return;
  if (replace()) failed = [];
  bytes = new Uint8Array(0);
  words = new Uint32Array(0);
}

/**
 * What it means that a handle of the core threw: a trap, most likely for want of memory. The handle is of no use any more and
 * is not to be touched again, not even by a finalizer; the instance is trusted for as long only as others need it.
 * @internal
 */
export function trapped(handle: object, cause: unknown): ChatmuxError {
  failed.push(handle);
  const message = "The WebAssembly of chatmux failed, most likely because it ran out of memory; see `cause`.";
  return Object.defineProperty(new ChatmuxError(message, { cause }), "kind", { value: "wasm_failed" });
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
    const message = "The WebAssembly of chatmux could not be loaded. A page with a Content-Security-Policy needs `script-src 'wasm-unsafe-eval'`; see `cause`.";
    throw Object.defineProperty(new ChatmuxError(message, { cause }), "kind", { value: "wasm_not_loaded" });
  });
  return loading;
}

async function start(from: WasmSource | undefined): Promise<void> {
  let given = (await (from ?? source())) as RequestInfo | URL | Response | BufferSource | WebAssembly.Module;
  if (typeof given === "string" || given instanceof URL || given instanceof Request) given = await fetch(given);
  if (given instanceof Response) {
    if (!given.ok) throw new Error(`${given.url} answered with ${given.status}.`);
    given = await given.arrayBuffer();
  }
  // Of a compiled module this makes the instance; of bytes, a pair that has both.
  const made = (await WebAssembly.instantiate(given as WebAssembly.Module, imports())) as Partial<WebAssembly.WebAssemblyInstantiatedSource>;
  use(made.instance ?? (made as WebAssembly.Instance), made.module ?? (given as WebAssembly.Module));
}

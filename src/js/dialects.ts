/** The door to the dialects of other vendors. What is behind it is a second module, which is loaded when a dialect is used first. */

import { toError } from "./failure.js";
import type { Dialects } from "./translate.js";
import { instantiate, MAX_IDLE_MEMORY, notLoaded, trapped, type WasmSource } from "./wasm.js";

export type * from "./translate.js";

/** What the module behind the door needs of this one. */
export type Host = typeof host;

const host = {
  /** Where the module comes from. */
  source: undefined as unknown as () => WasmSource,
  instantiate,
  notLoaded,
  trapped,
  toError,
  MAX_IDLE_MEMORY,
};

/** Says where the module comes from in this runtime. Called by the entries alone. */
export function setDialectsSource(from: () => WasmSource): void {
  host.source = from;
}

/**
 * The dialects, loaded if need be. Whoever needs them asks anew each time: where the module was lost, by a trap or for want of
 * memory, this is another.
 */
export async function dialects(): Promise<Dialects> {
  const { load } = await import("./translate.js");
  return load(host);
}

/** The module of the dialects out of the JavaScript itself, which is not even downloaded before somebody uses one. */

import { unpack } from "./inline.js";

/** The module, or its bytes. */
export async function inflateDialects(): Promise<WebAssembly.Module | Uint8Array> {
  const { deflated, layout } = await import("./glue/dialects-deflated.js");
  return unpack(deflated, layout);
}

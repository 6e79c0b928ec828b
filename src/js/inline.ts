/** The wasm module out of the JavaScript itself: deflated, then base64, so that no bundler has a file to lose. */

import { deflated } from "./glue/deflated.js";

/** The bytes of the module. */
export async function inflate(): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(deflated), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

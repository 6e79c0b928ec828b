/** The wasm module out of the JavaScript itself: in parts, deflated, then base64, so that no bundler has a file to lose. */

import { deflated, layout } from "./glue/deflated.js";
import { joinParts } from "./join.js";

/** The bytes of the module. */
export async function inflate(): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(deflated), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return joinParts(new Uint8Array(await new Response(stream).arrayBuffer()), layout);
}

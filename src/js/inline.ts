/** The wasm module out of the JavaScript itself: in parts, deflated, then base64, so that no bundler has a file to lose. */

import { deflated, layout } from "./glue/deflated.js";
import { joinParts } from "./join.js";

/** What Node has, and Bun and Deno as well: an inflater that is there at once, where streams take longer to set up. */
interface Runtime {
  Buffer?: { from(text: string, encoding: "base64"): Uint8Array };
  process?: { getBuiltinModule?(name: "node:zlib"): { inflateRawSync(bytes: Uint8Array): Uint8Array } | undefined };
}

/** The bytes of the module. */
export async function inflate(): Promise<Uint8Array> {
  return joinParts(await inflateParts(), layout);
}

async function inflateParts(): Promise<Uint8Array> {
  const { Buffer, process } = globalThis as Runtime;
  const zlib = process?.getBuiltinModule?.("node:zlib");
  if (zlib && Buffer) return zlib.inflateRawSync(Buffer.from(deflated, "base64"));
  const bytes = Uint8Array.from(atob(deflated), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

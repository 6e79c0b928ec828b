/** The wasm module out of the JavaScript itself: in parts, deflated, then base64, so that no bundler has a file to lose. */

import { deflated, layout } from "./glue/deflated.js";
import { joinParts, type Layout } from "./join.js";

/** What Node has, and Bun and Deno as well: an inflater that is there at once, where streams take longer to set up. */
interface Runtime {
  Buffer?: { from(text: string, encoding: "base64"): Uint8Array };
  process?: { getBuiltinModule?(name: "node:zlib"): { inflateRawSync(bytes: Uint8Array): Uint8Array } | undefined };
}

/** The module, or its bytes. */
export function inflate(): Promise<WebAssembly.Module | Uint8Array> {
  return unpack(deflated, layout);
}

/** A module out of its parts. */
export async function unpack(deflated: string, layout: Layout): Promise<WebAssembly.Module | Uint8Array> {
  const { Buffer, process } = globalThis as Runtime;
  const zlib = process?.getBuiltinModule?.("node:zlib");
  if (zlib && Buffer) {
    const bytes = joinParts(zlib.inflateRawSync(Buffer.from(deflated, "base64")), layout);
    // At once: in the background it would wait for what the engine compiles there at the start, for several times as long.
    return new WebAssembly.Module(bytes as BufferSource);
  }
  const text = atob(deflated);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return joinParts(new Uint8Array(await new Response(stream).arrayBuffer()), layout);
}

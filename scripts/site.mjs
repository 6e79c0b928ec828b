/** The demo page and the built package as a handler of requests, under the policy that the page promises to run with. */

import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { root } from "./setup.mjs";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const HEADERS = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Serves folders: each path prefix from its folder. `null` when no folder has the file. */
export function site(folders) {
  return async (request) => {
    const path = pathOf(request);
    const prefix = Object.keys(folders).find((name) => path.startsWith(name));
    if (!prefix || !["GET", "HEAD"].includes(request.method)) return null;
    const rest = path.slice(prefix.length);
    const file = join(folders[prefix], rest === "" || rest.endsWith("/") ? `${rest}index.html` : rest);
    try {
      const headers = { ...HEADERS, "content-type": TYPES[extname(file)] ?? "application/octet-stream" };
      return new Response(await readFile(file), { headers });
    } catch {
      return null;
    }
  };
}

/** The path of a request, every `..` in it resolved; one that cannot be decoded names no file. */
function pathOf(request) {
  try {
    return normalize(decodeURIComponent(new URL(request.url).pathname));
  } catch {
    return "";
  }
}

/** The demo page at `/`, the package at `/dist/`. */
export const demo = site({ "/dist/": join(root, "dist"), "/": join(root, "www") });

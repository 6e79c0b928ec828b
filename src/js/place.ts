/** Where a call goes: its path and its query. */

import { ChatmuxError } from "./errors.js";
import type { CallOptions, QueryLike } from "./options.js";

/** Where a call goes. */
interface Place {
  path?: string | undefined;
  /** Whether that is a URL of another place, where the client's key does not belong. */
  isForeign?: boolean;
  fallbackBaseURLs?: readonly string[];
  /** The query, as it stands in a URL, with its question mark. */
  search: string;
}

/** The path of a request, checked; a whole URL stands for itself, and the key goes with it to the base URLs' own hosts. */
export function locate(options: CallOptions): Place {
  const { path, baseURL, fallbackBaseURLs } = options;
  if (path === undefined) return { search: search("", options.defaultQuery, options.query) };
  if (typeof path !== "string" || !path) throw new ChatmuxError("`path` must be a path, such as `/models`, or a whole URL.");
  const isWhole = /^https?:/i.test(path);
  const [before, own = ""] = (isWhole ? parseURL(path, "path").href : path).split("#")[0]!.split(/\?(.*)/s);
  const isForeign = isWhole && [baseURL!, ...fallbackBaseURLs!].every((base) => new URL(base).origin !== new URL(before!).origin);
  return {
    path: before,
    search: search(own, isForeign ? undefined : options.defaultQuery, options.query),
    ...(isWhole && { isForeign, fallbackBaseURLs: [] }),
  };
}

/** Query parameters: the path's own, the client's, the call's. The later win. @throws {ChatmuxError} for what is none. */
function search(own: string, ...given: (QueryLike | null | undefined)[]): string {
  if (!own && given.every((query) => query == null)) return "";
  const params = new URLSearchParams(own);
  const before = String(params);
  try {
    for (const query of given) {
      if (query != null && typeof query !== "object") throw new TypeError("A query must be an object.");
      for (const [name, value] of Object.entries(query ?? {})) {
        for (const old of [...params.keys()]) if (old === name || old.startsWith(`${name}[`)) params.delete(old);
        write(params, name, value);
      }
    }
  } catch (cause) {
    throw new ChatmuxError("Query parameters must be an object of names and texts or numbers.", { cause });
  }
  const after = String(params);
  // What the caller wrote into the path stays as it was written, where nothing joins it.
  const query = after === before ? own : after;
  return query && `?${query}`;
}

/** Writes a parameter as OpenAI's client does: `a[]=1&a[]=2` for a list, `a[b]=1` for an object, a date in ISO's form. */
export function write(params: URLSearchParams, name: string, value: unknown): void {
  if (value instanceof Date) params.append(name, value.toISOString());
  else if (Array.isArray(value)) for (const item of value) write(params, `${name}[]`, item);
  else if (typeof value === "object") for (const [key, item] of Object.entries(value ?? {})) write(params, `${name}[${key}]`, item);
  else if (value !== undefined && typeof value !== "function") params.append(name, String(value));
}

/** A URL of the web. @throws {ChatmuxError} that names the option, where it is none or holds a password. */
export function parseURL(text: string, name: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ChatmuxError(`\`${name}\` is not an absolute URL. Write it whole, such as \`https://aihubmix.com/v1\`.`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new ChatmuxError(`\`${name}\` must start with \`https://\` or \`http://\`, not \`${url.protocol}\`.`);
  }
  if (url.username || url.password) {
    throw new ChatmuxError(`\`${name}\` must not contain a user name or password. Pass the key as \`apiKey\`.`);
  }
  return url;
}

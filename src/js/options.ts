/** What a client and a call can be told, and what the runtime around them adds. */

import { ChatmuxError } from "./errors.js";

/** Headers in any form that `fetch` takes; in an object, `null` removes a header and `undefined` leaves it as it is. */
export type HeadersLike =
  | Headers
  | readonly (readonly [name: string, value: string])[]
  | Record<string, string | readonly string[] | null | undefined>;

/**
 * Query parameters: an object of names and values; `null` and `undefined` remove one. A list is sent as `a[]=1&a[]=2`, an
 * object as `a[b]=1`, a date in ISO's form.
 */
export type QueryLike = object;

/** The part of `fetch` that chatmux uses: called as `fetch(url, init)`, unbound. */
export type Fetch = (url: string, init: RequestInit & { headers: Headers }) => Promise<Response>;

/** What `fetch` is told beside what chatmux says itself: `dispatcher`, `cache`, `credentials`, `redirect` and the like. */
export type FetchOptions = Omit<RequestInit, "method" | "headers" | "body" | "signal"> & Record<string, unknown>;

/** What a client can be told, and each call anew. */
export interface SharedOptions {
  /** Milliseconds allowed for one try: to the end of a whole answer, to the headers of a stream. Default 600 000. */
  timeout?: number | undefined;
  /**
   * Milliseconds from the headers of a stream to its first event; comments that keep it alive do not count. Default 300 000,
   * or a shorter `timeout`.
   */
  firstEventTimeout?: number | undefined;
  /** Milliseconds that a stream which is being read may be silent. Default 300 000, or a shorter `timeout`. */
  idleTimeout?: number | undefined;
  /** Milliseconds allowed for all of a call: every try, and the whole answer, streamed or not. Default: no limit. */
  totalTimeout?: number | undefined;
  /** How often a failed try is repeated. Default 2. */
  maxRetries?: number | undefined;
  /**
   * `"unbilled"`: repeat only what the server refused by its status, and, where the runtime tells, what could not connect.
   * By default a try that timed out or lost its connection is repeated as well, though it may have been billed.
   */
  retry?: "unbilled" | undefined;
  /** The most bytes that one event of a stream may have; a larger one is an error. Default 134 217 728 (128 MiB). */
  maxEventBytes?: number | undefined;
  /** The most bytes that an answer may have, whole or streamed; a larger one is an error. Default 536 870 912 (512 MiB). */
  maxResponseBytes?: number | undefined;
  /** More of what `fetch` is called with; the call's join the client's. */
  fetchOptions?: FetchOptions | null | undefined;
}

/** What a call can be told, over what the client was. */
export interface RequestOptions extends SharedOptions {
  /** Ends the call when it is aborted. */
  signal?: AbortSignal | null | undefined;
  /** Headers of this call, which win over the client's. */
  headers?: HeadersLike | null | undefined;
  /** Query parameters of this call, which win over the client's. */
  query?: QueryLike | null | undefined;
  /** The path under the base URL, or a whole URL, in place of the call's own. */
  path?: string | undefined;
  /** The key under which the server knows a repeated request; sent where the client has an `idempotencyHeader`. */
  idempotencyKey?: string | undefined;
}

/** A request of any kind: see `client.request`. */
export interface AnyRequestOptions extends RequestOptions {
  /** The HTTP method. Default: POST with a body, GET without. */
  method?: string | undefined;
  /**
   * The body: an object or a list is sent as JSON; bytes, forms and streams as they are. A stream is sent once, whatever
   * comes of it.
   */
  body?: unknown;
  /** Whether the answer is an event stream. */
  stream?: boolean | undefined;
}

/** What a client can be told. */
export interface ClientOptions extends SharedOptions {
  /**
   * The API key, or a function that gives it, which is asked before every try. Default: the environment's
   * `AIHUBMIX_API_KEY`, for AIHubMix's own hosts only.
   */
  apiKey?: string | (() => string | Promise<string>) | null | undefined;
  /** The root of the API. Default: the environment's `CHATMUX_BASE_URL`, else `https://aihubmix.com/v1`. */
  baseURL?: string | null | undefined;
  /**
   * Where to turn when no connection to `baseURL` can be made. What works is kept; the first is tried again after ten
   * minutes. Default: for AIHubMix `https://api.inferera.com/v1`, the same service with the same keys; else none.
   */
  fallbackBaseURLs?: readonly string[] | null | undefined;
  /** The organisation and the project at OpenAI, sent as the headers `OpenAI-Organization` and `OpenAI-Project`. */
  organization?: string | null | undefined;
  project?: string | null | undefined;
  /** The header for a key of each request that changes something, the same for all of its tries. Off by default. */
  idempotencyHeader?: string | undefined;
  /** Headers of every call. */
  defaultHeaders?: HeadersLike | null | undefined;
  /** Query parameters of every call. */
  defaultQuery?: QueryLike | null | undefined;
  /** A `fetch` to use instead of the runtime's own. What it resolves to need not be an instance of `Response`. */
  fetch?: Fetch | null | undefined;
  /** AIHubMix's partner code, sent as the header `APP-Code`. Off by default. See https://docs.aihubmix.com/en/api/App-code */
  appCode?: string | null | undefined;
  /**
   * Allows a key as plain text in a window or a worker of a browser, where everyone who opens the page can read it.
   * A function that fetches a short-lived key needs no permission.
   */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** Everything that one call is told: the options of the functions of `chatmux/core`. */
export interface CallOptions extends ClientOptions, AnyRequestOptions {}

/** Options made whole. */
interface Complete {
  baseURL: string;
  fallbackBaseURLs: string[];
  /** Which of the base URLs is used, for all calls of a client. */
  bases: object;
}

/** The default provider, and the same service by another name. */
export const DEFAULT_BASE_URL = "https://aihubmix.com/v1";
const DEFAULT_FALLBACK = "https://api.inferera.com/v1";

/** The options, made whole: the base URLs checked and without a slash at their ends, a key of the environment in place. */
export function complete<T extends ClientOptions & { bases?: object }>(options: T, before?: ClientOptions & { bases?: object }): T & Complete {
  if (options.bases) return { ...options } as T & Complete;
  const url = parseBaseURL(given(options.baseURL, "baseURL") || environment("CHATMUX_BASE_URL") || DEFAULT_BASE_URL, "baseURL");
  const baseURL = trimmed(url);
  const others = options.fallbackBaseURLs ?? (baseURL === DEFAULT_BASE_URL ? [DEFAULT_FALLBACK] : []);
  if (!Array.isArray(others)) throw new ChatmuxError("`fallbackBaseURLs` must be a list of base URLs.");
  const fallbacks = others.map((base) => parseBaseURL(given(base, "fallbackBaseURLs"), "fallbackBaseURLs"));
  const apiKey = options.apiKey ?? ([url, ...fallbacks].every(isAIHubMix) ? environment("AIHUBMIX_API_KEY") : undefined);
  if (typeof apiKey === "string" && !options.dangerouslyAllowBrowser && isBrowser()) {
    throw new ChatmuxError(
      "A plain-text `apiKey` in a browser can be read by everyone who opens the page. Pass an async function that " +
        "fetches a short-lived key, call your own gateway, or, if you accept the risk, set `dangerouslyAllowBrowser: true`.",
    );
  }
  const urls = fallbacks.map(trimmed);
  // Where the addresses are the same, so is what is known of them.
  const isKnown = before?.bases && String([baseURL, urls]) === String([before.baseURL, before.fallbackBaseURLs]);
  return { ...options, apiKey, baseURL, fallbackBaseURLs: urls, bases: isKnown ? before.bases! : {} };
}

const TIMES = ["timeout", "firstEventTimeout", "idleTimeout", "totalTimeout"] as const;
const SIZES = ["maxEventBytes", "maxResponseBytes"] as const;

/** Checks what the core relies on. @throws {ChatmuxError} that says which option is wrong. */
export function check(options: CallOptions): void {
  const fail = (what: string): never => {
    throw new ChatmuxError(what);
  };
  const isNumber = (value: unknown): boolean => value == null || (typeof value === "number" && value >= 0);
  for (const name of TIMES) if (!isNumber(options[name])) fail(`\`${name}\` must be a number of milliseconds, 0 or more.`);
  for (const name of SIZES) if (!isNumber(options[name])) fail(`\`${name}\` must be a number of bytes, 0 or more.`);
  const { maxRetries, retry, signal, fetch } = options;
  if (!isNumber(maxRetries) || (maxRetries ?? 0) % 1) fail("`maxRetries` must be a whole number, 0 or more.");
  if (retry != null && retry !== "unbilled") fail('`retry` must be "unbilled", or be left out.');
  if (signal != null && typeof signal.addEventListener !== "function") fail("`signal` must be an AbortSignal.");
  if (typeof fetch !== "function") fail("`fetch` is not a function, and this host has none of its own.");
}

function trimmed({ href }: URL): string {
  return href.replace(/\/+$/, "");
}

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

function given(baseURL: unknown, name: string): string {
  if (typeof baseURL !== "string" && !(baseURL instanceof URL) && baseURL != null) {
    throw new ChatmuxError(`\`${name}\` must be a string, such as \`https://aihubmix.com/v1\`.`);
  }
  return String(baseURL ?? "").trim();
}

function parseBaseURL(text: string, name: string): URL {
  const url = parseURL(text, name);
  if (/[?#]/.test(url.href)) {
    throw new ChatmuxError(`\`${name}\` must not have a query or a fragment. Pass parameters as \`defaultQuery\`.`);
  }
  return url;
}

function parseURL(text: string, name: string): URL {
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

/** The hosts that a key of the environment may go to. */
function isAIHubMix({ protocol, hostname }: URL): boolean {
  return protocol === "https:" && (/(^|\.)aihubmix\.com$/.test(hostname) || hostname === "api.inferera.com");
}

/** What runtimes have beside the standard, where they have it. */
interface Runtime {
  process?: { env?: Record<string, string | undefined>; versions?: { node?: string } };
  Deno?: {
    env: { get(name: string): string | undefined };
    permissions: { querySync(permission: { name: "env"; variable: string }): { state: string } };
  };
}

/** A variable of the environment; nothing where it is blank, or where there is no environment. */
function environment(name: string): string | undefined {
  const { process, Deno } = globalThis as Runtime;
  try {
    // Deno would stop and ask its user for a permission that was not given: look before reading.
    if (Deno) {
      return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
        ? Deno.env.get(name)?.trim() || undefined
        : undefined;
    }
    return process?.env?.[name]?.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** A window or a worker of a browser. The others all have some of these globals, but none of a browser's alone. */
function isBrowser(): boolean {
  const { process, Deno } = globalThis as Runtime;
  if (process?.versions?.node || Deno || "WebSocketPair" in globalThis || "EdgeRuntime" in globalThis) return false;
  return "document" in globalThis || "importScripts" in globalThis;
}

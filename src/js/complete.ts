/** Options made whole: what the runtime around a client adds, and what the core relies on, checked. */

import { ChatmuxError } from "./errors.js";
import { observing } from "./observe.js";
import type { CallOptions, ClientOptions } from "./options.js";
import { parseURL } from "./place.js";
import { roads } from "./roads.js";

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
  if (!observing) for (const name of SEEN_BY) if (options[name] != null) throw elsewhere(name);
  if (!roads) for (const name of LEADING) if (options[name]) throw elsewhere(name, "dialects");
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
  return { ...options, ...observing?.settings(options), ...roads?.settings(options), apiKey, baseURL, fallbackBaseURLs: urls, bases: isKnown ? before.bases! : {} };
}

/** The options that say what is seen of calls, which the helpers see to. */
const SEEN_BY = ["onEvent", "logger", "logLevel"] as const;

/** The options that say where requests go, which the dialects see to. */
const LEADING = ["providers", "route", "native", "strict"] as const;

/** The error of who wants something of the helpers, or of the dialects, without having them. */
export function elsewhere(name: string, of = "helpers"): ChatmuxError {
  return new ChatmuxError(`\`${name}\` is one of the ${of}: import the client from "chatmux/${of}".`);
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

export function trimmed({ href }: URL): string {
  return href.replace(/\/+$/, "");
}

export function given(baseURL: unknown, name: string): string {
  if (typeof baseURL !== "string" && !(baseURL instanceof URL) && baseURL != null) {
    throw new ChatmuxError(`\`${name}\` must be a string, such as \`https://aihubmix.com/v1\`.`);
  }
  return String(baseURL ?? "").trim();
}

export function parseBaseURL(text: string, name: string): URL {
  const url = parseURL(text, name);
  if (/[?#]/.test(url.href)) {
    throw new ChatmuxError(`\`${name}\` must not have a query or a fragment. Pass parameters as \`defaultQuery\`.`);
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
export function environment(name: string): string | undefined {
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
export function isBrowser(): boolean {
  const { process, Deno } = globalThis as Runtime;
  if (process?.versions?.node || Deno || "WebSocketPair" in globalThis || "EdgeRuntime" in globalThis) return false;
  return "document" in globalThis || "importScripts" in globalThis;
}

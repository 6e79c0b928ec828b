/** What a client and a call can be told. */

import type { CallEvent } from "./types/events.js";

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

/** How much is logged: nothing, or what is at least as grave. */
export type LogLevel = "off" | "error" | "warn" | "info" | "debug";

/** Where to log: `console`, or anything with these functions. Each is called with a line, and mostly an object of details. */
export interface Logger {
  error(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  debug(message: string, ...details: unknown[]): void;
}

/** How a provider is spoken to: OpenAI's chat completions, Anthropic's Messages, Google's `generateContent`. */
export type Dialect = "openai" | "anthropic" | "gemini";

/** A provider that requests can go to, beside the client's own base URL. */
export interface ProviderOptions {
  /**
   * The root of its API, as its own SDK has it; a version at its end is not doubled. Default for the names `aihubmix`, `openai`,
   * `anthropic` and `gemini`: `https://aihubmix.com/v1`, `https://api.openai.com/v1`, `https://api.anthropic.com`,
   * `https://generativelanguage.googleapis.com`. Any other name needs one.
   */
  baseURL?: string | null | undefined;
  /**
   * Its key, or a function that gives it before every try; it goes to this provider alone. Default: the environment's
   * `AIHUBMIX_API_KEY`, `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `GEMINI_API_KEY` or `GOOGLE_API_KEY`, for the provider of this
   * name at its own host only.
   */
  apiKey?: ClientOptions["apiKey"];
  /** How it is spoken to. Default: `anthropic` and `gemini` in their own way, the others in OpenAI's. */
  dialect?: Dialect | null | undefined;
  /** Headers of every request to it. Those of the client that hold keys do not go to it. */
  headers?: HeadersLike | null | undefined;
  /** The models that go to it: ids, in which `*` stands for any text, whatever the case of letters. */
  models?: readonly string[] | null | undefined;
}

/** Where a model goes: the name of a provider, and its id there where that is another; nothing leaves it to the other rules. */
export type Route = string | { provider: string; model?: string | undefined } | null | undefined;

/** Something that is not sent as the caller said it, because the provider has no way to say it. */
export interface Warning {
  /** What it is: its path in the request, such as `messages[0].content[1].image_url.detail`. */
  param: string;
  /**
   * What has become of it: not sent, sent as the nearest value there is, sent in another place, replaced by something of nearly
   * the same effect; or assumed, because the provider needs what was left out.
   */
  action: "dropped" | "clamped" | "moved" | "emulated" | "assumed";
  /** Why. */
  reason: string;
}

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
  /**
   * Whether anything that the provider has no way to say is an error before the request is sent, rather than one of the
   * `_warnings` of the completion. Needs `chatmux/dialects`, which Node, Deno and Bun have without asking.
   */
  strict?: boolean | undefined;
  /** More of what `fetch` is called with; the call's join the client's. */
  fetchOptions?: FetchOptions | null | undefined;
  /**
   * Called with all that a call does: see {@link CallEvent}. That of a call takes the place of the client's. What it throws is
   * ignored. Needs `chatmux/helpers`, which Node, Deno and Bun have without asking.
   */
  onEvent?: ((event: CallEvent) => void) | null | undefined;
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
  /**
   * How much is logged. `"info"`: each answer, retry and error, by a line; `"debug"`: requests, answers and usage with their
   * details, keys taken out, long texts shortened. Default: the environment's `CHATMUX_LOG`, else `"warn"`. Needs
   * `chatmux/helpers`, which Node, Deno and Bun have without asking.
   */
  logLevel?: LogLevel | undefined;
  /** Where to log. Default `console`. Needs `chatmux/helpers` as well. */
  logger?: Logger | null | undefined;
  /**
   * Providers beside the client's own base URL, by name. A chat request goes to the first of: what `route` says; the provider
   * whose name stands before a slash in the id of the model, as in `anthropic/claude-opus-5`; `anthropic`, `gemini` or `openai`,
   * where configured, for models of their own; a provider whose `models` name it; the client's own base URL. Needs
   * `chatmux/dialects`, which Node, Deno and Bun have without asking.
   *
   * @example new Chatmux({ providers: { anthropic: { apiKey }, groq: { baseURL: "https://api.groq.com/openai/v1", apiKey } } });
   */
  providers?: Record<string, ProviderOptions> | null | undefined;
  /** Says where a model goes. Needs `chatmux/dialects` as well. */
  route?: ((model: string) => Route) | null | undefined;
  /**
   * Whether models of Anthropic and Google at AIHubMix are spoken to in their own dialects, by its native endpoints, rather
   * than in OpenAI's. Needs `chatmux/dialects` as well.
   */
  native?: boolean | null | undefined;
}

/** Everything that one call is told: the options of the functions of `chatmux/core`. */
export interface CallOptions extends ClientOptions, AnyRequestOptions {}

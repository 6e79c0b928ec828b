/** The class that people type against. It merges options and calls the functions of `chatmux/core`; it has no road of
 * its own to the network. */

import * as core from "./core.js";
import { classes } from "./classes.js";
import type * as errors from "./errors.js";
import type { ClientHelpers, CompletionsHelpers } from "./helpers/methods.js";
import { complete, elsewhere } from "./complete.js";
import type { AnyRequestOptions, CallOptions, ClientOptions, RequestOptions } from "./options.js";
import type { APIPromise } from "./promise.js";
import { type ChunkStream, Stream } from "./stream.js";
import type {
  CatalogueFilters,
  CatalogueModel,
  ChatCompletion,
  ChatCompletionCreateParams,
  ChatCompletionCreateParamsBase,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
  Model,
  ModelList,
} from "./types.js";

/** The models of an account: the list as the server sent it, which can also be read with `for await`. */
export type ModelsPage = ModelList & AsyncIterable<Model>;

/** What a client shows of its options, and what it says of those that nobody has set. */
const DEFAULTS: ClientOptions = {
  ...{ baseURL: "", apiKey: null, organization: null, project: null, timeout: 600_000, maxRetries: 2 },
  ...{ idempotencyHeader: undefined, fetch: undefined, fetchOptions: undefined },
  ...{ logLevel: undefined, logger: undefined, onEvent: undefined },
};
const SETTABLE = Object.keys(DEFAULTS) as (keyof ClientOptions)[];

/**
 * A client for every chat model.
 *
 * @example
 * const client = new Chatmux({ apiKey: process.env.AIHUBMIX_API_KEY });
 * const completion = await client.chat.completions.create({
 *   model: "gpt-4o-mini",
 *   messages: [{ role: "user", content: "What is the meaning of life?" }],
 * });
 * console.log(completion.choices[0].message.content);
 */
export class Chatmux {
  /** The root of the API, without a slash at its end. */
  declare baseURL: string;
  /** The API key, or the function that gives it. */
  declare apiKey: ClientOptions["apiKey"];
  /** The organisation and the project at OpenAI. */
  declare organization: string | null;
  declare project: string | null;
  /** Milliseconds allowed for one try, where a call does not say otherwise. */
  declare timeout: number;
  /** How often a failed try is repeated, where a call does not say otherwise. */
  declare maxRetries: number;
  /** The header for the key of a request that may be repeated. */
  declare idempotencyHeader: string | undefined;
  /** The `fetch` that is used, and more of what it is called with. */
  declare fetch: ClientOptions["fetch"];
  declare fetchOptions: ClientOptions["fetchOptions"];
  /** How much is logged, and where; and who is told of what calls do. */
  declare logLevel: ClientOptions["logLevel"];
  declare logger: ClientOptions["logger"];
  declare onEvent: ClientOptions["onEvent"];
  /** Chat. */
  readonly chat: Chat;
  /** Models. */
  readonly models: Models;
  /** What was said, and what it comes to. Hidden, so that a client can be logged. */
  #given: ClientOptions;
  #options: ClientOptions;

  /**
   * @throws {ChatmuxError} for a `baseURL` that is none, and for a plain-text key in a browser without
   *   `dangerouslyAllowBrowser`. A key that is missing is an error of the calls that need one.
   */
  constructor(options?: ClientOptions) {
    this.#given = { ...options };
    this.#options = complete(this.#given);
    const merged: Merge = (call) => merge(this.#current(), call);
    this.chat = { completions: new Completions(merged) };
    this.models = new Models(merged);
  }

  /**
   * A client with other options, and with those of this one that they leave undefined.
   *
   * @example const patient = client.withOptions({ timeout: 1_200_000 });
   */
  withOptions(options: ClientOptions): this {
    const Class = this.constructor as new (options: ClientOptions) => this;
    const client = new Class(over(this.#given, options));
    client.#options = complete(client.#given, this.#options);
    return client;
  }

  /** The options as they are now: a class that extends this one may say some of them as fields of its own. */
  #current(): ClientOptions {
    const own = SETTABLE.filter((name) => Object.hasOwn(this, name)).map((name) => [name, this[name as "timeout"]]);
    return own.length ? complete({ ...this.#given, ...Object.fromEntries(own) }, this.#options) : this.#options;
  }

  /**
   * Sends any other request, with the key, the retries and the errors of all calls.
   *
   * @example const files = await client.request<FileList>({ path: "/files", query: { limit: 10 } });
   */
  request<Answer = unknown>(options: AnyRequestOptions): APIPromise<Answer> {
    return core.request(merge(this.#current(), options));
  }

  /** Sends a GET request: see {@link request}. */
  get<Answer = unknown>(path: string, options?: AnyRequestOptions): APIPromise<Answer> {
    return this.request({ ...options, method: "GET", path });
  }

  /** Sends a POST request: see {@link request}. */
  post<Answer = unknown>(path: string, options?: AnyRequestOptions): APIPromise<Answer> {
    return this.request({ ...options, method: "POST", path });
  }

  /** Sends a PUT request: see {@link request}. */
  put<Answer = unknown>(path: string, options?: AnyRequestOptions): APIPromise<Answer> {
    return this.request({ ...options, method: "PUT", path });
  }

  /** Sends a PATCH request: see {@link request}. */
  patch<Answer = unknown>(path: string, options?: AnyRequestOptions): APIPromise<Answer> {
    return this.request({ ...options, method: "PATCH", path });
  }

  /** Sends a DELETE request: see {@link request}. */
  delete<Answer = unknown>(path: string, options?: AnyRequestOptions): APIPromise<Answer> {
    return this.request({ ...options, method: "DELETE", path });
  }

  /** This class, by openai's name for it. */
  declare static OpenAI: typeof Chatmux;
  /** The default of `timeout`, in milliseconds. */
  declare static readonly DEFAULT_TIMEOUT: number;
  declare static ChatmuxError: typeof errors.ChatmuxError;
  declare static OpenAIError: typeof errors.ChatmuxError;
  declare static APIError: typeof errors.APIError;
  declare static BadRequestError: typeof errors.BadRequestError;
  declare static AuthenticationError: typeof errors.AuthenticationError;
  declare static PermissionDeniedError: typeof errors.PermissionDeniedError;
  declare static NotFoundError: typeof errors.NotFoundError;
  declare static ConflictError: typeof errors.ConflictError;
  declare static UnprocessableEntityError: typeof errors.UnprocessableEntityError;
  declare static RateLimitError: typeof errors.RateLimitError;
  declare static InternalServerError: typeof errors.InternalServerError;
  declare static APIUserAbortError: typeof errors.APIUserAbortError;
  declare static APIConnectionError: typeof errors.APIConnectionError;
  declare static APIConnectionTimeoutError: typeof errors.APIConnectionTimeoutError;
  declare static StreamTimeoutError: typeof errors.StreamTimeoutError;
  declare static StreamTruncatedError: typeof errors.StreamTruncatedError;
  declare static LengthFinishReasonError: typeof errors.LengthFinishReasonError;
  declare static ContentFilterFinishReasonError: typeof errors.ContentFilterFinishReasonError;

  static {
    const others = { OpenAIError: classes["ChatmuxError"], OpenAI: Chatmux, DEFAULT_TIMEOUT: DEFAULTS.timeout };
    Object.assign(Chatmux, classes, others);
    awaitHelpers(this.prototype, "cost");
    awaitHelpers(Stream, "fromReadableStream");
    for (const name of SETTABLE) {
      Object.defineProperty(Chatmux.prototype, name, {
        get(this: Chatmux) {
          return this.#options[name] ?? DEFAULTS[name];
        },
        // What a key of the environment may go with is decided anew.
        set(this: Chatmux, value: unknown) {
          const given = { ...this.#given, [name]: value };
          this.#options = complete(given, this.#options);
          this.#given = given;
        },
      });
    }
  }
}

export interface Chatmux extends ClientHelpers {}

/** The options of a call, over those of its client as they are now. */
type Merge = (call?: AnyRequestOptions | null) => CallOptions;

/** Chat. */
export interface Chat {
  /** Chat completions. */
  readonly completions: Completions;
}

/** Chat completions. */
export class Completions {
  readonly #merge: Merge;

  static {
    awaitHelpers(this.prototype, "parse", "stream", "runTools");
  }

  /** @internal */
  constructor(merge: Merge) {
    this.#merge = merge;
  }

  /**
   * Asks a model for an answer: whole, or with `stream: true` chunk by chunk.
   *
   * The request's bytes are `JSON.stringify(body)`: nothing is added, and fields that chatmux does not know are sent
   * as they are, as are those of the answer. Members of `body.extra_body` are sent at the top level.
   *
   * @see https://platform.openai.com/docs/api-reference/chat/create
   * @throws {APIError} when the provider answers with an error or cannot be reached.
   */
  create(body: ChatCompletionCreateParamsNonStreaming, options?: RequestOptions): APIPromise<ChatCompletion>;
  create(body: ChatCompletionCreateParamsStreaming, options?: RequestOptions): APIPromise<ChunkStream>;
  create(body: ChatCompletionCreateParamsBase, options?: RequestOptions): APIPromise<ChunkStream | ChatCompletion>;
  create(
    body: ChatCompletionCreateParams | ChatCompletionCreateParamsBase,
    options?: RequestOptions,
  ): APIPromise<ChunkStream> | APIPromise<ChatCompletion> {
    const whole = this.#merge(options);
    return body?.stream
      ? core.createChatCompletionStream(body as ChatCompletionCreateParamsStreaming, whole)
      : core.createChatCompletion(body as ChatCompletionCreateParamsNonStreaming, whole);
  }
}

export interface Completions extends CompletionsHelpers {}

/** Models. */
export class Models {
  readonly #merge: Merge;

  /** @internal */
  constructor(merge: Merge) {
    this.#merge = merge;
  }

  /**
   * Lists the models of the account.
   *
   * @example
   * for await (const model of client.models.list()) console.log(model.id);
   */
  list(options?: RequestOptions): APIPromise<ModelsPage> & AsyncIterable<Model> {
    const list = core.listModels(this.#merge(options), iterable);
    return Object.assign(list, {
      async *[Symbol.asyncIterator]() {
        yield* (await list).data;
      },
    });
  }

  /**
   * One model of the account.
   *
   * @throws {ChatmuxError} for an id that is empty, or that a path cannot hold.
   */
  retrieve(model: string, options?: RequestOptions): APIPromise<Model> {
    // An id of dots would be another path; none is refused where paths are.
    const isId = typeof model === "string" && /[^.]/.test(model);
    return core.request({ ...this.#merge(options), path: isId ? `/models/${encodeURIComponent(model)}` : "" });
  }

  /**
   * Lists AIHubMix's public catalogue: what each model can do and costs. It is asked without a key.
   *
   * @see https://docs.aihubmix.com/en/api/Models-API
   * @example
   * const thinkers = await client.models.catalogue({ type: "llm", features: ["thinking", "tools"] });
   */
  catalogue(filters?: CatalogueFilters | null, options?: RequestOptions): APIPromise<CatalogueModel[]> {
    return core.listCatalogue(filters, this.#merge(options));
  }
}

/** The client's options under the call's. Nothing else of a call counts: a key must not follow a base URL that a call
 * brings along. */
function merge(client: ClientOptions, call: AnyRequestOptions | null | undefined): CallOptions {
  const whole = { ...client, defaultFetchOptions: client.fetchOptions };
  if (call) for (const name of OF_A_CALL) if (call[name] != null) Object.assign(whole, { [name]: call[name] });
  return whole;
}

const OF_A_CALL = [
  ...(["signal", "timeout", "firstEventTimeout", "idleTimeout", "totalTimeout", "maxRetries", "retry"] as const),
  ...(["maxEventBytes", "maxResponseBytes", "headers", "query", "idempotencyKey", "fetchOptions", "onEvent", "strict"] as const),
  ...(["method", "path", "body", "stream"] as const),
];

/** Options over others, where they say something. */
function over(given: ClientOptions, options: ClientOptions): ClientOptions {
  const said = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return { ...given, ...Object.fromEntries(said) };
}

/** Methods that `helpers/install.ts` makes: until then each says where it is to be had. */
function awaitHelpers(of: object, ...names: string[]): void {
  for (const name of names) {
    const value = (): never => {
      throw elsewhere(`${name}()`);
    };
    Object.defineProperty(of, name, { value, configurable: true, writable: true });
  }
}

/** Not enumerable, so that the list is still what the server sent. */
function iterable(list: ModelList | undefined): ModelsPage {
  // An answer without a body is none, as with every call.
  if (!list) return list as unknown as ModelsPage;
  return Object.defineProperty(list, Symbol.asyncIterator, {
    value: async function* () {
      yield* list.data;
    },
  }) as ModelsPage;
}

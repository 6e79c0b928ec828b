/** The class that people type against. It merges options and calls the functions of `chatmux/core`; it has no road of
 * its own to the network. */

import * as core from "./core.js";
import { classes } from "./classes.js";
import type * as errors from "./errors.js";
import { type CallOptions, type ClientOptions, complete, type RequestOptions } from "./options.js";
import type { ChunkStream } from "./stream.js";
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
  readonly baseURL: string;
  /** Milliseconds allowed for one try, where a call does not say otherwise. */
  readonly timeout: number | undefined;
  /** How often a failed try is repeated, where a call does not say otherwise. */
  readonly maxRetries: number | undefined;
  /** Chat. */
  readonly chat: { readonly completions: Completions };
  /** Models. */
  readonly models: Models;

  /**
   * @throws {ChatmuxError} for a `baseURL` that is none, and for a plain-text key in a browser without
   *   `dangerouslyAllowBrowser`. A key that is missing is an error of the calls that need one.
   */
  constructor(options: ClientOptions = {}) {
    const whole = complete(options ?? {});
    this.baseURL = whole.baseURL;
    this.timeout = whole.timeout;
    this.maxRetries = whole.maxRetries;
    this.chat = { completions: new Completions(whole) };
    this.models = new Models(whole);
  }

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
    Object.assign(Chatmux, classes, { OpenAIError: classes["ChatmuxError"] });
  }
}

/** Chat completions. */
export class Completions {
  readonly #options: ClientOptions;

  /** @internal */
  constructor(options: ClientOptions) {
    this.#options = options;
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
  create(body: ChatCompletionCreateParamsNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(body: ChatCompletionCreateParamsStreaming, options?: RequestOptions): Promise<ChunkStream>;
  create(
    body: ChatCompletionCreateParamsBase,
    options?: RequestOptions,
  ): Promise<ChunkStream | ChatCompletion>;
  create(
    body: ChatCompletionCreateParams | ChatCompletionCreateParamsBase,
    options?: RequestOptions,
  ): Promise<ChunkStream | ChatCompletion> {
    const whole = merge(this.#options, options);
    return body?.stream
      ? core.createChatCompletionStream(body as ChatCompletionCreateParamsStreaming, whole)
      : core.createChatCompletion(body as ChatCompletionCreateParamsNonStreaming, whole);
  }
}

/** Models. */
export class Models {
  readonly #options: ClientOptions;

  /** @internal */
  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Lists the models of the account.
   *
   * @example
   * for await (const model of client.models.list()) console.log(model.id);
   */
  list(options?: RequestOptions): Promise<ModelsPage> & AsyncIterable<Model> {
    const list = core.listModels(merge(this.#options, options)).then(iterable);
    return Object.assign(list, {
      async *[Symbol.asyncIterator]() {
        yield* (await list).data;
      },
    });
  }

  /**
   * Lists AIHubMix's public catalogue: what each model can do and costs. It is asked without a key.
   *
   * @see https://docs.aihubmix.com/en/api/Models-API
   * @example
   * const thinkers = await client.models.catalogue({ type: "llm", features: ["thinking", "tools"] });
   */
  catalogue(filters?: CatalogueFilters | null, options?: RequestOptions): Promise<CatalogueModel[]> {
    return core.listCatalogue(filters, merge(this.#options, options));
  }
}

/** The client's options under the call's; what a call leaves undefined stays as the client has it. Nothing else of a
 * call counts: a key must not follow a base URL that a call brings along. */
function merge(client: ClientOptions, call: RequestOptions | null | undefined): CallOptions {
  const whole: CallOptions = { ...client };
  for (const name of ["signal", "timeout", "maxRetries", "maxEventBytes", "headers", "query"] as const) {
    const value = call?.[name];
    if (value !== undefined) Object.assign(whole, { [name]: value });
  }
  return whole;
}

/** Not enumerable, so that the list is still what the server sent. */
function iterable(list: ModelList): ModelsPage {
  return Object.defineProperty(list, Symbol.asyncIterator, {
    value: async function* () {
      yield* list.data;
    },
  }) as ModelsPage;
}

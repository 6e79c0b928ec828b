/**
 * `chatmux/core`: the async functions of the Rust core, typed. Each loads the wasm on its first call, takes the
 * request and one object of options, and throws the errors of this package.
 */

import { inContext } from "./context.js";
import { toError } from "./failure.js";
import * as glue from "./glue/chatmux.js";
import { type CallOptions, check, complete } from "./options.js";
import { APIPromise, isRaw, requestId, type Sent } from "./promise.js";
import { isJson, isStream, toJson, toReadableStream } from "./body.js";
import { ChunkStream, Stream } from "./stream.js";
import type {
  CatalogueFilters,
  CatalogueModel,
  ChatCompletion,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
  ModelList,
} from "./types.js";
import { hold, init, release } from "./wasm.js";

export * from "./errors.js";
export type {
  AnyRequestOptions,
  CallOptions,
  ClientOptions,
  Fetch,
  FetchOptions,
  HeadersLike,
  QueryLike,
  RequestOptions,
  SharedOptions,
} from "./options.js";
export type * from "./types.js";
export type { WasmSource } from "./wasm.js";
export { APIPromise, ChunkStream, init, Stream };

/**
 * Asks for a whole chat completion.
 *
 * @example
 * const completion = await createChatCompletion(
 *   { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] },
 *   { apiKey: process.env.AIHUBMIX_API_KEY },
 * );
 */
export function createChatCompletion(
  request: ChatCompletionCreateParamsNonStreaming,
  options?: CallOptions,
): APIPromise<ChatCompletion> {
  return call(options, "POST", (whole) => glue.createChatCompletion(request, whole));
}

/**
 * Asks for a streamed chat completion; resolves when the answer begins.
 *
 * @example
 * for await (const chunk of await createChatCompletionStream({ model, messages, stream: true }, { apiKey })) {
 *   write(chunk.choices[0]?.delta.content ?? "");
 * }
 */
export function createChatCompletionStream(
  request: ChatCompletionCreateParamsStreaming,
  options?: CallOptions,
): APIPromise<ChunkStream> {
  return call(options, "POST", (whole) => glue.createChatCompletionStream(request, whole), toStream);
}

/** Lists the models of the account. */
export function listModels(options?: CallOptions): APIPromise<ModelList>;
/** @internal */
export function listModels<Page>(options: CallOptions, finish: (list: ModelList) => Page): APIPromise<Page>;
export function listModels<Page>(options?: CallOptions, finish?: (list: ModelList) => Page): APIPromise<ModelList | Page> {
  return call(options, "GET", (whole) => glue.listModels(whole), finish);
}

/** Lists AIHubMix's public catalogue. It is asked without a key. */
export function listCatalogue(filters?: CatalogueFilters | null, options?: CallOptions): APIPromise<CatalogueModel[]> {
  return call(options, "GET", (whole) => glue.listCatalogue(filters, whole));
}

/**
 * Sends any other request, and resolves to its answer: JSON as it stands, other text as a text, `null` where there is none,
 * or with `stream: true` a stream of events.
 *
 * @example
 * const { data } = await request<{ data: unknown[] }>({ path: "/files", query: { limit: 10 }, apiKey });
 */
export function request<Answer = unknown>(options?: CallOptions): APIPromise<Answer> {
  const { body, headers, method, stream } = options ?? {};
  const json = isJson(body, headers);
  const isOnce = !json && isStream(body);
  const whole: CallOptions = { ...options, body: json || body == null ? undefined : body, stream: !!stream };
  if (isOnce) {
    whole.body = toReadableStream(body);
    whole.maxRetries = 0;
    whole.fallbackBaseURLs = [];
    whole.fetchOptions = { ...whole.fetchOptions, duplex: "half" };
  }
  const send = async (whole: CallOptions): Promise<unknown> => glue.request(json ? toJson(body) : undefined, whole);
  const finish = (answer: unknown): Answer => (stream ? toStream(answer as glue.ChunkSource) : answer) as Answer;
  return call(whole, method ?? (body == null ? "GET" : "POST"), send, finish);
}

/** The road of all calls: the options made whole, the wasm loaded, the answer finished. */
function call<Raw, Answer = Raw>(
  options: CallOptions | undefined,
  method: string,
  send: (options: CallOptions) => Promise<Raw>,
  finish?: (answer: Raw) => Answer,
): APIPromise<Answer> {
  const sent: Sent = {};
  const answer = async (): Promise<Answer> => {
    const whole: CallOptions & Internal = complete(options ?? {});
    // The core runs all calls in turns that belong to none of them; what it calls of the caller's must not.
    if (typeof whole.apiKey === "function") whole.apiKey = inContext(whole.apiKey);
    whole.fetch ??= globalThis.fetch;
    check(whole);
    whole.fetch = inContext(whole.fetch);
    whole.ownHeaders = ownHeaders(whole, method);
    whole.onResponse = (response) => {
      sent.response = response;
      return isRaw(sent);
    };
    // Before the instance is there, so that it is not replaced in between.
    hold();
    try {
      await init();
      const answer = await send(whole);
      if (isRaw(sent)) return answer as unknown as Answer;
      const known = identified(answer, sent.response!);
      return finish ? finish(known) : (known as unknown as Answer);
    } catch (thrown) {
      throw toError(thrown);
    } finally {
      release();
    }
  };
  return APIPromise.of(sent, answer());
}

/** What the core is told beside the options. */
interface Internal {
  ownHeaders?: Record<string, string | null | undefined>;
  onResponse?: (response: Response) => boolean;
}

/** The headers that other options stand for. */
function ownHeaders(options: CallOptions, method: string): Record<string, string | null | undefined> {
  const { appCode, organization, project, idempotencyHeader, idempotencyKey } = options;
  const headers = {
    "APP-Code": appCode ?? undefined,
    "OpenAI-Organization": organization ?? undefined,
    "OpenAI-Project": project ?? undefined,
  };
  if (!idempotencyHeader || method.toUpperCase() === "GET") return headers;
  return { ...headers, [idempotencyHeader]: idempotencyKey ?? `chatmux-${random()}${random()}` };
}

function random(): string {
  return Math.random().toString(36).slice(2);
}

/** The answer, with the id of its request, which is not among what the server sent. */
function identified<Answer>(answer: Answer, response: Response): Answer {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer) || answer instanceof glue.ChunkSource) return answer;
  return Object.defineProperty(answer, "_request_id", { value: requestId(response) });
}

function toStream(source: glue.ChunkSource): ChunkStream {
  return new ChunkStream(source);
}

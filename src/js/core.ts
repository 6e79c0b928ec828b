/**
 * `chatmux/core`: the async functions of the Rust core, typed. Each loads the wasm on its first call, takes the
 * request and one object of options, and throws the errors of this package.
 */

import { inContext } from "./context.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import * as glue from "./glue/chatmux.js";
import { check, complete } from "./complete.js";
import type { CallOptions, Fetch, FetchOptions, QueryLike, Warning } from "./options.js";
import { type CallObserver, observing } from "./observe.js";
import { locate } from "./place.js";
import { APIPromise, requestId, type Sent } from "./promise.js";
import { roads, type Travelling } from "./roads.js";
import { isForm, isJson, isStream, toForm, toJson, toReadableStream, withExtraBody } from "./request-body.js";
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
export type * from "./options.js";
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
  return call(options, "POST", async (whole) => glue.createChatCompletion(await chat(request, whole), whole));
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
  const send = async (whole: Whole) => glue.createChatCompletionStream(await chat(request, whole), whole);
  return call(options, "POST", send, toStream);
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
  // The client's own parameters may hold a key: those of the call take their place, and the filters that of the call's.
  const lists = Object.entries(filters ?? {}).map(([name, value]) => [name, value && String(value)]);
  const query: QueryLike = Object.fromEntries(lists);
  return call({ ...options, defaultQuery: options?.query, query }, "GET", (whole) => glue.listCatalogue(whole));
}

/**
 * Sends any other request, and resolves to its answer: JSON as it stands, other text as a text, `null` where there is none,
 * or with `stream: true` a stream of events.
 *
 * @example
 * const { data } = await request<{ data: unknown[] }>({ path: "/files", query: { limit: 10 }, apiKey });
 */
export function request<Answer = unknown>(options?: CallOptions): APIPromise<Answer> {
  const { headers, stream } = options ?? {};
  const body = options?.body;
  const method = options?.method ?? (body == null ? "GET" : "POST");
  const form = isForm(body, headers);
  const json = !form && isJson(body, headers);
  const whole: Whole = { path: "", ...options, method, body: json || body == null ? undefined : body, stream: !!stream };
  if (!json && isStream(body)) {
    whole.body = toReadableStream(body);
    whole.maxRetries = 0;
    whole.isOnce = true;
    whole.fetchOptions = { ...whole.fetchOptions, duplex: "half" };
  }
  const send = async (whole: Whole): Promise<unknown> => {
    if (!/^[\w-]+$/.test(method)) throw new ChatmuxError("`method` must be the name of an HTTP method.");
    if (body != null && /^(get|head)$/i.test(method)) throw new ChatmuxError("A GET request has no body: leave `body` out.");
    if (json) whole.json = toJson(() => body);
    if (form) whole.body = toForm(body as object);
    return glue.request(whole);
  };
  const finish = (answer: unknown, end: () => void, observer?: CallObserver): Answer =>
    (stream ? toStream(answer as glue.ChunkSource, end, observer) : answer) as Answer;
  return call(whole, method, send, finish);
}

/** A chat request as it is sent, whose JSON becomes one of the options; on its road, where it has another than the client's. */
function chat<Request extends object>(request: Request, whole: Whole): Request | Promise<Request> {
  let sent = request;
  whole.json = toJson(() => (sent = withExtraBody(request)));
  whole.model = (sent as { model?: unknown }).model;
  // One that is read after its response was handed over has been on its road.
  return roads && !whole.isOnce ? roads.take(sent, whole) : sent;
}

/** The road of all calls: the options made whole, the wasm loaded, the answer finished. */
function call<Raw, Answer = Raw>(
  options: CallOptions | undefined,
  method: string,
  send: (options: Whole) => Promise<Raw>,
  finish?: (answer: Raw, end: () => void, observer?: CallObserver, warnings?: readonly Warning[]) => Answer,
): APIPromise<Answer> {
  const sent: Sent = {};
  const answered = new Promise<Answer>((resolve, reject) => {
    const whole: Whole = complete(options ?? {});
    const observer = observing?.observe(whole);
    const end = ending(whole);
    const fail = (thrown: unknown): void => {
      const error = toError(thrown);
      observer?.failed(error);
      reject(error);
    };
    const lost = (error: ChatmuxError): void => {
      fail(error);
      end();
    };
    const answer = async (): Promise<Answer> => {
      prepare(whole, method, sent);
      // Before the instance is there, so that it is not replaced in between.
      hold(lost);
      try {
        await init();
        const answer = await send(whole);
        if (sent.isRaw) {
          // Waited for at once, so that its response is read and not handed over as well.
          observer?.answered();
          sent.read = () => call(reread(whole, sent.response!), method, send, finish).then();
          return handOver(answer as Response, whole) as Answer;
        }
        const known = identified(answer, sent.response!, whole.warnings);
        observer?.answered(known);
        return finish ? finish(known, end, observer, whole.warnings) : (known as unknown as Answer);
      } finally {
        release(lost);
      }
    };
    answer().then(resolve, fail);
  });
  return APIPromise.of(sent, answered);
}

/** Makes the options of a call ready. What is made here and below lives as long as a stream, and must not know who waits for it. */
function prepare(whole: Whole, method: string, sent: Sent): void {
  quieten(whole.signal);
  // The core runs all calls in turns that belong to none of them; what it calls of the caller's must not.
  if (typeof whole.apiKey === "function") whole.apiKey = inContext(whole.apiKey);
  whole.fetch ??= globalThis.fetch;
  whole.fetchOptions = { ...whole.defaultFetchOptions, ...whole.fetchOptions };
  check(whole);
  Object.assign(whole, locate(whole));
  whole.fetch = inContext(whole.fetch);
  whole.ownHeaders = ownHeaders(whole, method);
  whole.onResponse = (response) => {
    sent.response = response;
    return (sent.isRaw = !sent.wantsAnswer);
  };
}

/** The options of a call whose response was handed over unread, and is to be read after all; it was seen to end. */
function reread(whole: Whole, response: Response): Whole {
  if (response.bodyUsed) throw new ChatmuxError("The body of the response was read by who called `asResponse()`.");
  const fetch: Fetch = async (_, { signal }) => {
    signal?.addEventListener("abort", whole.abort!);
    return response;
  };
  return { ...whole, fetch, apiKey: "sent", maxRetries: 0, isOnce: true, onEvent: null, logger: null };
}

/** Many calls may listen to one signal: Node would take that for a leak. */
function quieten(signal: AbortSignal | null | undefined): void {
  try {
    if (signal) (globalThis as Runtime).process?.getBuiltinModule?.("node:events")?.setMaxListeners(0, signal);
  } catch {
    // A signal of a foreign class, which Node does not watch.
  }
}

interface Runtime {
  process?: { getBuiltinModule?(name: "node:events"): { setMaxListeners(count: number, of: AbortSignal): void } | undefined };
}

/** Ends the current try of a call, where the core cannot. */
function ending(whole: Whole): () => void {
  return () => {
    clearTimeout(whole.timer);
    whole.abort?.();
    whole.signal?.removeEventListener?.("abort", whole.abort!);
  };
}

/** The options of a call under way. The core puts here what would be left of its current try if the instance were lost. */
interface Whole extends Travelling {
  /** Ends the try; it listens to the caller's signal. */
  abort?: () => void;
  timer?: number;
  /** The client's, under the call's. */
  defaultFetchOptions?: FetchOptions | null | undefined;
  onResponse?: (response: Response) => boolean;
  /** Whether the request can be sent once only. */
  isOnce?: boolean;
  /** The model that the body names. */
  model?: unknown;
}

/** Who listens to a caller's signal for a response that its caller reads: nobody sees when that is done. */
const listeners = globalThis.FinalizationRegistry && new FinalizationRegistry<() => void>((remove) => remove());

/** A response that its caller reads; the caller's signal still ends it. */
function handOver(response: Response, { signal, abort }: Whole): Response {
  if (!signal) return response;
  // A signal of its own, where there is such a thing: it is the caller's that must have no listener left.
  const own = AbortSignal.any?.([signal]) ?? signal;
  own.addEventListener("abort", abort!);
  listeners?.register(response, () => own.removeEventListener("abort", abort!));
  return response;
}

/** The headers that other options stand for. */
function ownHeaders(options: CallOptions, method: string): Record<string, string | null | undefined> {
  const { appCode, organization, project, idempotencyHeader, idempotencyKey } = options;
  const headers = {
    "APP-Code": appCode ?? undefined,
    "OpenAI-Organization": organization ?? undefined,
    "OpenAI-Project": project ?? undefined,
  };
  if (!idempotencyHeader || /^get$/i.test(method)) return headers;
  return { ...headers, [idempotencyHeader]: idempotencyKey ?? `chatmux-${random()}${random()}` };
}

function random(): string {
  return Math.random().toString(36).slice(2);
}

/** The answer, with the id of its request and what was not sent as it was said, which are not among what the server sent. */
function identified<Answer>(answer: Answer, response: Response, warnings?: readonly Warning[]): Answer {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer) || answer instanceof glue.ChunkSource) return answer;
  if (warnings) Reflect.defineProperty(answer, "_warnings", { value: warnings });
  // What the server calls so is the server's, and an object that is frozen stays as it is.
  if (!("_request_id" in answer)) Reflect.defineProperty(answer, "_request_id", { value: requestId(response) });
  return answer;
}

function toStream(source: glue.ChunkSource, end: () => void, observer?: CallObserver, warnings?: readonly Warning[]): ChunkStream {
  return new ChunkStream(source, end, observer, warnings);
}

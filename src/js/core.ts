/**
 * `chatmux/core`: the async functions of the Rust core, typed. Each loads the wasm on its first call, takes the
 * request and one object of options, and throws the errors of this package.
 */

import { inContext } from "./context.js";
import { ChatmuxError } from "./errors.js";
import { toError } from "./failure.js";
import * as glue from "./glue/chatmux.js";
import { type CallOptions, complete } from "./options.js";
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
export type { CallOptions, ClientOptions, Fetch, HeadersLike, QueryLike, RequestOptions } from "./options.js";
export type * from "./types.js";
export type { WasmSource } from "./wasm.js";
export { ChunkStream, init, Stream };

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
  options: CallOptions = {},
): Promise<ChatCompletion> {
  return call(options, (whole) => glue.createChatCompletion(request, whole));
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
  options: CallOptions = {},
): Promise<ChunkStream> {
  return call(options, async (whole, end) => new ChunkStream(await glue.createChatCompletionStream(request, whole), end));
}

/** Lists the models of the account. */
export function listModels(options: CallOptions = {}): Promise<ModelList> {
  return call(options, (whole) => glue.listModels(whole));
}

/** Lists AIHubMix's public catalogue. It is asked without a key. */
export function listCatalogue(
  filters?: CatalogueFilters | null,
  options: CallOptions = {},
): Promise<CatalogueModel[]> {
  return call(options, (whole) => glue.listCatalogue(filters, whole));
}

/** The options of a call under way. The core puts here what would be left of its current try if the instance were lost. */
interface Whole extends CallOptions {
  /** Ends the try; it listens to the caller's signal. */
  abort?: () => void;
  timer?: number;
}

async function call<T>(options: CallOptions, send: (options: CallOptions, end: () => void) => Promise<T>): Promise<T> {
  const whole: Whole = complete(options ?? {});
  // The core runs all calls in turns that belong to none of them; what it calls of the caller's must not.
  if (typeof whole.apiKey === "function") whole.apiKey = inContext(whole.apiKey);
  if (typeof whole.fetch !== "function" && whole.fetch != null) throw new ChatmuxError("`fetch` is not a function.");
  whole.fetch = inContext(whole.fetch ?? globalThis.fetch);
  const end = (): void => {
    clearTimeout(whole.timer);
    whole.abort?.();
    whole.signal?.removeEventListener?.("abort", whole.abort!);
  };
  return new Promise<T>((resolve, reject) => {
    const lost = (error: ChatmuxError): void => {
      reject(error);
      end();
    };
    const answer = async (): Promise<T> => {
      // Before the instance is there, so that it is not replaced in between.
      hold(lost);
      try {
        await init();
        return await send(whole, end);
      } finally {
        release(lost);
      }
    };
    answer().then(resolve, (thrown) => reject(toError(thrown)));
  });
}

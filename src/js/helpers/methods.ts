/** What the helpers add to the classes of the client, as types. */

import type { CompletionCost, CostOptions } from "../types.js";

/** The helpers of chat completions. */
export interface CompletionsHelpers {}

/** The helpers of a client. */
export interface ClientHelpers {
  /**
   * What a completion cost, in USD; `null` where its usage or its model's prices are not known.
   *
   * Its tokens, as `toUsage()` counts them, are taken at `options.prices`; without them at what the provider itself says it
   * charged (`usage.cost`, as OpenRouter has it, with what its upstream charged a key of your own); else at the prices of
   * AIHubMix's public catalogue, which each client asks for once. The model is looked up by its id, then in any case of
   * letters, and only then without the date at its end: `gpt-4o-mini-2024-07-18` may cost what `gpt-4o-mini` does.
   *
   * Reasoning is taken at the price of the answer; the cache at `cache_read` and `cache_write`, and where they are missing at
   * the price of the prompt, which is rarely less. Writes to Anthropic's cache for an hour, audio, images, searches and
   * cheaper service tiers have no prices of their own here. Parts are rounded to 1e-12 USD, and `usd` is their sum.
   *
   * @param of what `toUsage()` takes: a completion, a chunk, a stream (also one that was aborted: what is known), a helper's
   *   stream or runner (the sum of its completions), an error of a stream; a usage by itself with `prices`.
   * @throws {ChatmuxError} for prices that are none, and for a promise.
   * @throws {APIError} when the catalogue cannot be had; the next call asks again.
   * @example
   * const cost = await client.cost(completion);
   * console.log(cost?.usd); // 0.0000225
   * await client.cost(completion, { prices: { input: 0.15, output: 0.6, cache_read: 0.075 } });
   */
  cost(of: unknown, options?: CostOptions | null): Promise<CompletionCost | null>;
}

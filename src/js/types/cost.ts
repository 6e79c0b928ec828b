import type { CataloguePricing } from "./models.js";

/** What a completion cost: see `client.cost()`. */
export interface CompletionCost {
  /** All of it, in USD: the sum of the parts. */
  usd: number;

  /** What it was spent on. */
  parts: CompletionCostParts;
}

/** What a completion's cost was spent on, in USD. */
export interface CompletionCostParts {
  /** The prompt, but for what went through the cache. */
  input: number;

  /** The part of the prompt that was read from the cache. */
  cached: number;

  /** The part of the prompt that was written to the cache. */
  cache_write: number;

  /** The answer, but for the reasoning. */
  output: number;

  /** The reasoning. */
  reasoning: number;

  /** What the provider itself says it charged, and does not say for what. Only there when it does. */
  other?: number;
}

/** How a cost is found. */
export interface CostOptions {
  /** The prices, in USD per million tokens; those of AIHubMix's catalogue where they are left out. */
  prices?: CataloguePricing | undefined;
}

/** What was consumed, said in one way whoever answered. */

import type { CompletionUsage } from "../types.js";
import type { TokenUsage } from "../types/usage.js";

export type { TokenUsage } from "../types/usage.js";

type Members = Record<string, unknown>;

/** Counts as a provider has them, before it is known what is a part of what; `undefined` where a sum is not said. */
interface Counts {
  prompt: number | undefined;
  completion: number | undefined;
  total: number | undefined;
  cached: number;
  written: number;
  reasoning: number;
}

/**
 * The usage of a completion in the form of OpenAI's, in tokens: `prompt_tokens` with those that were read from the cache or
 * written to it, `completion_tokens` with those of reasoning, `total_tokens` the sum of the two, and all details, 0 where
 * nobody says. `null` where nothing is known of it.
 *
 * It reads the names of OpenAI, DeepSeek, Moonshot, Anthropic and Gemini, and counts what they leave out of a sum: caches
 * (Anthropic, Portkey), and reasoning (xAI, Gemini; tokens that a total counts and neither part does are reasoning).
 *
 * @param of a completion, a chunk, a `ChunkStream` (what has come so far, also after an abort), a helper's stream or runner
 *   (the sum of its completions), an error with `usage`, `partial` or `completion`, or a usage. It is not changed.
 * @example
 * for await (const chunk of stream) if (isEnough(chunk)) break;
 * toUsage(stream)?.prompt_tokens_details.cached_tokens;
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */
export function toUsage(of: unknown): TokenUsage | null {
  let sum: TokenUsage | null = null;
  for (const { usage } of completionsOf(of)) {
    if (sum && usage) addUsage(sum, usage);
    else sum ??= usage;
  }
  return sum;
}

/**
 * Adds a usage to a total, which it changes: tokens, their details, and what was charged.
 *
 * @example
 * const total = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
 * addUsage(total, completion.usage);
 */
export function addUsage(total: CompletionUsage, usage: CompletionUsage): void {
  for (const name of ["prompt_tokens", "completion_tokens", "total_tokens"] as const) {
    total[name] = (count(total[name]) ?? 0) + (count(usage[name]) ?? 0);
  }
  for (const name of ["prompt_tokens_details", "completion_tokens_details"] as const) {
    if (!isObject(usage[name])) continue;
    const into = new Map<string, unknown>(Object.entries(total[name] ?? {}));
    for (const [detail, value] of Object.entries(usage[name])) {
      const tokens = count(value);
      if (tokens !== undefined) into.set(detail, (count(into.get(detail)) ?? 0) + tokens);
    }
    total[name] = Object.fromEntries(into);
  }
  if (count(usage.cost) !== undefined) total.cost = (count(total.cost) ?? 0) + usage.cost!;
}

/** A completion that something stands for: its model and its usage, as far as they are known. */
export interface Consumed {
  model: string | undefined;
  usage: TokenUsage | null;
}

/** The completions that something stands for. */
export function completionsOf(of: unknown): Consumed[] {
  if (!isObject(of)) return [];
  const { allChatCompletions: all, completion } = of;
  const partial = of["partial"] ?? completion;
  if (typeof all === "function") {
    return [...(all.call(of) as unknown[]), of["currentChatCompletionSnapshot"]].filter(isObject).map(consumed);
  }
  const whole = isObject(partial) ? consumed(partial) : undefined;
  const own = consumed(of);
  return [{ model: whole?.model ?? own.model, usage: own.usage ?? whole?.usage ?? null }];
}

function consumed(of: Members): Consumed {
  const { model, usage, usageMetadata, x_groq } = of;
  const said = [usage, usageMetadata, isObject(x_groq) && x_groq["usage"], of].find(isObject)!;
  return { model: typeof model === "string" && model !== "" ? model : undefined, usage: normalised(said) };
}

/** A usage in OpenAI's form; `null` for what is none. */
function normalised(usage: Members): TokenUsage | null {
  const isGemini = usage["promptTokenCount"] !== undefined || usage["totalTokenCount"] !== undefined;
  const counts = isGemini ? geminiCountsOf(usage) : countsOf(usage);
  if (counts.prompt === undefined && counts.completion === undefined) return null;
  const { prompt, completion, reasoning } = sumsOf(counts);
  const { prompt_tokens_details: ofPrompt, completion_tokens_details: ofCompletion } = usage;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      ...details(ofPrompt, "audio_tokens", "image_tokens", "text_tokens", "video_tokens"),
      cached_tokens: counts.cached,
      cache_write_tokens: counts.written,
    },
    completion_tokens_details: {
      ...details(ofCompletion, "audio_tokens", "image_tokens", "text_tokens"),
      ...details(ofCompletion, "accepted_prediction_tokens", "rejected_prediction_tokens"),
      reasoning_tokens: reasoning,
    },
    ...charged(usage),
  };
}

/** What was charged, as the provider says it: OpenRouter. */
function charged({ cost, cost_details, is_byok }: Members): Pick<CompletionUsage, "cost" | "cost_details" | "is_byok"> {
  if (count(cost) === undefined) return {};
  return {
    cost: cost as number,
    ...(isObject(cost_details) && { cost_details: { ...cost_details } }),
    ...(typeof is_byok === "boolean" && { is_byok }),
  };
}

/** What OpenAI, those like it and Anthropic say. */
function countsOf(usage: Members): Counts {
  const { prompt_tokens_details: inPrompt, input_tokens_details: inInput, cache_creation } = usage;
  const { completion_tokens_details: inCompletion, output_tokens_details: inOutput } = usage;
  const cached = most(
    at(inPrompt, "cached_tokens"),
    at(inInput, "cached_tokens"),
    usage["cached_tokens"],
    usage["prompt_cache_hit_tokens"],
    usage["cache_read_input_tokens"],
  );
  const [short, long] = [at(cache_creation, "ephemeral_5m_input_tokens"), at(cache_creation, "ephemeral_1h_input_tokens")];
  const written = most(
    at(inPrompt, "cache_write_tokens"),
    at(inPrompt, "cache_creation_tokens"),
    at(inInput, "cache_write_tokens"),
    usage["cache_creation_input_tokens"],
    (count(short) ?? 0) + (count(long) ?? 0),
  );
  const reasoning = most(at(inCompletion, "reasoning_tokens"), at(inOutput, "reasoning_tokens"), at(inOutput, "thinking_tokens"));
  // Some gateways send the names of both, and 0 under those that they do not mean.
  const isOpenAI = count(usage["prompt_tokens"]) || count(usage["completion_tokens"]);
  const said = (name: string, other: string): number | undefined =>
    count(usage[isOpenAI ? name : other]) ?? count(usage[isOpenAI ? other : name]);
  let prompt = said("prompt_tokens", "input_tokens");
  // Anthropic counts what went through its cache apart.
  const isApart = !isOpenAI && (usage["cache_read_input_tokens"] != null || usage["cache_creation_input_tokens"] != null);
  if (isApart && prompt !== undefined) prompt += cached + written;
  const completion = said("completion_tokens", "output_tokens");
  return { prompt, completion, total: count(usage["total_tokens"]), cached, written, reasoning };
}

/** What Gemini says. Its thoughts are no part of its candidates. */
function geminiCountsOf(usage: Members): Counts {
  const tokens = (name: string): number | undefined => count(usage[name]);
  const reasoning = tokens("thoughtsTokenCount") ?? 0;
  const [prompt, tools] = [tokens("promptTokenCount"), tokens("toolUsePromptTokenCount") ?? 0];
  return {
    prompt: prompt === undefined ? undefined : prompt + tools,
    completion: (tokens("candidatesTokenCount") ?? 0) + reasoning,
    total: tokens("totalTokenCount"),
    cached: tokens("cachedContentTokenCount") ?? 0,
    written: 0,
    reasoning,
  };
}

/** The sums, with what was counted apart from them. A total tells; so does a part that is larger than its sum. */
function sumsOf(counts: Counts): { prompt: number; completion: number; reasoning: number } {
  const { total = 0, cached, written, reasoning } = counts;
  let prompt = counts.prompt ?? Math.max(total - counts.completion!, 0);
  let completion = counts.completion ?? Math.max(total - prompt, 0);
  const cache = cached + written;
  const rest = total - prompt - completion;
  const isBoth = cache > 0 && reasoning > 0 && rest === cache + reasoning;
  const isReasoning = reasoning > 0 && rest === reasoning;
  if (reasoning > completion || isReasoning || isBoth) completion += reasoning;
  if (cache > prompt || isBoth || (cache > 0 && rest === cache && !isReasoning)) prompt += cache;
  // What a total counts and neither part does are thoughts, where Gemini's usage was translated by halves.
  const thoughts = Math.max(total - prompt - completion, 0);
  return { prompt, completion: completion + thoughts, reasoning: reasoning + thoughts };
}

/** Those of these details that are said. */
function details<Name extends string>(of: unknown, ...names: Name[]): Partial<Record<Name, number>> {
  const known: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const tokens = count(at(of, name));
    if (tokens !== undefined) known[name] = tokens;
  }
  return known;
}

/** The same number under several names, of which some say 0. */
function most(...values: unknown[]): number {
  return Math.max(...values.map((value) => count(value) ?? 0));
}

/** A number that can be one of tokens, or of dollars. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function at(object: unknown, name: string): unknown {
  return isObject(object) ? object[name] : undefined;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

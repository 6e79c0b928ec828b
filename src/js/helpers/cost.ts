/** What a completion cost. */

import type { Chatmux } from "../client.js";
import { ChatmuxError } from "../errors.js";
import type { CataloguePricing, CompletionCost, CostOptions, TokenUsage } from "../types.js";
import { completionsOf } from "./usage.js";

type Part = keyof CompletionCost["parts"];
/** Whole millionths of a millionth of a dollar: sums of them are right, as sums of fractions are not. */
type Picodollars = number;

const PICODOLLARS = 1e12;
/** The price of a million tokens for one of them. */
const OF_ONE = PICODOLLARS / 1e6;
const NEEDED = "`cost()` takes `{ prices: { input: 0.15, output: 0.6 } }`, in USD per million tokens.";
/** The date at the end of a model's id. */
const DATE = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/;

/** The prices of the catalogues that were asked for: by how they are fetched, and from where. Clients made of others share them. */
const catalogues = new WeakMap<object, Map<string, Promise<Prices>>>();

interface Prices {
  byId: Map<string, CataloguePricing>;
  /** By ids in lower case. */
  byName: Map<string, CataloguePricing>;
}

/** What `client.cost()` does. */
export async function cost(client: Chatmux, of: unknown, options?: CostOptions | null): Promise<CompletionCost | null> {
  if (typeof (of as PromiseLike<unknown> | null | undefined)?.then === "function") {
    throw new ChatmuxError("A promise has no cost yet: await the completion, and give that to `cost()`.");
  }
  const given = pricesOf(options);
  const parts = new Map<Part, Picodollars>();
  let isKnown = false;
  for (const { model, usage } of completionsOf(of)) {
    if (!usage) continue;
    const spent = given === undefined ? (charged(usage) ?? priced(usage, await lookUp(client, model))) : priced(usage, given);
    if (!spent) return null;
    for (const [part, picodollars] of spent) parts.set(part, (parts.get(part) ?? 0) + picodollars);
    isKnown = true;
  }
  return isKnown ? inDollars(parts) : null;
}

/** What the provider says it charged; and, where its upstream charged a key of your own, that too. */
function charged({ cost, is_byok, cost_details }: TokenUsage): [Part, Picodollars][] | null {
  if (cost == null) return null;
  const upstream = is_byok ? (cost_details?.upstream_inference_cost ?? 0) : 0;
  return [["other", Math.round((cost + upstream) * PICODOLLARS)]];
}

/** What the tokens cost at these prices. What a price is missing for costs as much as any other prompt. */
function priced(usage: TokenUsage, prices: CataloguePricing | undefined): [Part, Picodollars][] | null {
  if (!prices || !isPrice(prices.input) || !isPrice(prices.output)) return null;
  const { input, output, cache_read, cache_write } = prices;
  const { cached_tokens, cache_write_tokens } = usage.prompt_tokens_details;
  const { reasoning_tokens } = usage.completion_tokens_details;
  return [
    ["input", of(usage.prompt_tokens - cached_tokens - cache_write_tokens, input)],
    ["cached", of(cached_tokens, isPrice(cache_read) ? cache_read : input)],
    ["cache_write", of(cache_write_tokens, isPrice(cache_write) ? cache_write : input)],
    ["output", of(usage.completion_tokens - reasoning_tokens, output)],
    ["reasoning", of(reasoning_tokens, output)],
  ];

  function of(tokens: number, price: number): Picodollars {
    return Math.round(tokens * price * OF_ONE);
  }
}

function inDollars(parts: Map<Part, Picodollars>): CompletionCost {
  const dollars = (part: Part): number => (parts.get(part) ?? 0) / PICODOLLARS;
  let sum: Picodollars = 0;
  for (const picodollars of parts.values()) sum += picodollars;
  return {
    usd: sum / PICODOLLARS,
    parts: {
      input: dollars("input"),
      cached: dollars("cached"),
      cache_write: dollars("cache_write"),
      output: dollars("output"),
      reasoning: dollars("reasoning"),
      ...(parts.has("other") && { other: dollars("other") }),
    },
  };
}

/** The catalogue's prices of a model: of its id, in whatever case, and of its id without the date. */
async function lookUp(client: Chatmux, model: string | undefined): Promise<CataloguePricing | undefined> {
  if (model === undefined) return undefined;
  const { byId, byName } = await catalogueOf(client);
  for (const id of [model, model.replace(DATE, "")]) {
    const found = byId.get(id) ?? byName.get(id.toLowerCase());
    if (found) return found;
  }
  return undefined;
}

function catalogueOf(client: Chatmux): Promise<Prices> {
  const { baseURL } = client;
  const by = client.fetch ?? globalThis.fetch;
  const known = catalogues.get(by) ?? new Map<string, Promise<Prices>>();
  catalogues.set(by, known);
  const asked = known.get(baseURL) ?? read(client);
  known.set(baseURL, asked);
  // One that failed is asked again by the next call.
  asked.catch(() => known.get(baseURL) === asked && known.delete(baseURL));
  return asked;
}

async function read(client: Chatmux): Promise<Prices> {
  const prices: Prices = { byId: new Map(), byName: new Map() };
  for (const { id, pricing } of await client.models.catalogue()) {
    prices.byId.set(id, pricing);
    const name = id.toLowerCase();
    if (!prices.byName.has(name)) prices.byName.set(name, pricing);
  }
  return prices;
}

/** The prices that a caller gives. `NaN` is none: the catalogue has it where it does not know. */
function pricesOf(options: unknown): CataloguePricing | undefined {
  if (options == null) return undefined;
  if (!isObject(options)) throw new ChatmuxError(NEEDED);
  const stray = Object.keys(options).find((name) => name !== "prices");
  if (stray !== undefined) throw new ChatmuxError(`${NEEDED} There is no option \`${stray}\`.`);
  const { prices } = options;
  if (prices == null) return undefined;
  if (!isObject(prices)) throw new ChatmuxError(NEEDED);
  for (const name of ["input", "output", "cache_read", "cache_write"]) {
    const price = prices[name];
    const isMissing = price === undefined && name.startsWith("cache");
    if (!isMissing && !isPrice(price) && !Number.isNaN(price)) {
      throw new ChatmuxError(`\`prices.${name}\` must be a number of USD per million tokens, 0 or more.`);
    }
  }
  return prices as unknown as CataloguePricing;
}

function isPrice(price: unknown): price is number {
  return typeof price === "number" && Number.isFinite(price) && price >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Numbers as people read them. */

const counts = new Intl.NumberFormat("en");

export const count = (number) => counts.format(number);

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** A price per million tokens; a dash where the catalogue does not say. */
export function price(usd) {
  if (Number.isNaN(usd)) return "–";
  if (usd === 0) return "free";
  return `$${counts.format(Number(usd.toPrecision(3)))}`.replace(/\.(\d)$/, ".$10");
}

/** What one answer cost: fractions of a cent, of which only the size matters. */
export function cost(usd) {
  if (usd === 0) return "free";
  if (usd < 1e-7) return "under $0.0000001";
  return `$${new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(usd)}`;
}

/** 128000 → "128K", 1048576 → "1M". */
export function size(tokens) {
  if (tokens < 1000) return String(tokens);
  if (tokens < 1_000_000) return `${Math.round(tokens / 1000)}K`;
  return `${Number((tokens / 1_000_000).toFixed(1))}M`;
}

/** Cached prompt tokens have a price of their own; without one they cost as much as the others. */
export function costOf(usage, pricing) {
  const cached = pricing.cache_read === undefined ? 0 : (usage.prompt_tokens_details?.cached_tokens ?? 0);
  const written = pricing.cache_write === undefined ? 0 : (usage.prompt_tokens_details?.cache_write_tokens ?? 0);
  return (
    (usage.prompt_tokens - cached - written) * pricing.input +
    cached * (pricing.cache_read ?? 0) +
    written * (pricing.cache_write ?? 0) +
    usage.completion_tokens * pricing.output
  ) / 1_000_000;
}

/** Choices that look random and are the same each time. */

/** What is drawn from a seed: a whole number below another, one of a list, and something that is so once in so many times. */
export function random(seed) {
  let state = seed + 1;
  // Mulberry32, of Tommy Ettinger.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)], chance: (times) => below(times) === 0 };
}

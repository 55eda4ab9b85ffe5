/** From 0 up to, and without, 1. */
export type Random = () => number;

/** Small and repeatable (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @throws RangeError there is none. */
export function pick<T>(values: readonly T[], random: Random): T {
  const [value] = values.slice(Math.floor(random() * values.length));
  if (value === undefined) throw new RangeError('there is nothing to pick from');
  return value;
}

/** Choices that a seed repeats. */
export interface Random {
  /** From 0 up to `bound`, without it. */
  below(bound: number): number;
  of<T>(list: readonly T[]): T;
  isOneIn(count: number): boolean;
}

export function randomOf(seed: number): Random {
  const next = randomFrom(seed);
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    below,
    of: (list) => list[below(list.length)] as (typeof list)[number],
    isOneIn: (count) => below(count) === 0,
  };
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The matrix: what is swapped behind an approval x how it is answered x by which channel x where the process dies. */
import { randomFrom } from '../random.ts';
import { answers, type Case, channelNames, type Death, swaps } from './case.ts';

/** Durable writes of one task, about: how many there are depends on which come together. */
const mostWrites = 30;

/**
 * `count` cases in a random order that the seed repeats. The matrix is walked without a repetition until all of it was
 * played, so that every pair of its sides meets early.
 */
export function casesOf(count: number, seed: number): Case[] {
  const deaths = [
    undefined,
    ...Array.from({ length: mostWrites }, (_, at) => at + 1).flatMap((at): Death[] => [
      { at, when: 'before' },
      { at, when: 'after' },
    ]),
  ];
  const size = swaps.length * answers.length * channelNames.length * deaths.length;
  const random = randomFrom(seed);
  const order: number[] = [];
  while (order.length < count) order.push(...shuffled(size, random).slice(0, count - order.length));
  const pick = <T>(list: readonly T[], index: number): [T, number] => [
    list[index % list.length] as T,
    Math.floor(index / list.length),
  ];
  return order.map((place, number) => {
    const [swap, a] = pick(swaps, place);
    const [answer, b] = pick(answers, a);
    const [channel, c] = pick(channelNames, b);
    const [death] = pick(deaths, c);
    return { number, swap, answer, channel, death, whim: Math.floor(random() * 1024) };
  });
}

function shuffled(size: number, random: () => number): number[] {
  const order = Array.from({ length: size }, (_, index) => index);
  for (let index = size - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other] as number, order[index] as number];
  }
  return order;
}

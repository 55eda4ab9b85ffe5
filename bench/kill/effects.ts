/** What has really happened: a line an effect, `tool order`. */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);

export const happened = (file: string, order: string): boolean =>
  linesOf(file).some((line) => line.endsWith(` ${order}`));

/** How often each order was carried out, by tool. */
export function countEffects(file: string): Record<'pay' | 'put' | 'look', Map<string, number>> {
  const counts = { pay: new Map<string, number>(), put: new Map<string, number>(), look: new Map<string, number>() };
  for (const line of linesOf(file)) {
    const [tool, order = ''] = line.split(' ');
    const count = counts[tool as keyof typeof counts];
    count.set(order, (count.get(order) ?? 0) + 1);
  }
  return counts;
}

/** How many effects a life has at most before it is ended. */
const mostEffects = 12;
const bytesAnEffect = 10;
const longestLifeMs = 10_000;

/** In the middle of things: after a few effects of this life, however slow the machine is, and a moment. */
export async function someEffects(file: string): Promise<void> {
  const enough = statSync(file).size + Math.random() * mostEffects * bytesAnEffect;
  const until = Date.now() + longestLifeMs;
  while (statSync(file).size < enough && Date.now() < until) await wait(5);
  await wait(Math.random() * 30);
}

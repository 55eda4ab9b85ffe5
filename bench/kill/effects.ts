/** What has really happened: a line an effect, `tool order`. */
import { readFileSync } from 'node:fs';

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

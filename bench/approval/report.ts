/** What came of the cases, as a table and two sentences. */
import type { Case } from './case.ts';
import type { Outcome } from './play.ts';

export interface Played {
  one: Case;
  outcome: Outcome;
}

export interface Figures {
  seed: number;
  /** Durable writes of a task that is not disturbed. */
  writes: number;
  bound: readonly Played[];
  /** The control: the same cases without bindings. */
  blind: readonly Played[];
}

/** @returns whether nothing left without an approval, and the control shows that something could have. */
export function report({ seed, writes, bound, blind }: Figures): boolean {
  const left = sum(bound, ({ left }) => left);
  const wrong = bound.filter(({ outcome }) => outcome.violations.length > 0);
  const found = blind.filter(({ outcome }) => outcome.violations.length > 0).length;
  const sides = (['channel', 'swap', 'answer'] as const).map((side) => table(side, bound));
  const firsts = wrong
    .slice(0, 10)
    .map(({ one, outcome }) => `case ${one.number}: ${JSON.stringify(one)}\n  ${outcome.violations.join('\n  ')}\n`);
  const holds = wrong.length === 0;
  process.stdout.write(
    `seed ${seed}; a task makes ${writes} durable writes, and died before or after one of them ${sum(bound, ({ deaths }) => deaths)} times\n\n` +
      `${sides.join('\n')}\n${firsts.join('')}` +
      `${holds ? 'met' : 'MISSED'}: ${bound.length} cases, ${left} calls that left, ${sum(bound, ({ violations }) => violations.length)} without a matching unused approval\n` +
      `${found > 0 ? 'met' : 'MISSED'}: without bindings, ${found} of ${blind.length} cases let something leave that nobody approved\n`,
  );
  return holds && found > 0;
}

const sum = (played: readonly Played[], of: (outcome: Outcome) => number): number =>
  played.reduce((all, { outcome }) => all + of(outcome), 0);

function table(side: 'channel' | 'swap' | 'answer', played: readonly Played[]): string {
  const rows = [...new Set(played.map(({ one }) => one[side]))].toSorted().map((name) => {
    const own = played.filter(({ one }) => one[side] === name);
    const counts = [own.length, sum(own, ({ deaths }) => deaths), sum(own, ({ left }) => left)];
    return [name, ...counts, sum(own, ({ violations }) => violations.length)].map(String);
  });
  const lines = [[side, 'cases', 'deaths', 'calls left', 'wrong'], ...rows];
  return lines
    .map(([name = '', ...rest]) => name.padEnd(22) + rest.map((cell) => cell.padStart(11)).join('') + '\n')
    .join('');
}

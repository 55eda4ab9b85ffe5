/** Random plans over the three levels. */
import type { Call, Plan } from '../networks/plan.ts';
import type { Random } from '../random.ts';
import { agentsEach } from './network.ts';

/** What one question to a model may cost at most. */
export const dearest = 400;

const tokensOf = (random: Random): [number, number] => [1 + random.below(dearest / 2), 1 + random.below(dearest / 2)];

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** @param name of the plan: all names in it begin with it and a dot. */
export function randomPlan(random: Random, name: string): Plan {
  const leafPlan = (say: string): Plan => ({
    say,
    tokens: tokensOf(random),
    turns: times(1 + random.below(3), (turn) => [{ tool: 'bank/tick', args: { order: `${say} ${turn}` } }]),
  });
  const nested = (say: string, level: string, planOf: (say: string) => Plan, most: number): Plan => ({
    say,
    tokens: tokensOf(random),
    turns: times(1 + random.below(2), (turn) =>
      times(1 + random.below(most), (index): Call => {
        const tool = `${level}/${level}-${random.below(agentsEach)}`;
        return { tool, plan: planOf(`${say}.${turn}${index}`) };
      }),
    ),
  });
  return nested(name, 'middle', (say) => nested(say, 'leaf', leafPlan, 3), 3);
}

/** Agents of the plan that may be at work side by side: each of them has its turn to overstep. */
export function slotsOf({ turns }: Plan): number {
  const wide = turns.map((calls) => calls.reduce((sum, call) => sum + ('plan' in call ? slotsOf(call.plan) : 0), 0));
  return Math.max(1, ...wide);
}

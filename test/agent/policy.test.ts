/** P1 to P3: deny beats ask beats allow; callers only narrow; without a rule, `read` is allowed and the rest asks. */
import { expect, test } from 'vitest';
import { type Policy, type ToolUse, type Verdict, verdictOf } from '../../src/agent/policy.ts';
import type { EffectClass } from '../../src/task/effect.ts';

type Decision = Verdict['decision'];
const says = (decision: Decision | undefined, rule = 'r'): Policy => ({
  version: 'v',
  judge: () => (decision === undefined ? undefined : { decision, rule }),
});
const use = (effect: EffectClass): ToolUse => ({ tool: 's/t', args: {}, effect, agent: 'a', owner: 'o' });
const said = ['allow', 'ask', 'deny', undefined] as const;
const strict = (decision: Decision | undefined): number => (decision === undefined ? -1 : said.indexOf(decision));

test.each<[EffectClass, Decision]>([
  ['read', 'allow'],
  ['idempotent', 'ask'],
  ['keyed', 'ask'],
  ['unsafe', 'ask'],
])('without a rule %s is: %s', (effect, decision) => {
  expect(verdictOf(use(effect), says(undefined), [])).toMatchObject({ decision });
  expect(verdictOf(use(effect), says(undefined), [says('allow')]).decision).toBe(decision);
});

test('of the agent and two callers the strictest holds, and an allow of callers is nothing', () => {
  for (const own of said)
    for (const first of said)
      for (const second of said) {
        const base = own ?? 'ask';
        const most = [base, first, second].reduce((a, b) => (strict(b) > strict(a) ? b : a)) ?? base;
        const { decision } = verdictOf(use('unsafe'), says(own), [says(first), says(second)]);
        expect([own, first, second, decision]).toEqual([own, first, second, most]);
      }
});

test('it names the rule that decided', () => {
  expect(verdictOf(use('read'), says('allow', 'mine'), [says('deny', 'theirs')]).rule).toBe('theirs');
  expect(verdictOf(use('read'), says('deny', 'mine'), [says('deny', 'theirs')]).rule).toBe('mine');
});

/** What crosses the border to another Deputy only narrows, over any number of them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Allowance,
  allowancesOf,
  budgetOf,
  defaultLimits,
  type Limits,
  type Spent,
} from '../../src/agent/limits.ts';
import { allowanceFrom, mandateOf, notHandedOn } from '../../src/agent/mandate.ts';
import { type Carried, type Policy, verdictOf } from '../../src/agent/policy.ts';
import { traceOf } from '../../src/agent/trace.ts';
import { type Mandate, mandateBounds } from '../../src/task/mandate.ts';
import { noUsage } from '../../src/task/usage.ts';
import { allowAll, usage } from './fakes.ts';

const policyOf = ({ deny, ask }: Carried): Policy => ({
  version: JSON.stringify([deny, ask]),
  judge({ tool }) {
    if (deny.includes(tool)) return { decision: 'deny', rule: 'caller: deny' };
    return ask.includes(tool) ? { decision: 'ask', rule: 'caller: ask' } : undefined;
  },
});

const patterns = fc.uniqueArray(fc.constantFrom('*/a', '*/b', '*/c', '*/d'), { maxLength: 3 });
const amount = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: undefined });

const mandates: fc.Arbitrary<Mandate> = fc
  .record({
    chain: fc.array(fc.record({ agent: fc.constantFrom('a', 'b'), deputy: fc.constantFrom('x', 'y') }), {
      maxLength: 4,
    }),
    depth: fc.integer({ min: -1, max: 9 }),
    agents: fc.integer({ min: 0, max: 1_000 }),
    tokens: amount(1e7),
    cost: amount(100),
    time: amount(1e8),
    deny: patterns,
    ask: patterns,
  })
  .map(given);

const limits: fc.Arbitrary<Limits> = fc
  .record({
    depth: fc.integer({ min: 0, max: 6 }),
    agents: fc.integer({ min: 0, max: 300 }),
    tokens: amount(1e6),
    cost: amount(10),
    time: amount(1e7),
  })
  .map((own) => ({ ...defaultLimits, ...given(own) }));

/** Without what is undefined. */
function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}

const spending = fc.record({
  tokens: fc.integer({ min: 0, max: 10_000 }),
  cost: fc.double({ min: 0, max: 1, noNaN: true }),
  agents: fc.integer({ min: 0, max: 20 }),
  time: fc.integer({ min: 0, max: 10_000 }),
  calls: fc.integer({ min: 1, max: 5 }),
});
type Spending = typeof spending extends fc.Arbitrary<infer T> ? T : never;

const spentOf = ({ tokens, cost, agents }: Spending): Spent => ({
  turns: 1,
  toolCalls: 1,
  agents,
  usage: usage(tokens, 0, cost),
});

const agentOf = (name: string, carried: Carried): { name: string; policy: Policy } => ({
  name,
  policy: { ...allowAll, carried },
});

const atMost = (a: number | undefined, b: number | undefined): boolean => (a ?? Infinity) <= (b ?? Infinity) + 1e-6;
const holds = (all: readonly string[], some: readonly string[]): boolean => some.every((one) => all.includes(one));

/** The mandates of each of the calls that one agent makes, `spend` after it began. */
function handedOn(
  allowance: Allowance | undefined,
  own: Limits,
  spend: Spending,
  name: string,
  rules: Carried,
): Mandate[] {
  const budget = budgetOf(own, 0, allowance);
  const left = budget.deadline === undefined ? undefined : budget.deadline - spend.time;
  const lent = allowancesOf(agentOf(name, rules), budget, spentOf(spend), spend.calls);
  return lent.map((one) => mandateOf(one, left));
}

const noRules: Carried = { deny: [], ask: [] };

test('whatever mandate comes in, the budget of the callee is no wider than without it, nor than the mandate', () => {
  fc.assert(
    fc.property(mandates, limits, fc.nat(1e9), (mandate, own, startedAt) => {
      const alone = budgetOf(own, startedAt);
      const under = budgetOf(own, startedAt, allowanceFrom(mandate, policyOf, startedAt));
      for (const kind of ['tokens', 'cost', 'deadline', 'depth', 'agents', 'turns', 'toolCalls', 'sameCall'] as const)
        expect(atMost(under[kind], alone[kind]), kind).toBe(true);
      expect(atMost(under.tokens, mandate.tokens)).toBe(true);
      expect(atMost(under.cost, mandate.cost)).toBe(true);
      expect(atMost(under.deadline, mandate.time === undefined ? undefined : startedAt + mandate.time)).toBe(true);
      expect(under.depth).toBeLessThanOrEqual(mandate.depth);
      expect(under.agents).toBeLessThan(Math.max(1, mandate.agents));
      expect(under.grants.size).toBe(0);
    }),
  );
});

test('over five Deputies, each of which spends and calls several, what is handed on only shrinks', () => {
  const hop = fc.record({ own: limits, spend: spending, rules: fc.record({ deny: patterns, ask: patterns }) });
  fc.assert(
    fc.property(mandates, fc.array(hop, { minLength: 5, maxLength: 5 }), (first, hops) => {
      let before = first;
      for (const [index, { own, spend, rules }] of hops.entries()) {
        const each = handedOn(allowanceFrom(before, policyOf, 0), own, spend, `hop${index}`, rules);
        for (const mandate of each) {
          expect(mandate.depth).toBeLessThan(before.depth);
          expect(atMost(mandate.tokens, before.tokens)).toBe(true);
          expect(atMost(mandate.cost, before.cost)).toBe(true);
          expect(atMost(mandate.time, before.time)).toBe(true);
          expect(holds(mandate.deny, [...before.deny, ...rules.deny])).toBe(true);
          expect(holds(mandate.ask, [...before.ask, ...rules.ask])).toBe(true);
          expect(mandate.chain).toEqual([...before.chain, { agent: `hop${index}` }]);
          expect([mandate.agents, mandate.tokens ?? 0, mandate.time ?? 0].every(Number.isSafeInteger)).toBe(true);
        }
        // Those side by side share it: together they get no more than one alone.
        const sum = (kind: 'agents' | 'tokens' | 'cost'): number =>
          each.reduce((all, one) => all + (one[kind] ?? 0), 0);
        expect(sum('agents')).toBeLessThanOrEqual(Math.max(0, before.agents - 1));
        if (before.tokens !== undefined) expect(sum('tokens')).toBeLessThanOrEqual(before.tokens + 1e-6);
        if (before.cost !== undefined) expect(atMost(sum('cost'), before.cost)).toBe(true);
        before = each[0] ?? before;
      }
    }),
  );
});

test('the control: a border that forgets the mandate widens it', () => {
  const narrow: Mandate = { chain: [], depth: 1, agents: 2, tokens: 10, deny: ['*/a'], ask: [] };
  const [forgotten] = handedOn(undefined, { ...defaultLimits, tokens: 100 }, { ...idle, calls: 1 }, 'a', noRules);
  const [kept] = handedOn(allowanceFrom(narrow, policyOf, 0), { ...defaultLimits, tokens: 100 }, idle, 'a', noRules);
  expect(forgotten).toMatchObject({ depth: 4, agents: 200, tokens: 100, deny: [] });
  expect(kept).toMatchObject({ depth: 0, agents: 1, tokens: 10, deny: ['*/a'] });
});

const idle: Spending = { tokens: 0, cost: 0, agents: 0, time: 0, calls: 1 };

describe('rules that are handed on', () => {
  const many = (kind: string, count: number): string[] => Array.from({ length: count }, (_, n) => `*/${kind}${n}`);
  const lent = (deny: readonly string[], ask: readonly string[]): Allowance => {
    const [allowance] = allowancesOf(agentOf('a', { deny, ask }), budgetOf(defaultLimits, 0), spentOf(idle), 1);
    if (allowance === undefined) throw new Error('nothing is lent');
    return allowance;
  };

  test('each stands there once, the own ones beside those of the callers', () => {
    const above = allowanceFrom({ chain: [], depth: 3, agents: 9, deny: ['*/a'], ask: ['*/b'] }, policyOf, 0);
    const [mandate] = handedOn(above, defaultLimits, idle, 'me', { deny: ['*/a', '*/c'], ask: ['*/b'] });
    expect(mandate).toMatchObject({ deny: ['*/a', '*/c'], ask: ['*/b'] });
  });

  test('as many as another Deputy takes are handed on as they are', () => {
    const most = mandateBounds.patterns;
    const allowance = lent(many('d', most), many('a', most));
    expect(notHandedOn(allowance)).toBeUndefined();
    expect(mandateOf(allowance, undefined)).toMatchObject({ deny: many('d', most), ask: many('a', most) });
  });

  test('where too many ask, or one is too long, every call asks', () => {
    for (const ask of [many('a', 101), [`*/${'x'.repeat(200)}`]])
      expect(mandateOf(lent([], ask), undefined).ask).toEqual(['*']);
  });

  test('where too many deny, or one is too long, nothing is handed on', () => {
    expect(notHandedOn(lent(many('d', 101), []))).toBe(
      'Not run: it and its callers have 101 rules that deny, where another Deputy takes 100 (permissions.deny).',
    );
    expect(notHandedOn(lent([`*/${'x'.repeat(200)}`], []))).toContain('more than 200 characters');
  });

  test('a chain that is longer than another Deputy takes is not handed on', () => {
    const above = Array.from({ length: 32 }, (_, n) => ({ agent: `a${n}`, deputy: 'x' }));
    expect(notHandedOn({ ...lent([], []), above: above.slice(1) })).toBeUndefined();
    expect(notHandedOn({ ...lent([], []), above })).toContain('a chain of 33 agents');
  });

  test('what the callers allow means nothing', () => {
    const careless: Policy = { version: 'v', judge: () => ({ decision: 'allow', rule: 'caller: allow' }) };
    const { callers } = allowanceFrom({ chain: [], depth: 1, agents: 1, deny: ['*/x'], ask: [] }, () => careless, 0);
    const asks: Policy = { version: 'own', judge: () => ({ decision: 'ask', rule: 'own: ask' }) };
    const use = { tool: 's/t', args: {}, effect: 'unsafe', agent: 'a', owner: 'ann' } as const;
    expect(callers).toHaveLength(1);
    expect(verdictOf(use, asks, callers)).toEqual({ decision: 'ask', rule: 'own: ask' });
    expect(verdictOf(use, { version: 'none', judge: () => undefined }, callers).decision).toBe('ask');
  });
});

test('time that is up, and what is overspent, leave nothing rather than less than nothing', () => {
  const own = { ...defaultLimits, tokens: 10, cost: 1, time: 100 };
  const [mandate] = handedOn(undefined, own, { ...idle, tokens: 25, cost: 2, time: 300 }, 'a', noRules);
  expect(mandate).toMatchObject({ tokens: 0, cost: 0, time: 0 });
  const [unpriced] = allowancesOf(
    agentOf('a', noRules),
    budgetOf(own, 0),
    { turns: 0, toolCalls: 0, agents: 0, usage: { ...noUsage, cost: null } },
    1,
  );
  expect(unpriced?.cost).toBe(0);
});

describe('the trace of a call', () => {
  const came = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

  test('goes on with the trace that came with the task, and its flags, with a span of its own', () => {
    const trace = traceOf({ task: 't', path: 'turn 1: call 1', trace: came });
    expect(trace).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[\da-f]{16}-00$/);
    expect(trace).not.toContain('00f067aa0ba902b7');
  });

  test('is begun where none came, or one that is none; the same for the same call, and a span for each', () => {
    const of = (path: string, trace?: string): string =>
      traceOf({ task: 't', path, ...(trace !== undefined && { trace }) });
    const begun = of('turn 1: call 1');
    expect(begun).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
    expect(of('turn 1: call 1')).toBe(begun);
    const none = [
      '',
      'x',
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      came.toUpperCase().replace('B', 'G'),
      `ff${came.slice(2)}`,
      `${came}-more`,
    ];
    expect(of('turn 1: call 1', `01${came.slice(2)}-more`)).toContain(came.slice(3, 35));
    for (const trace of none) expect(of('turn 1: call 1', trace)).toBe(begun);
    const other = of('turn 1: call 2');
    expect(other.slice(0, 36)).toBe(begun.slice(0, 36));
    expect(other).not.toBe(begun);
    expect(traceOf({ task: 'u', path: 'turn 1: call 1' }).slice(3, 35)).not.toBe(begun.slice(3, 35));
  });
});

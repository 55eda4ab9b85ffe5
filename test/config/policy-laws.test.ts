import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ToolUse } from '../../src/agent/policy.ts';
import { compileCondition } from '../../src/config/condition.ts';
import { policyOf, type Rule } from '../../src/config/permissions.ts';
import type { JsonObject } from '../../src/json.ts';
import { compileRuleGlob } from '../../src/config/tool-globs.ts';

/** Conditions, each with what it says of `{ n }`: undefined where it cannot be evaluated. */
const conditions: [text: string | undefined, says: (n: unknown) => boolean | undefined][] = [
  [undefined, () => true],
  ['true', () => true],
  ['false', () => false],
  ['args.n > 2', (n) => (typeof n === 'number' ? n > 2 : undefined)],
  ["args.n.startsWith('a')", (n) => (typeof n === 'string' ? n.startsWith('a') : undefined)],
  ['args.gone', () => undefined],
];
const tools = ['files/read', 'files/write', 'git/push', 'writer', 'ask_person'];
const patterns: [pattern: string, reaches: string[]][] = [
  ['*', tools],
  ['*/*', ['files/read', 'files/write', 'git/push']],
  ['files/*', ['files/read', 'files/write']],
  ['*/push', ['git/push']],
  ['git/push', ['git/push']],
  ['writer', ['writer']],
  ['ask_*', ['ask_person']],
];

const rule = fc.record({
  decision: fc.constantFrom<Rule['decision'][]>('allow', 'ask', 'deny'),
  pattern: fc.constantFrom(...patterns),
  condition: fc.constantFrom(...conditions),
});

function ruleOf(decision: Rule['decision'], pattern: string, text: string | undefined, place: string): Rule {
  const when = text === undefined ? undefined : compileCondition(text);
  if (when !== undefined && !('holds' in when)) throw new Error(when.fault);
  return { decision, pattern, matches: compileRuleGlob(pattern), place, ...(when !== undefined && { when }) };
}

const useOf = (tool: string, args: JsonObject): ToolUse => ({ tool, args, effect: 'unsafe', agent: 'a', owner: 'o' });

test('of all rules that match the strictest decides, and what cannot be said is said against the call', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 6 }),
      fc.constantFrom(...tools),
      fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b', null, undefined)),
      (rules, tool, n) => {
        const policy = policyOf(
          rules.map(({ decision, pattern, condition }, index) =>
            ruleOf(decision, pattern[0], condition[0], `agents.yaml:${index}:1`),
          ),
        );
        const matching = rules.filter(
          ({ decision, pattern, condition }) => pattern[1].includes(tool) && (condition[1](n) ?? decision !== 'allow'),
        );
        const expected = (['deny', 'ask', 'allow'] as const).find((one) =>
          matching.some(({ decision }) => decision === one),
        );
        const verdict = policy.judge(useOf(tool, n === undefined ? {} : { n }));
        expect(verdict?.decision).toBe(expected);
        const first = rules.findIndex((one) => one.decision === expected && matching.includes(one));
        if (verdict !== undefined) expect(verdict.rule).toContain(`agents.yaml:${first}:1 ${verdict.decision} `);
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test('whatever text is given as a condition compiles or is refused with a place inside it', () => {
  const words = `args . n ( ) [ ] 'a' == && || ! 1 - , { } : ? exists matches size x has in split // " \\ r" null > + 漢`;
  const part = fc.constantFrom(' ', '\n', 'args.n', '.exists(x, x', ...words.split(' '));
  let compiles = 0;
  const atom = fc.constantFrom(
    'args.n[0] == 1',
    "args.n.exists(x, x == 'a')",
    'has(args.n)',
    '!args.f',
    "'a' in args.n",
  );
  const sound = fc.array(atom, { minLength: 1, maxLength: 4 }).map((atoms) => atoms.join(' && '));
  const cut = fc.tuple(sound, fc.nat(60)).map(([all, at]) => all.slice(0, at) + all.slice(at + 1));
  const random = fc.array(part, { maxLength: 14 }).map((parts) => parts.join(''));
  const text = fc.oneof(sound, cut, random, fc.string({ maxLength: 40 }));
  fc.assert(
    fc.property(text, (written) => {
      const compiled = compileCondition(written);
      if ('holds' in compiled) {
        compiles += 1;
        const met = compiled.holds(useOf('git/push', { n: [1, 'a', { x: null }] }));
        expect(typeof met === 'boolean' || typeof met.fault === 'string').toBe(true);
        return;
      }
      expect(compiled.fault).not.toBe('');
      const { start, end } = compiled.range ?? { start: 0, end: 0 };
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(written.trim().length);
    }),
    { seed: 7, numRuns: 1000 },
  );
  expect(compiles).toBeGreaterThan(200);
});

test('whatever the arguments hold, a condition answers', () => {
  const all = [
    "args.a.b[0].c == 'x' || args.a.exists(one, one.matches('^(a+)+$'))",
    "args.a.split('/').all(part, part != '..') && size(args.a) < int(args.b)",
    'args.a in args.b && args.a + args.b > args.c',
  ].map((text) => compileCondition(text));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), fc.jsonValue()), (args) => {
      for (const compiled of all) {
        if (!('holds' in compiled)) throw new Error(compiled.fault);
        const met = compiled.holds(useOf('git/push', args as JsonObject));
        expect(typeof met === 'boolean' || typeof met.fault === 'string').toBe(true);
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verdictOf, type ToolUse } from '../../src/agent/policy.ts';
import { policyOfCarried } from '../../src/config/carried.ts';
import { accepted, minimal } from './fixture.ts';

const use = (tool: string): ToolUse => ({ tool, args: {}, effect: 'unsafe', agent: 'a', owner: 'o' });

describe('rules that hold in other Deputies', () => {
  test('are those about tools of any server, without a condition; those of the file come along', async () => {
    const { config } = await accepted(
      minimal(
        `mcpServers: { files: { command: x }, db: { command: x } }
permissions: { deny: ["*/drop_*", "*/drop_*"], ask: ["*"] }
`,
        `    tools: [files/*, db/*, ask_person]
    permissions:
      allow: ["*/read_*"]
      deny: ["d?/*", "files/write", "{files,db}/rm", { tool: "*/send", when: args.all }]
      ask: ["f*/send", a, "*person"]
`,
      ),
    );
    expect(config.agents[0]?.policy.carried).toEqual({ deny: ['d?/*', '*/drop_*'], ask: ['f*/send', '*'] });
  });

  test('are none where no rule speaks of any server', async () => {
    const { config } = await accepted(minimal('mcpServers: { s: { command: x } }\npermissions: { deny: [s/x] }\n'));
    expect(config.agents[0]?.policy).not.toHaveProperty('carried');
  });

  test('decide there as they do here, are named as the rules of a caller, and are handed on', () => {
    const carried = { deny: ['*/drop_*'], ask: ['b*/pay', '*/drop_table'] };
    const policy = policyOfCarried(carried);
    expect(policy.judge(use('db/drop_table'))).toEqual({ decision: 'deny', rule: "caller's rule: deny */drop_*" });
    expect(policy.judge(use('bank/pay'))).toEqual({ decision: 'ask', rule: "caller's rule: ask b*/pay" });
    expect(policy.judge(use('db/drop_x/./y\n/.'))).toMatchObject({ decision: 'deny' });
    expect(policy.judge(use('files/read'))).toBeUndefined();
    expect(policy.judge(use('drop_agent'))).toBeUndefined();
    expect(policy.carried).toEqual(carried);
    expect(policyOfCarried({ deny: ['*'], ask: [] }).judge(use('drop_agent'))).toMatchObject({ decision: 'deny' });
  });

  test('are another policy where they are others', () => {
    const versionOf = (deny: string[], ask: string[]) => policyOfCarried({ deny, ask }).version;
    expect(versionOf(['*/a', '*/b'], [])).toBe(versionOf(['*/b', '*/a', '*/b'], []));
    expect(versionOf(['*/a'], [])).not.toBe(versionOf([], ['*/a']));
  });

  test.each([
    '',
    '/x',
    'x/',
    '*/a*b*c*d*e',
    '!(*)/x',
    '*/[a-z]',
    `*/${'x'.repeat(300)}`,
    'a b/c',
    '*/\\d',
    '*/{a,{b,c}}',
    '*/{a',
    '{a/b,c}',
    '*/{1..9}',
    '*/(a+)+',
  ])('a glob %j that cannot be read is about every call, never about none', (pattern) => {
    const policy = policyOfCarried({ deny: [], ask: [pattern] });
    expect(policy.judge(use('files/read'))).toMatchObject({
      decision: 'ask',
      rule: expect.stringMatching(/^caller's rule: ask ".*", which .*, so it is about all$/s),
    });
    expect(policyOfCarried({ deny: [pattern], ask: [] }).judge(use('x'))).toMatchObject({ decision: 'deny' });
  });

  test('with choices that multiply, or stars that could stand anywhere, take no time', () => {
    const policy = policyOfCarried({ deny: [`*/${'{a,aa}'.repeat(6)}b`, '*/*a*a*b'], ask: [] });
    expect(policy.judge(use(`s/${'a'.repeat(100_000)}`))).toBeUndefined();
    expect(policy.judge(use('s/aaaaaaaab'))).toMatchObject({ decision: 'deny' });
    expect(policyOfCarried({ deny: [`*/${'{a,aa}'.repeat(32)}b`], ask: [] }).judge(use('s/x'))).toMatchObject({
      rule: expect.stringContaining('which has too many choices'),
    });
  });

  test('whatever comes is compiled without harm, quickly, and only makes a verdict stricter', () => {
    const piece = fc.constantFrom(
      '*',
      '?',
      '{',
      '}',
      ',',
      '/',
      'a',
      '{a,b}',
      '..',
      '{1..9999}',
      '+',
      '@',
      '$',
      '^',
      '|',
      '.',
    );
    const pattern = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('').slice(0, 200));
    const name = fc.constantFrom('files/read', `a/${'a'.repeat(200)}`, 'agent', 'ask_person', '__proto__/x');
    const rank = { allow: 0, ask: 1, deny: 2 };
    const own = policyOfCarried({ deny: [], ask: [] });
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), fc.array(pattern, { maxLength: 5 }), name, (deny, ask, tool) => {
        const alone = verdictOf({ ...use(tool), effect: 'read' }, own, []);
        const with_ = verdictOf({ ...use(tool), effect: 'read' }, own, [policyOfCarried({ deny, ask })]);
        expect(rank[with_.decision]).toBeGreaterThanOrEqual(rank[alone.decision]);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

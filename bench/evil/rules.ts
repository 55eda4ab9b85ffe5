/**
 * Rules, twice: as Deputy compiles them, and as anybody would read them. The second reading is the oracle, so it shares
 * nothing with the first: no globs of a library, no CEL.
 */
import type { ToolUse } from '../../src/agent/policy.ts';
import { compileCondition } from '../../src/config/condition.ts';
import { type AgentPolicy, policyOf, type Rule } from '../../src/config/permissions.ts';
import { compileRuleGlob } from '../../src/config/tool-globs.ts';
import type { Random } from '../random.ts';

type Decision = Rule['decision'];

export interface PlainRule {
  decision: Decision;
  pattern: string;
  when?: (typeof conditions)[number];
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Each with what it says of a call: undefined where it cannot be said. */
const conditions: { text: string; says: (use: ToolUse) => boolean | undefined }[] = [
  {
    text: 'args.amount > 100',
    says: ({ args: { amount } }) => (typeof amount === 'number' ? amount > 100 : undefined),
  },
  {
    text: "has(args.path) && args.path.startsWith('/etc')",
    says: ({ args }) =>
      !Object.hasOwn(args, 'path') ? false : isText(args['path']) ? args['path'].startsWith('/etc') : undefined,
  },
  { text: "owner == 'ann'", says: ({ owner }) => owner === 'ann' },
  { text: "agent != 'lead'", says: ({ agent }) => agent !== 'lead' },
  { text: "effect == 'unsafe' || effect == 'keyed'", says: ({ effect }) => effect === 'unsafe' || effect === 'keyed' },
  { text: 'args.gone', says: () => undefined },
];

const patterns = ['*', '*/*', 'pay/*', '*/pay', 'files/*', 'files/w*', 'files/read', 'web/fetch', 'h*', 'ask_person'];
const decisions: Decision[] = ['allow', 'allow', 'allow', 'ask', 'ask', 'deny'];

export const randomRules = (random: Random): PlainRule[] =>
  Array.from({ length: random.below(5) }, () => ({
    decision: random.of(decisions),
    pattern: random.of(patterns),
    ...(random.isOneIn(3) && { when: random.of(conditions) }),
  }));

/** As the configuration does. */
export const compiled = (rules: readonly PlainRule[]): AgentPolicy =>
  policyOf(
    rules.map(({ decision, pattern, when }, index): Rule => {
      const condition = when === undefined ? undefined : compileCondition(when.text);
      if (condition !== undefined && !('holds' in condition)) throw new Error(condition.fault);
      return {
        decision,
        pattern,
        matches: compileRuleGlob(pattern),
        place: `agents.yaml:${index + 1}:5`,
        ...(condition !== undefined && { when: condition }),
      };
    }),
  );

/**
 * What holds for a call: deny beats ask beats allow; what cannot be said is said against the call; callers only narrow;
 * where nothing is said, `read` is allowed and the rest asks.
 * @param callers their rules, from the task's own agent down.
 */
export function verdict(use: ToolUse, own: readonly PlainRule[], callers: readonly (readonly PlainRule[])[]): Decision {
  const said = [
    decided(use, own) ?? (use.effect === 'read' ? 'allow' : 'ask'),
    ...callers.map((rules) => decided(use, rules)),
  ];
  return (['deny', 'ask'] as const).find((one) => said.includes(one)) ?? 'allow';
}

function decided(use: ToolUse, rules: readonly PlainRule[]): Decision | undefined {
  const holding = rules.filter(
    ({ decision, pattern, when }) =>
      reaches(pattern, use.tool) && (when === undefined || (when.says(use) ?? decision !== 'allow')),
  );
  return (['deny', 'ask', 'allow'] as const).find((one) => holding.some(({ decision }) => decision === one));
}

/** The server's part and the tool's; a pattern without a server means agents and our own tools, and `*` means all. */
function reaches(pattern: string, id: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.includes('/') || !id.includes('/'))
    return pattern.includes('/') === id.includes('/') && like(pattern, id);
  const [server = '', tool = ''] = pattern.split('/');
  const [ofServer = '', ofTool = ''] = id.split('/');
  return like(server, ofServer) && like(tool, ofTool);
}

/** One star at most: at the end, at the beginning, or all of it. */
function like(pattern: string, name: string): boolean {
  const [before = '', after] = pattern.split('*');
  return after === undefined ? pattern === name : name.startsWith(before) && name.endsWith(after);
}

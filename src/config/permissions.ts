/** Rules about tool calls, put together into the policy of one agent. What decides among them: `src/agent/policy.ts`, P1. */
import type { Carried, Policy, ToolUse, Verdict } from '../agent/policy.ts';
import { sha256 } from '../hash.ts';
import type { Condition, Met } from './condition.ts';

export type Decision = Verdict['decision'];

export interface Rule {
  decision: Decision;
  /** As it is written. */
  pattern: string;
  /** Whether it is about this tool at all. */
  matches(tool: string): boolean;
  when?: Condition;
  /** Of an ask. */
  expiresInMs?: number;
  /** `agents.yaml:12:7`, the file relative to the root. */
  place: string;
}

export interface AgentPolicy extends Policy {
  /** The agent's own, then those of the file, each in the order of their declaration: deny, ask, allow. */
  readonly rules: readonly Rule[];
}

export function policyOf(rules: readonly Rule[]): AgentPolicy {
  const carried = carriedBy(rules);
  return {
    rules,
    version: versionOf(rules),
    ...(carried !== undefined && { carried }),
    judge(use) {
      let verdict: Verdict | undefined;
      for (const rule of rules) {
        if (!rule.matches(use.tool)) continue;
        const met = metBy(rule, use);
        if (!applies(rule, met)) continue;
        const next = verdictBy(rule, met);
        if (verdict === undefined || isStricter(next, verdict)) verdict = next;
      }
      return verdict;
    },
  };
}

export const metBy = ({ when }: Rule, use: ToolUse): Met => when?.holds(use) ?? true;

/** What cannot be evaluated is taken to hold, but for what it would allow. */
export const applies = (rule: Rule, met: Met): boolean => (typeof met === 'boolean' ? met : rule.decision !== 'allow');

/** `agents.yaml:12:7 ask files/write_file when args.size > 5`. */
export const ruleText = ({ place, decision, pattern, when }: Rule): string =>
  `${place} ${decision} ${pattern}${when === undefined ? '' : ` when ${when.text}`}`;

function verdictBy(rule: Rule, met: Met): Verdict {
  const unclear = typeof met === 'boolean' ? '' : ` (which cannot be said of this call: ${met.fault})`;
  return {
    decision: rule.decision,
    rule: ruleText(rule) + unclear,
    ...(rule.expiresInMs !== undefined && { expiresInMs: rule.expiresInMs }),
  };
}

const strictness: Readonly<Record<Decision, number>> = { allow: 0, ask: 1, deny: 2 };
const defaultExpiry = 24 * 3_600_000;

/** Of two that ask, the one that waits less; of equals the first. */
function isStricter(a: Verdict, b: Verdict): boolean {
  if (a.decision !== b.decision) return strictness[a.decision] > strictness[b.decision];
  return a.decision === 'ask' && (a.expiresInMs ?? defaultExpiry) < (b.expiresInMs ?? defaultExpiry);
}

/**
 * The rules that speak about tools of any server, and that need no arguments to be judged: they hold in other Deputies
 * too. A server's name means nothing there, and neither does an agent's.
 */
function carriedBy(rules: readonly Rule[]): Carried | undefined {
  const of = (decision: Decision): string[] => {
    const carried = rules.filter(
      (rule) => rule.decision === decision && rule.when === undefined && isOfAnyServer(rule),
    );
    return [...new Set(carried.map(({ pattern }) => pattern))];
  };
  const [deny, ask] = [of('deny'), of('ask')];
  return deny.length === 0 && ask.length === 0 ? undefined : { deny, ask };
}

const isOfAnyServer = ({ pattern }: Rule): boolean => /^\*+$/.test(pattern) || /^[^/]*[*?][^/]*\//.test(pattern);

/** The same for the same rules, wherever and in whatever order they stand. */
function versionOf(rules: readonly Rule[]): string {
  const canonical = rules.map(({ decision, pattern, when, expiresInMs }) =>
    JSON.stringify([decision, pattern, when?.text ?? null, expiresInMs ?? null]),
  );
  return sha256([...new Set(canonical)].toSorted().join('\n'));
}

/**
 * Which tool calls may be made, which want a person, which are forbidden. Rules come compiled (`src/config`): here they
 * are predicates.
 *
 * Invariants:
 *   P1. Deny beats ask beats allow, among all rules that match: those of the network, of the agent, of its callers.
 *   P2. Callers only narrow: their allow means nothing here.
 *   P3. Where no rule matches, `read` is allowed and everything else asks.
 */
import type { JsonObject } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';

/** One tool call, as rules see it. */
export interface ToolUse {
  /** `server/tool`. */
  tool: string;
  args: JsonObject;
  effect: EffectClass;
  agent: string;
  owner: string;
}

export interface Verdict {
  decision: 'allow' | 'ask' | 'deny';
  /** What decided, for people and the record: `agents.yaml:12:7 ask files/write_file`. */
  rule: string;
  /** Of an ask: how long it waits for a person. Default 24 h. */
  expiresInMs?: number;
}

export interface Policy {
  /** Another one for other rules: what a person approved under one policy is not approved under another. */
  readonly version: string;
  /**
   * The strictest rule that matches, undefined where none does. A condition that cannot be evaluated matches where the
   * rule asks or denies, and does not where it allows.
   */
  judge(use: ToolUse): Verdict | undefined;
  /** Its rules that hold in other Deputies too: about tools of any server, and without a condition. Default: none. */
  readonly carried?: Carried;
}

/** `server/tool` globs; `*` is about every call. */
export interface Carried {
  readonly deny: readonly string[];
  readonly ask: readonly string[];
}

const strictness = { allow: 0, ask: 1, deny: 2 } as const;

export function verdictOf(use: ToolUse, own: Policy, callers: readonly Policy[]): Verdict {
  let verdict = own.judge(use);
  verdict ??=
    use.effect === 'read'
      ? { decision: 'allow', rule: 'default: read is allowed' }
      : { decision: 'ask', rule: `default: ${use.effect} asks` };
  for (const caller of callers) {
    const theirs = caller.judge(use);
    if (theirs !== undefined && strictness[theirs.decision] > strictness[verdict.decision]) verdict = theirs;
  }
  return verdict;
}

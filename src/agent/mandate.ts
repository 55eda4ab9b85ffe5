/**
 * An allowance as it crosses the border to another Deputy: what our agent leaves to theirs, and what theirs left to ours.
 *
 * Invariants:
 *   M1. What comes in only narrows (B3): limits are the least of ours and theirs, their rules deny and ask and allow
 *       nothing, what people granted there is not granted here.
 *   M2. What goes out is what an agent of this network would get for the same call, in whole tokens and milliseconds. What
 *       does not fit is never left out: rules that ask become one that asks about every call, and where too many deny, the
 *       call is not made.
 */
import { type Link, type Mandate, mandateBounds } from '../task/mandate.ts';
import type { Allowance } from './limits.ts';
import type { Carried, Policy } from './policy.ts';

/** @param left milliseconds of work time until the deadline; undefined where there is none. */
export function mandateOf(lent: Allowance, left: number | undefined): Mandate {
  const { tokens, cost, depth, agents } = lent;
  const { deny, ask } = carriedBy(lent.callers);
  return {
    chain: linksOf(lent),
    depth,
    agents,
    ...(tokens !== undefined && { tokens: Math.max(0, Math.floor(tokens)) }),
    ...(cost !== undefined && { cost: Math.max(0, cost) }),
    ...(left !== undefined && { time: Math.max(0, Math.floor(left)) }),
    deny,
    ask: ask.some(isTooLong) || ask.length > mandateBounds.patterns ? [everything] : ask,
  };
}

/** The glob that is about every call. */
const everything = '*';

const isTooLong = (pattern: string): boolean => pattern.length > mandateBounds.text;

/** From the first task's own agent down to the one that calls. */
const linksOf = ({ above, chain }: Allowance): Link[] => [...above, ...chain.map((agent) => ({ agent }))];

/** The rules of all who called, each once. */
function carriedBy(policies: readonly Policy[]): Carried {
  const all = (kind: keyof Carried): string[] => [...new Set(policies.flatMap(({ carried }) => carried?.[kind] ?? []))];
  return { deny: all('deny'), ask: all('ask') };
}

/** Why nothing can be left to an agent of another Deputy, for the model; undefined where it can. */
export function notHandedOn(lent: Allowance): string | undefined {
  const links = linksOf(lent).length;
  if (links > mandateBounds.links)
    return `Not run: a chain of ${links} agents cannot be handed on to another Deputy, which takes ${mandateBounds.links}.`;
  const { deny } = carriedBy(lent.callers);
  const tooLong = deny.find(isTooLong);
  if (deny.length <= mandateBounds.patterns && tooLong === undefined) return undefined;
  const fault =
    tooLong === undefined
      ? `${deny.length} rules that deny, where another Deputy takes ${mandateBounds.patterns}`
      : `a rule that denies with more than ${mandateBounds.text} characters, which no other Deputy takes`;
  return `Not run: it and its callers have ${fault} (permissions.deny).`;
}

/**
 * What a task's own agent may spend that an agent of another Deputy called.
 * @param mandate checked where it came in.
 * @param policyOf makes its rules ours: what they are about and what they decide. Their version is the same for the same
 *     rules, in every process.
 * @param startedAt by work time.
 */
export function allowanceFrom(mandate: Mandate, policyOf: (carried: Carried) => Policy, startedAt: number): Allowance {
  const { chain, depth, agents, tokens, cost, time, deny, ask } = mandate;
  const carried: Carried = { deny, ask };
  return {
    depth,
    agents,
    above: chain,
    chain: [],
    callers: deny.length + ask.length === 0 ? [] : [handedOn(policyOf(carried), carried)],
    grants: new Set(),
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    ...(time !== undefined && { deadline: startedAt + time }),
  };
}

const handedOn = (policy: Policy, carried: Carried): Policy => ({
  version: policy.version,
  judge: (use) => policy.judge(use),
  carried,
});

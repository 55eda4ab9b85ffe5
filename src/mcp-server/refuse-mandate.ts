import { randomUUID } from 'node:crypto';
import { shownChain } from '../agent/visible.ts';
import type { Mandate } from '../task/mandate.ts';

/** Where nobody said which Deputy this is: circles through this process are seen, those over a restart are not. */
const ownIdentity: string = randomUUID();

/**
 * Why an agent does not work for this caller, in words that the caller's model can act on; undefined where it does. A
 * caller whose mandate was lost on the way is bounded by what one owner may have at work (`owner-limits.ts`).
 */
export function refuseMandate(
  { chain, depth, agents }: Mandate,
  { name }: { name: string },
  identity = ownIdentity,
): string | undefined {
  const who = shownChain([...chain.map((link) => link.agent), name]);
  if (chain.some(({ agent, deputy }) => agent === name && deputy === identity)) {
    return `Not run: ${who} would go round in a circle: ${name} is already at work above this call. Go on without calling it again.`;
  }
  if (depth < 0) {
    return `Not run: ${who} would be nested too deep: the agents above allow no further level (limits.depth). Go on without it.`;
  }
  if (agents < 1) {
    return `Not run: ${who} would be one agent too many: the agents above allow no further one (limits.agents). Go on without it.`;
  }
  return undefined;
}

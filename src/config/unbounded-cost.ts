/** Agents that other people may call, and whose models cost money without a bound of money or tokens. */
import { modelsOf } from './models-of.ts';
import type { AgentConfig } from './config.ts';
import { isWritten, keyOf, type Declarations } from './declarations.ts';
import { agentsBelow, type NetworkAgent, type NetworkTree } from './network-tree.ts';
import type { Problems } from './problem.ts';

/**
 * Turns and calls are always limited, but what a turn costs grows with its prompt. Whoever calls alone pays for
 * themselves; where `serve.auth` lets others in, somebody else does.
 */
export function warnUnboundedCost(tree: NetworkTree, declarations: Declarations, problems: Problems): void {
  const { agents, serve } = tree.config;
  if (serve.auth === undefined) return;
  for (const agent of agents) {
    const { name } = agent;
    const declared = declarations.agents.get(name);
    if (declared === undefined || !serve.expose.includes(name)) continue;
    if (isBounded(agent) || !spendsMoney({ tree, agent }, new Set())) continue;
    const place = isWritten(declared, 'limits') ? keyOf(declared, 'limits') : keyOf(declared);
    problems.warn('W_COST', place, `agents.${name} may cost its callers' host any amount: no limit of cost or tokens`, {
      help: `give it one: agents.${name}.limits: { cost: 2 USD }`,
    });
  }
}

/** Its own model, or one of an agent below that has no bound of its own. */
function spendsMoney(node: NetworkAgent, seen: Set<AgentConfig>): boolean {
  const { agent } = node;
  if (seen.has(agent) || (seen.size > 0 && isBounded(agent))) return false;
  seen.add(agent);
  return (
    modelsOf(agent).some(({ provider }) => provider !== 'scripted') ||
    agentsBelow(node).some((below) => spendsMoney(below, seen))
  );
}

const isBounded = ({ limits }: AgentConfig): boolean => limits.cost !== undefined || limits.tokens !== undefined;

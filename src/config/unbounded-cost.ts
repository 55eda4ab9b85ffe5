/** Agents that other people may call, and whose models cost money without a bound of money or tokens. */
import { modelsOf } from './models-of.ts';
import type { AgentConfig, ServeConfig } from './config.ts';
import { isWritten, keyOf, type Declarations } from './declarations.ts';
import type { Problems } from './problem.ts';

/**
 * Turns and calls are always limited, but what a turn costs grows with its prompt. Whoever calls alone pays for
 * themselves; where `serve.auth` lets others in, somebody else does.
 */
export function warnUnboundedCost(
  { agents, serve }: { agents: AgentConfig[]; serve: ServeConfig },
  declarations: Declarations,
  problems: Problems,
): void {
  if (serve.auth === undefined) return;
  for (const { name, limits } of agents) {
    const declared = declarations.agents.get(name);
    if (declared === undefined || !serve.expose.includes(name)) continue;
    if (limits.cost !== undefined || limits.tokens !== undefined || !spendsMoney(name, agents, [])) continue;
    const place = isWritten(declared, 'limits') ? keyOf(declared, 'limits') : keyOf(declared);
    problems.warn('W_COST', place, `agents.${name} may cost its callers' host any amount: no limit of cost or tokens`, {
      help: `give it one: agents.${name}.limits: { cost: 2 USD }`,
    });
  }
}

/** Its own model, or one of an agent below that has no bound of its own. */
function spendsMoney(name: string, agents: AgentConfig[], above: readonly string[]): boolean {
  const agent = agents.find((one) => one.name === name);
  if (agent === undefined || above.includes(name)) return false;
  if (above.length > 0 && (agent.limits.cost !== undefined || agent.limits.tokens !== undefined)) return false;
  return (
    modelsOf(agent).some(({ provider }) => provider !== 'scripted') ||
    agent.agents.some((child) => spendsMoney(child, agents, [...above, name]))
  );
}

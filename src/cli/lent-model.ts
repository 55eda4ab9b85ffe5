import type { Config } from '../config/config.ts';
import { UsageError } from '../errors.ts';
import { named } from './globals.ts';

/**
 * A command has no model to lend to agents of `model: client`.
 * @throws UsageError the agent is one, or runs one in its steps.
 */
export function refuseLentModel(config: Config, agent: string): void {
  const chain = chainToClient(config, agent, []);
  if (chain === undefined) return;
  const client = chain.at(-1);
  throw new UsageError(
    `${chain.join(' > ')} thinks with its caller's model (model: client), and this command has none to lend.\n` +
      `help: serve it to an MCP host that has one, let an agent with a model call it, or give it one: agents.${client}.model`,
  );
}

/** From an agent down to one that would ask the command for a model; agents in between are composed. */
function chainToClient(config: Config, name: string, above: readonly string[]): string[] | undefined {
  const { model, agents } = named(config.agents, name, 'agent');
  const chain = [...above, name];
  if (model.provider === 'client') return chain;
  if (model.provider !== 'plan' || above.includes(name)) return undefined;
  for (const child of agents) {
    const found = chainToClient(config, child, chain);
    if (found !== undefined) return found;
  }
  return undefined;
}

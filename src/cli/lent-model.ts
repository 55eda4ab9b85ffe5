import type { Config } from '../config/config.ts';
import { lentModels } from '../config/lent-models.ts';
import { UsageError } from '../errors.ts';

/**
 * A command has no model to lend to agents of `model: client`.
 * @throws UsageError the agent is one, or runs one in its steps.
 */
export function refuseLentModel(config: Config, agent: string): void {
  const [chain] = lentModels(config, agent);
  if (chain === undefined) return;
  const names = chain.map(({ name }) => name);
  const client = names.at(-1);
  throw new UsageError(
    `${names.join(' > ')} thinks with its caller's model (model: client), and this command has none to lend.\n` +
      `help: serve it to an MCP host that has one, let an agent with a model call it, or give it one: agents.${client}.model`,
  );
}

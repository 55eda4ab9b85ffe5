import type { AgentConfig, Config } from './config.ts';

/**
 * Which agents would think with the model of whoever calls `name`: each as the way down to it, through composed agents,
 * which have none of their own to lend. None where it brings its own.
 */
export function lentModels({ agents }: Pick<Config, 'agents'>, name: string): AgentConfig[][] {
  const below = (name: string, above: readonly AgentConfig[]): AgentConfig[][] => {
    const agent = agents.find((one) => one.name === name);
    if (agent === undefined || above.includes(agent)) return [];
    const chain = [...above, agent];
    if (agent.model.provider === 'client') return [chain];
    return agent.model.provider === 'plan' ? agent.agents.flatMap((child) => below(child, chain)) : [];
  };
  return below(name, []);
}

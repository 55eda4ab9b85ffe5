/** A configuration, with those of the Deputies that its servers start: as far as their files could be read. */
import type { AgentConfig, Config } from './config.ts';

export interface NetworkTree {
  config: Pick<Config, 'file' | 'agents' | 'servers' | 'serve'>;
  /** By the name of the server. May lead back to this one. */
  others: ReadonlyMap<string, NetworkTree>;
}

export interface NetworkAgent {
  tree: NetworkTree;
  agent: AgentConfig;
}

export interface AgentBelow extends NetworkAgent {
  /** The server, where it is an agent of another Deputy. */
  server?: string;
}

/** The agents that an agent has as tools, those of other Deputies included. */
export function agentsBelow({ tree, agent }: NetworkAgent): AgentBelow[] {
  const own = agent.agents.flatMap((name) => agentNamed(tree, name).map((below) => ({ tree, agent: below })));
  const theirs = [...tree.others].flatMap(([server, other]) =>
    exposedBy(other)
      .filter(({ name }) => agent.tools.matches(toolId(tree, server, name)))
      .map((below) => ({ tree: other, agent: below, server })),
  );
  return [...own, ...theirs];
}

/** `server/tool`, as agents name an agent of another Deputy. */
export function toolId({ config }: NetworkTree, server: string, agent: string): string {
  const rules = config.servers.find(({ name }) => name === server)?.tools ?? [];
  return `${server}/${rules.find(({ pattern }) => pattern === agent)?.rename ?? agent}`;
}

export const exposedBy = (tree: NetworkTree): AgentConfig[] =>
  tree.config.serve.expose.flatMap((name) => agentNamed(tree, name));

const agentNamed = ({ config }: NetworkTree, name: string): AgentConfig[] =>
  config.agents.filter((agent) => agent.name === name);

/** A network as data: what calls what, and which rules stand between. The shape is a promise to whoever reads it. */
import type { PlanStep } from '../agent/plan.ts';
import type { AgentConfig, Config, ServerConfig } from './config.ts';
import { modelsOf } from './models-of.ts';
import { agentsBelow, toolId, type AgentBelow, type NetworkTree } from './network-tree.ts';
import type { Rule } from './permissions.ts';
import { shownPath } from './source.ts';
import { serverMatcher } from './tool-globs.ts';

export interface NetworkGraph {
  /** The Deputies: first the one that was asked for, then those that its servers start and whose files could be read. */
  deputies: GraphDeputy[];
  /** In the order of the agents that call. */
  edges: GraphEdge[];
}

export interface GraphDeputy {
  /** Relative to the working directory. */
  file: string;
  agents: GraphAgent[];
  servers: GraphServer[];
}

export interface GraphAgent {
  /** `FILE#NAME`: names it in `edges`. */
  id: string;
  name: string;
  description: string;
  /** Callers see it. */
  isExposed: boolean;
  /** `provider/model`, the fallbacks after it; `client`: its caller's. Absent where it is composed. */
  models?: string[];
  /** Of a composed agent, in order. */
  steps?: readonly PlanStep[];
}

export interface GraphServer {
  /** `FILE#mcpServers.NAME` */
  id: string;
  name: string;
  kind: ServerConfig['kind'];
  /** The program, or the host of the URL. */
  at: string;
  isDeputy: boolean;
  /** The file of the Deputy that it starts, where that is one of `deputies`. Edges lead to its agents then. */
  starts?: string;
}

export interface GraphEdge {
  /** The id of an agent. */
  from: string;
  /** The id of an agent or of a server. */
  to: string;
  /** The server that it goes through, where `to` is an agent of another Deputy. */
  server?: string;
  /** The globs of the agent that let it through; not of its own `agents` and `steps`. */
  tools?: string[];
  /** In which steps, from 1. */
  steps?: number[];
  /** Patterns of rules that ask about, or deny, at least some of these calls; ` when ...` where they have a condition. */
  ask: string[];
  deny: string[];
}

/** @param from only what this agent reaches; default: everything. @param cwd files are shown relative to it. */
export function networkGraph(tree: NetworkTree, cwd: string, from?: string): NetworkGraph {
  const reached = reachedFrom(tree, from);
  const trees = [...new Set([tree, ...reached.map((node) => node.tree)])];
  const edges = reached.flatMap((node) => edgesOf(node, cwd));
  const called = new Set(edges.map(({ to }) => to));
  const deputies = trees.map((one): GraphDeputy => {
    const agents = reached.filter((node) => node.tree === one).map(({ agent }) => agentOf(one, agent, cwd));
    const servers = one.config.servers.map((server) => serverOf(one, server, cwd));
    const isCalled = ({ id, name }: GraphServer) =>
      called.has(id) || edges.some((edge) => edge.server === name && agents.some((agent) => agent.id === edge.from));
    return { file: fileOf(one, cwd), agents, servers: from === undefined ? servers : servers.filter(isCalled) };
  });
  return { deputies, edges };
}

/** Breadth first, each once: of the first file all or one, of the others what is called. */
function reachedFrom(tree: NetworkTree, from: string | undefined): AgentBelow[] {
  const reached: AgentBelow[] = [];
  const waiting = tree.config.agents
    .filter(({ name }) => from === undefined || name === from)
    .map((agent) => ({ tree, agent }));
  for (let next: AgentBelow | undefined = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { agent } = next;
    if (reached.some((one) => one.agent === agent)) continue;
    reached.push(next);
    waiting.push(...agentsBelow(next));
  }
  return reached;
}

function agentOf(tree: NetworkTree, agent: AgentConfig, cwd: string): GraphAgent {
  const { name, description, model } = agent;
  return {
    id: idOf(tree, agent, cwd),
    name,
    description,
    isExposed: tree.config.serve.expose.includes(name),
    ...(model.provider === 'plan'
      ? { steps: model.steps }
      : { models: model.provider === 'client' ? ['client'] : modelsOf(agent).map((one) => modelName(one, cwd)) }),
  };
}

const modelName = ({ provider, model }: ReturnType<typeof modelsOf>[number], cwd: string): string =>
  `${provider}/${provider === 'scripted' ? shownPath(model, cwd) : model}`;

function serverOf(tree: NetworkTree, server: ServerConfig, cwd: string): GraphServer {
  const { name, kind, deputy } = server;
  const other = tree.others.get(name);
  return {
    id: serverId(tree, name, cwd),
    name,
    kind,
    // A URL's path may hold a secret.
    at: server.kind === 'stdio' ? server.command : new URL(server.url).host,
    isDeputy: deputy || other !== undefined,
    ...(other !== undefined && { starts: fileOf(other, cwd) }),
  };
}

function edgesOf(node: AgentBelow, cwd: string): GraphEdge[] {
  const { tree, agent } = node;
  const from = idOf(tree, agent, cwd);
  const toAgents = agentsBelow(node).map((below): GraphEdge => {
    const to = idOf(below.tree, below.agent, cwd);
    if (below.server === undefined) {
      const steps = stepsOf(agent, below.agent.name);
      return {
        from,
        to,
        ...(steps.length > 0 && { steps }),
        ...marks(agent, (rule) => rule.matches(below.agent.name)),
      };
    }
    const id = toolId(tree, below.server, below.agent.name);
    const tools = agent.tools.patterns.filter((pattern) => serverMatcher(pattern)(below.server ?? ''));
    return { from, to, server: below.server, tools, ...marks(agent, (rule) => rule.matches(id)) };
  });
  const toServers = agent.tools.servers
    .filter((server) => !tree.others.has(server))
    .map((server): GraphEdge => {
      const isAbout = ({ pattern }: Rule) =>
        /^\*+$/.test(pattern) || (pattern.includes('/') && serverMatcher(pattern)(server));
      const tools = agent.tools.patterns.filter((pattern) => serverMatcher(pattern)(server));
      return { from, to: serverId(tree, server, cwd), tools, ...marks(agent, isAbout) };
    });
  return [...toAgents, ...toServers];
}

function stepsOf({ model }: AgentConfig, name: string): number[] {
  if (model.provider !== 'plan') return [];
  const isOf = (step: PlanStep): boolean =>
    'run' in step ? step.run === name : 'map' in step ? step.map === name : step.parallel.includes(name);
  return model.steps.flatMap((step, index) => (isOf(step) ? [index + 1] : []));
}

function marks({ policy }: AgentConfig, isAbout: (rule: Rule) => boolean): Pick<GraphEdge, 'ask' | 'deny'> {
  const of = (decision: Rule['decision']) => [
    ...new Set(
      policy.rules
        .filter((rule) => rule.decision === decision && isAbout(rule))
        .map(({ pattern, when }) => (when === undefined ? pattern : `${pattern} when ${when.text}`)),
    ),
  ];
  return { ask: of('ask'), deny: of('deny') };
}

const fileOf = ({ config }: { config: Pick<Config, 'file'> }, cwd: string): string => shownPath(config.file, cwd);
const idOf = (tree: NetworkTree, { name }: AgentConfig, cwd: string): string => `${fileOf(tree, cwd)}#${name}`;
const serverId = (tree: NetworkTree, name: string, cwd: string): string => `${fileOf(tree, cwd)}#mcpServers.${name}`;

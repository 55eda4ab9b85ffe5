/** Wiring, one half: the agents of one configuration with their models, servers and hooks. `runtime.ts` is the other. */
import type { Agent } from './agent/agent.ts';
import { defaultInputSchema } from './agent/agent-input.ts';
import { agentTool } from './agent/agent-tool.ts';
import { clientModel } from './agent/client-model.ts';
import { defaultLimits } from './agent/limits.ts';
import type { Model } from './agent/model.ts';
import { planLimits } from './agent/plan-limit.ts';
import { planModel } from './agent/plan-model.ts';
import type { EffectTool } from './agent/tool.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { NotFoundError } from './errors.ts';
import type { OpenHooks } from './hooks/open-hooks.ts';
import { schemaCheck } from './json-schema.ts';
import type { Log } from './log.ts';
import type { McpServers } from './mcp-client/open-servers.ts';
import { createModel, type ModelTuning } from './providers/create-model.ts';

export interface Network {
  readonly config: Config;
  readonly servers: McpServers;
  /** @throws NotFoundError */
  agent(name: string): Agent;
  /**
   * Which agents can reach nothing but tools of the class `read`. Hosts ask their user less about those; so an agent is
   * one only when every server that it could reach has said what tools it has.
   */
  readOnly(): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

export interface NetworkParts {
  log: Log;
  version: string;
  /** Which Deputy this is. */
  identity: string;
  hooks: OpenHooks;
  models: ModelTuning;
}

/** Starts nothing yet: servers are started by the first task that needs them. */
export function openNetwork(config: Config, { log, version, identity, hooks, models }: NetworkParts): Network {
  // Lazy: loading the SDK takes longer than most commands need.
  const servers = lazyServers(async () => {
    const { openServers } = await import('./mcp-client/open-servers.ts');
    return openServers(config.servers, { log, version, identity, lockFile: config.lockFile });
  });
  const agents = new Map<string, Agent>();
  for (const declared of config.agents) {
    const { name, description, instructions, limits, policy, mayAskPeople } = declared;
    agents.set(name, {
      name,
      description,
      instructions,
      policy,
      mayAskPeople,
      model: modelOf(config, declared, models),
      limits: { ...defaultLimits, ...(declared.model.provider === 'plan' && planLimits), ...limits },
      hooks: hooks.of(declared.hooks),
      agents: declared.agents.map((child) => {
        const { description, input = defaultInputSchema } = agentIn(config, child);
        const spec = { name: child, description, inputSchema: input, check: schemaCheck(input) };
        return agentTool(() => found(agents.get(child), child), spec);
      }),
      tools: toolsOf(declared, servers),
      ...(declared.output !== undefined && {
        output: { schema: declared.output, check: schemaCheck(declared.output) },
      }),
    });
  }
  return {
    config,
    servers,
    agent: (name) => found(agents.get(name), name),
    readOnly: () => readOnlyAgents(config, servers),
    close: () => servers.close(),
  };
}

function modelOf(config: Config, { model }: AgentConfig, tuning: ModelTuning): Model {
  if (model.provider === 'client') return clientModel;
  if (model.provider === 'plan') return planModel(model.steps, (agent) => agentIn(config, agent).input !== undefined);
  return createModel(model, tuning);
}

/** Servers that are opened when one of them is first needed. */
function lazyServers(open: () => Promise<McpServers>): McpServers {
  let opening: Promise<McpServers> | undefined;
  let opened: McpServers | undefined;
  const servers = async (): Promise<McpServers> => (opened = await (opening ??= open()));
  return {
    tools: async (...wanted) => (await servers()).tools(...wanted),
    list: async (...wanted) => (await servers()).list(...wanted),
    resources: async (...wanted) => (await servers()).resources(...wanted),
    prompts: async (...wanted) => (await servers()).prompts(...wanted),
    pins: async (...wanted) => (await servers()).pins(...wanted),
    cancelTask: async (name, reference) => (await servers()).cancelTask(name, reference),
    status: () => opened?.status() ?? [],
    close: async () => (await opening)?.close(),
  };
}

/** What an agent's globs let through; filtered anew only when a server's list is another one. */
function toolsOf({ tools: globs }: AgentConfig, servers: McpServers): Agent['tools'] {
  let listed: readonly EffectTool[] | undefined;
  let allowed: readonly EffectTool[] = [];
  return async (signal, left) => {
    if (globs.servers.length === 0) return allowed;
    if (left !== undefined)
      return (await servers.tools(globs.servers, signal, left)).filter((tool) => globs.matches(tool.id));
    const now = await servers.tools(globs.servers, signal);
    if (now !== listed) allowed = now.filter((tool) => globs.matches(tool.id));
    listed = now;
    return allowed;
  };
}

async function readOnlyAgents(config: Config, servers: McpServers): Promise<Set<string>> {
  const { signal } = new AbortController();
  const own = new Map<string, boolean>();
  for (const { name, tools: globs } of config.agents) {
    const tools = await servers.tools(globs.servers, signal).catch(() => undefined);
    own.set(name, tools?.every((tool) => tool.effect === 'read' || !globs.matches(tool.id)) ?? false);
  }
  const reaches = (name: string, above: readonly string[] = []): boolean =>
    above.includes(name) ||
    (own.get(name) === true && agentIn(config, name).agents.every((child) => reaches(child, [...above, name])));
  return new Set([...own.keys()].filter((name) => reaches(name)));
}

export const agentIn = (config: Config, name: string): AgentConfig =>
  found(
    config.agents.find((agent) => agent.name === name),
    name,
  );

/** The configuration was checked: names in it are names of agents. */
function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new NotFoundError(`There is no agent "${name}".`);
  return value;
}

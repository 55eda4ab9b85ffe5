/** The wiring: the only file that sees every adapter. It chooses parts and puts them together; it does nothing else. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Agent } from './agent/agent.ts';
import { defaultLimits } from './agent/limits.ts';
import { agentInput, defaultInputSchema } from './agent/agent-input.ts';
import { agentTool } from './agent/agent-tool.ts';
import { runAgent } from './agent/loop.ts';
import type { EffectTool } from './agent/tool.ts';
import { conversationOf } from './agent/transcript.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { createEngine } from './engine/engine.ts';
import { openSqliteStore } from './engine/sqlite-store.ts';
import { NotFoundError } from './errors.ts';
import { schemaCheck } from './json-schema.ts';
import type { Log } from './log.ts';
import { endLeftovers, thisInstance } from './mcp-client/leftovers.ts';
import type { McpServers } from './mcp-client/open-servers.ts';
import type { HttpDoor } from './mcp-server/http.ts';
import type { ServedAgent } from './mcp-server/options.ts';
import { StatusLines } from './mcp-server/status-lines.ts';
import type { StdioDoor } from './mcp-server/stdio.ts';
import { createModel } from './providers/create-model.ts';
import { makeStoreFolder, stateKeyOf } from './store-folder.ts';
import type { TaskEngine, TaskHandler, TaskKeeper } from './task/engine.ts';
import { createMetrics } from './telemetry/metrics.ts';

const packageFile = new URL('../package.json', import.meta.url);
export const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

export interface Runtime {
  readonly config: Config;
  readonly engine: TaskEngine & TaskKeeper;
  readonly servers: McpServers;
  serveHttp(address: { host: string; port: number }): Promise<HttpDoor>;
  /** @param owner whom the caller at the other end of the pipe is taken for. */
  serveStdio(owner: string): Promise<StdioDoor>;
  /** Waits up to `graceMs` for the tasks at work, then ends everything: tasks, servers, store. */
  close(graceMs?: number): Promise<void>;
}

export interface RuntimeOptions {
  log: Log;
  /** Which tasks of the store are worked on here: `all` that nobody works on (the default), or this process's `own`. */
  adopts?: 'all' | 'own';
}

/**
 * Starts nothing yet: servers are started by the first task that needs them.
 * @throws UsageError the store cannot be opened.
 */
export function openRuntime(config: Config, { log, adopts = 'all' }: RuntimeOptions): Runtime {
  makeStoreFolder(config.store.sqlite);
  // Lazy, here and below: loading the SDKs takes longer than most commands need.
  const servers = lazyServers(async () => {
    const { openServers } = await import('./mcp-client/open-servers.ts');
    return openServers(config.servers, { log, version });
  });
  const agents = network(config, servers);
  const metrics = createMetrics();
  const lines = new StatusLines();

  const handler: TaskHandler = async (task, context) => {
    const agent = agents.get(task.agent);
    if (agent === undefined) throw new NotFoundError(`There is no agent "${task.agent}".`);
    const messages = await conversationOf(agent, await context.previous());
    messages.push({ role: 'user', content: agentInput(task.input).content });
    return runAgent(agent, messages, context);
  };
  const engine = createEngine({
    store: openSqliteStore(config.store.sqlite),
    handler,
    log,
    adopts,
    instance: { id: thisInstance, pid: process.pid, host: hostname() },
    endLeftovers,
    ...(config.store.keep !== undefined && { ttlMs: config.store.keep }),
    onEvent(event, task) {
      metrics.observe(event, task);
      lines.observe(event, task);
    },
  });

  let exposed = config.serve.expose.map((name) => servedAgent(agentOf(config, name)));
  const { hosts, auth, limits, wait } = config.serve;
  const door = {
    engine,
    lines,
    ...(wait !== undefined && { waitMs: wait }),
    ...(typeof config.store.keep === 'number' && { maxTtlMs: config.store.keep }),
    agents: () => exposed,
    name: 'deputy',
    title: 'Deputy',
    version,
    instructions: instructions(config),
    log,
  };
  const begin = <Door extends HttpDoor | StdioDoor>(opened: Door): Door => {
    void readOnlyAgents(config, servers).then((names) => {
      if (names.size === 0) return;
      exposed = exposed.map((agent) => (names.has(agent.name) ? { ...agent, annotations: readsOnly } : agent));
      opened.changed('tools');
    });
    return opened;
  };

  return {
    config,
    engine,
    servers,
    async serveHttp(address) {
      const { serveHttp } = await import('./mcp-server/http.ts');
      return begin(
        await serveHttp({
          ...door,
          ...address,
          stateKey: stateKeyOf(config.store.sqlite),
          hosts,
          ...(auth !== undefined && { auth }),
          ...(limits !== undefined && { ownerLimits: limits }),
          metrics: () => metrics.text(),
        }),
      );
    },
    async serveStdio(owner) {
      const { serveStdio } = await import('./mcp-server/stdio.ts');
      return begin(await serveStdio({ ...door, owner, stateKey: stateKeyOf(config.store.sqlite) }));
    },
    async close(graceMs) {
      await engine.close(graceMs);
      await servers.close();
      metrics.close();
    },
  };
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
    status: () => opened?.status() ?? [],
    close: async () => (await opening)?.close(),
  };
}

/** The agents of a configuration, each knowing the others that it has as tools. */
function network(config: Config, servers: McpServers): Map<string, Agent> {
  const agents = new Map<string, Agent>();
  for (const declared of config.agents) {
    const { name, description, instructions, limits } = declared;
    agents.set(name, {
      name,
      description,
      instructions,
      model: createModel(declared.model),
      limits: { ...defaultLimits, ...limits },
      agents: declared.agents.map((child) => {
        const { description, input = defaultInputSchema } = agentOf(config, child);
        const spec = { name: child, description, inputSchema: input, check: schemaCheck(input) };
        return agentTool(() => found(agents.get(child), child), spec);
      }),
      tools: toolsOf(declared, servers),
      ...(declared.output !== undefined && {
        output: { schema: declared.output, check: schemaCheck(declared.output) },
      }),
    });
  }
  return agents;
}

/** What an agent's globs let through; filtered anew only when a server's list is another one. */
function toolsOf({ tools: globs }: AgentConfig, servers: McpServers): Agent['tools'] {
  let listed: readonly EffectTool[] | undefined;
  let allowed: readonly EffectTool[] = [];
  return async (signal) => {
    if (globs.servers.length === 0) return allowed;
    const now = await servers.tools(globs.servers, signal);
    if (now !== listed) allowed = now.filter((tool) => globs.matches(tool.id));
    listed = now;
    return allowed;
  };
}

function servedAgent({ name, description, input, output }: AgentConfig): ServedAgent {
  return {
    name,
    description,
    ...(input !== undefined && { input: { schema: input, check: schemaCheck(input) } }),
    ...(output !== undefined && { output: { schema: output } }),
    annotations: mayWrite,
  };
}

const mayWrite = { readOnlyHint: false, destructiveHint: true, openWorldHint: true };
const readsOnly = { readOnlyHint: true, openWorldHint: true };

/**
 * Which agents can reach nothing but tools of the class `read`. Hosts ask their user less about those; so an agent is
 * one only when every server that it could reach has said what tools it has.
 */
async function readOnlyAgents(config: Config, servers: McpServers): Promise<Set<string>> {
  const { signal } = new AbortController();
  const own = new Map<string, boolean>();
  for (const { name, tools: globs } of config.agents) {
    const tools = await servers.tools(globs.servers, signal).catch(() => undefined);
    own.set(name, tools?.every((tool) => tool.effect === 'read' || !globs.matches(tool.id)) ?? false);
  }
  const reaches = (name: string, above: readonly string[] = []): boolean =>
    above.includes(name) ||
    (own.get(name) === true && agentOf(config, name).agents.every((child) => reaches(child, [...above, name])));
  return new Set([...own.keys()].filter((name) => reaches(name)));
}

const instructions = (config: Config): string =>
  `Agents that work on their own, each a tool here: ${config.serve.expose.join(', ')}. ` +
  'A call may take minutes. To go on with an earlier conversation, pass the value of "conversation" from its answer.';

const agentOf = (config: Config, name: string): AgentConfig =>
  found(
    config.agents.find((agent) => agent.name === name),
    name,
  );

/** The configuration was checked: names in it are names of agents. */
function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new NotFoundError(`There is no agent "${name}".`);
  return value;
}

/** The wiring: it chooses parts of every adapter and puts them together; it does nothing else. Agents: `network.ts`. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { agentInput } from './agent/agent-input.ts';
import { workTime } from './agent/limits.ts';
import { runAgent } from './agent/loop.ts';
import { allowanceFrom } from './agent/mandate.ts';
import { conversationOf } from './agent/transcript.ts';
import { policyOfCarried } from './config/carried.ts';
import type { AgentConfig, Config } from './config/config.ts';
import { lentModels } from './config/lent-models.ts';
import { loadSnapshot } from './config/load-config.ts';
import { createEngine } from './engine/engine.ts';
import { messageOf, UsageError } from './errors.ts';
import { openHooks } from './hooks/open-hooks.ts';
import { schemaCheck } from './json-schema.ts';
import { endLeftBehind } from './left-behind.ts';
import type { Log } from './log.ts';
import { endLeftovers, thisInstance } from './mcp-client/leftovers.ts';
import type { McpServers } from './mcp-client/open-servers.ts';
import { watchCallers } from './mcp-server/callers.ts';
import type { HttpDoor } from './mcp-server/http.ts';
import type { ServedAgent } from './mcp-server/options.ts';
import { StatusLines } from './mcp-server/status-lines.ts';
import type { StdioDoor } from './mcp-server/stdio.ts';
import { agentIn, type Network } from './network.ts';
import { type Networks, openNetworks } from './networks.ts';
import { openStore } from './open-store.ts';
import { modelSlots } from './providers/slots.ts';
import { identityOf } from './store-folder.ts';
import type { TaskContext, TaskEngine, TaskHandler, TaskKeeper } from './task/engine.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { webhooks } from './webhooks/announce.ts';

const packageFile = new URL('../package.json', import.meta.url);
export const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

export interface Runtime {
  readonly config: Config;
  readonly engine: TaskEngine & TaskKeeper;
  readonly servers: McpServers;
  serveHttp(address: { host: string; port: number }): Promise<HttpDoor>;
  /** @param owner whom the caller at the other end of the pipe is taken for. */
  serveStdio(owner: string): Promise<StdioDoor>;
  /**
   * New tasks are of `config` from here on, and callers see its agents; tasks that have begun keep to theirs. Where it
   * listens, who may call and where tasks are kept stays as it was. @returns whether anything is another one.
   */
  replace(config: Config): Promise<boolean>;
  /** Waits up to `graceMs` for the tasks at work, then ends everything: tasks, servers, store. */
  close(graceMs?: number): Promise<void>;
}

export interface RuntimeOptions {
  log: Log;
  /** Which tasks of the store are worked on here: `all` that nobody works on (the default), or this process's `own`. */
  adopts?: 'all' | 'own';
}

/** How often it is looked whether a network of before is still needed. */
const sweepMs = 30_000;

/**
 * Starts nothing yet: servers are started by the first task that needs them.
 * @throws UsageError the store cannot be opened.
 */
export async function openRuntime(config: Config, { log, adopts = 'all' }: RuntimeOptions): Promise<Runtime> {
  const { root, serve, store: kept } = config;
  const { store, stateKey } = await openStore(kept);
  const hooks = openHooks({ log });
  const metrics = createMetrics();
  const lines = new StatusLines();
  const announced = webhooks(serve.webhooks, { log });
  const identity = identityOf(stateKey);
  const networks = openNetworks(config, {
    log,
    version,
    identity,
    hooks,
    models: { slots: modelSlots() },
    definition: (hash) => engine.definition(hash),
    load: (text) => configOf(text, root),
  });

  const engine = createEngine({
    store,
    handler: handlerOf(networks),
    log,
    adopts,
    instance: { id: thisInstance, pid: process.pid, host: hostname() },
    endLeftovers,
    definition: () => networks.now.config.snapshot,
    mostOf: () => boundsOf(networks.now.config),
    ...(serve.tasksAtWork !== undefined && { mostAtWork: serve.tasksAtWork }),
    ...(kept.keep !== undefined && { ttlMs: kept.keep }),
    ...(kept.keepJournal !== undefined && { journalMs: journalAfter(kept) }),
    onEvent(event, task) {
      metrics.observe(event, task);
      lines.observe(event, task);
      announced.observe(event);
    },
  });

  const sweepLeftBehind = (): void => {
    endLeftBehind(engine, networks).catch((error: unknown) => log.warn(`tasks elsewhere: ${messageOf(error)}`));
  };
  const sweeping = setInterval(() => {
    const inUse = new Set(engine.atWork().map(({ definition }) => definition));
    networks.sweep(inUse).catch((error: unknown) => log.warn(`servers could not be closed: ${messageOf(error)}`));
    if (doors.size > 0) sweepLeftBehind();
  }, sweepMs).unref();

  let exposed = exposedBy(config);
  const doors = new Set<HttpDoor | StdioDoor>();
  const callers = watchCallers({
    engine,
    log,
    ...(serve.abandonAfter !== undefined && { abandonAfterMs: serve.abandonAfter }),
  });
  const door = {
    engine: callers.engine,
    stateKey,
    identity,
    lines,
    ...(serve.wait !== undefined && { waitMs: serve.wait }),
    ...(typeof kept.keep === 'number' && { maxTtlMs: kept.keep }),
    ...(serve.limits !== undefined && { ownerLimits: serve.limits }),
    agents: () => exposed,
    name: 'deputy',
    title: 'Deputy',
    version,
    instructions: instructions(config),
    log,
  };
  const tellReadOnly = async (network: Network): Promise<void> => {
    const names = await network.readOnly();
    if (names.size === 0 || networks.now !== network) return;
    exposed = exposed.map((agent) => (names.has(agent.name) ? { ...agent, annotations: readsOnly } : agent));
    for (const open of doors) open.changed('tools');
  };
  const begin = <Door extends HttpDoor | StdioDoor>(opened: Door): Door => {
    doors.add(opened);
    void tellReadOnly(networks.now);
    sweepLeftBehind();
    return opened;
  };

  return {
    get config() {
      return networks.now.config;
    },
    engine,
    get servers() {
      return networks.now.servers;
    },
    async serveHttp(address) {
      const { serveHttp } = await import('./mcp-server/http.ts');
      return begin(
        await serveHttp({
          ...door,
          ...address,
          hosts: serve.hosts,
          ...(serve.auth !== undefined && { auth: serve.auth }),
          metrics: () => metrics.text(),
        }),
      );
    },
    async serveStdio(owner) {
      const { serveStdio } = await import('./mcp-server/stdio.ts');
      return begin(await serveStdio({ ...door, owner }));
    },
    async replace(next) {
      if (!(await networks.replace(next))) return false;
      exposed = exposedBy(next);
      for (const open of doors) open.changed('tools');
      if (doors.size > 0) void tellReadOnly(networks.now);
      return true;
    },
    async close(graceMs) {
      clearInterval(sweeping);
      callers.close();
      await engine.close(graceMs);
      await Promise.all([networks.close(), hooks.close(), announced.close()]);
      metrics.close();
    },
  };
}

function handlerOf(networks: Networks): TaskHandler {
  return async (task, context) => {
    const network = await definedNetwork(networks, task.definition, context);
    const agent = network.agent(task.agent);
    const messages = await conversationOf(agent, await context.previous());
    messages.push({ role: 'user', content: agentInput(task.input).content });
    const allowance = task.mandate && allowanceFrom(task.mandate, policyOfCarried, workTime(context));
    return runAgent(agent, messages, context, allowance);
  };
}

/** How long a task whose definition cannot be used waits before it is tried again. */
const definitionRetryMs = 5 * 60_000;

/** A task whose definition cannot be used now (a variable of the environment is gone) waits: it is not lost. */
async function definedNetwork(
  networks: Networks,
  definition: string | undefined,
  context: TaskContext,
): Promise<Network> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await networks.of(definition);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      await context.sleep(`definition ${attempt}`, definitionRetryMs, error.message);
    }
  }
}

/** @throws UsageError */
async function configOf(text: string, root: string): Promise<Config> {
  const loaded = await loadSnapshot(text, { root, env: process.env });
  if (loaded.ok) return loaded.config;
  const [first] = loaded.problems;
  throw new UsageError(`The configuration that it began with cannot be used: ${first?.message ?? 'it has errors'}`);
}

/** Tasks at work at once, by agent, where that is bounded. */
const boundsOf = ({ agents }: Config): ReadonlyMap<string, number> =>
  new Map(agents.flatMap(({ name, tasksAtWork }) => (tasksAtWork === undefined ? [] : [[name, tasksAtWork]])));

/** Milliseconds that a journal outlives its task. */
function journalAfter({ keep, keepJournal }: Config['store']): number {
  if (keepJournal === null) return Infinity;
  return Math.max(0, (keepJournal ?? 0) - (keep ?? 0));
}

const exposedBy = (config: Config): ServedAgent[] =>
  config.serve.expose.map((name) => servedAgent(config, agentIn(config, name)));

function servedAgent(config: Config, { name, description, input, output }: AgentConfig): ServedAgent {
  return {
    name,
    description,
    ...(input !== undefined && { input: { schema: input, check: schemaCheck(input) } }),
    ...(output !== undefined && { output: { schema: output } }),
    annotations: mayWrite,
    needs: needsOf(config, name),
  };
}

type Needs = NonNullable<ServedAgent['needs']>;

/** The model of its caller, where it brings none of its own. */
function needsOf(config: Config, name: string): Needs {
  const ways = lentModels(config, name).flatMap((chain) => chain.slice(-1));
  const needs = ways.map(({ agents, tools, mayAskPeople }) =>
    agents.length > 0 || tools.servers.length > 0 || mayAskPeople ? 'sampling.tools' : 'sampling',
  );
  return [...new Set(needs)];
}

const mayWrite = { readOnlyHint: false, destructiveHint: true, openWorldHint: true };
const readsOnly = { readOnlyHint: true, openWorldHint: true };

const instructions = (config: Config): string =>
  `Agents that work on their own, each a tool here: ${config.serve.expose.join(', ')}. ` +
  'A call may take minutes. To go on with an earlier conversation, pass the value of "conversation" from its answer.';

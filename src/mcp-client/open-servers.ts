/** The MCP servers that a network uses: opened once, started when first needed, ended together. */
import type { EffectTool } from '../agent/tool.ts';
import { NotFoundError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { effectTools, type ListedTool } from './effect-tools.ts';
import { endTask } from './end-task.ts';
import type { Deps, ServerOptions } from './options.ts';
import { patiently } from './patient-list.ts';
import { type PinDifference, pinDifferences } from './pinned-tool.ts';
import { openPins } from './pins.ts';
import { can } from './sdk-seams.ts';
import { Server, type Listed, type ServerStatus } from './server.ts';
import { listAll } from './server-tool.ts';
import { mayBeOf } from './tool-names.ts';

export type { Deps, ServerOptions, Timings } from './options.ts';
export type { ListedTool } from './effect-tools.ts';
export type { PinDifference } from './pinned-tool.ts';
export type { ServerStatus } from './server.ts';

export interface McpServers {
  /**
   * The tools of these servers: in the order of their declaration, then as each lists them. The same array as before
   * while nothing changed.
   * @param left the name for models of a tool that was called and is to be gone on with: the server that has it, alone, is
   *     listed, and waited for as long as the call would be followed.
   * @throws UnavailableError a server cannot be reached and was never listed, a Deputy not even within a while;
   *     NotFoundError it is not declared.
   */
  tools(names: readonly string[], signal: AbortSignal, left?: string): Promise<readonly EffectTool[]>;
  /** The tools of one server with all that is known of them. Throws like `tools`. */
  list(name: string, signal: AbortSignal): Promise<readonly ListedTool[]>;
  /** Resources and their templates, as the server lists them. Throws like `tools`. */
  resources(name: string, signal: AbortSignal): Promise<{ resources: JsonObject[]; templates: JsonObject[] }>;
  /** As the server lists them. Throws like `tools`. */
  prompts(name: string, signal: AbortSignal): Promise<JsonObject[]>;
  /**
   * How the tools that a server lists now differ from the pinned ones, each to be accepted by itself; none where
   * nothing is pinned (`Deps.lockFile`). Throws like `tools`.
   */
  pins(name: string, signal: AbortSignal): Promise<readonly PinDifference[]>;
  /**
   * Cancels a task that a call became there, by the reference that was stored with the call.
   * @returns whether it does no more: the server acknowledged it, says that it is over, or no longer knows it.
   * @throws NotFoundError the server is not declared.
   */
  cancelTask(name: string, reference: string): Promise<boolean>;
  status(): ServerStatus[];
  /** Ends every server with all that it started. Calls in flight end as failed outcomes. */
  close(): Promise<void>;
}

/** @throws UsageError the lock file cannot be used; it names the place. */
export function openServers(options: readonly ServerOptions[], deps: Deps): McpServers {
  const pins = deps.lockFile === undefined ? undefined : openPins(deps.lockFile, deps.log);
  const servers = new Map(options.map((each) => [each.name, new Server(each, deps)]));
  const built = new WeakMap<Listed, { pinned: string; tools: ListedTool[] }>();
  const merged = new Map<string, { parts: ListedTool[][]; tools: readonly EffectTool[] }>();

  const serverOf = (name: string): Server => {
    const server = servers.get(name);
    if (server !== undefined) return server;
    throw new NotFoundError(
      `no server "${name}" is declared; declared are: ${[...servers.keys()].join(', ') || 'none'}`,
    );
  };

  const toolsOf = async (server: Server, signal: AbortSignal): Promise<ListedTool[]> => {
    const listed = await server.list(signal);
    const { name } = server;
    await pins?.refresh();
    const versionNow = (): string => pins?.versionOf(name) ?? '';
    const before = built.get(listed);
    if (before?.pinned === versionNow()) return before.tools;
    await pins?.pinNew(name, new Map(listed.tools.map(({ ownName, definition }) => [ownName, definition])));
    const pinned = versionNow();
    const tools = effectTools(server, listed, deps.log, pins);
    for (const { tool } of tools)
      if (tool.change !== undefined)
        deps.log.warn(
          `${tool.id} is another one than was pinned: it is not called before a person accepted the change`,
        );
    built.set(listed, { pinned, tools });
    return tools;
  };

  return {
    async tools(names, signal, left) {
      const wanted = new Set(names.map((name) => serverOf(name).name));
      const inOrder = [...servers.values()].filter(
        ({ name }) => wanted.has(name) && (left === undefined || mayBeOf(name, left)),
      );
      const parts = await Promise.all(
        inOrder.map((server) => patiently(server, signal, left !== undefined, () => toolsOf(server, signal))),
      );
      const key = inOrder.map((server) => server.name).join('\n');
      const before = merged.get(key);
      if (before !== undefined && parts.every((part, at) => part === before.parts[at])) return before.tools;
      const tools = distinct(parts, (name, id) => {
        deps.log.error(
          `${id} was left out: another tool has its name for models already (${name}); rename one of them`,
        );
      });
      merged.set(key, { parts, tools });
      return tools;
    },
    list: (name, signal) => toolsOf(serverOf(name), signal),
    async resources(name, signal) {
      const { client, timeout } = await asker(serverOf(name), signal);
      if (!can(client, 'resources')) return { resources: [], templates: [] };
      const options = { signal, timeout };
      return {
        resources: objects(await listAll(client, 'resources', options)),
        templates: objects(await listAll(client, 'resourceTemplates', options).catch(() => [])),
      };
    },
    async prompts(name, signal) {
      const { client, timeout } = await asker(serverOf(name), signal);
      return can(client, 'prompts') ? objects(await listAll(client, 'prompts', { signal, timeout })) : [];
    },
    async pins(name, signal) {
      const { tools } = await serverOf(name).list(signal);
      await pins?.refresh();
      return pins === undefined ? [] : pinDifferences(name, tools, pins);
    },
    cancelTask: async (name, reference) => endTask(serverOf(name), reference),
    status: () => [...servers.values()].map((server) => server.status()),
    async close() {
      await Promise.all([...servers.values()].map((server) => server.close()));
    },
  };
}

const asker = async (server: Server, signal: AbortSignal) => {
  const { client } = await server.connection(signal);
  return { client, timeout: server.timings.list };
};

const objects = (items: Json[]): JsonObject[] =>
  items.filter((item): item is JsonObject => typeof item === 'object' && item !== null && !Array.isArray(item));

function distinct(parts: ListedTool[][], onClash: (name: string, id: string) => void): EffectTool[] {
  const taken = new Map<string, EffectTool>();
  for (const { tool } of parts.flat()) {
    if (taken.has(tool.name)) onClash(tool.name, tool.id);
    else taken.set(tool.name, tool);
  }
  return [...taken.values()];
}

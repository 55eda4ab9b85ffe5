/** What the tests of this room share: servers opened with short waits, a call with its commit, and who is still alive. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import {
  type EffectTool,
  SamplingRefused,
  type ToolCallOptions,
  type ToolOutcome,
  type ToolProgress,
} from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import { createLog, type Log, silentLog } from '../../src/log.ts';
import {
  type Deps,
  type McpServers,
  openServers,
  type ServerOptions,
  type Timings,
} from '../../src/mcp-client/open-servers.ts';
import { textOf } from '../../src/task/content.ts';
import type { Mandate } from '../../src/task/mandate.ts';

export const never = new AbortController().signal;

/** Short where every test would wait for it; where only a slow machine would come near it, long. */
export const quick: Partial<Timings> = {
  probe: 60_000,
  start: 60_000,
  list: 60_000,
  ping: 60_000,
  grace: 300,
  backoff: 10,
  backoffMax: 50,
  pollLeast: 5,
  poll: 10,
  taskSilence: 60_000,
  cancelGrace: 60_000,
  pageDone: 50,
};

const local = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export type StdioOptions = Extract<ServerOptions, { kind: 'stdio' }>;

export const stdio = (
  name: string,
  file: string,
  args: string[] = [],
  more: Partial<StdioOptions> = {},
): StdioOptions => ({
  kind: 'stdio',
  name,
  command: process.execPath,
  args: [local(file), ...args],
  env: {},
  cwd: local('.'),
  trustsAnnotations: false,
  tools: [],
  ...more,
});

export const npmServer = (name: string, args: string[] = [], more: Partial<StdioOptions> = {}): StdioOptions =>
  stdio(name, `../../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, args, more);

export const http = (url: string, more: Partial<Extract<ServerOptions, { kind: 'http' }>> = {}): ServerOptions => ({
  kind: 'http',
  name: 'web',
  url,
  headers: {},
  trustsAnnotations: false,
  tools: [],
  ...more,
});

/** Closed when the test ends. */
export function open(options: ServerOptions | ServerOptions[], deps: Partial<Deps> = {}): McpServers {
  const { timings, ...rest } = deps;
  const servers = openServers([options].flat(), { log: silentLog, ...rest, timings: { ...quick, ...timings } });
  onTestFinished(() => servers.close());
  return servers;
}

/** A hostile server in one mode; `notes` is what it wrote down. */
export function openHostile(mode: string, more: Partial<StdioOptions> = {}, deps: Partial<Deps> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  const file = join(folder, 'notes');
  const servers = open(stdio('bad', './hostile-server.ts', [mode, file], more), deps);
  const notes = (): string[] => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  const pids = (): number[] => notes().flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));
  onTestFinished(async () => {
    await servers.close();
    for (const pid of pids()) expect(await until(() => !isAlive(pid)), `process ${pid} of ${mode} is left`).toBe(true);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    servers,
    notes,
    pids,
    act: async (args: JsonObject = {}, options: CallOptions = {}): Promise<ToolOutcome> =>
      call(await toolOf(servers, 'bad/act'), args, options),
  };
}

export interface CallOptions {
  signal?: AbortSignal;
  commits?: string[];
  progress?: ToolProgress[];
  /** The id that the call goes on with. */
  reference?: string;
  /** Ids as they were stored. */
  references?: string[];
  /** Stores an id instead. */
  keep?: (id: string) => Promise<void>;
  owner?: string;
  callKey?: string;
  /** Nobody is there to be asked unless told otherwise. */
  ask?: ToolCallOptions['ask'];
  sample?: ToolCallOptions['sample'];
  mandate?: Mandate;
  trace?: string;
  isRepeat?: boolean;
}

export function call(tool: EffectTool, args: JsonObject = {}, options: CallOptions = {}): Promise<ToolOutcome> {
  const { mandate } = options;
  return tool.call(args, {
    signal: options.signal ?? never,
    owner: options.owner ?? 'owner',
    callKey: options.callKey ?? 'call-key',
    grant: { tool: tool.id, rule: 'test' },
    ask: options.ask ?? (() => Promise.reject(new Error('nobody is to be asked'))),
    sample: options.sample ?? (() => Promise.reject(new SamplingRefused('nobody thinks here'))),
    commit: Object.assign(async (bytes: string) => void options.commits?.push(bytes), {
      reference: options.keep ?? (async (id: string) => void options.references?.push(id)),
    }),
    ...(options.reference !== undefined && { reference: options.reference }),
    ...(mandate !== undefined && { mandate: () => mandate }),
    ...(options.trace !== undefined && { trace: options.trace }),
    ...(options.isRepeat !== undefined && { isRepeat: options.isRepeat }),
    onProgress: (progress) => options.progress?.push(progress),
  });
}

export async function toolOf(servers: McpServers, id: string): Promise<EffectTool> {
  const tool = (await servers.tools([id.split('/')[0] ?? ''], never)).find((tool) => tool.id === id);
  if (tool === undefined) throw new Error(`no tool ${id}`);
  return tool;
}

export const said = (outcome: ToolOutcome): string => textOf(outcome.content);

/** A zombie that nobody has reaped yet does nothing any more. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for what nothing announces, such as the death of somebody else's child. */
export async function until(claim: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (claim()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return claim();
}

/** A log whose lines can be read. */
export function readableLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: createLog('warn', stream), lines };
}

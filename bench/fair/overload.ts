/** Ten times what is admitted, over the real HTTP door: the rest is told to come back, and costs no memory. */
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { silentLog } from '../../src/log.ts';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { meta, modernHeaders } from '../../test/mcp-server/wire.ts';

export interface Overload {
  asked: number;
  admitted: number;
  /** 429, with a Retry-After. */
  refused: number;
  /** Neither. */
  others: number;
  /** MB of living memory in this process: when what is admitted was in, and after ten times as much was asked for. */
  heapAdmitted: number;
  heapAfter: number;
  /** MB that were resident at most. */
  peak: number;
}

/** Requests at a time. */
const atOnce = 50;

export async function overload(asked: number, folder: string): Promise<Overload> {
  const most = Math.ceil(asked / 10);
  const engine = createEngine({
    store: openSqliteStore(join(folder, 'overload.db')),
    // Each works until it is stopped.
    handler: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      }),
    log: silentLog,
    timings: { rest: 1_000 },
  });
  const door = await serveHttp({
    engine,
    agents: [{ name: 'busy', description: 'Works.' }],
    name: 'bench',
    version: '1',
    log: silentLog,
    maxCalls: asked,
    ownerLimits: { openTasks: most, workingTasks: asked, startsPerSecond: asked * 10 },
  });
  const counts = { admitted: 0, refused: 0, others: 0 };
  const flood = async (requests: number): Promise<void> => {
    let left = requests;
    const caller = async (): Promise<void> => {
      while ((left -= 1) >= 0) counts[await start(door.url)] += 1;
    };
    await Promise.all(Array.from({ length: atOnce }, caller));
  };
  try {
    await flood(most);
    const heapAdmitted = await living();
    await flood(asked - most);
    const heapAfter = await living();
    return { asked, ...counts, heapAdmitted, heapAfter, peak: process.resourceUsage().maxRSS / 1024 };
  } finally {
    await door.close(0);
    await engine.close(0);
  }
}

async function start(url: string): Promise<'admitted' | 'refused' | 'others'> {
  const tasks = {
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: modernHeaders('tools/call', 'busy'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'busy', arguments: { message: 'go' }, _meta: meta(tasks) },
    }),
  });
  const body = await response.text();
  if (response.status === 429) return Number(response.headers.get('retry-after')) > 0 ? 'refused' : 'others';
  return response.status === 200 && body.includes('"taskId"') ? 'admitted' : 'others';
}

/** MB that are still in use after what is not was collected. */
async function living(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** Five Deputies under each other, over HTTP and stdio in turn, each hop of another era; the last one calls a server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/json.ts';
import { type CountingServer, startCounting } from '../networks/counting.ts';
import {
  declare,
  type Deputy,
  deputyIn,
  type Life,
  obedient,
  overHttp,
  overStdio,
  startDeputy,
} from '../networks/deputy.ts';
import type { Plan } from '../networks/plan.ts';
import { type Proxy, startProxy } from '../networks/proxy.ts';

export interface Network {
  /** From the root to the leaf. */
  deputies: readonly Deputy[];
  counting: CountingServer;
  close(): Promise<void>;
}

/** From each Deputy to the next. */
const hops = [
  { over: 'http', protocol: '2026-07-28' },
  { over: 'stdio', protocol: '2025-11-25' },
  { over: 'http', protocol: '2025-11-25' },
  { over: 'stdio', protocol: '2026-07-28' },
] as const;

/** @param isDeaf the control: what cancels is acknowledged on the first hop, and goes no further. */
export async function openNetwork(isDeaf: boolean): Promise<Network> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-cancel-'));
  const counting = await startCounting();
  const deputies: Deputy[] = [];
  for (let level = 1; level <= hops.length + 1; level++) deputies.push(await deputyIn(folder, `level-${level}`));
  const lives: Life[] = [];
  let proxy: Proxy | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(lives.map((life) => life.stop()));
    counting.close();
    proxy?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [, second] = deputies;
    if (isDeaf && second !== undefined)
      proxy = await startProxy(second.url, ({ method = '' }) => (method.includes('cancel') ? 'kept' : 'same'));
    for (const [index, deputy] of deputies.entries()) {
      const next = deputies[index + 1];
      const hop = hops[index];
      if (next === undefined || hop === undefined) declare(deputy, leaf(counting.url));
      else {
        const more = { protocol: hop.protocol };
        const reached = index === 0 && proxy !== undefined ? { ...next, url: proxy.url } : next;
        declare(deputy, passing(hop.over === 'http' ? overHttp(reached, more) : overStdio(next, more)));
      }
    }
    // From below, so that who is called is there.
    for (const [index, deputy] of [...deputies.entries()].toReversed())
      if (hops[index - 1]?.over !== 'stdio') lives.push(await startDeputy(deputy));
    return { deputies, counting, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const many = { limits: { turns: 10_000, tool_calls: 100_000 } };

const passing = (below: JsonObject): JsonObject => ({
  mcpServers: { below },
  agents: { worker: { description: 'Hands it on.', model: obedient, tools: ['below/worker'], ...many } },
  permissions: { allow: ['*/*'] },
});

const leaf = (url: string): JsonObject => ({
  mcpServers: { bank: { url, concurrency: 1_000 } },
  agents: { worker: { description: 'Works.', model: obedient, tools: ['bank/*'], ...many } },
  permissions: { allow: ['bank/tick'], ask: ['bank/pay'] },
});

/** What the leaf is in the middle of when it is cancelled. */
export const works = ['busy', 'slow', 'asking'] as const;
export type Work = (typeof works)[number];

const leafTurns: Record<Work, Pick<Plan, 'turns' | 'times'>> = {
  busy: {
    turns: [['a', 'b'].map((letter) => ({ tool: 'bank/tick', args: { order: `@ # ${letter}`, ms: 40 } }))],
    times: 5_000,
  },
  slow: { turns: [[{ tool: 'bank/tick', args: { order: '@ slow', ms: 300_000 } }]] },
  asking: { turns: [[{ tool: 'bank/pay', args: { order: '@ asks' } }]] },
};

/** The same at every level but the leaf. None of them ends by itself. */
export function planOf(name: string, work: Work, levels: number): Plan {
  if (levels > 1) return { say: name, turns: [[{ tool: 'below/worker', plan: planOf(name, work, levels - 1) }]] };
  const { turns, times } = leafTurns[work];
  const named = JSON.parse(JSON.stringify(turns).replaceAll('@', name)) as Plan['turns'];
  return { say: name, turns: named, ...(times !== undefined && { times }) };
}

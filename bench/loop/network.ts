/**
 * Three Deputies over HTTP in a ring. Every agent calls an agent of the next one (or of its own), straight or through a
 * proxy that strips all that Deputies say to each other in `_meta`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../src/json.ts';
import { declare, type Deputy, deputyIn, type Life, overHttp, startDeputy } from '../networks/deputy.ts';
import { type Proxy, startProxy, stripped } from '../networks/proxy.ts';

export interface Network {
  /** `a`, `b` and `c`. */
  deputies: readonly Deputy[];
  /** Messages that were stripped of something. */
  stripped(): number;
  close(): Promise<void>;
}

/** What each Deputy allows; small, so that a bound is soon reached. */
export const bounds = { depth: 5, agents: 20, workingTasks: 24 } as const;

/** Agents that call one another in a row without an end in sight. */
export const rowLength = 12;
const fanLevels = 4;

const model = `scripted/${fileURLToPath(new URL('./circling.ts', import.meta.url))}`;

export async function openNetwork(): Promise<Network> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-loop-'));
  const deputies = await Promise.all(['a', 'b', 'c'].map((name) => deputyIn(folder, name)));
  const lives: Life[] = [];
  const proxies: Proxy[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(lives.map((life) => life.stop()));
    for (const proxy of proxies) proxy.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const deputy of deputies) proxies.push(await startProxy(deputy.url, stripped));
    for (const [index, deputy] of deputies.entries()) {
      const after = (index + 1) % deputies.length;
      const reached = { next: deputies[after], own: deputy } as { next: Deputy; own: Deputy };
      const bare = { next: proxies[after]?.url ?? '', own: proxies[index]?.url ?? '' };
      declare(deputy, {
        mcpServers: {
          next: overHttp(reached.next),
          own: overHttp(reached.own),
          'next-bare': overHttp({ ...reached.next, url: bare.next }),
          'own-bare': overHttp({ ...reached.own, url: bare.own }),
        },
        agents: agentsOf(index),
        permissions: { allow: ['*/*'] },
        serve: { limits: { working_tasks: bounds.workingTasks } },
      });
      lives.push(await startDeputy(deputy));
    }
    return { deputies, stripped: () => proxies.reduce((sum, proxy) => sum + proxy.touched(), 0), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param place of the Deputy in the ring. */
function agentsOf(place: number): JsonObject {
  const agent = (...tools: string[]): JsonObject => ({
    description: 'Calls the next one.',
    model,
    tools,
    limits: { depth: bounds.depth, agents: bounds.agents },
  });
  const row = Array.from({ length: rowLength }, (_, step) => [`row-${step}`, agent(`next/row-${step + 1}`)]);
  const fan = Array.from({ length: fanLevels }, (_, level) => [
    `fan-${level}`,
    level === fanLevels - 1 ? agent() : agent(`next/fan-${level + 1}`),
  ]);
  return {
    ring: agent('next/ring'),
    // The proxy is in one place of the ring only: the others know what they know.
    'bare-ring': agent(place === 0 ? 'next-bare/bare-ring' : 'next/bare-ring'),
    self: agent('own/self'),
    'bare-self': agent('own-bare/bare-self'),
    'wide-ring': agent('next/wide-ring', 'own/wide-ring'),
    ...Object.fromEntries(row),
    ...Object.fromEntries(fan),
  };
}

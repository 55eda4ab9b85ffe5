/**
 * Three levels: `lead` at the root, over HTTP `desk` in the middle, and under it on stdio two Deputies whose four clerks
 * pay at a server that counts. Each payment waits for an approval, and only the root has people.
 */
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

/** Of which hop: `root` is the one from the root to the middle, `middle` the one from there to the leaves. */
export type Pins = Partial<Record<'root' | 'middle', '2025-11-25' | '2026-07-28'>>;

export interface Network {
  root: Deputy;
  counting: CountingServer;
  close(): Promise<void>;
}

export const branches = ['east', 'west'] as const;
const clerks = ['anna', 'ben', 'cleo', 'dan'] as const;

export async function openNetwork(pins: Pins): Promise<Network> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-climb-'));
  const counting = await startCounting();
  const [root, middle, east, west] = await Promise.all(
    ['root', 'middle', ...branches].map((name) => deputyIn(folder, name)),
  );
  if (root === undefined || middle === undefined || east === undefined || west === undefined) throw new Error('never');
  const pinned = (hop: keyof Pins): JsonObject => (pins[hop] === undefined ? {} : { protocol: pins[hop] });
  const agent = (description: string, tools: string[]): JsonObject => ({ description, model: obedient, tools });
  const allowed = { permissions: { allow: ['*/*'] } };
  declare(root, {
    mcpServers: { middle: overHttp(middle, pinned('root')) },
    agents: { lead: agent('Has desks pay.', ['middle/desk']) },
    ...allowed,
  });
  declare(middle, {
    mcpServers: { east: overStdio(east, pinned('middle')), west: overStdio(west, pinned('middle')) },
    agents: { desk: agent('Has clerks pay.', ['east/*', 'west/*']) },
    ...allowed,
  });
  for (const leaf of [east, west])
    declare(leaf, {
      mcpServers: { bank: { url: counting.url, concurrency: 1_000 } },
      agents: Object.fromEntries(clerks.map((name) => [name, agent('Pays.', ['bank/pay'])])),
      permissions: { ask: ['bank/pay'] },
    });
  const lives: Life[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(lives.map((life) => life.stop()));
    counting.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    lives.push(await startDeputy(middle));
    lives.push(await startDeputy(root));
  } catch (error) {
    await close();
    throw error;
  }
  return { root, counting, close };
}

/** One payment: its order says whose it is, and `chain` who must be shown to ask. */
export interface Payment {
  order: string;
  chain: string;
}

export const paymentsOf = (task: string): Payment[] =>
  branches.flatMap((branch) =>
    clerks.map((clerk) => ({
      order: `${task}-${branch}-${clerk}`,
      chain: `lead → middle/desk → ${branch}/${clerk}`,
    })),
  );

/** Two desks side by side, each with four clerks of one branch side by side: eight payments at once. */
export const planOf = (task: string): Plan => ({
  say: task,
  turns: [
    branches.map((branch) => ({
      tool: 'middle/desk',
      plan: {
        say: branch,
        turns: [
          clerks.map((clerk) => ({
            tool: `${branch}/${clerk}`,
            plan: { say: clerk, turns: [[{ tool: 'bank/pay', args: { order: `${task}-${branch}-${clerk}` } }]] },
          })),
        ],
      },
    })),
  ],
});

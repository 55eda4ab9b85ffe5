/** Another Deputy over HTTP, that can go down and come back at its address, with its store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ServerOptions } from '../../src/mcp-client/open-servers.ts';
import { type HttpDoor, serveHttp } from '../../src/mcp-server/http.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import type { FakeEngine } from '../mcp-server/fake-engine.ts';
import { deputyNetwork } from './deputy-network.ts';
import { http } from './peers.ts';

export type Protocol = NonNullable<ServerOptions['protocol']>;
export const protocols: Protocol[] = ['2025-11-25', '2026-07-28'];

type HttpEntry = Partial<Extract<ServerOptions, { kind: 'http' }>>;

/** As an entry of `mcpServers`. */
export const lab = (url: string, protocol: Protocol, more: HttpEntry = {}): ServerOptions =>
  http(url, { name: 'lab', deputy: true, protocol, ...more });

export const mandate: Mandate = {
  chain: [{ agent: 'root', deputy: 'top-id' }, { agent: 'triage' }],
  depth: 2,
  agents: 5,
  tokens: 1_000,
  cost: 0.5,
  time: 60_000,
  deny: ['*/delete'],
  ask: ['bank/*'],
};

export interface DeputyPeer {
  readonly url: string;
  readonly engine: FakeEngine;
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function deputyPeer(): Promise<DeputyPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-'));
  let port = 0;
  let door: HttpDoor | undefined;
  let network = deputyNetwork(join(folder, 'store.db'));
  const up = async (): Promise<void> => {
    door = await serveHttp({ ...network.options, port });
    ({ port } = door);
  };
  const down = async (): Promise<void> => {
    if (door === undefined) return;
    await door.close(0);
    door = undefined;
    await network.engine.close(0);
  };
  await up();
  onTestFinished(async () => {
    await down();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    url: door?.url ?? '',
    get engine() {
      return network.engine;
    },
    down,
    async up() {
      network = deputyNetwork(join(folder, 'store.db'));
      await up();
    },
  };
}

/** Three Deputies, HTTP over HTTP over stdio, whose agents all think at one endpoint that counts; each with limits of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/json.ts';
import { type CountingServer, startCounting } from '../networks/counting.ts';
import { declare, type Deputy, deputyIn, type Life, overHttp, overStdio, startDeputy } from '../networks/deputy.ts';
import type { Random } from '../random.ts';
import { startProxy, stripped } from '../networks/proxy.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';

export interface Network {
  root: Deputy;
  leaf: Deputy;
  endpoint: Endpoint;
  /** Tokens that each agent of the root may spend, by its name. */
  budgets: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Agents at each level: each has other limits. */
export const agentsEach = 6;

/** @param isBare the control: what the root leaves to its middle is taken off on the way. */
export async function openNetwork(random: Random, isBare: boolean): Promise<Network> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-budget-'));
  const counting: CountingServer = await startCounting();
  const endpoint = await startEndpoint();
  const root = await deputyIn(folder, 'root');
  const middle = await deputyIn(folder, 'middle');
  const leaf = await deputyIn(folder, 'leaf');
  const proxy = isBare ? await startProxy(middle.url, stripped) : undefined;
  const budgets = new Map<string, number>();
  const models = {
    counted: { model: 'openai-chat/counted', base_url: endpoint.url, context_window: 1_000_000 },
  };
  const common = { models, permissions: { allow: ['*/*'] } };
  const agentsOf = (level: string, tools: string[], limitsOf: (name: string) => JsonObject): JsonObject => {
    const named = Array.from({ length: agentsEach }, (_, index) => `${level}-${index}`);
    return Object.fromEntries(
      named.map((name) => [
        name,
        {
          description: 'Does its plan.',
          model: 'counted',
          tools,
          limits: { parallel_tools: 1 + random.below(4), ...limitsOf(name) },
        },
      ]),
    );
  };
  const someTokens = (most: number): JsonObject => (random.isOneIn(2) ? {} : { tokens: 200 + random.below(most) });
  declare(root, {
    mcpServers: { middle: overHttp({ ...middle, url: proxy?.url ?? middle.url }) },
    agents: agentsOf('root', ['middle/*'], (name) => {
      const tokens = 500 + random.below(8_000);
      budgets.set(name, tokens);
      return { tokens };
    }),
    ...common,
  });
  declare(middle, {
    mcpServers: { leaf: overStdio(leaf) },
    agents: agentsOf('middle', ['leaf/*'], () => someTokens(4_000)),
    ...common,
  });
  declare(leaf, {
    mcpServers: { bank: { url: counting.url, tools: { tick: { effect: 'read' } } } },
    agents: agentsOf('leaf', ['bank/*'], () => someTokens(2_000)),
    ...common,
  });
  const lives: Life[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(lives.map((life) => life.stop()));
    counting.close();
    endpoint.close();
    proxy?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    lives.push(await startDeputy(middle));
    lives.push(await startDeputy(root));
  } catch (error) {
    await close();
    throw error;
  }
  return { root, leaf, endpoint, budgets, close };
}

/** The Inspector's `mcpdo` drives our tasks and answers what they ask, in both eras. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import type { Message } from './peer-2026.ts';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../../node_modules/.bin/mcpdo', import.meta.url));

let door: HttpDoor;
let home: string;
/** Of a daemon of our own, in a home of our own. */
let env: NodeJS.ProcessEnv;

const mcpdo = async (...args: string[]): Promise<string> =>
  (await run(process.execPath, [bin, ...args], { env })).stdout;
const connect = (connection: string, era: string): Promise<string> =>
  mcpdo('connect', '--era', era, '--connection', connection, '--connect-timeout', '100000', door.url);

beforeAll(async () => {
  door = await serveHttp(fakeNetwork().options);
  home = await mkdtemp(join(tmpdir(), 'deputy-mcpdo-'));
  env = { ...process.env, HOME: home, MCP_INSPECTOR_SECRET_STORE: 'memory' };
  for (const [, name = '', value = ''] of (await mcpdo('private')).matchAll(/export (\w+)=['"]?([^'"\n]*)['"]?/g)) {
    env[name] = value;
  }
  // The first to connect starts the daemon, and gives it up after 10 s; it may still come.
  await vi.waitFor(() => connect('first', 'modern'), { timeout: 200_000, interval: 1_000 });
});

afterAll(async () => {
  await mcpdo('daemon', 'stop');
  await door.close(0);
  await rm(home, { recursive: true, force: true });
});

test.each(['modern', 'legacy'])('a task asks, is answered, and ends with its result: era %s', async (era) => {
  await connect(era, era);
  const inEra = async (...args: string[]): Promise<Message> =>
    JSON.parse(await mcpdo('--format', 'json', '--connection', era, ...args)) as Message;
  const { elicitationPending } = await inEra('tools/call', 'asker', 'message:=hi', '--task');
  expect(elicitationPending).toMatchObject({ mode: 'form', message: 'Who are you?' });
  const answer = await inEra('elicitation/respond', String(elicitationPending.elicitationId), 'name:=Ann');
  expect(answer).toMatchObject({ content: [{ type: 'text', text: 'Hello, Ann.' }] });
});

/** The Inspector's `mcpdo`, in both eras: calls, plain and as tasks, whose questions are answered by another command. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';

const bin = fileURLToPath(new URL('../../node_modules/.bin/mcpdo', import.meta.url));

let door: HttpDoor;
let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  door = await serveHttp(fakeNetwork().options);
  home = await mkdtemp(join(tmpdir(), 'deputy-mcpdo-'));
  env = { ...process.env, HOME: home, TMPDIR: home, MCP_INSPECTOR_SECRET_STORE: 'memory' };
  // Shell exports of a daemon that is nobody else's.
  for (const [, name = '', value] of (await mcpdo('private')).matchAll(/^export (\w+)='(.*)'$/gm)) env[name] = value;
});

afterAll(async () => {
  await mcpdo('daemon', 'stop');
  await door.close(0);
  await rm(home, { recursive: true, force: true });
});

function mcpdo(...args: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(process.execPath, [bin, ...args], { env }, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new Error(`mcpdo ${args.join(' ')}: ${stdout}${stderr}`, { cause: error }));
  });
  child.stdin?.end();
  return promise;
}

interface Said {
  content?: { text: string }[];
  elicitationPending?: { elicitationId: string; message: string };
}

const say = async (...args: string[]): Promise<Said> => JSON.parse(await mcpdo(...args, '--format', 'json')) as Said;

test.each([
  ['legacy', []],
  ['legacy', ['--task']],
  ['modern', ['--task']],
] as const)('era %s, %j: a question waits for elicitation/respond, and the answer comes', async (era, how) => {
  const connection = `${era}${how.length}`;
  await mcpdo('connect', '--era', era, '--transport', 'http', `@${connection}`, door.url);
  const asked = await say(`@${connection}`, 'tools/call', 'asker', 'message:=hi', ...how);
  expect(asked.elicitationPending).toMatchObject({ message: 'Who are you?' });
  const answered = await say('elicitation/respond', String(asked.elicitationPending?.elicitationId), 'name:=Ann');
  expect(answered.content?.[0]?.text).toBe('Hello, Ann.');
});

test('a client that cannot be asked gets the handle, and looks after the task with it', async () => {
  await mcpdo('connect', '--era', 'legacy', '--elicit', 'off', '--transport', 'http', '@off', door.url);
  const { structuredContent } = (await say('@off', 'tools/call', 'asker', 'message:=hi')) as {
    structuredContent?: { task: string };
  };
  const cancelled = await say('@off', 'tools/call', 'task_cancel', `task:=${structuredContent?.task}`);
  expect(cancelled.content?.[0]?.text).toContain('was cancelled');
});

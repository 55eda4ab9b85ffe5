/** The Inspector's CLI, in both eras and through both doors: the strictest reader of a tool list that we know. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../../node_modules/.bin/mcp-inspector', import.meta.url));
const stdioServer = [process.execPath, fileURLToPath(new URL('stdio-server.ts', import.meta.url))];

let door: HttpDoor;
beforeAll(async () => {
  door = await serveHttp(fakeNetwork().options);
});
afterAll(() => door.close(0));

interface Said {
  tools?: { name: string }[];
  content?: { text: string }[];
}

async function inspect(target: string[], ...args: string[]): Promise<Said> {
  const more = ['--format', 'json', '--connect-timeout', '100000'];
  const { stdout } = await run(process.execPath, [bin, '--cli', ...target, ...args, ...more]);
  return (JSON.parse(stdout) as { result: Said }).result;
}

const targets = {
  stdio: () => stdioServer,
  HTTP: () => [door.url],
};

test.each([
  ['modern', 'stdio'],
  ['legacy', 'HTTP'],
] as const)('the strict list of tools has no complaint: era %s over %s', async (era, target) => {
  const { tools } = await inspect(['--protocol-era', era, ...targets[target]()], '--method', 'tools/list', '--strict');
  expect(tools?.map(({ name }) => name)).toContain('echo');
});

test.each([
  ['modern', 'HTTP'],
  ['legacy', 'stdio'],
] as const)('an agent answers: era %s over %s', async (era, target) => {
  const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hi'];
  const { content } = await inspect(['--protocol-era', era, ...targets[target]()], ...call);
  expect(content?.[0]?.text).toBe('hi');
});

/** The Inspector's CLI, in both eras and through both doors: the strictest reader of a tool list that we know. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  const { stdout } = await run(process.execPath, [bin, '--cli', ...target, ...args, '--format', 'json']);
  return (JSON.parse(stdout) as { result: Said }).result;
}

describe.each(['modern', 'legacy'])('era %s', (era) => {
  test.each([
    ['stdio', () => stdioServer],
    ['HTTP', () => [door.url]],
  ])('over %s: the strict list has no complaint, and an agent answers', async (_, target) => {
    const common = ['--protocol-era', era, ...target()];
    const listed = await inspect(common, '--method', 'tools/list', '--strict');
    expect(listed.tools?.map(({ name }) => name)).toContain('echo');
    const answer = await inspect(common, '--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hi');
    expect(answer.content?.[0]?.text).toBe('hi');
  });
});

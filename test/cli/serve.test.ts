import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, type Folder, folder, start } from './run-cli.ts';

let where: Folder;
beforeAll(async () => {
  where = await folder({
    'agents.yaml': `version: 1
agents:
  plain: { description: Answers., instructions: x, model: scripted/plain.yaml }
`,
    'plain.yaml': 'replies: ["You said: ${user}"]',
  });
});
afterAll(() => where.remove());

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'plain', arguments: { message: 'hi' } } };
const lines = (...messages: object[]) => messages.map((message) => `${JSON.stringify(message)}\n`).join('');

describe('serve', () => {
  test('on stdio stdout carries the protocol only, and the end of stdin is the end, exit 0', async () => {
    const running = start(where, ['serve', '--stdio']);
    running.child.stdin.write(lines(initialize, { jsonrpc: '2.0', method: 'notifications/initialized' }, call));
    await running.saw('out', /You said: hi/);
    running.child.stdin.end();
    const { code, out, err } = await running.done;
    expect(code).toBe(0);
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    expect(err).toContain('Serving 1 agent on stdin and stdout.');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'over HTTP it says where, answers, and drains on %s, exit 0',
    async (signal) => {
      const running = start(where, ['serve', '--http', '127.0.0.1:0']);
      const url = /at (http:\S+)/.exec(await running.saw('err', /at http:\S+/))?.[1] ?? '';
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(initialize),
      });
      expect(await answer.text()).toContain('"serverInfo"');
      running.child.kill(signal);
      const { code, out } = await running.done;
      expect({ code, out }).toEqual({ code: 0, out: '' });
    },
  );

  test('a port that is taken is a clear error', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, out, err } = await cli(where, ['serve', '--http', `127.0.0.1:${port}`]);
    other.close();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`127.0.0.1:${port} is taken by another program.`);
  });

  test('an address that others can reach is refused while callers cannot be told apart, exit 2', async () => {
    const { code, err } = await cli(where, ['serve', '--http', '0.0.0.0:0']);
    expect(code).toBe(2);
    expect(err).toContain('0.0.0.0');
  });
});

/** Files change while tasks wait: new tasks get the new agents, and those that have begun keep to theirs. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hands } from './hands.ts';
import { cli, type Folder, folder, type Running, start } from './run-cli.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const payer = `version: 1
mcpServers:
  hands: { command: node, args: [hands.mjs] }
agents:
  payer: { description: Pays., instructions: x, model: scripted/payer.yaml, tools: [hands/*] }
`;
const talker = `version: 1
agents:
  talker: { description: Talks., instructions: x, model: scripted/talker.yaml }
`;
let where: Folder;
let running: Running[] = [];
beforeEach(async () => {
  where = await folder({
    'agents.yaml': payer,
    'payer.yaml': 'replies: [{ calls: [{ tool: hands/pay, args: { to: "${user}" } }] }, { text: "Done: ${last}" }]',
    'talker.yaml': 'replies: ["You said: ${user}"]',
    'hands.mjs': hands,
  });
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ done }) => done));
  running = [];
  await where.remove();
});

const paid = (): string[] => {
  const file = join(where.path, 'effects.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};
const waiting = async (): Promise<{ id: string; task: string }> => {
  await cli(where, ['run', 'payer', 'alice']);
  const { out } = await cli(where, ['approvals', 'list', '--json']);
  const [one] = (JSON.parse(out) as { approvals: { id: string; task: string }[] }).approvals;
  if (one === undefined) throw new Error('nothing waits');
  return one;
};

test('a task of an agent that is gone from the files goes on as it began, in a later process', async () => {
  const one = await waiting();
  await where.write({ 'agents.yaml': talker });
  expect(await cli(where, ['approvals', 'approve', one.id])).toMatchObject({ code: 0 });
  expect(await cli(where, ['run', '--resume', one.task])).toMatchObject({ code: 0, out: 'Done: paid alice\n' });
  expect(paid()).toEqual(['alice']);
  expect(await cli(where, ['run', 'payer', 'bob'])).toMatchObject({ code: 5 });
});

test('serve --watch gives new agents to new tasks, keeps errors out, and lets tasks that wait go on as they began', async () => {
  const one = await waiting();
  const serving = start(where, ['serve', '--http', '127.0.0.1:0', '--watch']);
  running.push(serving);
  const url = /at (http:\S+)/.exec(await serving.saw('err', /at http:\S+/))?.[1] ?? '';

  await where.write({ 'agents.yaml': 'version: 1\nagents: { talker: { descriptio: x } }\n' });
  await serving.saw('err', /The agents stay as they were/);
  expect(await toolsAt(url)).toContain('payer');

  await where.write({ 'agents.yaml': talker });
  await serving.saw('err', /new tasks get it \(talker\)/);
  const tools = await toolsAt(url);
  expect(tools).toContain('talker');
  expect(tools).not.toContain('payer');

  expect(await cli(where, ['approvals', 'approve', one.id])).toMatchObject({ code: 0 });
  await vi.waitFor(async () => expect((await cli(where, ['tasks', 'get', one.task])).out).toContain('completed'), {
    timeout: 120_000,
    interval: 500,
  });
  expect(paid()).toEqual(['alice']);
});

test('a task waits for a model that is not available, and goes on at once when told to retry', async () => {
  let isUp = false;
  const model = createServer((_, response) => {
    if (!isUp) return void response.writeHead(503, { 'retry-after': '3600' }).end();
    const reply = { choices: [{ message: { role: 'assistant', content: 'Here again.' }, finish_reason: 'stop' }] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: '1', ...reply }));
  }).listen(0, '127.0.0.1');
  await once(model, 'listening');
  const { port } = model.address() as AddressInfo;
  await where.write({
    'agents.yaml': `version: 1
models: { far: { model: openai-chat/far, base_url: "http://127.0.0.1:${port}/v1" } }
agents: { talker: { description: Talks., instructions: x, model: far } }
`,
  });
  try {
    const run = start(where, ['run', 'talker', 'hello']);
    running.push(run);
    const id = /deputy tasks retry ([\w-]+)/.exec(await run.saw('err', /deputy tasks retry [\w-]+\./))?.[1] ?? '';
    isUp = true;
    expect(await cli(where, ['tasks', 'retry', id])).toMatchObject({ code: 0 });
    expect(await run.done).toMatchObject({ code: 0, out: 'Here again.\n' });
  } finally {
    model.closeAllConnections();
    model.close();
  }
});

async function toolsAt(url: string): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  return answer.text();
}

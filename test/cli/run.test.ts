import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive } from '../mcp-client/peers.ts';
import { cli, type Folder, folder, start } from './run-cli.ts';

const agents = `version: 1
permissions: { allow: ['*/*'] }
mcpServers:
  gone: { command: ./no-such-server }
  slow: { command: node, args: [slow-server.mjs] }
agents:
  plain: { description: Answers., instructions: x, model: scripted/plain.yaml }
  loops: { description: Never ends., instructions: x, model: scripted/loops.yaml, limits: { turns: 2 } }
  refuses: { description: Declines., instructions: x, model: scripted/refuses.yaml }
  keyless: { description: Has no model., instructions: x, model: scripted/keyless.yaml }
  lost: { description: Has no server., instructions: x, model: scripted/plain.yaml, tools: [gone/*] }
  slow: { description: Waits., instructions: x, model: scripted/slow.yaml, tools: [slow/*] }
  asks: { description: Delegates., instructions: x, model: scripted/asks.yaml, agents: [plain] }
  counts: { description: Remembers., instructions: x, model: scripted/counts.mjs }
  shaped:
    description: Has shapes.
    instructions: x
    model: scripted/shaped.yaml
    input: { type: object, properties: { pr: { type: integer } }, required: [pr] }
    output: { type: object, properties: { findings: { type: array, items: { type: string } } }, required: [findings] }
`;

const files = {
  'agents.yaml': agents,
  'priceless.yaml': `version: 1
models: { local: { model: openai-chat/mine, base_url: "http://127.0.0.1:9/v1" } }
agents: { priceless: { description: Costs nobody knows what., instructions: x, model: local } }
`,
  'plain.yaml': 'replies: [{ text: "You said: ${user}", usage: { inputTokens: 10, outputTokens: 5, cost: 0.25 } }]',
  'loops.yaml': 'replies: [{ calls: [{ tool: x }] }, { calls: [{ tool: x }] }, { calls: [{ tool: x }] }]',
  'refuses.yaml': 'replies: [{ text: "I will not.", stop: refusal }]',
  'keyless.yaml': 'replies: [{ error: { kind: auth, message: the key was refused } }]',
  'slow.yaml': 'replies: [{ calls: [{ tool: slow/sleep, args: {} }] }]',
  'asks.yaml':
    'replies: [{ text: "First.", calls: [{ tool: plain, args: { message: inner } }] }, { text: "Got: ${last}" }]',
  'counts.mjs': 'export default ({ messages }) => `Message ${messages.filter((one) => one.role === "user").length}`;',
  'shaped.yaml': `replies: [{ text: '{"findings":["a"]}' }]`,
  '.env': 'FROM_FILE=1',
  // A server whose only tool never answers; its own child must not outlive it either.
  'slow-server.mjs': `
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
const say = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (method === 'initialize') say(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } });
  else if (method === 'tools/list') say(id, { tools: [{ name: 'sleep', inputSchema: { type: 'object' } }] });
  else if (method === 'tools/call') console.error('pids ' + process.pid + ' ' + child.pid);
  else if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
});
`,
};

let where: Folder;
beforeAll(async () => {
  where = await folder(files);
});
afterAll(() => where.remove());

describe('run', () => {
  test('prints the answer on stdout and progress on stderr', async () => {
    const { code, out, err } = await cli(where, ['run', 'asks', 'hello']);
    expect({ code, out }).toEqual({ code: 0, out: 'Got: You said: inner\n' });
    expect(err.split('\n')).toEqual([
      'asks: turn 1',
      'asks: plain inner',
      'asks > plain: turn 1',
      expect.stringMatching(/^asks > plain: answered · 1 turn · 15 tokens · \$0\.25 · \d/),
      expect.stringMatching(/^asks: plain inner done in /),
      'asks: turn 2',
      expect.stringMatching(/^asks: answered · 2 turns · 1 call · [\d.k]+ tokens · \$0\.25 · \d/),
      '',
    ]);
  });

  test('--json is one object', async () => {
    const { code, out, err } = await cli(where, ['-q', 'run', 'plain', 'hello', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const result = JSON.parse(out) as { task: string };
    expect(result).toMatchObject({
      type: 'result',
      agent: 'plain',
      status: 'completed',
      isError: false,
      stop: 'answer',
      answer: 'You said: hello',
      usage: { inputTokens: 10, outputTokens: 5 },
      cost: 0.25,
      model: 'scripted/plain.yaml',
      turns: 1,
    });
    expect(result.task).toMatch(/^t[\w-]{32}$/);
  });

  test('--stream-json is one event a line, from the first to the result', async () => {
    const { code, out } = await cli(where, ['-q', 'run', 'plain', 'hello', '--stream-json']);
    const types = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(code).toBe(0);
    expect(types.slice(0, 3)).toEqual(['status', 'agent_start', 'turn_start']);
    expect(types).toContain('text_delta');
    expect(types.slice(-3)).toEqual(['agent_end', 'status', 'result']);
  });

  test('reads the message from a pipe, with - and without', async () => {
    const outcomes = await Promise.all([
      cli(where, ['-q', 'run', 'plain', '-'], { input: 'from a pipe\n' }),
      cli(where, ['-q', 'run', 'plain'], { input: 'from a pipe\n' }),
    ]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 0, out: 'You said: from a pipe\n' });
  });

  test('an agent with an input of its own takes JSON that fits it, and answers in its output', async () => {
    const [good, text, wrong] = await Promise.all([
      cli(where, ['-q', 'run', 'shaped', '{"pr": 3}']),
      cli(where, ['-q', 'run', 'shaped', 'hello']),
      cli(where, ['-q', 'run', 'shaped', '{"pr": "x"}']),
    ]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toEqual({ findings: ['a'] });
    expect(text).toMatchObject({ code: 2, out: '' });
    expect(text.err).toContain(`'{"pr": ...}'`);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('pr must be integer');
  });

  test.each([
    ['an empty message', ['run', 'plain'], 2, 'The message is empty'],
    ['an unknown agent', ['run', 'nobody', 'x'], 5, 'There is no agent "nobody". There is: plain'],
    ['a limit', ['run', 'loops', 'x'], 6, 'it has used its 2 turns'],
    ['a cost limit', ['run', 'asks', 'x', '--max-cost', '0.1'], 6, 'USD'],
    [
      'a cost limit that cannot hold',
      ['-c', 'priceless.yaml', 'run', 'priceless', 'x', '--max-cost', '1'],
      2,
      'openai-chat/mine costs is not known',
    ],
    ['a refusal', ['run', 'refuses', 'x'], 1, 'I will not.'],
    ['a model without its key', ['run', 'keyless', 'x'], 7, 'the key was refused'],
    ['a server that does not start', ['run', 'lost', 'x'], 7, 'no-such-server'],
    ['a time-out', ['run', 'slow', 'x', '--timeout', '2s'], 124, 'the time given with --timeout is over'],
  ])('%s has an exit code of its own', async (_, args, code, message) => {
    const outcome = await cli(where, args);
    expect(outcome.err).toContain(message);
    expect(outcome).toMatchObject({ code, out: '' });
  });

  test('what ended it is also in the JSON', async () => {
    const { code, out } = await cli(where, ['-q', 'run', 'loops', 'x', '--json']);
    expect(code).toBe(6);
    expect(JSON.parse(out)).toMatchObject({ isError: true, stop: 'limit', limit: 'turns' });
  });

  test('a reader that goes away is no error', async () => {
    const running = start(where, ['run', 'plain', 'x', '--stream-json']);
    running.child.stdout.destroy();
    const { code, err } = await running.done;
    expect(code).toBe(0);
    expect(err).not.toContain('EPIPE');
  });

  test('NO_COLOR and pipes get no escape sequence, FORCE_COLOR does', async () => {
    const [plain, none, forced] = await Promise.all([
      cli(where, ['run', 'refuses', 'x']),
      cli(where, ['run', 'refuses', 'x'], { env: { NO_COLOR: '1', FORCE_COLOR: '1' } }),
      cli(where, ['run', 'refuses', 'x'], { env: { FORCE_COLOR: '1' } }),
    ]);
    expect(plain.err).not.toContain('\x1b');
    expect(none.err).not.toContain('\x1b');
    expect(forced.err).toContain('\x1b[31m');
  });
});

const pidsIn = (log: string): number[] => /pids (\d+) (\d+)/.exec(log)?.slice(1).map(Number) ?? [];

async function untilDead(pid: number): Promise<void> {
  while (isAlive(pid)) await wait(20);
}

describe('signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s cancels the task and ends the servers with their children: exit %i', async (signal, code) => {
    const running = start(where, ['-v', 'run', 'slow', 'x', '--json']);
    const pids = pidsIn(await running.saw('err', /pids \d+ \d+/));
    expect(pids.map(isAlive)).toEqual([true, true]);
    running.child.kill(signal);
    const outcome = await running.done;
    expect(outcome.code).toBe(code);
    expect(JSON.parse(outcome.out)).toMatchObject({ status: 'cancelled', isError: true });
    await Promise.all(pids.map(untilDead));
  });

  test('a second SIGINT does not wait, and leaves no server behind either', async () => {
    const running = start(where, ['-v', 'run', 'slow', 'x']);
    const pids = pidsIn(await running.saw('err', /pids \d+ \d+/));
    running.child.kill('SIGINT');
    running.child.kill('SIGINT');
    expect((await running.done).code).toBe(130);
    await Promise.all(pids.map(untilDead));
  });
});

describe('chat', () => {
  test('lines of a pipe are one conversation; /new begins another', async () => {
    const { code, out } = await cli(where, ['-q', 'chat', 'counts'], { input: 'a\n\nb\n/new\nc\n/quit\nd\n' });
    expect({ code, out }).toEqual({ code: 0, out: 'Message 1\nMessage 2\nMessage 1\n' });
  });

  test('without a name it is the first agent; what went wrong is in the exit code', async () => {
    const [first, limited] = await Promise.all([
      cli(where, ['-q', 'chat'], { input: 'hi' }),
      cli(where, ['-q', 'chat', 'loops'], { input: 'hi' }),
    ]);
    expect(first).toMatchObject({ code: 0, out: 'You said: hi\n' });
    expect(limited).toMatchObject({ code: 6, out: '' });
  });
});

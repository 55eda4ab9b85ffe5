/** The stdio door: what stands on stdout, and how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveStdio, type StdioDoor } from '../../src/mcp-server/stdio.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { meta } from './wire.ts';

interface Pipe {
  door: StdioDoor;
  engine: FakeEngine;
  stdin: PassThrough;
  send: (message: unknown) => void;
  /** The next message on stdout. */
  next: () => Promise<Record<string, unknown>>;
  /** Everything that stdout has carried so far. */
  lines: string[];
}

async function pipe(maxMessageBytes?: number): Promise<Pipe> {
  const { engine, options } = fakeNetwork();
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const lines: string[] = [];
  let taken = 0;
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    lines.push(...chunk.split('\n').filter((line) => line !== ''));
    stdout.emit('line');
  });
  const door = await serveStdio({
    ...options,
    stdin,
    stdout,
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
  });
  return {
    door,
    engine,
    stdin,
    lines,
    send: (message) => stdin.write(`${JSON.stringify(message)}\n`),
    async next() {
      while (lines.length <= taken) await once(stdout, 'line');
      return JSON.parse(lines[taken++] ?? '') as Record<string, unknown>;
    },
  };
}

const request = (id: number, method: string, params: Record<string, unknown> = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: { _meta: meta(), ...params },
});
const call = (id: number, name: string) => request(id, 'tools/call', { name, arguments: { message: 'hi' } });

test('the end of the input ends the door, and cancels what was at work', async () => {
  const { door, engine, stdin, send } = await pipe();
  send(call(1, 'endless'));
  await engine.until(() => engine.working === 1);
  stdin.end();
  await door.closed;
  expect([engine.cancelled.length, engine.working]).toEqual([1, 0]);
});

test('a call that is cancelled by notification is never answered [STDIO-CANCEL] [SILENCE]', async () => {
  const { door, engine, send, next, lines } = await pipe();
  send(call(1, 'endless'));
  await engine.until(() => engine.working === 1);
  send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { _meta: meta(), requestId: 1 } });
  await engine.until(() => engine.working === 0);
  send(call(2, 'echo'));
  expect(await next()).toMatchObject({ id: 2, result: { content: [{ text: 'hi' }] } });
  await door.close(0);
  expect(lines).toHaveLength(1);
});

test('closing waits for the calls at work, and refuses new ones outside the reserved codes [CODES]', async () => {
  const { door, engine, send, next } = await pipe();
  send(call(1, 'silent'));
  await engine.until(() => engine.working === 1);
  const closed = door.close();
  send(call(2, 'echo'));
  expect(await next()).toMatchObject({ id: 2, error: { code: 503 } });
  await engine.start({ agent: 'release', input: {}, owner: 'local' });
  expect(await next()).toMatchObject({ id: 1, result: { content: [{ text: 'at last' }] } });
  await closed;
  await door.closed;
  expect(engine.cancelled).toEqual([]);
});

test('a call that outlives the grace ends with the handle of its task', async () => {
  const { door, engine, send, next } = await pipe();
  send(call(1, 'endless'));
  await engine.until(() => engine.working === 1);
  await door.close(20);
  const [task] = await engine.list({ owner: 'local' });
  expect(await next()).toMatchObject({ id: 1, result: { structuredContent: { task: task?.id, status: 'working' } } });
  expect(engine.cancelled).toEqual([]);
  await engine.close();
});

describe('what is no message', () => {
  test.each(['garbage', '{"jsonrpc":"2.0"', '[]', '42', '{}', `${'['.repeat(50_000)}${']'.repeat(50_000)}`])(
    'does not end the connection: case %#',
    async (line) => {
      const { door, stdin, send, next } = await pipe();
      send(request(1, 'server/discover'));
      expect(await next()).toMatchObject({ id: 1 });
      stdin.write(`${line}\n`);
      send(call(2, 'echo'));
      let answer = await next();
      while (answer['id'] !== 2) answer = await next();
      expect(answer).toMatchObject({ result: { content: [{ text: 'hi' }] } });
      await door.close(0);
    },
  );

  test('a message that is too long ends the connection instead of filling the memory', async () => {
    const { door, stdin } = await pipe(10_000);
    stdin.write('x'.repeat(20_000));
    await door.closed;
  });
});

test('a process that serves writes messages to stdout, nothing else, and exits 0 at the end [STDOUT]', async () => {
  const server = fileURLToPath(new URL('stdio-server.ts', import.meta.url));
  const child = spawn(process.execPath, [server], { stdio: ['pipe', 'pipe', 'inherit'] });
  let stdout = '';
  onTestFinished(() => void child.kill());
  child.stdout.setEncoding('utf8');
  child.stdin.write(`${JSON.stringify(request(1, 'tools/list'))}\n${JSON.stringify(call(2, 'echo'))}\n`);
  for await (const chunk of child.stdout as AsyncIterable<string>) {
    stdout += chunk;
    if (stdout.split('\n').length === 3) child.stdin.end();
  }
  const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number]) : [child.exitCode];
  expect(code).toBe(0);
  const messages = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { jsonrpc: string });
  expect(messages.map(({ jsonrpc }) => jsonrpc)).toEqual(['2.0', '2.0']);
});

/** Calls that servers of 2025 make tasks of when asked, on the v1 SDK: the field's own implementation. */
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ToolOutcome } from '../../src/agent/tool.ts';
import { silentLog } from '../../src/log.ts';
import { type McpServers, openServers } from '../../src/mcp-client/open-servers.ts';
import type { ToolRule } from '../../src/mcp-client/options.ts';
import type { EffectClass } from '../../src/task/effect.ts';
import { listen } from './listen.ts';
import { newOldWorld, oldTaskServer } from './old-task-server.ts';
import { call, type CallOptions, http, open, quick, said, stdio, toolOf } from './peers.ts';

const rule = (pattern: string, effect: EffectClass): ToolRule => ({
  pattern,
  matches: (name) => name === pattern,
  effect,
});
const rules = [rule('must', 'read'), rule('may-read', 'read'), rule('may-again', 'idempotent')];

let old: McpServers;
beforeAll(() => {
  const timings = { ...quick, cancelGrace: 3_000 };
  old = openServers([stdio('old', './old-task-server.ts', [], { tools: rules })], { log: silentLog, timings });
});
afterAll(() => old.close());

const act = async (name: string, options: CallOptions = {}): Promise<ToolOutcome> =>
  call(await toolOf(old, `old/${name}`), {}, options);

/**
 * Without sessions: the tasks outlive each connection, as with a store in a database.
 * @param hold what comes before a call is looked at
 */
async function overHttp(hold = Promise.resolve()) {
  const world = newOldWorld();
  const asked: { id?: number; method: string; params?: { task?: object; requestId?: number } }[] = [];
  const peer = await listen((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(body) as (typeof asked)[number];
      asked.push(message);
      if (message.method === 'tools/call') await hold;
      const transport = new StreamableHTTPServerTransport({});
      await oldTaskServer(world).connect(transport);
      await transport.handleRequest(request, response, message);
    })();
  });
  const act = async (name: string, options: CallOptions = {}): Promise<ToolOutcome> =>
    call(await toolOf(open(http(peer.url)), `web/${name}`), {}, options);
  return { world, asked, act };
}

test('a tool that must run as a task does, and its id is stored', async () => {
  const references: string[] = [];
  expect(said(await act('must', { references }))).toBe('must');
  expect(references).toHaveLength(1);
});

test('a tool that may run as a task does where it may not be repeated', async () => {
  const references: string[] = [];
  expect(said(await act('may', { references }))).toBe('may');
  expect(references).toHaveLength(1);
});

test.each(['may-read', 'may-again'])(
  'a tool that may run as a task is called plainly where it may be repeated: %s',
  async (name) => {
    const references: string[] = [];
    expect(said(await act(name, { references }))).toBe('may');
    expect(references).toEqual([]);
  },
);

test('a tool that says nothing of tasks is called plainly', async () => {
  const references: string[] = [];
  expect(said(await act('plain', { references }))).toBe('plain');
  expect(references).toEqual([]);
});

test('a server that tells the end of a task is not asked for it', async () => {
  // Its poll interval is a minute.
  expect(said(await act('told'))).toBe('told');
});

test('a task that fails gives the result that its server kept', async () => {
  expect(await act('fails')).toEqual({ content: [{ type: 'text', text: 'no flour' }], isError: true });
});

test('a task that its server cancels is an error that says so', async () => {
  expect(said(await act('leaves'))).toBe('old/leaves was cancelled by its server: the cook left');
});

test('a cancelled call is cancelled as a task', async () => {
  const { world, asked, act } = await overHttp();
  const stop = new AbortController();
  const references: string[] = [];
  const outcome = act('slow', { signal: stop.signal, references });
  await expect.poll(() => asked.filter(({ method }) => method === 'tasks/get').length).toBeGreaterThan(0);
  stop.abort(new Error('enough'));
  await expect(outcome).rejects.toThrow('enough');
  expect((await world.store.getTask(references[0] ?? ''))?.status).toBe('cancelled');
  const sent = asked.find(({ method }) => method === 'tools/call');
  // A poll may have been cut short; the call itself is not cancelled by a notification.
  expect(asked.filter(({ params }) => params?.requestId === sent?.id)).toEqual([]);
});

test('a call that is cancelled before its task is known waits a moment for it, and cancels it', async () => {
  const held = Promise.withResolvers<void>();
  const { world, asked, act } = await overHttp(held.promise);
  const stop = new AbortController();
  const outcome = act('slow', { signal: stop.signal });
  await expect.poll(() => asked.some(({ method }) => method === 'tools/call')).toBe(true);
  stop.abort(new Error('enough'));
  held.resolve();
  await expect(outcome).rejects.toThrow('enough');
  const { tasks } = await world.store.listTasks();
  expect(tasks.map(({ status }) => status)).toEqual(['cancelled']);
  world.store.cleanup();
});

test('a task is asked to live for a day', async () => {
  const { world, asked, act } = await overHttp();
  expect(said(await act('must'))).toBe('must');
  expect(asked.find(({ method }) => method === 'tools/call')?.params?.task).toEqual({ ttl: 86_400_000 });
  world.store.cleanup();
});

test('a task whose call was left by a dead process is gone on with, and not sent again', async () => {
  const { world, act } = await overHttp();
  const references: string[] = [];
  const stop = new AbortController();
  const left = act('slow', { references, signal: stop.signal });
  await expect.poll(() => references.length).toBe(1);
  const reference = references[0] ?? '';
  const resumed = act('slow', { reference });
  await world.store.storeTaskResult(reference, 'completed', { content: [{ type: 'text', text: 'went on' }] });
  expect(said(await resumed)).toBe('went on');
  expect(said(await left)).toBe('went on');
  expect(world.calls).toEqual(['slow']);
  world.store.cleanup();
});

test('a task that its server forgot is unknown', async () => {
  const outcome = await act('forgets');
  expect(outcome.unknown).toBe('the server made a task of it and no longer knows that task');
});

test('a question is refused on the stream where it is asked, and the tool may go on without', async () => {
  expect(said(await act('asks'))).toMatch(/^went on without: .*-32601/);
});

test('a task that waits for somebody for ever is cancelled, and that is said', async () => {
  const outcome = await act('waits');
  expect(said(outcome)).toBe(
    'old/waits asks for input (for the cook) before it goes on. Nobody could be asked: nothing was answered, and it was cancelled.',
  );
});

/** A Deputy that uses another Deputy: the tasks of the one are followed by the other. */
import { expect, onTestFinished, test } from 'vitest';
import type { ToolOutcome, ToolProgress } from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from '../mcp-server/network.ts';
import { call, type CallOptions, http, open, said, stdio, toolOf } from './peers.ts';
import { accept, person } from './questions.ts';

const go = { message: 'go' };

async function deputy() {
  const { engine, options } = fakeNetwork();
  const door = await serveHttp({ ...options, port: 0 });
  onTestFinished(() => door.close(0));
  /** Each time as another process would: on a connection of its own. */
  const act = async (agent: string, args: JsonObject, options: CallOptions = {}): Promise<ToolOutcome> =>
    call(await toolOf(open(http(door.url)), `web/${agent}`), args, options);
  const actAsked = async (agent: string, options: CallOptions): Promise<ToolOutcome> =>
    call(await toolOf(open(http(door.url, { asks: true })), `web/${agent}`), go, options);
  return { act, actAsked, engine, cancelled: engine.cancelled, url: door.url };
}

test('a call is a task there, and its answer comes back with its shape', async () => {
  const { act } = await deputy();
  const references: string[] = [];
  const outcome = await act('weather', { city: 'Bern' }, { references });
  expect(outcome).toMatchObject({ isError: false, structuredContent: { city: 'Bern', degrees: 21.5 } });
  expect(references).toHaveLength(1);
});

test('its tools that look after tasks are for hosts, not for our agents', async () => {
  const { url } = await deputy();
  const tools = await open(http(url)).tools(['web'], new AbortController().signal);
  expect(tools.map(({ id }) => id)).toContain('web/weather');
  expect(tools.filter(({ id }) => id.startsWith('web/task_'))).toEqual([]);
});

test('progress there is progress here', async () => {
  const { act } = await deputy();
  const progress: ToolProgress[] = [];
  expect(said(await act('busy', go, { progress }))).toBe('read it');
  expect(progress.length).toBeGreaterThan(0);
  expect(JSON.stringify(progress)).not.toContain('secret.txt');
});

test('on stdio a task is told of as well', async () => {
  const servers = open(stdio('own', '../mcp-server/stdio-server.ts'), {
    timings: { pollLeast: 60_000, pollMost: 60_000 },
  });
  const references: string[] = [];
  expect(said(await call(await toolOf(servers, 'own/busy'), go, { references }))).toBe('read it');
  expect(references).toHaveLength(1);
});

test('a call that a dead process left is gone on with', async () => {
  const { act } = await deputy();
  const references: string[] = [];
  const left = act('silent', go, { references });
  await expect.poll(() => references.length).toBe(1);
  const resumed = act('silent', go, { reference: references[0] ?? '' });
  await act('release', go);
  expect(said(await resumed)).toBe(said(await left));
});

test('a cancelled call is cancelled there, and it is acknowledged before we go on', async () => {
  const { act, cancelled } = await deputy();
  const references: string[] = [];
  const stop = new AbortController();
  const outcome = act('endless', go, { references, signal: stop.signal });
  await expect.poll(() => references.length).toBe(1);
  stop.abort(new Error('enough'));
  await expect(outcome).rejects.toThrow('enough');
  expect(cancelled).toEqual(references);
});

test('a question there is progress here, which says where to answer it', async () => {
  const { act, engine } = await deputy();
  const progress: ToolProgress[] = [];
  const references: string[] = [];
  const outcome = act('asker', go, { progress, references });
  await expect.poll(() => progress.map(({ message }) => message).join('\n')).toMatch(/Who are you\?/);
  const [{ owner }, id] = [engine.started[0] ?? { owner: '' }, references[0] ?? ''];
  const task = await engine.get(id, owner);
  const [key] = task.status === 'input_required' ? Object.keys(task.inputRequests) : [];
  await engine.respond(id, owner, { [key ?? '']: { action: 'accept', content: { name: 'Ada' } } }, { channel: 'test' });
  expect(said(await outcome)).toBe('Hello, Ada.');
});

test('a task that is not there is unknown', async () => {
  const { act } = await deputy();
  expect((await act('silent', go, { reference: 'task_of-somebody-else' })).unknown).toContain(
    'no longer knows that task',
  );
});

test('a question there is one here where it may ask, and is answered from here', async () => {
  const { actAsked } = await deputy();
  const { ask, answer, asked, isAsked } = person();
  const outcome = actAsked('asker', { ask });
  await expect.poll(() => isAsked('Who are you?')).toBe(true);
  expect(asked[0]?.request).toMatchObject({ kind: 'form', schema: { properties: { name: { type: 'string' } } } });
  answer('Who', accept({ name: 'Ada' }));
  expect(said(await outcome)).toBe('Hello, Ada.');
});

test('two questions there are two here, answered in any order', async () => {
  const { actAsked } = await deputy();
  const { ask, answer, isAsked } = person();
  const outcome = actAsked('pair', { ask });
  await expect.poll(() => isAsked('first?') && isAsked('second?')).toBe(true);
  answer('second?', accept({ name: 'Bob' }));
  answer('first?', accept({ name: 'Ada' }));
  expect(said(await outcome)).toBe('Ada and Bob');
});

test('a question that is answered there is withdrawn here', async () => {
  const { actAsked, engine } = await deputy();
  const { ask, withdrawn, isAsked } = person();
  const references: string[] = [];
  const outcome = actAsked('asker', { ask, references });
  await expect.poll(() => isAsked('Who are you?')).toBe(true);
  const [{ owner }, id] = [engine.started[0] ?? { owner: '' }, references[0] ?? ''];
  const task = await engine.get(id, owner);
  const [key] = task.status === 'input_required' ? Object.keys(task.inputRequests) : [];
  await engine.respond(id, owner, { [key ?? '']: { action: 'accept', content: { name: 'Eve' } } }, { channel: 'test' });
  expect(said(await outcome)).toBe('Hello, Eve.');
  expect(withdrawn).toHaveLength(1);
});

/** What a 2025 caller is asked while it waits for an answer: on the call's own stream, and never without end. */
import { expect, test } from 'vitest';
import type { Task } from '../../src/task/task.ts';
import { viaTest } from './fake-engine.ts';
import { accept, openDoor, openPeer2025, startTask } from './peer-2025.ts';
import { initialize, post2025, sseEvents } from './wire.ts';

const ann = accept({ name: 'Ann' });
const asks = ({ status }: Task): boolean => status === 'input_required';
const keysOf = (task: Task): string[] => (task.status === 'input_required' ? Object.keys(task.inputRequests) : []);

test('questions are asked side by side on the stream of the call, and answered one by one', async () => {
  const { url } = await openDoor();
  const both = Promise.withResolvers<void>();
  const peer = await openPeer2025(url, async ({ message }) => {
    if (peer.asked.length === 2) both.resolve();
    await both.promise;
    return { action: 'accept', content: { name: message } };
  });
  expect(await peer.call('pair')).toMatchObject({ content: [{ text: 'first? and second?' }] });
  expect(peer.asked[0]).not.toHaveProperty('_meta');
});

test('a decline is an answer [ELICIT-ACTIONS]', async () => {
  const { url } = await openDoor();
  const peer = await openPeer2025(url, () => ({ action: 'decline' }));
  expect(await peer.call('asker')).toMatchObject({ content: [{ text: 'Nobody: decline.' }] });
});

test('a dialog that was dismissed is not shown again: the call ends with a handle, and the question stays', async () => {
  const { url, engine } = await openDoor();
  const peer = await openPeer2025(url, () => ({ action: 'cancel' }));
  const { structuredContent } = await peer.call('asker');
  expect(structuredContent).toMatchObject({ status: 'input_required', questions: [{ message: 'Who are you?' }] });
  const task = String(structuredContent?.['task']);
  await peer.call('task_get', { task, wait_seconds: 0.05 });
  expect(peer.asked).toHaveLength(1);
  expect(asks(await engine.get(task, 'local'))).toBe(true);
});

test('a host that accepts without an answer is asked twice, not for ever', async () => {
  const { url } = await openDoor();
  const peer = await openPeer2025(url, accept({}));
  expect((await peer.call('asker')).structuredContent).toMatchObject({ status: 'input_required' });
  expect(peer.asked).toHaveLength(2);
});

test('a dialog is withdrawn when the question was answered elsewhere', async () => {
  const { url, engine } = await openDoor();
  const withdrawn = Promise.withResolvers<void>();
  const peer = await openPeer2025(url, async (_, signal) => {
    const [task] = await engine.list({ owner: 'local' });
    if (task === undefined) throw new Error('no task');
    signal.addEventListener('abort', () => withdrawn.resolve());
    const [key = ''] = keysOf(task);
    void engine.respond(task.id, 'local', { [key]: { action: 'accept', content: { name: 'Bob' } } }, viaTest);
    await withdrawn.promise;
    return { action: 'cancel' };
  });
  expect(await peer.call('asker')).toMatchObject({ content: [{ text: 'Hello, Bob.' }] });
  await withdrawn.promise;
});

test('when the time to wait is up, an open dialog stays open, and its answer counts', async () => {
  const { url, engine } = await openDoor({ waitMs: 1_000 });
  const reading = Promise.withResolvers<void>();
  const peer = await openPeer2025(url, async () => {
    await reading.promise;
    return { action: 'accept', content: { name: 'Ann' } };
  });
  const { structuredContent } = await peer.call('asker');
  const id = String(structuredContent?.['task']);
  expect(await peer.call('task_get', { task: id })).toMatchObject({ structuredContent: { status: 'input_required' } });
  reading.resolve();
  await expect.poll(() => engine.get(id, 'local')).toMatchObject({ status: 'completed' });
  expect(peer.asked).toHaveLength(1);
});

test('a dialog that outlived its call is withdrawn on the stream of the session', async () => {
  const { url, engine } = await openDoor({ waitMs: 1_000 });
  const withdrawn = Promise.withResolvers<void>();
  const peer = await openPeer2025(url, async (_, signal) => {
    signal.addEventListener('abort', () => withdrawn.resolve());
    await withdrawn.promise;
    return { action: 'cancel' };
  });
  const { structuredContent } = await peer.call('asker');
  await engine.cancel(String(structuredContent?.['task']), 'local');
  await withdrawn.promise;
});

test('an older client is not sent what it cannot show, and tasks are nothing to it [ELICIT-MODES] [TASKS-VERSION]', async () => {
  const { url } = await openDoor();
  const session = await openSession(url, '2025-06-18');
  const response = await callByHand(url, session, 'asker');
  for await (const { data } of sseEvents(response)) {
    if (data === '') continue;
    const message = JSON.parse(data) as { method?: string; params?: unknown };
    if (message.method !== 'elicitation/create') continue;
    expect(message.params).not.toHaveProperty('mode');
    break;
  }
  const plain = await rpc(url, session, 'tools/call', { name: 'echo', arguments: { message: 'hi' }, task: {} });
  expect(plain.result).toMatchObject({ content: [{ text: 'hi' }] });
  const { error } = await rpc(url, session, 'tasks/list');
  expect(error).toMatchObject({ code: -32601 });
});

test('nobody came for the result: after a grace period the question goes to the stream of the session, once [TASKS-INPUT]', async () => {
  const { url } = await openDoor({ graceMs: 50 });
  const peer = await openPeer2025(url, ann);
  const { task } = await startTask(peer, 'asker');
  await expect.poll(() => peer.client.experimental.tasks.getTask(task.taskId)).toMatchObject({ status: 'completed' });
  expect(peer.asked).toMatchObject([{ _meta: { 'io.modelcontextprotocol/related-task': { taskId: task.taskId } } }]);
});

test('a question whose stream died is asked again on another one', async () => {
  const { url } = await openDoor({ graceMs: 50 });
  const session = await openSession(url, '2025-11-25');
  const { result } = await rpc(url, session, 'tools/call', { name: 'asker', arguments: { message: 'hi' }, task: {} });
  const { taskId } = (result as { task: { taskId: string } }).task;

  const first = new AbortController();
  const dying = await post2025(url, session, request('tasks/result', { taskId }), first.signal);
  const before = await nextAsked(dying);
  first.abort();
  const again = await post2025(url, session, request('tasks/result', { taskId }));
  const after = await nextAsked(again);
  expect(after.params).toEqual(before.params);
  expect(after.id).not.toBe(before.id);

  const answer = { action: 'accept', content: { name: 'Ann' } };
  await post2025(url, session, { jsonrpc: '2.0', id: after.id, result: answer });
  expect((await rpc(url, session, 'tasks/result', { taskId })).result).toMatchObject({
    content: [{ text: 'Hello, Ann.' }],
  });
});

test('a session that is new asks what the old one left open', async () => {
  const { url } = await openDoor({ graceMs: 50 });
  const lost = await openPeer2025(url, () => new Promise(() => undefined));
  const { task } = await startTask(lost, 'asker');
  await expect.poll(() => lost.asked.length).toBe(1);
  await lost.client.close();

  const peer = await openPeer2025(url, ann);
  await peer.client.experimental.tasks.getTask(task.taskId);
  await expect.poll(() => peer.asked.length).toBe(1);
  await expect.poll(() => peer.client.experimental.tasks.getTask(task.taskId)).toMatchObject({ status: 'completed' });
});

async function openSession(url: string, protocolVersion: string): Promise<string> {
  const session = await initialize(url, protocolVersion, { elicitation: {} });
  if (typeof session !== 'string') throw new Error(`no session: ${session.status}`);
  return session;
}

let ids = 100;
const request = (method: string, params: Record<string, unknown>) => ({
  jsonrpc: '2.0',
  id: (ids += 1),
  method,
  params,
});

const callByHand = (url: string, session: string, name: string): Promise<Response> =>
  post2025(url, session, request('tools/call', { name, arguments: { message: 'hi' } }));

async function rpc(url: string, session: string, method: string, params: Record<string, unknown> = {}) {
  const response = await post2025(url, session, request(method, params));
  for await (const { data } of sseEvents(response)) {
    const message = data === '' ? {} : (JSON.parse(data) as { result?: unknown; error?: unknown });
    if ('result' in message || 'error' in message) return message;
  }
  throw new Error('no answer');
}

async function nextAsked(response: Response): Promise<{ id: unknown; params: unknown }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) throw new Error(`the stream ended: ${text}`);
    text += value;
    const line = /^data: (\{.*"elicitation\/create".*\})$/m.exec(text)?.[1];
    if (line !== undefined) return JSON.parse(line) as { id: unknown; params: unknown };
  }
}

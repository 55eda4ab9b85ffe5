/** One task, whoever looks at it: started on one rung of the ladder, watched, answered and cancelled on another. */
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import { accept, openDoor, openPeer2025, startTask } from './peer-2025.ts';
import { forms, httpCaller, tasks } from './peer-2026.ts';

const both = { ...tasks, ...forms };
const ask = { name: 'asker', arguments: { message: 'hi' } };
const related = (taskId: string) => ({ 'io.modelcontextprotocol/related-task': { taskId } });

async function open() {
  const { url, engine } = await openDoor({ graceMs: 20 });
  return { url, engine, modern: httpCaller(url) };
}

/** The key of the one open question of a 2026 task. */
async function keyOf(modern: ReturnType<typeof httpCaller>, taskId: string): Promise<string> {
  const seen = async () => (await modern.request('tasks/get', { taskId }, both)).result;
  await expect.poll(seen).toMatchObject({ status: 'input_required' });
  return Object.keys((await seen())?.['inputRequests'] as object)[0] ?? '';
}

test('started as a 2026 task, asked and fetched as a 2025 one [ONE-TASK]', async () => {
  const { url, modern } = await open();
  const taskId = String((await modern.request('tools/call', ask, both)).result?.['taskId']);
  await keyOf(modern, taskId);
  const peer = await openPeer2025(url, accept({ name: 'Ann' }));
  const result = await peer.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
  expect(result).toMatchObject({ content: [{ text: 'Hello, Ann.' }], _meta: related(taskId) });
  expect((await modern.request('tasks/get', { taskId }, both)).result).toMatchObject({ status: 'completed' });
});

test('started as a 2025 task, answered as a 2026 one: the dialog that was open is withdrawn', async () => {
  const { url, modern } = await open();
  const withdrawn = Promise.withResolvers<void>();
  const peer = await openPeer2025(url, async (_, signal) => {
    signal.addEventListener('abort', () => withdrawn.resolve());
    await withdrawn.promise;
    return { action: 'cancel' };
  });
  const { taskId } = (await startTask(peer, 'asker')).task;
  const result = peer.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
  await expect.poll(() => peer.asked.length).toBe(1);
  const inputResponses = { [await keyOf(modern, taskId)]: { action: 'accept', content: { name: 'Bob' } } };
  await modern.request('tasks/update', { taskId, inputResponses }, both);
  expect(await result).toMatchObject({ content: [{ text: 'Hello, Bob.' }] });
  await withdrawn.promise;
});

test('handed out as a handle on the 2026 wire, then asked in a 2025 session that looks after it', async () => {
  const { url, modern } = await open();
  const handle = (await modern.request('tools/call', ask, {})).result?.['structuredContent'] as { task: string };
  expect(handle).toMatchObject({ status: 'input_required' });
  const peer = await openPeer2025(url, accept({ name: 'Cy' }));
  const seen = await peer.call('task_get', { task: handle.task });
  expect(seen).toMatchObject({ structuredContent: { status: 'completed', result: { answer: 'Hello, Cy.' } } });
  expect(peer.asked).toHaveLength(1);
});

test('waited for by a plain 2025 call, cancelled as a 2026 task', async () => {
  const { url, engine, modern } = await open();
  const peer = await openPeer2025(url);
  const waiting = peer.call('endless');
  await engine.until(() => engine.working === 1);
  const [task] = await engine.list({ owner: 'local' });
  await modern.request('tasks/cancel', { taskId: task?.id }, both);
  expect(await waiting).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('cancelled') }] });
});

test('started as a 2026 task, cancelled as a 2025 one, and seen as such through its handle', async () => {
  const { url, modern } = await open();
  const started = await modern.request('tools/call', { ...ask, name: 'endless' }, both);
  const taskId = String(started.result?.['taskId']);
  const peer = await openPeer2025(url);
  await peer.client.experimental.tasks.cancelTask(taskId);
  expect((await modern.request('tasks/get', { taskId }, both)).result).toMatchObject({ status: 'cancelled' });
  expect(await peer.call('task_get', { task: taskId })).toMatchObject({ structuredContent: { status: 'cancelled' } });
});

test('after a restart the sessions are gone, and what was asked is asked again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deputy-rungs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const begin = async () => {
    const { engine, options } = fakeNetwork({ graceMs: 20 }, join(folder, 'store.db'));
    const door = await serveHttp(options);
    return { url: door.url, stop: () => door.close(0).then(() => engine.close(0)) };
  };
  const before = await begin();
  const lost = await openPeer2025(before.url, () => new Promise(() => undefined));
  const { taskId } = (await startTask(lost, 'asker')).task;
  await expect.poll(() => lost.asked.length).toBe(1);
  await lost.close();
  await before.stop();

  const after = await begin();
  onTestFinished(() => after.stop());
  const peer = await openPeer2025(after.url, accept({ name: 'Ann' }));
  const result = await peer.client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
  expect(result).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
});

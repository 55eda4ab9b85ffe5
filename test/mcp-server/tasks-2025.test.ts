/** Tasks of 2025-11-25 with the client of the v1 SDK, over both doors. */
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { viaTest } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { accept, callAsTask, connectPeer2025, openDoor, openPeer2025, startTask, type Peer2025 } from './peer-2025.ts';

const related = (taskId: string) => ({ 'io.modelcontextprotocol/related-task': { taskId } });
const ann = accept({ name: 'Ann' });

describe.each(['HTTP', 'stdio'])('2025 tasks over %s', (kind) => {
  let peer: Peer2025;
  let door: HttpDoor | undefined;
  beforeAll(async () => {
    if (kind === 'HTTP') door = await serveHttp(fakeNetwork().options);
    peer = await connectPeer2025(door?.url, ann);
  });
  afterAll(async () => {
    await peer.close();
    await door?.close(0);
  });

  test('a call becomes a task with the time to live that we grant, and its result can be fetched [TASKS-CREATE] [TASKS-TTL]', async () => {
    const { task, _meta } = await startTask(peer, 'echo', 1e15);
    expect(task).toMatchObject({
      taskId: expect.stringMatching(/^t[\w-]{32}$/),
      status: 'working',
      ttl: 7 * 24 * 3_600_000,
      pollInterval: 1000,
    });
    expect(_meta?.['io.modelcontextprotocol/model-immediate-response']).toContain(task.taskId);
    const result = await peer.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
    expect(result).toMatchObject({ content: [{ text: 'hi' }], _meta: related(task.taskId) });
    expect(await peer.client.experimental.tasks.getTask(task.taskId)).toMatchObject({ status: 'completed' });
    const { task: short } = await startTask(peer, 'echo', 1);
    expect(short.ttl).toBe(60_000);
  });

  test('a question is asked on the stream of tasks/result, related to its task, and once [TASKS-RESULT] [TASKS-RELATED]', async () => {
    const { taskId, result, statuses } = await callAsTask(peer, 'asker');
    expect(result).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
    expect(statuses).toContain('input_required');
    expect(peer.asked).toMatchObject([
      { mode: 'form', message: 'Who are you?', requestedSchema: { required: ['name'] }, _meta: related(taskId) },
    ]);
    await expect.poll(() => peer.told).toContainEqual(expect.objectContaining({ taskId, status: 'completed' }));
  });

  test('a plain call asks on its own stream', async () => {
    expect(await peer.call('asker')).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
  });

  test('a result that is an error is a failed task, and is fetched as it is [TASKS-FAILED]', async () => {
    const { task } = await startTask(peer, 'limited');
    const result = await peer.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
    expect(result).toMatchObject({ isError: true, content: [{ text: 'I had 3 turns.' }], _meta: related(task.taskId) });
    expect(await peer.client.experimental.tasks.getTask(task.taskId)).toMatchObject({
      status: 'failed',
      statusMessage: 'I had 3 turns.',
    });
  });

  test('a fault of ours is the error of tasks/result', async () => {
    const { task } = await startTask(peer, 'broken');
    const result = peer.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
    await expect(result).rejects.toMatchObject({ code: -32603 });
  });

  test('a task is cancelled once; one that is over refuses [TASKS-CANCEL]', async () => {
    const { tasks } = peer.client.experimental;
    const { task } = await startTask(peer, 'endless');
    expect(await tasks.cancelTask(task.taskId)).toMatchObject({ taskId: task.taskId, status: 'cancelled' });
    await expect(tasks.cancelTask(task.taskId)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining("already in terminal status 'cancelled'"),
    });
    expect(await tasks.getTask(task.taskId)).toMatchObject({ status: 'cancelled' });
  });

  test('a task that nobody knows is refused in the words of the specification [TASKS-UNKNOWN]', async () => {
    for (const method of ['getTask', 'cancelTask'] as const) {
      await expect(peer.client.experimental.tasks[method]('nobody')).rejects.toMatchObject({
        code: -32602,
        message: expect.stringContaining('Failed to retrieve task: Task not found'),
      });
    }
  });

  test('arguments that do not fit are an error: there is no task to show it', async () => {
    const params = { name: 'weather', arguments: { city: 7 }, task: {} };
    await expect(peer.client.request({ method: 'tools/call', params }, CallToolResultSchema)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('Invalid arguments for weather'),
    });
  });
});

test('what cannot be a task is refused as such: there is no result to take for one [TASKS-SUPPORT]', async () => {
  const { url } = await openDoor();
  const { client } = await openPeer2025(url);
  const call = (name: string, args: Record<string, string>) =>
    client.request({ method: 'tools/call', params: { name, arguments: args, task: {} } }, CallToolResultSchema);
  await expect(call('task_get', { task: 'x' })).rejects.toMatchObject({ code: -32601 });
  await expect(call('thinker', { message: 'hi' })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringContaining('sampling'),
  });
});

test('the list of tasks is told in pages, newest first, and ends [TASKS-LIST]', async () => {
  const { url } = await openDoor();
  const peer = await openPeer2025(url);
  const started: string[] = [];
  for (let count = 0; count < 103; count += 1) started.unshift((await startTask(peer, 'echo')).task.taskId);
  const listed: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await peer.client.experimental.tasks.listTasks(cursor);
    listed.push(...page.tasks.map(({ taskId }) => taskId));
    cursor = page.nextCursor;
    pages += 1;
  } while (cursor !== undefined);
  expect(listed).toEqual(started);
  expect(pages).toBe(3);
  await expect(peer.client.experimental.tasks.listTasks('nonsense')).rejects.toMatchObject({ code: -32602 });
});

test('a client that cannot be asked sees a task at work, with the place to answer', async () => {
  const { url, engine } = await openDoor();
  const peer = await openPeer2025(url);
  const { task } = await startTask(peer, 'asker');
  const status = () => peer.client.experimental.tasks.getTask(task.taskId);
  await expect.poll(async () => (await status()).statusMessage).toContain('deputy tasks respond');
  expect(await status()).toMatchObject({ status: 'working', statusMessage: expect.stringContaining('"Who are you?"') });
  const result = peer.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
  const { inputRequests } = (await engine.get(task.taskId, 'local')) as { inputRequests: Record<string, unknown> };
  const [key = ''] = Object.keys(inputRequests);
  await engine.respond(task.taskId, 'local', { [key]: { action: 'accept', content: { name: 'Bob' } } }, viaTest);
  expect(await result).toMatchObject({ content: [{ text: 'Hello, Bob.' }] });
});

test('progress is told for as long as the task works, and belongs to it [TASKS-PROGRESS]', async () => {
  const { url } = await openDoor();
  const peer = await openPeer2025(url);
  const told: string[] = [];
  const { result } = await (async () => {
    const { tasks } = peer.client.experimental;
    const onprogress = ({ message }: { message?: string | undefined }) => void told.push(message ?? '');
    const params = { name: 'busy', arguments: { message: 'hi' } };
    const seen: { result?: unknown } = {};
    for await (const message of tasks.callToolStream(params, CallToolResultSchema, { task: {}, onprogress })) {
      if (message.type === 'result') seen.result = message.result;
    }
    return seen;
  })();
  expect(result).toMatchObject({ content: [{ text: 'read it' }] });
  expect(told).toEqual(['busy: thinks, turn 1', 'busy: files/read ...', 'busy: files/read done: 12 lines']);
});

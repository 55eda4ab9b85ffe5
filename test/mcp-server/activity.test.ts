/** What is done below a task is told to the Deputy that called it, and to nobody else. */
import { CreateTaskResultSchema, TaskStatusNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { activityKey, mandateKey } from '../../src/meta-keys.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import { openDoor, openPeer2025 } from './peer-2025.ts';
import { kinds, openPeer, tasks, type Message } from './peer-2026.ts';

const mandate: Mandate = { chain: [{ agent: 'root', deputy: 'above' }], depth: 3, agents: 7, deny: [], ask: [] };
const called = (_meta: Message = { [mandateKey]: mandate }) => ({ name: 'nest', arguments: { message: 'hi' }, _meta });
const last = [{ chain: ['nest', 'lab/triage', 'bank/payer'], line: 'thinks, turn 1000' }];

test.each(kinds)('2026 over %s: in what is told of the task, asked and unasked, without a flood', async (kind) => {
  const peer = await openPeer(kind);
  const { taskId } = (await peer.request('tools/call', called(), tasks)).result ?? {};
  const told: Message[] = [];
  for await (const { method, params } of peer.listen({ taskIds: [taskId] }, tasks)) {
    if (method !== 'notifications/tasks') continue;
    told.push(params);
    if (params['_meta'][activityKey]?.[0].line !== 'thinks, turn 1000') continue;
    const seen = (await peer.request('tasks/get', { taskId }, tasks)).result ?? {};
    expect(seen['_meta'][activityKey]).toEqual(last);
    expect(seen['statusMessage']).toBe('lab/triage → bank/payer: thinks, turn 1000');
    break;
  }
  expect(told.at(-1)?.['_meta']).toMatchObject({
    [activityKey]: last,
    'io.modelcontextprotocol/subscriptionId': expect.anything(),
  });
  // A thousand events happened.
  expect(told.length).toBeLessThan(10);
});

test('2025: in what is told of the task, asked and unasked', async () => {
  const { url } = await openDoor();
  const { client } = await openPeer2025(url);
  const told = Promise.withResolvers<Message>();
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => told.resolve(params));
  const { task } = await client.request(
    { method: 'tools/call', params: { ...called(), task: {} } },
    CreateTaskResultSchema,
  );
  await expect
    .poll(async () => (await client.experimental.tasks.getTask(task.taskId))._meta?.[activityKey])
    .toEqual(last);
  expect((await told.promise)['_meta'][activityKey][0].chain).toEqual(last[0]?.chain);
});

test('a caller that is no Deputy is told the line alone', async () => {
  const peer = await openPeer('HTTP');
  const { taskId } = (await peer.request('tools/call', called({}), tasks)).result ?? {};
  await peer.engine.until(() => peer.engine.lines.of({ id: taskId, status: 'working' } as never) !== undefined);
  const { result = {} } = await peer.request('tasks/get', { taskId }, tasks);
  expect(result['statusMessage']).toContain('lab/triage → bank/payer: thinks, turn ');
  expect(result['_meta'] ?? {}).not.toHaveProperty(activityKey);
});

/** Tasks whose calling Deputy is gone for good are cancelled, and no others. */
import { CreateTaskResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { watchCallers, type Callers } from '../../src/mcp-server/callers.ts';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { mandateKey } from '../../src/meta-keys.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { openPeer2025 } from './peer-2025.ts';
import { httpCaller, tasks } from './peer-2026.ts';

const mandate: Mandate = { chain: [{ agent: 'root', deputy: 'above' }], depth: 3, agents: 7, deny: [], ask: [] };
const request = { owner: 'local', input: { message: 'hi' }, mandate };

/** An hour of silence is too much; the clock stands still. */
function open(given = fakeNetwork().engine) {
  const engine: FakeEngine = given;
  const clock = { hours: 1000 };
  const more = (): Callers => {
    const options = {
      engine,
      log: silentLog,
      abandonAfterMs: 3_600_000,
      now: () => Math.round(clock.hours * 3_600_000),
    };
    const callers = watchCallers(options);
    onTestFinished(() => callers.close());
    return callers;
  };
  onTestFinished(() => engine.close(0));
  return { engine, clock, callers: more(), more };
}

test('a task is cancelled when its caller was silent for too long, at work or waiting for a person', async () => {
  const { engine, clock, callers } = open();
  const works = await callers.engine.start({ ...request, agent: 'endless' });
  const waits = await callers.engine.start({ ...request, agent: 'asker' });
  expect(await callers.sweep()).toBe(0);
  clock.hours += 0.9;
  await callers.engine.get(works.id, 'local');
  expect(await callers.sweep()).toBe(0);
  clock.hours += 0.2;
  expect(await callers.sweep()).toBe(1);
  expect((await engine.get(waits.id, 'local')).status).toBe('cancelled');
  clock.hours += 0.8;
  expect(await callers.sweep()).toBe(1);
  expect((await engine.get(works.id, 'local')).status).toBe('cancelled');
  expect(await callers.sweep()).toBe(0);
});

test('the record says why', async () => {
  const { engine, clock, callers } = open();
  const waits = await callers.engine.start({ ...request, agent: 'asker' });
  await callers.sweep();
  clock.hours += 2;
  const cancelled: unknown[] = [];
  const cancel = engine.cancel.bind(engine);
  engine.cancel = (id, owner, via) => {
    cancelled.push([id, via]);
    return cancel(id, owner, via);
  };
  await callers.sweep();
  expect(cancelled).toEqual([[waits.id, { channel: 'abandoned' }]]);
});

test('one that cannot be cancelled keeps no other from it, and is tried again', async () => {
  const { engine, clock, callers } = open();
  const stuck = await callers.engine.start({ ...request, agent: 'asker' });
  const waits = await callers.engine.start({ ...request, agent: 'asker' });
  clock.hours += 2;
  await callers.sweep();
  clock.hours += 2;
  const cancel = engine.cancel.bind(engine);
  engine.cancel = (id, ...by) => (id === stuck.id ? Promise.reject(new Error('stuck')) : cancel(id, ...by));
  await expect(callers.sweep()).rejects.toThrow('stuck');
  expect((await engine.get(waits.id, 'local')).status).toBe('cancelled');
  engine.cancel = cancel;
  expect(await callers.sweep()).toBe(1);
});

test('who waits or listens is there, however long; afterwards silence counts anew', async () => {
  const { clock, callers } = open();
  const { id } = await callers.engine.start({ ...request, agent: 'endless' });
  const listening = callers.engine.watch(id, 'local')[Symbol.asyncIterator]();
  await listening.next();
  clock.hours += 50;
  expect(await callers.sweep()).toBe(0);
  await listening.return?.();
  expect(await callers.sweep()).toBe(0);
  clock.hours += 1;
  expect(await callers.sweep()).toBe(1);
});

test('a task that a person or a host started is never abandoned', async () => {
  const { clock, callers } = open();
  await callers.engine.start({ agent: 'endless', owner: 'local', input: {} });
  clock.hours += 10_000;
  expect(await callers.sweep()).toBe(0);
});

test('after a restart silence counts from the new beginning', async () => {
  const { clock, callers, more } = open();
  await callers.engine.start({ ...request, agent: 'asker' });
  await callers.sweep();
  clock.hours += 100;
  const next = more();
  expect(await next.sweep()).toBe(0);
  clock.hours += 1;
  expect(await next.sweep()).toBe(1);
});

test('what another process of the same store has heard counts', async () => {
  const { clock, callers, more } = open();
  const other = more();
  const { id } = await callers.engine.start({ ...request, agent: 'asker' });
  for (let day = 0; day < 10; day += 1) {
    clock.hours += 0.6;
    await callers.engine.get(id, 'local');
    expect([await callers.sweep(), await other.sweep()]).toEqual([0, 0]);
  }
  clock.hours += 1;
  expect(await other.sweep()).toBe(1);
});

test('it sweeps by itself', async () => {
  const { engine } = open();
  const callers = watchCallers({ engine, log: silentLog, abandonAfterMs: 20 });
  onTestFinished(() => callers.close());
  const { id } = await callers.engine.start({ ...request, agent: 'endless' });
  for await (const event of engine.watch(id, 'local')) if (event.type === 'status') expect(event.task.id).toBe(id);
  expect((await engine.get(id, 'local')).status).toBe('cancelled');
});

describe('through a door, a caller is heard', () => {
  const _meta = { [mandateKey]: mandate };
  const params = { name: 'asker', arguments: { message: 'hi' }, _meta };
  const serve = async () => {
    const { engine, options } = fakeNetwork();
    const { clock, callers } = open(engine);
    const door = await serveHttp({ ...options, engine: callers.engine });
    onTestFinished(() => door.close(0));
    /** Whether what is asked keeps the task alive. */
    const keeps = async (ask: () => Promise<unknown>): Promise<boolean> => {
      await callers.sweep();
      clock.hours += 0.9;
      await ask();
      await callers.sweep();
      clock.hours += 0.9;
      return (await callers.sweep()) === 0;
    };
    return { url: door.url, engine, clock, callers, keeps };
  };

  test('by what it asks about a task of 2026', async () => {
    const { url, callers, clock, keeps } = await serve();
    const caller = httpCaller(url);
    const { taskId } = (await caller.request('tools/call', params, tasks)).result ?? {};
    expect(await keeps(() => caller.request('tasks/get', { taskId }, tasks))).toBe(true);
    expect(await keeps(() => caller.request('tasks/update', { taskId, inputResponses: {} }, tasks))).toBe(true);
    expect(
      await keeps(() =>
        caller.request('tools/call', { ...params, name: 'task_get', arguments: { task: taskId, wait_seconds: 0 } }),
      ),
    ).toBe(true);
    for await (const { method } of caller.listen({ taskIds: [taskId] }, tasks)) {
      if (method !== 'notifications/tasks') continue;
      clock.hours += 2;
      expect(await callers.sweep()).toBe(0);
      break;
    }
  });

  test('by what it asks about a task of 2025', async () => {
    const { url, keeps } = await serve();
    const { client } = await openPeer2025(url);
    const { task } = await client.request(
      { method: 'tools/call', params: { ...params, task: {} } },
      CreateTaskResultSchema,
    );
    expect(await keeps(() => client.experimental.tasks.getTask(task.taskId))).toBe(true);
  });

  test('and by its silence it is not', async () => {
    const { url, engine, keeps } = await serve();
    const caller = httpCaller(url);
    const { taskId } = (await caller.request('tools/call', params, tasks)).result ?? {};
    expect(await keeps(() => caller.request('tools/list', {}))).toBe(false);
    expect((await engine.get(taskId, 'local')).status).toBe('cancelled');
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { ownerLimits } from '../../src/mcp-server/owner-limits.ts';
import type { Task } from '../../src/task/task.ts';
import { fakeNetwork } from './network.ts';
import { postModern } from './wire.ts';

describe('the account of an owner', () => {
  /** `open` is what the store counts. */
  const account = (limits: { openTasks: number; startsPerSecond: number }) => {
    const state = { open: 0, now: 0, counted: 0 };
    const list = async ({ status }: { status?: string }): Promise<Task[]> => {
      state.counted += 1;
      return status === 'working' ? Array.from({ length: state.open }, () => ({}) as Task) : [];
    };
    return { state, mayStart: ownerLimits({ list }, limits, () => state.now) };
  };

  test('holds so many starts a second, and gets them back with time', async () => {
    const { state, mayStart } = account({ openTasks: 1000, startsPerSecond: 2 });
    const tell = async () => (await mayStart('ann'))?.retryAfterSeconds;
    expect([await tell(), await tell(), await tell()]).toEqual([undefined, undefined, 1]);
    state.now += 500;
    expect([await tell(), await tell()]).toEqual([undefined, 1]);
    expect((await mayStart('bob'))?.retryAfterSeconds).toBeUndefined();
  });

  test('holds so many open tasks, as the store counts them, and asks it only near the limit', async () => {
    const { state, mayStart } = account({ openTasks: 3, startsPerSecond: 1000 });
    const tell = async () => (await mayStart('ann')) === undefined;
    expect([await tell(), await tell(), await tell()]).toEqual([true, true, true]);
    expect(state.counted).toBe(2);
    state.open = 3;
    expect(await tell()).toBe(false);
    state.open = 2;
    expect(await tell()).toBe(true);
    state.open = 3;
    expect(await tell()).toBe(false);
  });
});

describe('the HTTP door with limits', () => {
  const { engine, options } = fakeNetwork();
  let door: HttpDoor;
  beforeAll(async () => {
    door = await serveHttp({ ...options, ownerLimits: { openTasks: 1, startsPerSecond: 1000 } });
  });
  afterAll(async () => {
    await door.close(0);
    await engine.close();
  });

  test('refuses a start too many with 429 before it begins, and nothing else', async () => {
    const task = await engine.start({ agent: 'asker', owner: 'local', input: { message: 'x' } });
    const call = (name: string, args: object) =>
      postModern(door.url, { method: 'tools/call', params: { name, arguments: args } });
    const before = engine.started.length;
    const refused = await call('echo', { message: 'x' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect(await refused.json()).toMatchObject({ id: 7, error: { message: expect.stringContaining('1 open tasks') } });
    expect(engine.started.length).toBe(before);

    expect((await call('task_get', { task: task.id, wait_seconds: 0 })).status).toBe(200);
    expect((await postModern(door.url, { method: 'tools/list' })).status).toBe(200);
    await engine.cancel(task.id, 'local');
    expect((await call('echo', { message: 'x' })).status).toBe(200);
  });
});

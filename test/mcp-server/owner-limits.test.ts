import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { ownerLimits, type OwnerLimits } from '../../src/mcp-server/owner-limits.ts';
import type { Task } from '../../src/task/task.ts';
import { fakeNetwork } from './network.ts';
import { openPeer, tasks, type Message } from './peer-2026.ts';
import { initialize, post2025, postModern } from './wire.ts';

describe('the account of an owner', () => {
  /** `open` is what the store counts. */
  const account = (limits: OwnerLimits) => {
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

  test('counts once for all that start at the same time', async () => {
    const { state, mayStart } = account({ openTasks: 3, startsPerSecond: 1000 });
    state.open = 1;
    const told = await Promise.all(Array.from({ length: 10 }, () => mayStart('ann')));
    expect(told.filter((refusal) => refusal === undefined)).toHaveLength(2);
    expect(state.counted).toBe(2);
  });
});

describe('the tasks of an owner that are at work', () => {
  const account = (limits: OwnerLimits) => {
    const state = { working: 0, now: 0, counted: 0, countsFor: 0 };
    const list = async ({ status, limit = 0 }: { status?: string; limit?: number }): Promise<Task[]> => {
      expect(status).toBe('working');
      state.counted += 1;
      state.now += state.countsFor;
      return Array.from({ length: Math.min(limit, state.working) }, () => ({}) as Task);
    };
    const mayStart = ownerLimits({ list }, limits, () => state.now);
    return { state, tell: async () => (await mayStart('ann'))?.message };
  };

  test('are a thousand at most where nothing is said', async () => {
    const { state, tell } = account({});
    for (let started = 0; started < 1000; started += 1) {
      expect(await tell()).toBeUndefined();
      state.working += 1;
    }
    expect(await tell()).toContain('You have 1000 tasks at work');
    state.working = 999;
    expect(await tell()).toBeUndefined();
    expect(state.counted).toBe(3);
  });

  test('are as many as is said, beside the other limits', async () => {
    const { state, tell } = account({ workingTasks: 2 });
    expect(await tell()).toBeUndefined();
    state.working = 2;
    expect([await tell(), await tell()]).toEqual([undefined, expect.stringContaining('2 tasks at work')]);
  });

  test('are counted for a twentieth of the time at most, where counting takes long', async () => {
    const { state, tell } = account({});
    Object.assign(state, { working: 1000, countsFor: 100 });
    for (let asked = 0; asked < 1000; asked += 1) {
      expect(await tell()).toContain('1000 tasks at work');
      state.now += 10;
    }
    expect(state.counted).toBeLessThanOrEqual(6);
    state.working = 0;
    state.now += 2000;
    expect(await tell()).toBeUndefined();
  });

  test('that end quickly do not refuse their owner for those of a slow moment ago', async () => {
    const { state, tell } = account({ workingTasks: 24 });
    Object.assign(state, { working: 3, countsFor: 100 });
    for (let started = 0; started < 100; started += 1) expect(await tell()).toBeUndefined();
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

  test('refuses a 2025 start too many alike, alone or in a batch, and whatever else it carries', async () => {
    const session = await initialize(door.url);
    if (typeof session !== 'string') throw new Error('no session');
    const task = await engine.start({ agent: 'asker', owner: 'local', input: { message: 'y' } });
    const before = engine.started.length;
    const params = { name: 'echo', arguments: { message: 'x' }, requestState: 'forged' };
    const start = { jsonrpc: '2.0', id: 8, method: 'tools/call', params };
    for (const body of [start, [{ jsonrpc: '2.0', id: 9, method: 'ping' }, start]]) {
      const refused = await post2025(door.url, session, body);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
      expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('1 open tasks') } });
    }
    expect(engine.started.length).toBe(before);
    await engine.cancel(task.id, 'local');
  });
});

test('over stdio a start too many is an error that says when to come back', async () => {
  const peer = await openPeer('stdio', { ownerLimits: { openTasks: 1, startsPerSecond: 1000 } });
  const { result } = await peer.request('tools/call', { name: 'asker', arguments: { message: 'x' } }, tasks);
  const again = await peer.request('tools/call', { name: 'echo', arguments: { message: 'x' } });
  expect(again.error).toMatchObject({ code: 503, data: { retryAfterSeconds: 10 } });
  await peer.engine.cancel(String(result?.['taskId']), 'local');
  const after = await peer.request('tools/call', { name: 'echo', arguments: { message: 'x' } });
  expect(after.result).toMatchObject({ content: [{ text: 'x' }] });
});

test('agents that call each other in a circle through somebody who passes nothing on come to an end', async () => {
  const { engine, options } = fakeNetwork({ ownerLimits: { workingTasks: 25 } });
  const door = await serveHttp({
    ...options,
    agents: [{ name: 'circle', description: 'Calls itself from outside.' }],
  });
  const call = { method: 'tools/call', params: { name: 'circle', arguments: { message: 'x' } } };
  const answered = async (): Promise<string> => {
    const response = await postModern(door.url, call);
    const { result } = (await response.json()) as Message;
    return response.status === 200 ? result.content[0].text : `${response.status}`;
  };
  engine.agents['circle'] = answered;
  try {
    expect(await answered()).toBe('429');
    expect(engine.started).toHaveLength(25);
  } finally {
    await door.close(0);
    await engine.close(0);
  }
});

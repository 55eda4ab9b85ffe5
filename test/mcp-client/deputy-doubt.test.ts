/** A call of a Deputy's agent of which nobody knows whether it arrived: it is sent again, and is the same task. */
import { describe, expect, test, vi } from 'vitest';
import type { ToolProgress } from '../../src/agent/tool.ts';
import { agentKey, idempotencyKey, taskKey } from '../../src/meta-keys.ts';
import { noUsage } from '../../src/task/usage.ts';
import { deputyPeer, lab, mandate, protocols } from './deputy-peer.ts';
import { call, http, never, open, said, stdio, toolOf } from './peers.ts';
import { done, handle, type OnAsked, type TaskPeerOptions, taskPeer } from './task-peer.ts';

const agent: OnAsked = () => ({
  result: {
    tools: [{ name: 'act', inputSchema: { type: 'object' }, _meta: { [agentKey]: true } }],
    ttlMs: 0,
    cacheScope: 'private',
  },
});
const quickly = { backoff: 5, pollTold: 20, poll: 5 };

const deputy = (answers: Record<string, OnAsked>, { timings, ...more }: TaskPeerOptions = {}) =>
  taskPeer(
    { 'tools/list': agent, 'tasks/get': () => done(), ...answers },
    { ...more, server: { deputy: true, ...more.server }, timings: { ...quickly, ...timings } },
  );

describe('a call whose answer was lost', () => {
  test('is sent again with its key for as long as that takes, and committed once', async () => {
    const peer = await deputy({ 'tools/call': (_asked, nth) => (nth < 5 ? { status: 502 } : handle()) });
    const commits: string[] = [];
    const progress: ToolProgress[] = [];
    expect(said(await peer.act({ commits, progress, callKey: 'one' }))).toBe('done');
    const keys = peer
      .of('tools/call')
      .map(({ params }) => (params['_meta'] as Record<string, unknown>)[idempotencyKey]);
    expect(keys).toEqual(Array.from({ length: 5 }, () => 'one'));
    expect(commits).toHaveLength(1);
    expect(JSON.stringify(progress)).toContain('nobody knows yet');
  });

  test('holds no slot meanwhile, and is one failure of its server, not many', async () => {
    const fails: OnAsked = ({ params }) =>
      JSON.stringify(params['arguments']) === '{"n":1}' ? { status: 502 } : handle();
    const peer = await deputy({ 'tools/call': fails }, { server: { concurrency: 1 } });
    const stop = new AbortController();
    const doubtful = peer.use('act', { n: 1 }, { signal: stop.signal });
    await expect.poll(() => peer.count('tools/call')).toBeGreaterThan(8);
    expect(said(await peer.use('act', {}))).toBe('done');
    stop.abort(new Error('enough'));
    await expect(doubtful).rejects.toThrow('enough');
  });

  test('ends with the cancel of who called', async () => {
    const peer = await deputy({ 'tools/call': () => ({ status: 502 }) });
    const stop = new AbortController();
    const outcome = peer.act({ signal: stop.signal });
    await expect.poll(() => peer.count('tools/call')).toBeGreaterThan(2);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
  });

  test('is in doubt still when the time of the call is over, and charged', async () => {
    const peer = await deputy({ 'tools/call': () => ({ status: 502 }) }, { server: { hardTimeout: 100 } });
    const outcome = await peer.act({ mandate });
    expect(outcome.unknown).toContain('broke off');
    expect(outcome.usage).toMatchObject({ inputTokens: 1_000, cost: 0.5 });
  });

  test('is not said to have failed because a later try was refused', async () => {
    const refusals: OnAsked = (_asked, nth) => (nth === 1 ? { status: 502 } : nth < 4 ? { status: 429 } : handle());
    const peer = await deputy({ 'tools/call': refusals });
    expect(said(await peer.act())).toBe('done');
  });

  test('may take longer than a timer can wait', async () => {
    const peer = await deputy({}, { server: { hardTimeout: 60 * 86_400_000, idleTimeout: 60 * 86_400_000 } });
    expect(said(await peer.act())).toBe('done');
  });

  test('is unknown where the operator says that it may not be repeated', async () => {
    const peer = await deputy({ 'tools/call': () => ({ status: 502 }) }, { effect: 'unsafe' });
    expect((await peer.act()).unknown).toContain('broke off');
    expect(peer.count('tools/call')).toBe(1);
  });
});

test('a call that was refused for want of room used nothing, and is not tried again', async () => {
  const peer = await deputy({ 'tools/call': () => ({ error: { code: 503, message: 'busy: try again' } }) });
  const outcome = await peer.act({ mandate });
  expect(outcome).toMatchObject({ isError: true, usage: noUsage, agents: 0 });
  expect(said(outcome)).toBe('web/act was not called: busy: try again');
  expect(peer.count('tools/call')).toBe(1);
});

test.each([-5, 1e308])('usage that is none (%d) is not believed: what was lent is charged', async (inputTokens) => {
  const odd = {
    inputTokens,
    outputTokens: 1,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    cost: 0,
  };
  const result = { resultType: 'complete', content: [], _meta: { [taskKey]: { id: 't1', usage: odd } } };
  const peer = await deputy({
    'tasks/get': () => ({ result: { taskId: 't1', status: 'completed', ttlMs: null, result } }),
  });
  expect((await peer.act({ mandate })).usage).toMatchObject({ inputTokens: 1_000, cost: 0.5 });
});

test('an agent that a person stopped stops the whole tree, and only where it says so itself', async () => {
  const ended = (stop: unknown) => {
    const result = { content: [{ type: 'text', text: 'Stopped.' }], isError: true, _meta: { [taskKey]: { stop } } };
    return { result: { resultType: 'complete', ...result } };
  };
  const act = async (stop: unknown) => (await deputy({ 'tools/call': () => ended(stop) })).act({ mandate });
  expect(await act('stopped')).toMatchObject({ isError: true, stops: true });
  for (const stop of ['cost', true, null]) expect(await act(stop)).not.toHaveProperty('stops');
  // Who is just a server stops nobody.
  const plain = await taskPeer({ 'tools/call': () => ended('stopped') });
  expect(await plain.act()).not.toHaveProperty('stops');
});

test.each(protocols)('a Deputy in %s that starts later than we do is waited for', async (protocol) => {
  const peer = await deputyPeer();
  await peer.down();
  const servers = open(lab(peer.url, protocol));
  const listed = servers.tools(['lab'], never);
  await expect.poll(() => servers.status()[0]?.lastError).toContain('nothing listens there');
  await peer.up();
  expect((await listed).map(({ id }) => id)).toContain('lab/worker');
});

test('where a call was left at it, it is waited for as long as that would be followed, and no other server is', async () => {
  const peer = await deputyPeer();
  await peer.down();
  const others = [http('http://127.0.0.1:1/', { name: 'web' }), stdio('gone', './no-such-file.ts')];
  const servers = open([lab(peer.url, '2026-07-28'), ...others], { timings: { ...quickly, restartWait: 0 } });
  const names = ['lab', 'web', 'gone'];
  await expect(servers.tools(names, never)).rejects.toThrow('cannot be reached');
  const listed = servers.tools(names, never, 'lab__worker');
  const waits = vi.fn<() => void>();
  void listed.then(waits, waits);
  await expect(servers.tools(['lab'], never)).rejects.toThrow('nothing listens there');
  expect(waits).not.toHaveBeenCalled();
  await peer.up();
  expect((await listed).map(({ id }) => id)).toContain('lab/worker');
});

test('the handle of a task that is not over is no answer: the task is followed', async () => {
  const notOver = {
    result: {
      content: [{ type: 'text', text: 'not over' }],
      _meta: { [taskKey]: { id: 't1', status: 'working' } },
    },
  };
  const peer = await deputy({ 'tools/call': () => notOver });
  expect(said(await peer.act())).toBe('done');
});

test('it is not waited for longer than the call may take, nor behind a cancel', async () => {
  const peer = await deputyPeer();
  await peer.down();
  const brief = open(lab(peer.url, '2026-07-28', { hardTimeout: 50 }), { timings: quickly });
  await expect(brief.tools(['lab'], never, 'lab__worker')).rejects.toThrow('nothing listens there');
  const stop = new AbortController();
  const patient = open(lab(peer.url, '2026-07-28'), { timings: quickly });
  const listed = patient.tools(['lab'], stop.signal, 'lab__worker');
  stop.abort(new Error('enough'));
  await expect(listed).rejects.toThrow('enough');
});

test('one that never comes is said so', async () => {
  const peer = await deputyPeer();
  await peer.down();
  const servers = open(lab(peer.url, '2026-07-28'), { timings: { restartWait: 100 } });
  await expect(servers.tools(['lab'], never)).rejects.toThrow('nothing listens there');
});

test.each(protocols)('a repeat in %s waits for a Deputy that went down meanwhile', async (protocol) => {
  const peer = await deputyPeer();
  const servers = open(lab(peer.url, protocol), { timings: { ...quickly, restartWait: 100 } });
  const worker = await toolOf(servers, 'lab/worker');
  await peer.down();
  const progress: ToolProgress[] = [];
  const outcome = call(worker, {}, { mandate, isRepeat: true, progress });
  await expect.poll(() => progress.length).toBeGreaterThan(0);
  await peer.up();
  expect(await outcome).toMatchObject({ isError: false });
  // The same call, made for the first time, is known not to have happened, and costs nothing.
  await peer.down();
  const unsent = await call(worker, {}, { mandate });
  expect(said(unsent)).toContain('lab/worker was not called');
  expect(unsent.usage ?? noUsage).toEqual(noUsage);
});

test.each(protocols)(
  'a Deputy in %s that is left alone, since it was away for many, is waited for',
  async (protocol) => {
    let now = 0;
    const peer = await deputyPeer();
    const servers = open(lab(peer.url, protocol), { timings: { ...quickly, restartWait: 5_000 }, now: () => now });
    const worker = await toolOf(servers, 'lab/worker');
    await peer.down();
    const progress: ToolProgress[] = [];
    const outcomes = Array.from({ length: 6 }, () => call(worker, {}, { mandate, progress }));
    await expect.poll(() => progress.length).toBeGreaterThanOrEqual(6);
    await peer.up();
    now += 15_000;
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ isError: false });
  },
);

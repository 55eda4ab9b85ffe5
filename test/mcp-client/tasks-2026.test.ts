/** Calls that servers of 2026 make tasks of: followed to their end, whatever these servers do. */
import { describe, expect, test } from 'vitest';
import type { ToolProgress } from '../../src/agent/tool.ts';
import { UnavailableError } from '../../src/errors.ts';
import { said } from './peers.ts';
import { done, handle, noSuchTask, state, taskPeer } from './task-peer.ts';

const extension = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

describe('a call that becomes a task', () => {
  test('is polled until it is completed, and its id is stored before the first poll', async () => {
    const references: string[] = [];
    let stored: string[] = [];
    const peer = await taskPeer({
      'tasks/get': (_asked, nth) => {
        if (nth === 1) stored = [...references];
        return nth < 3 ? state('working') : done();
      },
    });
    const commits: string[] = [];
    expect(said(await peer.act({ references, commits }))).toBe('done');
    expect(stored).toEqual(['t1']);
    expect(commits).toEqual(['{}']);
    expect(peer.count('tools/call')).toBe(1);
    for (const method of ['tools/call', 'tasks/get'])
      expect(peer.of(method)[0]?.params['_meta']).toMatchObject({
        'io.modelcontextprotocol/clientCapabilities': extension,
      });
    expect(peer.of('tasks/get')[0]?.headers['mcp-name']).toBe('t1');
  });

  test('that is answered at once stays a plain call', async () => {
    const references: string[] = [];
    const peer = await taskPeer({
      'tools/call': () => ({ result: { content: [{ type: 'text', text: 'plain' }] } }),
    });
    expect(said(await peer.act({ references }))).toBe('plain');
    expect(references).toEqual([]);
    expect(peer.count('tasks/get')).toBe(0);
  });

  test('gives its result with isError as an error that the model reads', async () => {
    const result = { resultType: 'complete', content: [{ type: 'text', text: 'no flour' }], isError: true };
    const peer = await taskPeer({ 'tasks/get': () => state('completed', { result }) });
    expect(await peer.act()).toEqual({ content: [{ type: 'text', text: 'no flour' }], isError: true });
  });

  test.each([
    ['failed', { error: { code: -32_603, message: 'no oven' } }, /web\/act failed: no oven \(JSON-RPC error -32603\)/],
    ['failed', { statusMessage: 'burnt' }, /web\/act failed: burnt/],
    ['cancelled', { statusMessage: 'the cook left' }, /web\/act was cancelled by its server: the cook left/],
  ])('and is %s in the end is an error that says so', async (status, more, words) => {
    const peer = await taskPeer({ 'tasks/get': () => state(status, more) });
    const outcome = await peer.act();
    expect(outcome.isError).toBe(true);
    expect(outcome.unknown).toBeUndefined();
    expect(said(outcome)).toMatch(words);
  });

  test('may be over when its id is told', async () => {
    const peer = await taskPeer({
      'tools/call': () => handle({ status: 'completed', pollIntervalMs: 60_000 }),
      'tasks/get': () => done(),
    });
    expect(said(await peer.act())).toBe('done');
  });

  test('tells its progress by its status messages, each once', async () => {
    const texts = ['knead', 'knead', 'bake\u200B'];
    const peer = await taskPeer({
      'tasks/get': (_asked, nth) => {
        const statusMessage = texts[nth - 1];
        return statusMessage === undefined ? done() : state('working', { statusMessage });
      },
    });
    const progress: ToolProgress[] = [];
    await peer.act({ progress });
    expect(progress).toEqual([
      { progress: 1, message: 'knead' },
      { progress: 2, message: 'bake' },
    ]);
  });

  test('holds no slot of its server: other calls run meanwhile', async () => {
    let isDone = false;
    const peer = await taskPeer({
      'tools/call': (_asked, nth) =>
        nth <= 8 ? handle({ taskId: `t${nth}` }) : { result: { content: [{ type: 'text', text: 'quick' }] } },
      'tasks/get': ({ params: { taskId } }) =>
        isDone
          ? { result: { taskId, status: 'completed', result: { content: [{ type: 'text', text: 'slow' }] } } }
          : { result: { taskId, status: 'working', pollIntervalMs: 10 } },
    });
    const slow = Array.from({ length: 8 }, () => peer.act());
    await expect.poll(() => peer.count('tasks/get')).toBeGreaterThanOrEqual(8);
    expect(said(await peer.act())).toBe('quick');
    isDone = true;
    expect((await Promise.all(slow)).map(said)).toEqual(Array.from({ length: 8 }, () => 'slow'));
  });

  test('is told of by its server, which is then not asked', async () => {
    const peer = await taskPeer(
      { 'tools/call': () => handle({ pollIntervalMs: 60_000 }) },
      { timings: { pollMost: 60_000 } },
    );
    const outcome = peer.act();
    await peer.listened;
    expect(peer.of('subscriptions/listen')[0]?.params).toMatchObject({
      notifications: { taskIds: ['t1'] },
      _meta: { 'io.modelcontextprotocol/clientCapabilities': extension },
    });
    peer.notify({ taskId: 'other', status: 'completed', result: { content: [{ type: 'text', text: 'not mine' }] } });
    peer.notify({ taskId: 't1', status: 'completed', result: { content: [{ type: 'text', text: 'told' }] } });
    expect(said(await outcome)).toBe('told');
    expect(peer.count('tasks/get')).toBe(0);
  });
});

describe('polls', () => {
  test.each([0, -5, 0.001])('are no flood for an interval of %d ms', async (pollIntervalMs) => {
    const peer = await taskPeer(
      { 'tasks/get': (_asked, nth) => (nth < 4 ? state('working', { pollIntervalMs }) : done()) },
      { timings: { pollLeast: 30 } },
    );
    const began = performance.now();
    await peer.act();
    expect(performance.now() - began).toBeGreaterThanOrEqual(3 * 29);
  });

  test.each([1e15, Number.MAX_VALUE])('still come for an interval of %d ms', async (pollIntervalMs) => {
    const peer = await taskPeer(
      {
        'tools/call': () => handle({ pollIntervalMs }),
        'tasks/get': (_asked, nth) => (nth < 3 ? state('working', { pollIntervalMs }) : done()),
      },
      { timings: { pollMost: 30 } },
    );
    expect(said(await peer.act())).toBe('done');
  });

  test('that fail are made again', async () => {
    const peer = await taskPeer({
      'tasks/get': (_asked, nth) => {
        if (nth === 1) return { error: { code: -32_603, message: 'busy' } };
        if (nth === 2) return { result: { status: 'working' } };
        if (nth === 3) return state('baking');
        return nth === 4 ? state('completed') : done();
      },
    });
    expect(said(await peer.act())).toBe('done');
    expect(peer.count('tools/call')).toBe(1);
  });

  test.each<[string, object]>([
    ['speak of another task', { taskId: 't2', status: 'completed', result: { content: [] } }],
    ['have no status', { taskId: 't1' }],
    ['are no task at all', { status: 7, x: [] }],
    ['never tell the result', { taskId: 't1', status: 'completed' }],
  ])('that %s end as unknown', async (_name, result) => {
    const peer = await taskPeer({ 'tasks/get': () => ({ result }) }, { timings: { taskSilence: 60 } });
    const outcome = await peer.act();
    expect(outcome.unknown).toMatch(/^the server "web" said nothing of use about its task for 0\.06 s \(.+\)$/);
    expect(said(outcome)).toContain('Whether it happened is unknown.');
  });

  test('that fail once after a long silence are no reason to give up', async () => {
    const slow = { pollIntervalMs: 120 };
    const peer = await taskPeer(
      {
        'tools/call': () => handle(slow),
        'tasks/get': (_asked, nth) => {
          if (nth === 2) return { error: { code: -32_603, message: 'busy' } };
          return nth === 1 ? state('working', slow) : done();
        },
      },
      { timings: { taskSilence: 100, pollTold: 20 } },
    );
    expect(said(await peer.act())).toBe('done');
  });

  test('may be called again where that is safe', async () => {
    const peer = await taskPeer(
      { 'tasks/get': () => ({ result: { x: 1 } }) },
      { effect: 'idempotent', timings: { taskSilence: 40 } },
    );
    const outcome = await peer.act();
    expect(outcome.unknown).toBeUndefined();
    expect(said(outcome)).toContain('It may be called again.');
  });
});

describe('a task whose call was left by a dead process', () => {
  test('is gone on with: nothing is committed, and nothing is sent again', async () => {
    const peer = await taskPeer({ 'tasks/get': ({ params }) => ({ result: { ...params, ...whole } }) });
    const commits: string[] = [];
    const references: string[] = [];
    expect(said(await peer.act({ reference: 'left', commits, references }))).toBe('went on');
    expect(peer.count('tools/call')).toBe(0);
    expect([...commits, ...references]).toEqual([]);
  });
  const whole = { status: 'completed', result: { content: [{ type: 'text', text: 'went on' }] } };

  test('that its server forgot is unknown, and not sent again', async () => {
    const peer = await taskPeer({ 'tasks/get': () => noSuchTask });
    const outcome = await peer.act({ reference: 'left' });
    expect(outcome.unknown).toBe('the server made a task of it and no longer knows that task');
    expect(outcome.isError).toBe(true);
    expect(peer.count('tools/call')).toBe(0);
  });

  test.each(['read', 'idempotent'] as const)(
    'that its server forgot is sent again once where it is %s',
    async (effect) => {
      const peer = await taskPeer({ 'tasks/get': () => noSuchTask }, { effect });
      const commits: string[] = [];
      const references: string[] = [];
      const outcome = await peer.act({ reference: 'left', commits, references });
      expect(outcome.unknown).toBeUndefined();
      expect(said(outcome)).toContain('It may be called again.');
      expect(peer.count('tools/call')).toBe(1);
      expect({ commits, references }).toEqual({ commits: ['{}'], references: ['t1'] });
    },
  );
});

describe('a task that is given up', () => {
  test('is cancelled as a task, and the acknowledgement is awaited', async () => {
    const stop = new AbortController();
    let isAcknowledged = false;
    const peer = await taskPeer({
      'tasks/get': () => (stop.abort(new Error('enough')), state('working')),
      'tasks/cancel': async () => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        isAcknowledged = true;
        return { result: {} };
      },
    });
    await expect(peer.act({ signal: stop.signal })).rejects.toThrow('enough');
    expect(isAcknowledged).toBe(true);
    expect(peer.of('tasks/cancel')[0]).toMatchObject({ params: { taskId: 't1' }, headers: { 'mcp-name': 't1' } });
    const call = peer.of('tools/call')[0];
    // What goes on beside it (a poll, a subscription) may be cut short; the call itself is not cancelled like that.
    expect(peer.asked.filter(({ params }) => params['requestId'] === call?.id)).toEqual([]);
  });

  test('since our process ends is not cancelled: the next one goes on with it', async () => {
    const stop = new AbortController();
    const peer = await taskPeer({
      'tasks/get': () => (stop.abort(new UnavailableError('The server is shutting down.')), state('working')),
    });
    await expect(peer.act({ signal: stop.signal })).rejects.toThrow('shutting down');
    expect(peer.count('tasks/cancel')).toBe(0);
  });

  test('does not wait for ever for an acknowledgement', async () => {
    const stop = new AbortController();
    const peer = await taskPeer(
      { 'tasks/get': () => (stop.abort(new Error('enough')), state('working')), 'tasks/cancel': () => undefined },
      { timings: { cancelGrace: 1_000 } },
    );
    await expect(peer.act({ signal: stop.signal })).rejects.toThrow('enough');
    expect(peer.count('tasks/cancel')).toBe(1);
  });

  test('since it never ends is cancelled and unknown', async () => {
    const peer = await taskPeer({ 'tasks/get': () => state('working') }, { hardTimeout: 1_500 });
    const outcome = await peer.act();
    expect(outcome.unknown).toBe('it took longer than 1.5 s as a task and was cancelled');
    expect(said(outcome)).toMatch(/\(hard time-out\)\. Whether it happened is unknown\./);
    expect(peer.count('tasks/cancel')).toBe(1);
  });

  test('since it waits for a person is cancelled, and what it asked for is said', async () => {
    const ask = (message: string) => ({ method: 'elicitation/create', params: { mode: 'form', message } });
    const inputRequests = { a: ask('Rye or\u202E wheat?'), b: { method: 'sampling/createMessage', params: {} } };
    const peer = await taskPeer({ 'tasks/get': () => state('input_required', { inputRequests }) });
    const outcome = await peer.act();
    expect(outcome.isError).toBe(true);
    expect(said(outcome)).toBe(
      'web/act asks for "Rye or wheat?", an answer of a model before it goes on. Nobody could be asked: nothing was answered, and it was cancelled.',
    );
    expect(peer.count('tasks/cancel')).toBe(1);
    expect(peer.of('tasks/update')).toEqual([]);
  });
});

test.each([{ taskId: 7 }, { taskId: '' }, { taskId: 'x'.repeat(2_000) }, {}])(
  'a task without a usable id is unknown: %j',
  async (odd) => {
    const peer = await taskPeer({
      'tools/call': () => ({ result: { resultType: 'task', status: 'working', ...odd } }),
    });
    const references: string[] = [];
    const outcome = await peer.act({ references });
    expect(outcome.unknown).toMatch(/^the server made a task of it that cannot be followed: its id is /);
    expect(references).toEqual([]);
  },
);

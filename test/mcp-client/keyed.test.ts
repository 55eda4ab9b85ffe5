/** Calls that a server recognises by a key, and slots that owners share. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import type { ToolRule } from '../../src/mcp-client/options.ts';
import { call, said, toolOf } from './peers.ts';
import { type OnAsked, taskPeer } from './task-peer.ts';

const keyed = (key?: string): ToolRule[] => [
  { pattern: '*', matches: () => true, effect: 'keyed', ...(key !== undefined && { key }) },
];
const ok = { result: { content: [{ type: 'text', text: 'ok' }] } };

const inputSchema: JsonObject = {
  type: 'object',
  properties: { sum: { type: 'number' }, requestId: { type: 'string' } },
  required: ['sum', 'requestId'],
};
const listed: Record<string, OnAsked> = {
  'tools/list': () => ({ result: { tools: [{ name: 'act', inputSchema }], ttlMs: 0, cacheScope: 'private' } }),
};

describe('a keyed call', () => {
  test('has its key in the argument of that name, whatever the model gave', async () => {
    const peer = await taskPeer({ ...listed, 'tools/call': () => ok }, { server: { tools: keyed('requestId') } });
    const commits: string[] = [];
    await peer.use('act', { sum: 5, requestId: "the model's" }, { callKey: 'ours', commits });
    expect(peer.of('tools/call')[0]?.params['arguments']).toEqual({ sum: 5, requestId: 'ours' });
    expect(commits).toEqual(['{"sum":5,"requestId":"ours"}']);
  });

  test('needs no key from the model', async () => {
    const peer = await taskPeer({ ...listed, 'tools/call': () => ok }, { server: { tools: keyed('requestId') } });
    const tool = await toolOf(peer.servers, 'web/act');
    expect(tool.effect).toBe('keyed');
    expect(tool.inputSchema['required']).toEqual(['sum']);
    expect(tool.check({ sum: 5 })).toBeUndefined();
    expect(tool.check({})).toContain('sum');
  });

  test('has its key in _meta where there is no such argument', async () => {
    const peer = await taskPeer(
      { ...listed, 'tools/call': () => ok },
      { server: { tools: keyed('shop.example/key') } },
    );
    const commits: string[] = [];
    await peer.use('act', { sum: 5, requestId: 'mine' }, { callKey: 'ours', commits });
    expect(peer.of('tools/call')[0]?.params).toMatchObject({
      arguments: { sum: 5, requestId: 'mine' },
      _meta: { 'shop.example/key': 'ours' },
    });
    expect(commits).toEqual(['{"sum":5,"requestId":"mine","_meta":{"shop.example/key":"ours"}}']);
  });

  test('is made again with the same key where its answer was lost, and is unknown after that', async () => {
    const peer = await taskPeer(
      { ...listed, 'tools/call': () => undefined },
      { server: { tools: keyed('requestId') } },
    );
    const tool = await toolOf(peer.servers, 'web/act');
    const outcome = call(tool, { sum: 5 }, { callKey: 'ours' });
    for (const times of [1, 2]) {
      await expect.poll(() => peer.count('tools/call')).toBe(times);
      peer.cut();
    }
    expect((await outcome).unknown).toContain('broke off');
    expect(peer.of('tools/call').map(({ params }) => params['arguments'])).toEqual([
      { sum: 5, requestId: 'ours' },
      { sum: 5, requestId: 'ours' },
    ]);
  });

  test('without a key is unsafe', async () => {
    const peer = await taskPeer(listed, { server: { tools: keyed() } });
    expect((await toolOf(peer.servers, 'web/act')).effect).toBe('unsafe');
  });
});

describe('slots of a server', () => {
  test('go to owners by turns', async () => {
    const order: string[] = [];
    let go = (): void => {};
    const first = new Promise<void>((resolve) => (go = resolve));
    const peer = await taskPeer(
      {
        'tools/call': async ({ params }) => {
          const { owner } = params['arguments'] as { owner: string };
          order.push(owner);
          if (order.length === 1) await first;
          return ok;
        },
      },
      { server: { concurrency: 1 } },
    );
    const tool = await toolOf(peer.servers, 'web/act');
    const calls = Array.from({ length: 50 }, () => call(tool, { owner: 'many' }, { owner: 'many' }));
    await expect.poll(() => order.length).toBe(1);
    const one = call(tool, { owner: 'one' }, { owner: 'one' });
    go();
    await Promise.all([...calls, one]);
    expect(order.indexOf('one')).toBeLessThanOrEqual(2);
  });

  test('are waited for by so many of one owner and no more; others are not held up', async () => {
    const held: (() => void)[] = [];
    const peer = await taskPeer(
      { 'tools/call': () => new Promise((resolve) => held.push(() => resolve(ok))) },
      { server: { concurrency: 1 } },
    );
    const tool = await toolOf(peer.servers, 'web/act');
    const stop = new AbortController();
    const calls = Array.from({ length: 1_001 }, () =>
      call(tool, {}, { owner: 'many', signal: stop.signal }).catch(() => undefined),
    );
    await expect.poll(() => held.length).toBe(1);
    expect(said(await call(tool, {}, { owner: 'many' }))).toBe(
      'web/act was not called: the server "web" has no room: 1000 calls of the same owner wait already.',
    );
    const one = call(tool, {}, { owner: 'one', signal: stop.signal }).catch(() => 'waited');
    await new Promise(setImmediate);
    stop.abort();
    held.forEach((end) => end());
    await Promise.all(calls);
    expect(await one).toBe('waited');
  });
});

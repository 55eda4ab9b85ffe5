/** A call of an agent of another Deputy: what goes with it, what comes back, and that it is one task whatever dies. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ToolOutcome, ToolProgress } from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import { idempotencyKey, mandateKey, traceKey } from '../../src/meta-keys.ts';
import { noUsage } from '../../src/task/usage.ts';
import { deputyPeer, type DeputyPeer, lab, mandate, protocols, type Protocol } from './deputy-peer.ts';
import { usage } from './deputy-network.ts';
import { call, type CallOptions, http, never, open, readableLog, said, stdio, toolOf } from './peers.ts';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Each time as another process of ours would: on a connection of its own. */
const caller =
  ({ url }: DeputyPeer, protocol: Protocol) =>
  async (agent: string, options: CallOptions = {}, args: JsonObject = {}): Promise<ToolOutcome> =>
    call(await toolOf(open(lab(url, protocol), { identity: 'our-id' }), `lab/${agent}`), args, options);

describe.each(protocols)('with a Deputy in %s', (protocol) => {
  test('its agents are agents, keyed unless the operator says otherwise', async () => {
    const { url } = await deputyPeer();
    const tools = [{ pattern: 'payer', matches: (name: string) => name === 'payer', effect: 'unsafe' as const }];
    const all = await open(lab(url, protocol, { tools })).tools(['lab'], never);
    expect(all.find(({ id }) => id === 'lab/worker')).toMatchObject({ isAgent: true, effect: 'keyed' });
    expect(all.find(({ id }) => id === 'lab/payer')).toMatchObject({ isAgent: true, effect: 'unsafe' });
    expect(open(lab(url, protocol)).status()).toMatchObject([{ name: 'lab' }]);
  });

  test('the pinned protocol is spoken', async () => {
    const { url } = await deputyPeer();
    const servers = open(lab(url, protocol));
    await servers.tools(['lab'], never);
    expect(servers.status()).toMatchObject([{ version: protocol }]);
  });

  test('the mandate, the trace and the key go with the call, the key alone into the intent', async () => {
    const peer = await deputyPeer();
    const commits: string[] = [];
    await caller(peer, protocol)('worker', { mandate, trace, commits, callKey: 'key-1' }, { say: 'hi' });
    const [root, triage] = mandate.chain;
    expect(peer.engine.started).toMatchObject([
      { idempotencyKey: 'key-1', trace, mandate: { ...mandate, chain: [root, { ...triage, deputy: 'our-id' }] } },
    ]);
    expect(commits).toEqual([JSON.stringify({ say: 'hi', _meta: { [idempotencyKey]: 'key-1' } })]);
  });

  test('its usage and its agents are settled', async () => {
    const outcome = await caller(await deputyPeer(), protocol)('worker', { mandate });
    expect(outcome).toMatchObject({ isError: false, usage, agents: 3 });
  });

  test('what its agents do is told, with who does it', async () => {
    const peer = await deputyPeer();
    const progress: ToolProgress[] = [];
    const stop = new AbortController();
    const outcome = caller(peer, protocol)('reader', { mandate, progress, signal: stop.signal });
    await expect
      .poll(() => progress.flatMap(({ below = [] }) => below))
      .toContainEqual({ chain: ['lab/reader', 'bank/teller'], line: 'counts' });
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
  });

  test('what is refused at its door used nothing', async () => {
    const peer = await deputyPeer();
    const outcome = await caller(peer, protocol)('worker', { mandate: { ...mandate, depth: -1 } });
    expect(outcome).toMatchObject({ isError: true, usage: noUsage, agents: 0 });
    expect(said(outcome)).toContain('nested too deep');
    expect(peer.engine.started).toEqual([]);
  });

  test('a task that is cancelled there ends the call, which is charged what was lent to it', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const outcome = caller(peer, protocol)('endless', { mandate, references });
    await expect.poll(() => references.length).toBe(1);
    await peer.engine.cancel(references[0] ?? '', 'local');
    expect(said(await outcome)).toBe('lab/endless was cancelled by its server');
    expect(await outcome).toMatchObject({ isError: true, usage: { inputTokens: 1_000, outputTokens: 0, cost: 0.5 } });
    expect((await outcome).unknown).toBeUndefined();
  });

  test('nothing is charged where nothing was lent', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const { tokens: _tokens, cost: _cost, ...unbounded } = mandate;
    const outcome = caller(peer, protocol)('endless', { mandate: unbounded, references });
    await expect.poll(() => references.length).toBe(1);
    await peer.engine.cancel(references[0] ?? '', 'local');
    expect((await outcome).usage).toBeUndefined();
  });

  test('a call that is repeated after our death finds its task, before and after its own', async () => {
    const peer = await deputyPeer();
    const act = caller(peer, protocol);
    const [first, again, later]: string[][] = [[], [], []];
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const call = { signal: stop.signal, callKey: 'same' };
    act('endless', { ...call, references: first ?? [] }).catch(() => {});
    await expect.poll(() => first).toHaveLength(1);
    act('endless', { ...call, references: again ?? [], isRepeat: true }).catch(() => {});
    await expect.poll(() => again).toEqual(first);
    await peer.down();
    await peer.up();
    act('endless', { ...call, references: later ?? [], isRepeat: true }).catch(() => {});
    await expect.poll(() => later).toEqual(first);
  });

  test('a Deputy that goes down and comes back has not lost the call', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const progress: ToolProgress[] = [];
    const outcome = call(
      await toolOf(open(lab(peer.url, protocol), { timings: { taskSilence: 0 } }), 'lab/asker'),
      {},
      {
        references,
        progress,
        ask: (_key, _request, signal) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve({ action: 'withdrawn' }))),
      },
    );
    await expect.poll(() => references.length).toBe(1);
    await peer.down();
    await expect.poll(() => JSON.stringify(progress)).toContain('does not answer');
    await peer.up();
    const task = await peer.engine.get(references[0] ?? '', 'local');
    const [key] = task.status === 'input_required' ? Object.keys(task.inputRequests) : [];
    const answer = { action: 'accept' as const, content: { name: 'Ada' } };
    await peer.engine.respond(task.id, 'local', { [key ?? '']: answer }, { channel: 'test' });
    expect(await outcome).toMatchObject({ isError: false, structuredContent: { answer: '{"name":"Ada"}' } });
  });

  test('a task that it forgot is unknown, and not begun anew', async () => {
    const peer = await deputyPeer();
    const outcome = await caller(peer, protocol)('worker', { mandate, reference: 'task_of-before' });
    expect(outcome.unknown).toContain('no longer knows that task');
    expect(outcome.usage).toMatchObject({ inputTokens: 1_000, cost: 0.5 });
    expect(peer.engine.started).toEqual([]);
  });
});

test('without the operator’s word it is a server like any other, and he is told once', async () => {
  const peer = await deputyPeer();
  const { log, lines } = readableLog();
  const servers = open(http(peer.url, { name: 'lab' }), { log });
  const worker = await toolOf(servers, 'lab/worker');
  expect(worker).toMatchObject({ effect: 'unsafe' });
  expect(worker.isAgent).toBeUndefined();
  await call(worker, {}, { mandate, trace });
  expect(peer.engine.started).toMatchObject([{ trace }]);
  expect(peer.engine.started[0]).not.toHaveProperty('mandate');
  await toolOf(servers, 'lab/worker');
  expect(lines.filter((line) => line.includes('deputy: true'))).toHaveLength(1);
});

test('every server is told the trace, and no other than a Deputy the mandate', async () => {
  const servers = open(stdio('fixture', './fixture-server.ts'));
  const meta = await call(await toolOf(servers, 'fixture/meta'), {}, { mandate, trace });
  expect(said(meta)).toContain(`"${traceKey}":"${trace}"`);
  expect(said(meta)).not.toContain(mandateKey);
});

test('a pinned protocol that a server does not speak is said so', async () => {
  const servers = open(stdio('old', './old-task-server.ts', [], { protocol: '2026-07-28' }));
  await expect(servers.tools(['old'], never)).rejects.toThrow(
    /Only 2026-07-28 is spoken with it: leave "protocol" out/,
  );
});

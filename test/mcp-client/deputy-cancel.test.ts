/** A call of an agent of another Deputy that is cancelled here is cancelled there, whenever that is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import type { McpServers, ServerOptions } from '../../src/mcp-client/open-servers.ts';
import type { StartTask } from '../../src/task/engine.ts';
import { deputyPeer, lab, mandate, type Protocol, protocols } from './deputy-peer.ts';
import { call, type CallOptions, open, stdio, toolOf } from './peers.ts';

const overStdio = (protocol: Protocol, ...args: string[]): ServerOptions =>
  stdio('lab', './deputy-network.ts', args, { deputy: true, protocol });

async function witnessed(servers: McpServers): Promise<unknown> {
  return (await call(await toolOf(servers, 'lab/witness'), {}, { callKey: 'witness' })).structuredContent;
}

describe.each(protocols)('with a Deputy in %s', (protocol) => {
  test('a task that works is cancelled, and that is acknowledged before we go on', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const stop = new AbortController();
    const servers = open(lab(peer.url, protocol));
    const outcome = call(await toolOf(servers, 'lab/endless'), {}, { mandate, references, signal: stop.signal });
    await expect.poll(() => references.length).toBe(1);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(peer.engine.cancelled).toEqual(references);
  });

  /** A call that has arrived there, and is a task as soon as `goOn` is called. */
  const arrived = async (options: CallOptions) => {
    const peer = await deputyPeer();
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const start = peer.engine.start.bind(peer.engine);
    Object.assign(peer.engine, {
      start: async (request: StartTask) => {
        entered.resolve();
        await gate.promise;
        return start(request);
      },
    });
    const servers = open(lab(peer.url, protocol), { timings: { cancelGrace: 60_000 } });
    const outcome = call(await toolOf(servers, 'lab/endless'), {}, { mandate, ...options });
    await entered.promise;
    return { engine: peer.engine, outcome, goOn: gate.resolve };
  };

  test('one that is not known yet is cancelled once it is', async () => {
    const stop = new AbortController();
    const { engine, outcome, goOn } = await arrived({ signal: stop.signal });
    stop.abort(new Error('enough'));
    goOn();
    await expect(outcome).rejects.toThrow('enough');
    expect(engine.cancelled).toHaveLength(1);
    expect(engine.working).toBe(0);
  });

  test('one that is not known yet is known to the next process where ours ends', async () => {
    const stop = new AbortController();
    const references: string[] = [];
    const { engine, outcome, goOn } = await arrived({ signal: stop.signal, references });
    stop.abort(new UnavailableError('the process ends'));
    goOn();
    await expect(outcome).rejects.toThrow('the process ends');
    expect(references).toHaveLength(1);
    expect(engine.cancelled).toEqual([]);
  });

  test('one whose id cannot be stored, because our task has ended, is cancelled', async () => {
    const keep = () => Promise.reject(new Error('the task has ended'));
    const { engine, outcome, goOn } = await arrived({ keep });
    goOn();
    await expect(outcome).rejects.toThrow('the task has ended');
    expect(engine.cancelled).toHaveLength(1);
  });

  test('one whose id cannot be stored by us is left alone where another process has our task', async () => {
    const stop = new AbortController();
    const keep = async () => {
      stop.abort(new UnavailableError('taken over'));
      throw new Error('not ours');
    };
    const { engine, outcome, goOn } = await arrived({ keep, signal: stop.signal });
    goOn();
    await expect(outcome).rejects.toThrow('not ours');
    expect(engine.cancelled).toEqual([]);
  });

  test('one whose id cannot be stored for a fault of the disk is left alone: the same call finds it again', async () => {
    const keep = () => Promise.reject(new UnavailableError('the disk is full'));
    const { engine, outcome, goOn } = await arrived({ keep });
    goOn();
    await expect(outcome).rejects.toThrow('the disk is full');
    expect(engine.cancelled).toEqual([]);
  });

  test('one that is not known yet is cancelled once it is, over stdio', async () => {
    const servers = open(overStdio(protocol, '', '300'));
    const stop = new AbortController();
    const commits: string[] = [];
    const outcome = call(await toolOf(servers, 'lab/endless'), {}, { mandate, commits, signal: stop.signal });
    await expect.poll(() => commits.length).toBe(1);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(await witnessed(servers)).toEqual({ started: 2, cancelled: 1, working: 0 });
  });

  test('a task whose follower died with its process is left to the next one, which can cancel it', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const stop = new AbortController();
    const servers = open(lab(peer.url, protocol));
    const outcome = call(await toolOf(servers, 'lab/endless'), {}, { mandate, references, signal: stop.signal });
    await expect.poll(() => references.length).toBe(1);
    stop.abort(new UnavailableError('the process ends'));
    await expect(outcome).rejects.toThrow('the process ends');
    expect(peer.engine.cancelled).toEqual([]);
    const [id = ''] = references;
    expect(await servers.cancelTask('lab', id)).toBe(true);
    expect(peer.engine.cancelled).toEqual([id]);
    // Over already, and not there at all.
    expect(await servers.cancelTask('lab', id)).toBe(true);
    expect(await servers.cancelTask('lab', 'task_nobody-knows')).toBe(true);
    expect(await servers.cancelTask('lab', 'deputy-round:{"requests":{}}')).toBe(true);
  });

  test('one whose server is down is not taken for cancelled', async () => {
    const peer = await deputyPeer();
    const servers = open(lab(peer.url, protocol), { timings: { cancelGrace: 500, list: 500, start: 500 } });
    await servers.tools(['lab'], new AbortController().signal);
    await peer.down();
    expect(await servers.cancelTask('lab', 'task_x')).toBe(false);
    await expect(servers.cancelTask('nobody', 'task_x')).rejects.toThrow('no server "nobody"');
  });

  test('over stdio a call goes on with its task after both processes died', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deputy-stdio-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const entry = overStdio(protocol, join(folder, 'store.db'));
    const references: string[] = [];
    const first = open(entry);
    const left = call(await toolOf(first, 'lab/endless'), {}, { mandate, references, callKey: 'same' });
    left.catch(() => {});
    await expect.poll(() => references.length).toBe(1);
    await first.close();
    const second = open(entry);
    const stop = new AbortController();
    const again: string[] = [];
    const more = { mandate, references: again, callKey: 'same', isRepeat: true, signal: stop.signal };
    const outcome = call(await toolOf(second, 'lab/endless'), {}, more);
    await expect.poll(() => again).toEqual(references);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(await witnessed(second)).toMatchObject({ cancelled: 1, working: 0 });
  });
});

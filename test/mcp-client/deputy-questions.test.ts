/** What the agents of another Deputy ask, asked here: who asks is told, each answer finds its asker, nothing twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ToolProgress } from '../../src/agent/tool.ts';
import { sha256 } from '../../src/hash.ts';
import type { JsonObject } from '../../src/json.ts';
import { deputyPeer, type DeputyPeer, lab, mandate, protocols } from './deputy-peer.ts';
import { approval } from './deputy-network.ts';
import { call, type CallOptions, open, stdio, toolOf } from './peers.ts';
import { accept, person } from './questions.ts';

/** Answers what stands open in the one task there, as somebody at its own command line. */
async function answerThere(peer: DeputyPeer, id: string, name: string): Promise<void> {
  const task = await peer.engine.get(id, 'local');
  const keys = task.status === 'input_required' ? Object.keys(task.inputRequests) : [];
  const answers = Object.fromEntries(keys.map((key) => [key, accept({ name })]));
  await peer.engine.respond(id, 'local', answers, { channel: 'cli' });
}

describe.each(protocols)('a Deputy in %s', (protocol) => {
  const act = async ({ url }: DeputyPeer, agent: string, options: CallOptions, args: JsonObject = {}) =>
    call(await toolOf(open(lab(url, protocol)), `lab/${agent}`), args, { mandate, ...options });

  test('says who asks, in words of their own', async () => {
    const { ask, asked, answer, isAsked } = person();
    const outcome = act(await deputyPeer(), 'asker', { ask });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    expect(asked[0]?.request).toMatchObject({ kind: 'form', chain: ['lab/asker', 'helper'], words: 'Who?' });
    answer('Who', accept({ name: 'Ada' }));
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Ada"}' });
  });

  test('asks for an approval whose hash can be none of ours', async () => {
    const { ask, asked, answer, isAsked } = person();
    const outcome = act(await deputyPeer(), 'payer', { ask });
    await expect.poll(() => isAsked('May I pay?')).toBe(true);
    const chain = ['lab/payer', 'bank/teller'];
    const { chain: _chain, ...rest } = approval;
    expect(asked[0]?.request).toMatchObject({
      mustDecide: true,
      chain,
      approval: { ...rest, chain, hash: sha256(`lab\n${approval.hash}`) },
    });
    answer('May I pay?', accept({ name: 'yes' }));
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"yes"}' });
  });

  test('without a mandate is a caller’s server like any other to it', async () => {
    const { ask, asked, answer, isAsked } = person();
    const { url } = await deputyPeer();
    const outcome = call(await toolOf(open(lab(url, protocol)), 'lab/asker'), {}, { ask });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    expect(asked[0]?.request).not.toHaveProperty('chain');
    answer('Who', accept({ name: 'Ada' }));
    await outcome;
  });

  test('asks in many branches at once, in the same words, and each gets its own answer', async () => {
    const { ask, asked, answer } = person();
    const outcome = act(await deputyPeer(), 'several', { ask }, { many: 40 });
    await expect.poll(() => asked.length).toBe(40);
    const leaves = asked.map(({ request }) => ('chain' in request ? request.chain?.[1] : undefined));
    expect(new Set(leaves).size).toBe(40);
    // The oldest that is open is answered, each time.
    for (const leaf of leaves) answer('May I?', accept({ name: leaf ?? '' }));
    const answers = Array.from({ length: 40 }, (_, nth) => `{"name":"leaf${nth}"}`);
    expect((await outcome).structuredContent).toEqual({ answers });
    expect(asked).toHaveLength(40);
  });

  test('withdraws what was answered there, and the call goes on', async () => {
    const peer = await deputyPeer();
    const { ask, withdrawn, isAsked } = person();
    const references: string[] = [];
    const outcome = act(peer, 'asker', { ask, references });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    await answerThere(peer, references[0] ?? '', 'Eve');
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Eve"}' });
    expect(withdrawn).toHaveLength(1);
  });

  test('asks what our dead process asked under the same name: an answer that it got counts', async () => {
    const peer = await deputyPeer();
    const references: string[] = [];
    const before = person();
    const dying = new AbortController();
    const left = act(peer, 'several', { ask: before.ask, references, signal: dying.signal }, { many: 2 });
    left.catch(() => {});
    await expect.poll(() => before.asked.length).toBe(2);
    const names = before.asked.map(({ key }) => key).toSorted();
    // Another process goes on while the one that died never said so.
    const after = person(new Map([[before.asked[0]?.key ?? '', accept({ name: 'first' })]]));
    const outcome = act(peer, 'several', { ask: after.ask, reference: references[0] ?? '' }, { many: 2 });
    await expect.poll(() => after.asked.length).toBe(2);
    expect(after.asked.map(({ key }) => key).toSorted()).toEqual(names);
    after.answer('May I?', accept({ name: 'second' }));
    expect(JSON.stringify((await outcome).structuredContent)).toMatch(/first.*second|second.*first/);
  });

  test('asks to open a page only of a host that the operator named', async () => {
    const peer = await deputyPeer();
    const { ask, asked, answer, isAsked } = person();
    const servers = open(lab(peer.url, protocol, { urlHosts: ['example.org'] }));
    const outcome = call(await toolOf(servers, 'lab/pages'), {}, { ask, mandate });
    await expect.poll(() => isAsked('Look.')).toBe(true);
    expect(asked[0]?.request).toMatchObject({ kind: 'url', chain: ['lab/pages'], words: 'Look.' });
    answer('Look.', accept());
    expect((await outcome).structuredContent).toEqual({ answer: 'accept' });
  });

  test('that goes down and comes back has not withdrawn its question', async () => {
    const peer = await deputyPeer();
    const { ask, asked, answer, isAsked, withdrawn } = person();
    const progress: ToolProgress[] = [];
    const outcome = act(peer, 'asker', { ask, progress });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    await peer.down();
    await expect.poll(() => JSON.stringify(progress)).toContain('does not answer');
    await peer.up();
    // It is back, and says so.
    await expect.poll(() => JSON.stringify(progress.at(-1))).not.toContain('does not answer');
    expect(withdrawn).toEqual([]);
    answer('Who', accept({ name: 'Ada' }));
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Ada"}' });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    expect(withdrawn).toEqual([]);
  });

  test('over stdio that is killed is started again, and has not withdrawn its question', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deputy-killed-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const servers = open(stdio('lab', './deputy-network.ts', [join(folder, 'store.db')], { deputy: true, protocol }));
    const { ask, asked, answer, isAsked, withdrawn } = person();
    const progress: ToolProgress[] = [];
    const outcome = call(await toolOf(servers, 'lab/asker'), {}, { mandate, ask, progress });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    const pid = servers.status()[0]?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => servers.status()[0]).toMatchObject({ state: 'ready', restarts: 1 });
    answer('Who', accept({ name: 'Ada' }));
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Ada"}' });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    expect(withdrawn).toEqual([]);
  });

  test('that was answered while it was away withdraws its question once it is back', async () => {
    const peer = await deputyPeer();
    const { ask, isAsked, withdrawn } = person();
    const references: string[] = [];
    const progress: ToolProgress[] = [];
    const outcome = act(peer, 'asker', { ask, references, progress });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    await peer.down();
    await expect.poll(() => JSON.stringify(progress)).toContain('does not answer');
    await peer.up();
    await answerThere(peer, references[0] ?? '', 'Eve');
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Eve"}' });
    expect(withdrawn).toHaveLength(1);
  });

  test('that was down meanwhile takes the answer all the same, and asks once', async () => {
    const peer = await deputyPeer();
    const { ask, asked, answer, isAsked } = person();
    const outcome = act(peer, 'asker', { ask });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    await peer.down();
    answer('Who', accept({ name: 'Ada' }));
    await peer.up();
    expect((await outcome).structuredContent).toEqual({ answer: '{"name":"Ada"}' });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  });
});

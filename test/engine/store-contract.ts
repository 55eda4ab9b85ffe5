/** What every store promises the engine, one verb at a time. `open` gives a new, empty store each time. */
import { expect, test } from 'vitest';
import { verifyChain } from '../../src/engine/audit-chain.ts';
import { groupWrites } from '../../src/engine/group-writes.ts';
import { ApprovalUsedError, ConflictError, FencedError, type Store, type Write } from '../../src/engine/store.ts';
import type { InputRequest } from '../../src/task/question.ts';
import {
  accepted,
  approval,
  asked,
  begun,
  by,
  ended,
  everything,
  form,
  intent,
  openWith,
  run,
  stateIn,
  timer,
  waiting,
} from './store-values.ts';

export function storeContract(open: () => Store): void {
  test('odd names of callers are kept as they are, and what nobody has stored is not found', async () => {
    const odd = ['nul \0', '\ufeff mark', 'ａ 🦊'];
    const store = await openWith(open);
    for (const [n, owner] of odd.entries())
      await store.write([{ ...begun(`t${n}`, { owner, conversation: owner }), startKey: owner } as Write]);
    for (const [n, owner] of odd.entries()) {
      expect((await store.task(`t${n}`))?.owner).toBe(owner);
      expect((await store.started(owner, 'a', owner))?.id).toBe(`t${n}`);
      expect((await store.lastOf(owner, owner))?.id).toBe(`t${n}`);
      expect(await store.tasks({ owner, conversation: owner })).toHaveLength(1);
      expect(await store.task(owner)).toBeUndefined();
    }
    await store.close();
  });

  test('an approval is consumed by one step: another fails alone, the same step again does not', async () => {
    const store = await openWith(open, begun('t'), begun('u'), intent('call 1', 'h1'));
    await expect(store.write([intent('call 2', 'h1')])).rejects.toBeInstanceOf(ApprovalUsedError);
    await store.write([intent('call 1', 'h1'), intent('call 3', 'h2'), intent('call 4'), intent('call 5')]);
    await store.write([{ ...intent('call 1', 'h1'), id: 'u' } as Write]);
    const intents = (await store.load('t'))?.intents;
    expect([...(intents ?? [])].map(([key, { approval: used }]) => [key, used])).toEqual([
      ['call 1', 'h1'],
      ['call 3', 'h2'],
      ['call 4', undefined],
      ['call 5', undefined],
    ]);
    // The intent that follows by another right does not set the first one free.
    await store.write([intent('call 1')]);
    await expect(store.write([intent('call 6', 'h1')])).rejects.toBeInstanceOf(ApprovalUsedError);
    await store.close();
  });

  test('in a group the one that is wrong fails alone, and only what is stored is on the audit log', async () => {
    const store = await openWith(open, begun('t'), intent('call 1', 'h1'));
    const { write } = groupWrites(store);
    const told = await Promise.allSettled([
      write(begun('u')),
      write(intent('call 2', 'h1')),
      write({ ...intent('call 3', 'h3'), fence: 9 } as Write),
      write(intent('call 4', 'h4'), { barrier: true }),
      write(begun('u')),
      write(asked('q', 3_000)),
    ]);
    const faults = told.map((result) =>
      result.status === 'rejected' ? (result.reason as Error).constructor : 'stored',
    );
    expect(faults).toEqual(['stored', ApprovalUsedError, FencedError, 'stored', ConflictError, 'stored']);
    expect((await stateIn(store)).status).toBe('input_required');
    const log = await everything(store);
    expect(log.map(({ action, step }) => [action, step])).toEqual([
      ['started', undefined],
      ['called', 'call 1'],
      ['started', undefined],
      ['called', 'call 4'],
      ['asked', 'q'],
    ]);
    expect(await verifyChain(log)).toMatchObject({ kind: 'intact', entries: 5 });
    await store.close();
  });

  test('messages are counted within their task, come with it, and are refused after its end', async () => {
    const store = await openWith(open, begun('t'), begun('u'));
    const first = { seq: 1, text: 'first', by, at: 2_000 };
    expect(await store.send('t', 'first', by, 2_000)).toEqual(first);
    expect(await store.send('u', 'other', by, 2_000)).toMatchObject({ seq: 1 });
    const second = await store.send('t', 'second', { owner: 'ann', channel: 'cli' }, 2_100);
    expect(second).toMatchObject({ seq: 2 });
    expect(await store.sent('t')).toEqual([first, second]);
    expect((await store.load('t'))?.sent).toEqual([first, second]);
    await store.write([ended('t', 3_000)]);
    expect(await store.send('t', 'late', by, 4_000)).toBeUndefined();
    await store.close();
  });

  test('an end does not come before a message that its run has not seen: the task wants to run again', async () => {
    const store = await openWith(open, begun('t'), begun('u'));
    await store.send('t', 'first', by, 1_500);
    await store.send('t', 'second', by, 1_600);
    const early = { ...ended('t', 2_000), heard: 1 } as Write;
    expect(await store.write([ended('u', 2_000), early])).toEqual([early]);
    expect([(await stateIn(store)).status, (await stateIn(store, 'u')).status]).toEqual(['working', 'completed']);
    expect((await everything(store)).map(({ action }) => action)).toEqual([
      'started', // t
      'started', // u
      'sent',
      'sent',
      'ended',
    ]);
    expect(await store.claim('j', { fresh: 0, woken: 9 }, 2)).toMatchObject([{ id: 't', fence: 2, isWoken: true }]);
    await expect(store.write([early])).rejects.toBeInstanceOf(FencedError);
    expect(await store.write([{ ...ended('t', 2_100, 2), heard: 2 } as Write])).toEqual([]);
    expect((await stateIn(store)).status).toBe('completed');
    expect(await store.send('t', 'late', by, 2_200)).toBeUndefined();
    await store.close();
  });

  test('artifacts are kept once, read by the piece, and are their task’s alone', async () => {
    const text = 'line one\n\u0000🦊 end';
    const kept: Write = { kind: 'artifact', ...run, at: 2_000, artifact: 'x1', name: 'call/result', text };
    const store = await openWith(open, begun('t'), begun('u'), kept);
    await store.write([{ ...kept, text: 'another', at: 3_000 }]);
    expect(await store.artifact('t', 'x1', { offset: 0, length: 1e9 })).toEqual({ text, total: text.length });
    expect(await store.artifact('t', 'x1', { offset: 5, length: 3 })).toEqual({ text: 'one', total: text.length });
    expect(await store.artifact('t', 'x1', { offset: 99, length: 3 })).toEqual({ text: '', total: text.length });
    expect(await store.artifact('u', 'x1', { offset: 0, length: 9 })).toBeUndefined();
    expect(await store.artifacts('t')).toEqual([{ id: 'x1', name: 'call/result', total: text.length, at: 2_000 }]);
    const late = store.write([{ ...kept, fence: 9 }]);
    await expect(late).rejects.toBeInstanceOf(FencedError);
    await store.close();
  });

  test('a definition comes with a task and goes with the last that names it', async () => {
    const definition = 'name: a';
    const pinned = (id: string): Write => ({ ...begun(id, { definition: 'd1' }), definition }) as Write;
    const store = await openWith(open, pinned('t'), pinned('u'));
    expect((await store.task('t'))?.definition).toBe('d1');
    await store.write([ended('t', 2_000)]);
    expect(await store.prune(11_000, 9)).toBe(1);
    expect(await store.definition('d1')).toBe(definition);
    await store.write([ended('u', 2_000)]);
    expect(await store.prune(11_000, 9)).toBe(1);
    expect(await store.definition('d1')).toBeUndefined();
    await store.close();
  });

  test('what is dropped leaves nothing but its audit log', async () => {
    const store = await openWith(
      open,
      begun('t', { ttlMs: 0 }),
      intent('call'),
      { kind: 'step', ...run, at: 2_000, key: 'call', value: '1' },
      { kind: 'artifact', ...run, at: 2_000, artifact: 'x', name: 'n', text: 'text' },
      asked('q', 2_000),
    );
    await store.send('t', 'hello', by, 2_000);
    await store.write([ended('t', 2_000)]);
    const log = await everything(store);
    expect(await store.prune(999, 9)).toBe(0);
    expect(await store.prune(1_000, 9)).toBe(1);
    expect(await store.load('t')).toBeUndefined();
    for (const verb of ['steps', 'questions', 'sent', 'artifacts'] as const) expect(await store[verb]('t')).toEqual([]);
    expect(await store.artifact('t', 'x', { offset: 0, length: 1 })).toBeUndefined();
    expect(await everything(store)).toEqual(log);
    expect(await verifyChain(log)).toMatchObject({ kind: 'intact', entries: log.length });
    await store.close();
  });

  test('a start key is free again when its task is over, though it is still there', async () => {
    const keyed = (id: string, createdAt: number): Write =>
      ({ ...begun(id, { ttlMs: 1_000, createdAt }), startKey: 'k' }) as Write;
    const store = await openWith(open, keyed('t', 1_000));
    await expect(store.write([keyed('u', 5_000)])).rejects.toBeInstanceOf(ConflictError);
    await store.write([ended('t', 1_500)]);
    await expect(store.write([keyed('u', 1_999)])).rejects.toBeInstanceOf(ConflictError);
    await store.write([keyed('u', 2_000)]);
    expect((await store.started('ann', 'a', 'k'))?.id).toBe('u');
    expect((await store.task('t'))?.status).toBe('completed');
    await store.close();
  });

  test('what waits to be begun says why, until it is claimed', async () => {
    const store = await openWith(open, waiting('t', { statusMessage: 'waits for a place' }));
    expect((await store.task('t'))?.statusMessage).toBe('waits for a place');
    expect(await store.claim('i', { fresh: 1, woken: 0 }, 2)).toEqual([
      { id: 't', fence: 2, agent: 'a', isWoken: false },
    ]);
    expect((await store.task('t'))?.statusMessage).toBeUndefined();
    await store.close();
  });

  test('every decision is on the audit log, with the call that it is about', async () => {
    const store = await openWith(
      open,
      begun('t'),
      asked('branch/approve', 2_000, { wireKey: 'w', request: { ...form, approval } as InputRequest }),
    );
    const response = { action: 'accept' as const, content: { decision: 'approve', note: 'my words' } };
    await store.answer('t', 'w', { response, by, at: 2_100 });
    await store.write([
      intent('branch/call', 'h1'),
      {
        kind: 'step',
        ...run,
        at: 2_200,
        key: 'branch/call',
        value: '1',
        notes: [{ action: 'denied', tool: 's/other', rule: 'agents.yaml:9', detail: { why: ['no'], z: 1, a: null } }],
      },
      asked('late', 2_300, { expiresAt: 2_400 }),
      asked('unneeded', 2_300),
      { kind: 'withdraw', ...run, at: 2_350, keys: ['unneeded'] },
    ]);
    await store.expire(2_400, 9);
    await store.write([asked('timer', 2_500, { request: timer, expiresAt: 9_000 })]);
    await store.retry('t', by, 2_600);
    await store.send('t', 'my message', by, 2_700);
    await store.cancel('t', by, 2_800);
    const log = await everything(store);
    const about = { tool: approval.tool, rule: approval.rule, approval: 'h1', args: expect.stringMatching(/^\w{64}$/) };
    expect(log).toMatchObject([
      { seq: 1, at: 1_000, task: 't', action: 'started', agent: 'a', detail: { owner: 'ann' } },
      { seq: 2, at: 2_000, action: 'asked', step: 'branch/approve', ...about },
      { seq: 3, at: 2_100, action: 'answered', by, ...about, detail: { action: 'accept', decision: 'approve' } },
      { seq: 4, action: 'called', step: 'branch/call', ...about, detail: { effect: 'unsafe' } },
      { seq: 5, action: 'denied', step: 'branch/call', tool: 's/other', detail: { why: ['no'], z: 1, a: null } },
      { seq: 6, action: 'asked', step: 'late' },
      { seq: 7, action: 'asked', step: 'unneeded' },
      { seq: 8, at: 2_350, action: 'withdrawn', step: 'unneeded' },
      { seq: 9, at: 2_400, action: 'expired', step: 'late' },
      { seq: 10, action: 'retried', by },
      { seq: 11, action: 'sent', by, detail: { seq: 1 } },
      { seq: 12, action: 'cancelled', by },
    ]);
    // The log outlives the journal: it has hashes where that has words.
    expect(JSON.stringify(log)).not.toMatch(/my words|my message|bob/);
    expect(await verifyChain(log)).toEqual({ kind: 'intact', entries: 12, isAnchored: false });
    expect(await store.audit(10, 1)).toEqual(log.slice(10, 11));
    await store.close();
  });

  test('what is not stored is not on the audit log; reads are not either', async () => {
    const store = await openWith(open, begun('t'));
    const before = await everything(store);
    await expect(store.write([intent('c1'), { ...ended('t', 2_000), fence: 9 } as Write])).rejects.toThrow();
    await store.write([{ ...intent('c2'), effect: 'read' } as Write]);
    expect(await store.answer('t', 'nothing', accepted(2_000))).toBe(false);
    expect(await everything(store)).toEqual(before);
    await store.close();
  });

  test('an empty log is intact, and has no anchor', async () => {
    const store = open();
    expect(await verifyChain(await everything(store), await store.anchor())).toEqual({
      kind: 'intact',
      entries: 0,
      isAnchored: false,
    });
    await store.close();
  });
}

/** What every store promises the engine, one verb at a time. `open` gives a new, empty store each time. */
import { expect, test } from 'vitest';
import { type Anchor, verifyChain } from '../../src/engine/audit-chain.ts';
import { groupWrites } from '../../src/engine/group-writes.ts';
import { ApprovalUsedError, ConflictError, FencedError, type Store, type Write } from '../../src/engine/store.ts';
import type { AuditEntry } from '../../src/task/audit.ts';
import type { Approval, InputRequest, Question, Timer } from '../../src/task/question.ts';
import type { Task } from '../../src/task/task.ts';

export const by = { owner: 'ann', channel: 'test', client: 'vitest' };
export const form: InputRequest = { kind: 'form', message: 'Which?', schema: {} };
const timer: Timer = { kind: 'timer', message: 'the model is away' };
const approval: Approval = {
  hash: 'h1',
  chain: ['a'],
  tool: 's/send',
  bytes: '{"to":"bob"}',
  effect: 'unsafe',
  rule: 'agents.yaml:3',
};

export const taskOf = (id: string, more: Partial<Task> = {}): Task =>
  ({
    id,
    agent: 'a',
    input: {},
    owner: 'ann',
    conversation: id,
    createdAt: 1_000,
    updatedAt: 1_000,
    ttlMs: 10_000,
    status: 'working',
    ...more,
  }) as Task;
/** At work at the instance `i`, unless it is to wait. */
export const begun = (id: string, more: Partial<Task> = {}): Write => ({
  kind: 'task',
  instance: 'i',
  task: taskOf(id, more),
});
export const waiting = (id: string, more: Partial<Task> = {}): Write => ({ kind: 'task', task: taskOf(id, more) });

const run = { id: 't', fence: 1 };
export const asked = (key: string, at: number, more: Partial<Question> = {}, of = run): Write => ({
  kind: 'question',
  ...of,
  at,
  question: { key, wireKey: key, request: form, askedAt: at, ...more },
});
const intent = (key: string, hash?: string): Write => ({
  kind: 'intent',
  ...run,
  at: 2_000,
  key,
  bytes: '{"to":"bob"}',
  effect: 'unsafe',
  grant: { tool: 's/send', rule: 'agents.yaml:3', ...(hash !== undefined && { approval: hash }) },
});
const ended = (id: string, at: number, fence = 1): Write => ({
  kind: 'end',
  id,
  fence,
  at,
  status: 'completed',
  outcome: '{"result":{"content":[],"stop":"answer"}}',
});
const accepted = (at: number) => ({ response: { action: 'accept' as const, content: {} }, by, at });
export const everything = (store: Store): Promise<AuditEntry[]> => store.audit(0, 1e6);

export function storeContract(open: () => Store): void {
  const openWith = async (...writes: Write[]): Promise<Store> => {
    const store = open();
    await store.write(writes);
    return store;
  };
  const state = async (store: Store, id = 't') => {
    const task = await store.task(id);
    const keys = task?.status === 'input_required' ? Object.keys(task.inputRequests) : [];
    return { status: task?.status, keys, message: task?.statusMessage, ttlMs: task?.ttlMs };
  };

  test('a timer asks nobody: the task works, and says why it waits', async () => {
    const store = await openWith(begun('t'), asked('wait', 2_000, { request: timer, expiresAt: 5_000 }));
    expect(await state(store)).toMatchObject({ status: 'working', keys: [], message: timer.message });
    await store.write([asked('colour', 3_000)]);
    expect(await state(store)).toMatchObject({ status: 'input_required', keys: ['colour'] });
    expect(await store.answer('t', 'wait', accepted(3_500))).toBe(false);
    expect(await store.answer('t', 'colour', accepted(4_000))).toBe(true);
    expect(await state(store)).toMatchObject({ status: 'working', message: timer.message, ttlMs: 10_000 });
    expect(await store.expire(4_999, 10)).toEqual([]);
    expect(await store.expire(5_000, 10)).toEqual(['t']);
    expect(await state(store)).toEqual({ status: 'working', keys: [], message: undefined, ttlMs: 13_000 });
    const actions = (await store.questions('t')).map(({ answer }) => answer?.response.action);
    expect(actions).toEqual(['expired', 'accept']);
    await store.close();
  });

  test('a question that was made before an answer to another and stored after it does not set the task back', async () => {
    const store = await openWith(begun('t'), asked('first', 2_000));
    expect(await store.answer('t', 'first', accepted(4_000))).toBe(true);
    await store.write([asked('second', 3_999)]);
    expect(await store.task('t')).toMatchObject({ status: 'input_required', updatedAt: 4_000 });
    await store.close();
  });

  test('of several timers the first to be over says why it waits', async () => {
    const later: Timer = { kind: 'timer', message: 'later' };
    const store = await openWith(
      begun('t'),
      asked('one', 2_000, { request: later, expiresAt: 9_000 }),
      asked('two', 2_000, { request: timer, expiresAt: 5_000 }),
    );
    expect((await state(store)).message).toBe(timer.message);
    expect((await store.tasks({ owner: 'ann' }))[0]?.statusMessage).toBe(timer.message);
    expect((await store.load('t'))?.task.statusMessage).toBe(timer.message);
    await store.close();
  });

  test('what expires is told once, wakes its task, and at most as many as asked for', async () => {
    const store = await openWith(
      ...['t1', 't2', 't3'].flatMap((id): Write[] => [
        begun(id),
        asked('q', 2_000, { expiresAt: 3_000 }, { id, fence: 1 }),
        { kind: 'park', id, fence: 1, at: 2_000, open: 1 },
      ]),
    );
    const first = await store.expire(4_000, 2);
    expect(first).toHaveLength(2);
    const second = await store.expire(4_000, 2);
    expect([...first, ...second].toSorted()).toEqual(['t1', 't2', 't3']);
    expect(await store.expire(4_000, 2)).toEqual([]);
    expect(await store.answer('t1', 'q', accepted(5_000))).toBe(false);
    const claimed = await store.claim('j', { fresh: 9, woken: 9 }, 2);
    expect(claimed.map(({ id }) => id).toSorted()).toEqual(['t1', 't2', 't3']);
    expect(claimed.every(({ isWoken }) => isWoken)).toBe(true);
    await store.close();
  });

  test('what has ended has no open question: none expires, none is answered, all are withdrawn', async () => {
    for (const how of ['end', 'cancel'] as const) {
      const store = await openWith(begun('t'), asked('q', 2_000, { expiresAt: 3_000 }));
      if (how === 'end') await store.write([ended('t', 2_500)]);
      else expect(await store.cancel('t', by, 2_500)).toBe(true);
      expect((await store.questions('t'))[0]?.answer).toMatchObject({ response: { action: 'withdrawn' }, at: 2_500 });
      expect(await store.expire(9_000, 9)).toEqual([]);
      expect(await store.answer('t', 'q', accepted(2_600))).toBe(false);
      expect(await store.claim('j', { fresh: 9, woken: 9 }, 2)).toEqual([]);
      await store.close();
    }
  });

  test('questions are withdrawn by key, and when the step that relayed them is recorded', async () => {
    const store = await openWith(
      begun('t'),
      asked('a', 2_000),
      asked('b', 2_000, { relayedBy: 'call 1' }),
      asked('c', 2_000, { relayedBy: 'call 2' }),
      asked('d', 2_000, { relayedBy: 'call 2' }),
    );
    await store.write([{ kind: 'withdraw', ...run, at: 3_000, keys: ['a', 'never asked'] }]);
    expect((await state(store)).keys).toEqual(['b', 'c', 'd']);
    await store.write([{ kind: 'step', ...run, at: 3_000, key: 'call 1', value: '1' }]);
    expect((await state(store)).keys).toEqual(['c', 'd']);
    expect(await store.answer('t', 'c', accepted(3_500))).toBe(true);
    await store.write([{ kind: 'step', ...run, at: 4_000, key: 'call 2', value: '1' }]);
    expect(await state(store)).toMatchObject({ status: 'working', keys: [], ttlMs: 12_000 });
    expect((await store.questions('t')).map(({ answer }) => [answer?.response.action, answer?.at])).toEqual([
      ['withdrawn', 3_000],
      ['withdrawn', 3_000],
      ['accept', 3_500],
      ['withdrawn', 4_000],
    ]);
    const late = store.write([{ kind: 'withdraw', id: 't', fence: 9, at: 1, keys: ['a'] }]);
    await expect(late).rejects.toBeInstanceOf(FencedError);
    await store.close();
  });

  test('whatever is asked, answered, withdrawn, expired and retried in whatever order: the status is right', async () => {
    const store = open();
    for (let round = 0; round < 60; round += 1) {
      const next = random(round);
      const id = `t${round}`;
      await store.write([begun(id)]);
      const open = new Map<string, { asks: boolean; expiresAt?: number }>();
      let [at, since, ttlMs] = [2_000, 0, 10_000];
      for (let turn = 0; turn < 30; turn += 1) {
        at += 1 + next(100);
        const keys = [...open.keys()];
        const key = keys[next(keys.length)];
        const before = open.size;
        const verb = next(6);
        if (verb <= 1) {
          const asks = verb === 0;
          const expiresAt = next(2) === 0 || !asks ? at + next(300) : undefined;
          const request = asks ? form : timer;
          const more = { request, ...(expiresAt !== undefined && { expiresAt }) };
          await store.write([asked(`q${turn}`, at, more, { id, fence: 1 })]);
          open.set(`q${turn}`, { asks, ...(expiresAt !== undefined && { expiresAt }) });
          if (before === 0) since = at;
        } else if (verb === 2 && key !== undefined) {
          const mayAnswer = open.get(key)?.asks === true;
          expect(await store.answer(id, key, accepted(at))).toBe(mayAnswer);
          if (mayAnswer) open.delete(key);
        } else if (verb === 3 && key !== undefined) {
          await store.write([{ kind: 'withdraw', id, fence: 1, at, keys: [key] }]);
          open.delete(key);
        } else if (verb === 4) {
          await store.expire(at, 100);
          for (const [due, { expiresAt = Infinity }] of open) if (expiresAt <= at) open.delete(due);
        } else if (verb === 5) {
          const timers = [...open].filter(([, { asks }]) => !asks);
          expect(await store.retry(id, by, at)).toBe(timers.length > 0);
          for (const [name] of timers) open.delete(name);
        }
        if (before > 0 && open.size === 0) ttlMs += at - since;
        const asking = [...open].filter(([, { asks }]) => asks).map(([name]) => name);
        const status = asking.length > 0 ? 'input_required' : 'working';
        const message = open.size > 0 && asking.length === 0 ? timer.message : undefined;
        expect(await state(store, id)).toEqual({ status, keys: asking, message, ttlMs });
      }
    }
    await store.close();
  });

  test('a task whose timer is retried wants to run; another has nothing to retry', async () => {
    const store = await openWith(
      begun('t'),
      asked('wait', 2_000, { request: timer, expiresAt: 9_000 }),
      { kind: 'park', ...run, at: 2_000, open: 1 },
      begun('u'),
    );
    expect(await store.retry('u', by, 3_000)).toBe(false);
    expect(await store.retry('t', by, 3_000)).toBe(true);
    expect(await store.retry('t', by, 3_000)).toBe(false);
    expect(await store.claim('j', { fresh: 0, woken: 9 }, 2)).toMatchObject([{ id: 't', fence: 2, isWoken: true }]);
    await store.close();
  });

  test('an approval is consumed by one step: another fails alone, the same step again does not', async () => {
    const store = await openWith(begun('t'), begun('u'), intent('call 1', 'h1'));
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
    const store = await openWith(begun('t'), intent('call 1', 'h1'));
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
    expect((await state(store)).status).toBe('input_required');
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
    const store = await openWith(begun('t'), begun('u'));
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
    const store = await openWith(begun('t'), begun('u'));
    await store.send('t', 'first', by, 1_500);
    await store.send('t', 'second', by, 1_600);
    const early = { ...ended('t', 2_000), heard: 1 } as Write;
    expect(await store.write([ended('u', 2_000), early])).toEqual([early]);
    expect([(await state(store)).status, (await state(store, 'u')).status]).toEqual(['working', 'completed']);
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
    expect((await state(store)).status).toBe('completed');
    expect(await store.send('t', 'late', by, 2_200)).toBeUndefined();
    await store.close();
  });

  test('artifacts are kept once, read by the piece, and are their task’s alone', async () => {
    const text = 'line one\n\u0000🦊 end';
    const kept: Write = { kind: 'artifact', ...run, at: 2_000, artifact: 'x1', name: 'call/result', text };
    const store = await openWith(begun('t'), begun('u'), kept);
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
    const store = await openWith(pinned('t'), pinned('u'));
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
    const store = await openWith(keyed('t', 1_000));
    await expect(store.write([keyed('u', 5_000)])).rejects.toBeInstanceOf(ConflictError);
    await store.write([ended('t', 1_500)]);
    await expect(store.write([keyed('u', 1_999)])).rejects.toBeInstanceOf(ConflictError);
    await store.write([keyed('u', 2_000)]);
    expect((await store.started('ann', 'a', 'k'))?.id).toBe('u');
    expect((await store.task('t'))?.status).toBe('completed');
    await store.close();
  });

  test('what waits to be begun says why, until it is claimed', async () => {
    const store = await openWith(waiting('t', { statusMessage: 'waits for a place' }));
    expect((await store.task('t'))?.statusMessage).toBe('waits for a place');
    expect(await store.claim('i', { fresh: 1, woken: 0 }, 2)).toEqual([
      { id: 't', fence: 2, agent: 'a', isWoken: false },
    ]);
    expect((await store.task('t'))?.statusMessage).toBeUndefined();
    await store.close();
  });

  test('every decision is on the audit log, with the call that it is about', async () => {
    const store = await openWith(
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
    const store = await openWith(begun('t'));
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

/** @returns whole numbers from 0 to below n, the same for the same seed (mulberry32). */
export function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

export const anchorOf = (log: readonly AuditEntry[]): Anchor => ({
  seq: log.length,
  hash: log.at(-1)?.hash ?? '',
});

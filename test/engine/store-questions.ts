/** What every store promises about questions and timers, and the status that comes of them. */
import { expect, test } from 'vitest';
import { FencedError, type Store, type Write } from '../../src/engine/store.ts';
import type { Timer } from '../../src/task/question.ts';
import { accepted, asked, begun, by, ended, form, openWith, random, run, stateIn, timer } from './store-values.ts';

export function questionStoreContract(open: () => Store): void {
  test('a timer asks nobody: the task works, and says why it waits', async () => {
    const store = await openWith(open, begun('t'), asked('wait', 2_000, { request: timer, expiresAt: 5_000 }));
    expect(await stateIn(store)).toMatchObject({ status: 'working', keys: [], message: timer.message });
    await store.write([asked('colour', 3_000)]);
    expect(await stateIn(store)).toMatchObject({ status: 'input_required', keys: ['colour'] });
    expect(await store.answer('t', 'wait', accepted(3_500))).toBe(false);
    expect(await store.answer('t', 'colour', accepted(4_000))).toBe(true);
    expect(await stateIn(store)).toMatchObject({ status: 'working', message: timer.message, ttlMs: 10_000 });
    expect(await store.expire(4_999, 10)).toEqual([]);
    expect(await store.expire(5_000, 10)).toEqual(['t']);
    expect(await stateIn(store)).toEqual({ status: 'working', keys: [], message: undefined, ttlMs: 13_000 });
    const actions = (await store.questions('t')).map(({ answer }) => answer?.response.action);
    expect(actions).toEqual(['expired', 'accept']);
    await store.close();
  });

  test('a question that was made before an answer to another and stored after it does not set the task back', async () => {
    const store = await openWith(open, begun('t'), asked('first', 2_000));
    expect(await store.answer('t', 'first', accepted(4_000))).toBe(true);
    await store.write([asked('second', 3_999)]);
    expect(await store.task('t')).toMatchObject({ status: 'input_required', updatedAt: 4_000 });
    await store.close();
  });

  test('of several timers the first to be over says why it waits', async () => {
    const later: Timer = { kind: 'timer', message: 'later' };
    const store = await openWith(
      open,
      begun('t'),
      asked('one', 2_000, { request: later, expiresAt: 9_000 }),
      asked('two', 2_000, { request: timer, expiresAt: 5_000 }),
    );
    expect((await stateIn(store)).message).toBe(timer.message);
    expect((await store.tasks({ owner: 'ann' }))[0]?.statusMessage).toBe(timer.message);
    expect((await store.load('t'))?.task.statusMessage).toBe(timer.message);
    await store.close();
  });

  test('what expires is told once, wakes its task, and at most as many as asked for', async () => {
    const store = await openWith(
      open,
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
      const store = await openWith(open, begun('t'), asked('q', 2_000, { expiresAt: 3_000 }));
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
      open,
      begun('t'),
      asked('a', 2_000),
      asked('b', 2_000, { relayedBy: 'call 1' }),
      asked('c', 2_000, { relayedBy: 'call 2' }),
      asked('d', 2_000, { relayedBy: 'call 2' }),
    );
    await store.write([{ kind: 'withdraw', ...run, at: 3_000, keys: ['a', 'never asked'] }]);
    expect((await stateIn(store)).keys).toEqual(['b', 'c', 'd']);
    await store.write([{ kind: 'step', ...run, at: 3_000, key: 'call 1', value: '1' }]);
    expect((await stateIn(store)).keys).toEqual(['c', 'd']);
    expect(await store.answer('t', 'c', accepted(3_500))).toBe(true);
    await store.write([{ kind: 'step', ...run, at: 4_000, key: 'call 2', value: '1' }]);
    expect(await stateIn(store)).toMatchObject({ status: 'working', keys: [], ttlMs: 12_000 });
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
        expect(await stateIn(store, id)).toEqual({ status, keys: asking, message, ttlMs });
      }
    }
    await store.close();
  });

  test('a task whose timer is retried wants to run; another has nothing to retry', async () => {
    const store = await openWith(
      open,
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
}

/** What every engine promises, whatever store it stands on. `open` gives a new, empty store each time. */
import { expect, test } from 'vitest';
import { type Store, StoreError } from '../../src/engine/store.ts';
import { BusyError, NotFoundError, UnavailableError } from '../../src/errors.ts';
import type { Task, TaskResult } from '../../src/task/task.ts';
import type { Engines } from './engines.ts';
import { answer, via, request, collect, shapes, byHand } from './tasks.ts';

export function engineContract({ open, engineOn, ended }: Engines): void {
  test('T1: a task is stored before start returns, with all that it was started with', async () => {
    const store = open();
    const engine = engineOn(byHand().handler, { store });
    const task = await engine.start(request);
    expect(await store.task(task.id)).toEqual(task);
    expect(task).toMatchObject({ ...request, status: 'working', conversation: task.id });
    expect(task.id).toMatch(/^t[\w-]{32}$/);
  });

  test('its answer is stored and told', async () => {
    const store = open();
    const engine = engineOn(() => Promise.resolve(answer('42')), { store });
    const done = await ended(engine, (await engine.start(request)).id);
    expect(done).toMatchObject({ status: 'completed', result: answer('42') });
    expect(await store.task(done.id)).toEqual(done);
  });

  test('code that throws makes the task failed, at once or later, and ends what else it does', async () => {
    const late = Promise.withResolvers<void>();
    let aborted: Promise<void> = Promise.resolve();
    const engine = engineOn(async (_, context) => {
      aborted = new Promise((resolve) => context.signal.addEventListener('abort', () => resolve()));
      await late.promise;
      throw new TypeError('a fault of ours');
    });
    const task = await engine.start(request);
    late.resolve();
    const error = { code: -32603, message: 'a fault of ours' };
    expect(await ended(engine, task.id)).toMatchObject({ status: 'failed', error });
    await aborted;
    const thrower = engineOn(() => {
      throw new Error('at once');
    });
    expect(await ended(thrower, (await thrower.start(request)).id)).toMatchObject({ status: 'failed' });
  });

  test.each(['completion', 'cancel', 'fault'] as const)('T2: when %s comes first, it stays', async (first) => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { result } = await hands.of(task);
    const statuses: string[] = [];
    const watching = (async () => {
      for await (const event of engine.watch(task.id, 'ann'))
        if (event.type === 'status') statuses.push(event.task.status);
    })();
    const settle = { completion: () => result.resolve(answer('done')), fault: () => result.reject(new Error('no')) };
    if (first !== 'cancel') {
      settle[first]();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
    const cancelled = await engine.cancel(task.id, 'ann', via);
    if (first === 'cancel') settle.completion();
    await watching;
    const status = { completion: 'completed', cancel: 'cancelled', fault: 'failed' }[first];
    expect(cancelled.status).toBe(status);
    expect((await engine.get(task.id, 'ann')).status).toBe(status);
    expect(statuses).toEqual(['working', status]);
    expect((await engine.cancel(task.id, 'ann', via)).status).toBe(status);
  });

  test('a cancelled task hears its signal, begins nothing more and records nothing more', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    const effect = Promise.withResolvers<number>();
    let commitNow: (() => Promise<void>) | undefined;
    const open = context.step('open', (_, commit) => {
      commitNow = () => commit('{}', 'unsafe');
      return effect.promise;
    });
    await engine.cancel(task.id, 'ann', via);
    expect(context.signal.aborted).toBe(true);
    let begun = 0;
    const begin = (): Promise<number> => Promise.resolve((begun += 1));
    await expect(context.step('next', begin)).rejects.toThrow('cancelled');
    await expect(context.branch('b', (branch) => branch.step('inside', begin))).rejects.toThrow('cancelled');
    await expect(commitNow?.()).rejects.toThrow('cancelled');
    effect.resolve(1);
    await expect(open).rejects.toThrow();
    result.reject(new Error('late'));
    expect(begun).toBe(0);
    expect(await engine.journal(task.id, 'ann')).toEqual([]);
    expect((await engine.get(task.id, 'ann')).status).toBe('cancelled');
  });

  test('a task that is cancelled before its code began never begins', async () => {
    let begun = 0;
    const store = open();
    const engine = engineOn(() => Promise.resolve(answer(String((begun += 1)))), {
      store: { ...store, write: (writes) => store.write(writes) },
    });
    const task = await engine.start(request);
    const events = await Promise.all([collect(engine.watch(task.id, 'ann')), engine.cancel(task.id, 'ann', via)]);
    expect(['completed', 'cancelled']).toContain(events[1].status);
    expect(shapes(events[0]).at(-1)).toBe(events[1].status);
    if (events[1].status === 'cancelled') expect(begun).toBeLessThanOrEqual(1);
  });

  test('a foreign task and a missing one give the same error, in every verb', async () => {
    const engine = engineOn(byHand().handler);
    const { id, conversation } = await engine.start(request);
    const missing = 'A'.repeat(32);
    const said = async (verb: (id: string) => Promise<unknown>, of: string): Promise<string> => {
      const error = await verb(of).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(NotFoundError);
      return String(error).replaceAll(of, 'ID');
    };
    const verbs: ((id: string) => Promise<unknown>)[] = [
      (id) => engine.get(id, 'bob'),
      (id) => engine.cancel(id, 'bob', via),
      (id) => engine.journal(id, 'bob'),
      (id) => collect(engine.watch(id, 'bob')),
      (conversation) => engine.start({ ...request, owner: 'bob', conversation }),
    ];
    for (const verb of verbs) expect(await said(verb, id)).toBe(await said(verb, missing));
    expect(await engine.list({ owner: 'bob' })).toEqual([]);
    expect((await engine.get(id, 'ann')).conversation).toBe(conversation);
  });

  test('list filters by agent, status and conversation, newest first, up to its limit', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const tasks: Task[] = [];
    for (const agent of ['a', 'b', 'a', 'b']) tasks.push(await engine.start({ ...request, agent }));
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error('four were started');
    (await hands.of(first)).result.resolve(answer('x'));
    await ended(engine, first.id);
    const ids = async (filter: object): Promise<string[]> =>
      (await engine.list({ owner: 'ann', ...filter })).map(({ id }) => id);
    expect(await ids({})).toEqual(tasks.map(({ id }) => id).toReversed());
    expect(await ids({ limit: 2 })).toEqual([tasks[3]?.id, tasks[2]?.id]);
    expect(await ids({ agent: 'b' })).toEqual([tasks[3]?.id, second.id]);
    expect(await ids({ status: 'completed' })).toEqual([first.id]);
    expect(await ids({ conversation: second.conversation, agent: undefined })).toEqual([second.id]);
    expect(await ids({ owner: 'bob' })).toEqual([]);
  });

  test('a conversation is a chain of tasks, one open at a time; cancelling frees it at once', async () => {
    const hands = byHand(true);
    const engine = engineOn(hands.handler);
    const first = await engine.start(request);
    const again = { ...request, conversation: first.conversation };
    await hands.of(first);
    await expect(engine.start(again)).rejects.toBeInstanceOf(BusyError);
    await engine.cancel(first.id, 'ann', via); // its code never came to rest
    const second = await engine.start(again);
    expect(second).toMatchObject({ conversation: first.id, predecessor: first.id });
    await expect(engine.start(again)).rejects.toBeInstanceOf(BusyError);
    (await hands.of(first)).result.reject(new Error('late'));
    (await hands.of(second)).result.resolve(answer('x'));
    await ended(engine, second.id);
    const third = await engine.start(again);
    expect(third).toMatchObject({ conversation: first.id, predecessor: second.id });
    (await hands.of(third)).result.resolve(answer('x'));
    await ended(engine, third.id);
    await expect(engine.start({ ...again, agent: 'other' })).rejects.toBeInstanceOf(NotFoundError);
  });

  test('of two starts in one conversation at the same moment, one is refused', async () => {
    const engine = engineOn(() => Promise.resolve(answer('x')));
    const first = await engine.start(request);
    await ended(engine, first.id);
    const again = { ...request, conversation: first.id };
    const both = await Promise.allSettled([engine.start(again), engine.start(again)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(engine.start({ ...again, agent: 'other' })).rejects.toThrow();
  });

  test('E1: a value is stored before the code sees it, and the intent before the effect goes on', async () => {
    const store = open();
    const seen: string[] = [];
    const spied: Store = {
      ...store,
      write: async (writes) => {
        const early = await store.write(writes);
        seen.push(...writes.map((write) => (write.kind === 'intent' ? `intent ${write.bytes}` : write.kind)));
        return early;
      },
    };
    const engine = engineOn(
      async (_, context) => {
        const value = await context.branch('call 1', (branch) =>
          branch.step('call', async (_, commit) => {
            await commit('{"a":1}', 'unsafe');
            seen.push('sent');
            return { said: 'ok' };
          }),
        );
        seen.push(`seen ${value.said}`);
        return answer('x');
      },
      { store: spied },
    );
    const task = await engine.start(request);
    await ended(engine, task.id);
    expect(seen).toEqual(['task', 'intent {"a":1}', 'sent', 'step', 'seen ok', 'end']);
    expect(await engine.journal(task.id, 'ann')).toMatchObject([{ key: 'call 1/call', value: { said: 'ok' } }]);
  });

  test('the clock of a task stands at its newest record, and flows back from ended branches', async () => {
    const engine = engineOn(async (task, context) => {
      const before = context.now;
      await context.branch('slow', (branch) =>
        branch.step('s', () => new Promise((resolve) => setTimeout(resolve, 20))),
      );
      return answer(JSON.stringify([before === task.createdAt, context.now - before >= 15]));
    });
    const task = await ended(engine, (await engine.start(request)).id);
    expect(task).toMatchObject({ result: { content: [{ text: '[true,true]' }] } });
  });

  test('while the store has no room, new tasks are refused and the others stand still; then they go on', async () => {
    const store = open();
    let isFull = false;
    const failing: Store = {
      ...store,
      write: (writes) => (isFull ? Promise.reject(new StoreError('its disk is full')) : store.write(writes)),
    };
    const hands = byHand();
    const engine = engineOn(hands.handler, { store: failing, timings: { retry: 5 } });
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    isFull = true;
    const seen: string[] = [];
    const steps = ['a', 'b'].map((name) => context.step(name, async () => name).then((said) => seen.push(said)));
    await expect(engine.start(request)).rejects.toThrow('disk is full');
    await expect(engine.start(request)).rejects.toBeInstanceOf(UnavailableError);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual([]);
    expect((await engine.get(task.id, 'ann')).status).toBe('working');
    isFull = false;
    await Promise.all(steps);
    expect(seen).toEqual(['a', 'b']);
    isFull = true;
    result.resolve(answer('x'));
    const ending = ended(engine, task.id);
    await new Promise((resolve) => setTimeout(resolve, 20));
    isFull = false;
    expect((await ending).status).toBe('completed');
  });

  test('a value that is no JSON makes the task failed', async () => {
    const engine = engineOn(async (_, context) => {
      await context.step('s', async () => 1n);
      return answer('never');
    });
    expect(await ended(engine, (await engine.start(request)).id)).toMatchObject({ status: 'failed' });
    const result = engineOn(async () => ({ ...answer('x'), structuredContent: { n: 1n } }) as unknown as TaskResult);
    expect(await ended(result, (await result.start(request)).id)).toMatchObject({ status: 'failed' });
  });

  test('one write that cannot be kept does not take those of its group with it', async () => {
    const engine = engineOn(async (_, context) => {
      const once = context.step('same', () => Promise.resolve(1));
      const twice = context.step('same', () => Promise.resolve(2));
      const other = context.step('other', () => Promise.resolve(3));
      const said = await Promise.allSettled([once, twice, other]);
      return answer(said.map(({ status }) => status).join());
    });
    const task = await ended(engine, (await engine.start(request)).id);
    expect(task).toMatchObject({ result: { content: [{ text: 'fulfilled,rejected,fulfilled' }] } });
  });

  test('close lets running tasks end, also one whose start is under way, and refuses new ones; twice is once', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const quick = await engine.start(request);
    const late = engine.start(request).catch((error: unknown) => error);
    const closing = engine.close(60_000);
    await expect(engine.start(request)).rejects.toBeInstanceOf(UnavailableError);
    const both = [quick, (await late) as Task];
    const watching = both.map(({ id }) => collect(engine.watch(id, 'ann')));
    for (const task of both) (await hands.of(task)).result.resolve(answer('x'));
    await Promise.all([closing, engine.close()]);
    expect((await Promise.all(watching)).map((events) => shapes(events).at(-1))).toEqual(['completed', 'completed']);
  });

  test('close cuts off what does not end in time, and leaves it to the next process', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const watching = collect(engine.watch(task.id, 'ann'));
    const { context } = await hands.of(task);
    await engine.close(50);
    expect(context.signal.reason).toBeInstanceOf(UnavailableError);
    expect(shapes(await watching)).toEqual(['working']);
  });

  test('close does not wait for ever for code that heeds no signal', async () => {
    const engine = engineOn(byHand(true).handler, { timings: { rest: 20 } });
    const task = await engine.start(request);
    const watching = collect(engine.watch(task.id, 'ann'));
    await engine.close(20);
    expect(shapes(await watching)).toEqual(['working']);
  });

  test('an observer that throws harms no task', async () => {
    const engine = engineOn(() => Promise.resolve(answer('x')), {
      onEvent: () => {
        throw new Error('telemetry is down');
      },
    });
    expect((await ended(engine, (await engine.start(request)).id)).status).toBe('completed');
  });

  test('2,000 tasks leave nothing in memory', async () => {
    const refs: WeakRef<object>[] = [];
    const engine = engineOn(async (_, context) => {
      refs.push(new WeakRef(context));
      await context.step('s', () => Promise.resolve('x'.repeat(100)));
      return answer('x');
    });
    for (let round = 0; round < 20; round += 1) {
      const tasks = await Promise.all(Array.from({ length: 100 }, () => engine.start(request)));
      await Promise.all(tasks.map((task) => collect(engine.watch(task.id, 'ann'))));
    }
    await collect(engine.watch((await engine.start(request)).id, 'ann'));
    await new Promise((resolve) => setImmediate(resolve));
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    expect(refs).toHaveLength(2_001);
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(10);
  });
}

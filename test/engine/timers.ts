/** What every engine promises about time: what waits for it, and what it ends. */
import { expect, test } from 'vitest';
import type { Store } from '../../src/engine/store.ts';
import { NotFoundError } from '../../src/errors.ts';
import type { TaskHandler } from '../../src/task/engine.ts';
import { answer, request, textOf, via } from './tasks.ts';
import { type Engines, parked } from './engines.ts';
import { accept, form, openKeys, until, waitsFor } from './questions.ts';

/** How often time is looked at where a test does not want to wait for it, and where it must not come. */
const soon = { timings: { expire: 5 } };
const never = { timings: { expire: 2 ** 30 } };
const hour = 3_600_000;
/** Time is looked at from the moment that the test says so: a slow machine is not too late to see what comes before. */
function gated(store: Store): { store: Store; open: () => void } {
  let isOpen = false;
  return {
    store: { ...store, expire: async (now, most) => (isOpen ? store.expire(now, most) : []) },
    open: () => void (isOpen = true),
  };
}

export function timerContract({ open, engineOn, ended }: Engines): void {
  /** Says how often it began, and whether time stood still for its limits. */
  const sleeper = (ms: number): { handler: TaskHandler; stretches: () => number } => {
    let stretches = 0;
    return {
      stretches: () => stretches,
      handler: async (_, context) => {
        stretches += 1;
        await context.step('before', async () => 1);
        await context.sleep('pause', ms, 'the model rests');
        return answer(await context.step('after', async () => `slept ${context.waited >= ms - 5}`));
      },
    };
  };
  const asksFor =
    (ms: number): TaskHandler =>
    async (_, context) =>
      answer((await context.requestInput('colour', form, ms)).action);

  test('a task that sleeps works, says why it waits, is parked, and goes on by itself when its time is over', async () => {
    const { store, open: goOn } = gated(open());
    const { handler, stretches } = sleeper(40);
    const engine = engineOn(handler, { store, ...soon });
    const { id } = await engine.start(request);
    const asleep = await until(engine, id, ({ statusMessage }) => statusMessage !== undefined);
    expect(asleep).toMatchObject({ status: 'working', statusMessage: 'the model rests' });
    expect(openKeys(asleep)).toEqual([]);
    await parked(store, id);
    goOn();
    const done = await ended(engine, id);
    expect([textOf(done), done.statusMessage, stretches()]).toEqual(['slept true', undefined, 2]);
    expect((await engine.journal(id, 'ann')).map(({ key }) => key)).toEqual(['before', 'after']);
  });

  test('retry ends a sleep before its time; where nothing sleeps it changes nothing', async () => {
    const store = open();
    const engine = engineOn(sleeper(hour).handler, { store, ...never });
    const { id } = await engine.start(request);
    await until(engine, id, ({ statusMessage }) => statusMessage !== undefined);
    await parked(store, id);
    await expect(engine.retry(id, 'bob', via)).rejects.toBeInstanceOf(NotFoundError);
    await engine.retry(id, 'ann', via);
    const done = await ended(engine, id);
    expect(textOf(done)).toBe('slept false');
    expect(await engine.retry(id, 'ann', via)).toEqual(done);
  });

  test('a time may have a fraction, be over before it begins, or never come', async () => {
    const engine = engineOn(async (_, context) => {
      for (const ms of [0.3, 0, -5]) await context.sleep(`pause ${ms}`, ms, 'a moment');
      return answer((await context.requestInput('colour', form, Infinity)).action);
    }, soon);
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await engine.respond(task.id, 'ann', { colour: { action: 'decline' } }, via);
    expect(textOf(await ended(engine, task.id))).toBe('decline');
  });

  test('a sleep beside a branch that works ends there: nothing is parked', async () => {
    const free = Promise.withResolvers<void>();
    let stretches = 0;
    const engine = engineOn(async (_, context) => {
      stretches += 1;
      await Promise.all([
        context.branch('work', (branch) => branch.step('long', () => free.promise)),
        context.branch('rest', async (branch) => {
          await branch.sleep('pause', 1, 'it rests');
          await branch.step('woke', async () => free.resolve());
        }),
      ]);
      return answer('both');
    }, soon);
    const { id } = await engine.start(request);
    expect(textOf(await ended(engine, id))).toBe('both');
    expect(stretches).toBe(1);
  });

  test('a timer asks nobody: it cannot be answered, and a cancel ends it', async () => {
    const store = open();
    const engine = engineOn(sleeper(hour).handler, { store, ...never });
    const { id } = await engine.start(request);
    await until(engine, id, ({ statusMessage }) => statusMessage !== undefined);
    const [timer] = (await engine.record(id, 'ann')).questions;
    await engine.respond(id, 'ann', { [timer?.wireKey ?? '']: accept('red') }, via);
    expect((await engine.record(id, 'ann')).questions[0]?.answer).toBeUndefined();
    expect(await engine.cancel(id, 'ann', via)).toMatchObject({ status: 'cancelled' });
  });

  test.each(['parked', 'at work'] as const)('a question that nobody answers in time is expired, %s', async (how) => {
    const free = Promise.withResolvers<void>();
    const { store, open: goOn } = gated(open());
    const handler: TaskHandler = async (task, context) => {
      const [said] = await Promise.all([
        context.branch('ask', (branch) => asksFor(1)(task, branch)),
        how === 'at work' ? context.step('long', () => free.promise) : undefined,
      ]);
      return said;
    };
    const engine = engineOn(handler, { store, ...soon });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    const [key = ''] = openKeys(await engine.get(id, 'ann'));
    goOn();
    await until(engine, id, ({ status }) => status !== 'input_required');
    await engine.respond(id, 'ann', { [key]: accept('late') }, via);
    free.resolve();
    expect(textOf(await ended(engine, id))).toBe('expired');
    const [question] = (await engine.record(id, 'ann')).questions;
    expect(question?.answer?.at).toBeGreaterThanOrEqual(question?.expiresAt ?? Infinity);
  });

  test('an answer in time is not expired afterwards', async () => {
    const store = open();
    const engine = engineOn(asksFor(hour), { store, ...never });
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await engine.respond(task.id, 'ann', { colour: accept('red') }, via);
    expect(await store.expire(Date.now() + 2 * hour, 10)).toEqual([]);
    expect(textOf(await ended(engine, task.id))).toBe('accept');
  });

  test('an answer after the time is none, also where nobody has looked at the time yet', async () => {
    const engine = engineOn(asksFor(1), never);
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.respond(task.id, 'ann', { colour: accept('late') }, via);
    expect(textOf(await ended(engine, task.id))).toBe('expired');
  });

  test('of an answer and the end of its time at the same moment, the first in the store wins', async () => {
    const store = open();
    const engine = engineOn(asksFor(hour), { store, ...never });
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    const [, reached] = await Promise.all([
      engine.respond(task.id, 'ann', { colour: accept('red') }, via),
      store.expire(Date.now() + 2 * hour, 10),
    ]);
    const { questions } = await engine.record(task.id, 'ann');
    const said = reached.length > 0 ? 'expired' : 'accept';
    expect(questions[0]?.answer?.response.action).toBe(said);
    await engine.retry(task.id, 'ann', via);
  });

  test('what the engine alone may say is no answer from outside', async () => {
    const engine = engineOn(asksFor(hour), never);
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    for (const action of ['expired', 'withdrawn'] as const) {
      const [key = ''] = openKeys(await engine.get(id, 'ann'));
      const [again] = openKeys(await engine.respond(id, 'ann', { [key]: { action } }, via));
      expect(again).not.toBe(key);
      expect(again).toBeDefined();
    }
  });
}

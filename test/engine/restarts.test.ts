/** What outlives a process: each test ends one, in order or by a crash, and opens the file again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { deathWatch } from '../../src/engine/death-watch.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/options.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { FencedError, type Store } from '../../src/engine/store.ts';
import { BusyError, NotFoundError, UnavailableError, UsageError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import type { TaskEngine, TaskHandler, TaskKeeper } from '../../src/task/engine.ts';
import type { Task } from '../../src/task/task.ts';
import { answer, byHand, collect, request, via } from './tasks.ts';
import { goneInstance, mortalStore } from './mortal-store.ts';
import { accept, asking, openKeys, until, waitsFor } from './questions.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-restarts-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engines: TaskEngine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});
const timings = { tick: 5, beat: 10, probation: 300 };
type Engine = TaskEngine & TaskKeeper;
function engineOn(path: string, handler: TaskHandler, options: Partial<EngineOptions> = {}): Engine {
  const engine = createEngine({ store: openSqliteStore(path), handler, log: silentLog, timings, ...options });
  engines.push(engine);
  return engine;
}
/** A process that dies at its transaction number `at`. It is never closed: the dead close nothing. */
function mortal(path: string, handler: TaskHandler, at: number, when: 'before' | 'after' = 'after') {
  const { store, died } = mortalStore(path, at, when);
  return { engine: createEngine({ store, handler, log: silentLog, timings, instance: goneInstance() }), died };
}
const ended = async (engine: Engine, id: string): Promise<Task> => {
  await collect(engine.watch(id, 'ann'));
  return engine.get(id, 'ann');
};
const steps =
  (count: number, effect: (step: number) => void = () => {}): TaskHandler =>
  async (_, context) => {
    for (let step = 1; step <= count; step += 1) await context.step(`s${step}`, async () => effect(step));
    return answer('done');
  };

test('a parked task is answered in the next process, and goes on there with what it had', async () => {
  const path = newFile();
  const first = engineOn(path, asking(['a', 'b']));
  const { id } = await until(first, (await first.start(request)).id, waitsFor(2));
  await first.close();
  const second = engineOn(path, asking(['a', 'b']));
  const [a = '', b = ''] = openKeys(await second.get(id, 'ann'));
  await second.respond(id, 'ann', { [a]: accept('red') }, via);
  await second.close();
  const third = engineOn(path, asking(['a', 'b']));
  expect(openKeys(await third.get(id, 'ann'))).toEqual([b]);
  await third.respond(id, 'ann', { [b]: accept('blue') }, via);
  expect(JSON.stringify(await ended(third, id))).toContain(
    '[[\\"a\\",{\\"colour\\":\\"red\\"}],[\\"b\\",{\\"colour\\":\\"blue\\"}]]',
  );
});

test('a process that dies at any transaction is taken over, and nothing that was recorded is done again', async () => {
  for (const when of ['before', 'after'] as const)
    for (let at = 2; at <= 7; at += 1) {
      const path = newFile();
      const done: number[] = [];
      const { engine, died } = mortal(
        path,
        steps(5, (step) => done.push(step)),
        at,
        when,
      );
      const { id } = await engine.start(request);
      await died;
      const next = engineOn(
        path,
        steps(5, (step) => done.push(step)),
      );
      expect(await ended(next, id)).toMatchObject({ status: 'completed' });
      const recorded = when === 'before' ? at - 2 : at - 1;
      for (let step = 1; step <= 5; step += 1)
        expect(done.filter((one) => one === step).length).toBe(
          step === recorded + 1 && when === 'before' && step <= 5 ? 2 : 1,
        );
    }
});

test('T1: a start whose process died before it was stored was never told, and leaves nothing', async () => {
  const path = newFile();
  const { engine, died } = mortal(path, steps(1), 1, 'before');
  const told = engine.start(request).then(() => 'told');
  await died;
  const next = engineOn(path, steps(1));
  expect(await Promise.race([told, next.list({ owner: 'ann' })])).toEqual([]);
});

test('who watches a task of another process sees its states, and its end', async () => {
  const path = newFile();
  const hands = byHand();
  const [here, there] = [engineOn(path, hands.handler), engineOn(path, hands.handler)];
  const task = await here.start(request);
  const watching = collect(there.watch(task.id, 'ann'));
  (await hands.of(task)).result.resolve(answer('x'));
  expect((await watching).map((event) => (event.type === 'status' ? event.task.status : event.type))).toEqual([
    'working',
    'completed',
  ]);
});

test('a watch goes on while its task is taken over from a process that died', async () => {
  const path = newFile();
  const { engine, died } = mortal(path, steps(3), 3);
  const watcher = engineOn(path, steps(3), { adopts: 'own' });
  const { id } = await engine.start(request);
  const watching = collect(watcher.watch(id, 'ann'));
  await died;
  engineOn(path, steps(3));
  expect((await watching).at(-1)).toMatchObject({ task: { status: 'completed' } });
});

test('an answer given in another process reaches the run, parked or at work', async () => {
  const path = newFile();
  const free = Promise.withResolvers<void>();
  const handler: TaskHandler = async (task, context) => {
    const work = context.branch('work', (branch) => branch.step('one', () => free.promise));
    const said = await asking(['a'])(task, context);
    await work;
    return said;
  };
  const [here, there] = [engineOn(path, handler), engineOn(path, handler, { adopts: 'own' })];
  const atWork = await until(here, (await here.start(request)).id, waitsFor(1));
  const parked = await until(here, (await here.start({ ...request, owner: 'ann' })).id, waitsFor(1));
  for (const task of [atWork, parked])
    await there.respond(task.id, 'ann', { [openKeys(task)[0] ?? '']: accept('red') }, via);
  free.resolve();
  for (const { id } of [atWork, parked]) expect(await ended(here, id)).toMatchObject({ status: 'completed' });
});

test('a cancel in another process cuts the run, and no effect of it begins any more', async () => {
  const path = newFile();
  const hands = byHand();
  const [here, there] = [engineOn(path, hands.handler), engineOn(path, hands.handler)];
  const task = await here.start(request);
  const { context } = await hands.of(task);
  expect((await there.cancel(task.id, 'ann', via)).status).toBe('cancelled');
  expect((await here.get(task.id, 'ann')).status).toBe('cancelled');
  let sent = false;
  const late = context.step('call', async (_, commit) => {
    await commit('{}', 'unsafe');
    sent = true;
  });
  await expect(late).rejects.toThrow();
  expect(sent).toBe(false);
  if (!context.signal.aborted)
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await here.get(task.id, 'ann')).status).toBe('cancelled');
});

test('E3: a process that was paused and taken for dead can write nothing more', async () => {
  const path = newFile();
  const [one, two] = [openSqliteStore(path), openSqliteStore(path)];
  const at = Date.now();
  const task: Task = {
    ...request,
    id: 't',
    conversation: 't',
    createdAt: at,
    updatedAt: at,
    ttlMs: null,
    status: 'working',
  };
  await one.write([{ kind: 'task', task, instance: 'one' }]);
  await two.bury('one', { withinMs: 0, most: 3 }, at);
  const taken = { id: 't', fence: 3, agent: 'a', isWoken: false };
  expect(await two.claim('two', { fresh: 10, woken: 10 }, 2)).toEqual([taken]);
  const of = { id: 't', fence: 1, at };
  for (const write of [
    { kind: 'intent', key: 'k', bytes: '{}', effect: 'unsafe', ...of },
    { kind: 'step', key: 'k', value: '1', ...of },
    { kind: 'reference', key: 'k', reference: 'r', ...of },
    { kind: 'question', question: { key: 'q', wireKey: 'q', request: { kind: 'roots' }, askedAt: at }, ...of },
    { kind: 'park', open: 0, ...of },
    { kind: 'end', status: 'failed', outcome: '{}', ...of },
  ] as const)
    await expect(one.write([write])).rejects.toBeInstanceOf(FencedError);
  expect(await two.load('t')).toMatchObject({ fence: 3, steps: [], questions: [], task: { status: 'working' } });
  await Promise.all([one.close(), two.close()]);
});

test('a run that was taken over while its process slept is cut there, and ends once', async () => {
  const path = newFile();
  const hands = byHand();
  const store = openSqliteStore(path);
  const sleeper = engineOn(path, hands.handler, { store });
  const task = await sleeper.start(request);
  const { context } = await hands.of(task);
  const other = openSqliteStore(path);
  const [dead] = await other.others('nobody');
  // In one turn: the sleeper must not wake in between.
  const buried = other.bury(dead?.id ?? '', { withinMs: 0, most: 9 }, Date.now());
  const next = engineOn(path, () => Promise.resolve(answer('there')));
  await buried;
  const end = await ended(next, task.id);
  await other.close();
  if (!context.signal.aborted)
    await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
  // What it called elsewhere is followed by the other process: it is not to be ended.
  expect(context.signal.reason).toBeInstanceOf(UnavailableError);
  expect(end.status).toBe('completed');
  expect(await sleeper.get(task.id, 'ann')).toEqual(end);
});

test('of starts with one key at the same moment, in two processes, there is one task', async () => {
  const path = newFile();
  const hands = byHand();
  const both = [engineOn(path, hands.handler), engineOn(path, hands.handler)];
  const keyed = { ...request, idempotencyKey: 'k' };
  const started = await Promise.all(Array.from({ length: 20 }, async (_, index) => both[index % 2]?.start(keyed)));
  expect(new Set(started.map((task) => task?.id)).size).toBe(1);
  expect(await both[0]?.list({ owner: 'ann' })).toHaveLength(1);
  await expect(both[1]?.start({ ...keyed, input: { message: 'other' } })).rejects.toBeInstanceOf(UsageError);
  expect((await both[0]?.start({ ...keyed, owner: 'bob' }))?.id).not.toBe(started[0]?.id);
  expect((await both[0]?.start({ ...keyed, agent: 'b' }))?.id).not.toBe(started[0]?.id);
});

test('of continuations at the same moment, in two processes, one is taken and the others are told that it is busy', async () => {
  const path = newFile();
  const hands = byHand();
  const both = [engineOn(path, hands.handler), engineOn(path, hands.handler)];
  const first = await both[0]?.start(request);
  if (first === undefined) throw new Error('not started');
  await both[1]?.cancel(first.id, 'ann', via);
  const again = { ...request, conversation: first.id };
  const tries = await Promise.allSettled(Array.from({ length: 6 }, async (_, index) => both[index % 2]?.start(again)));
  const refused = tries.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown);
  expect(refused).toHaveLength(5);
  for (const error of refused) expect(error).toBeInstanceOf(BusyError);
});

test('a task past its time is as if it never was, also before it is pruned; the wait for a person is added to it', async () => {
  const path = newFile();
  const engine = engineOn(path, asking(['a']));
  const slow = await until(engine, (await engine.start({ ...request, ttlMs: 60_000 })).id, waitsFor(1));
  const ttlMs = 1_000;
  const quick = await engine.start({ ...request, ttlMs, idempotencyKey: 'k' });
  // On a slow machine its time is over before the answer is read.
  await engine.cancel(quick.id, 'ann', via).catch((error: unknown) => expect(error).toBeInstanceOf(NotFoundError));
  await new Promise((resolve) => setTimeout(resolve, ttlMs + 50));
  await expect(engine.get(quick.id, 'ann')).rejects.toThrow(new NotFoundError(`There is no task ${quick.id}.`).message);
  expect((await engine.list({ owner: 'ann' })).map(({ id }) => id)).toEqual([slow.id]);
  expect((await engine.start({ ...request, idempotencyKey: 'k' })).id).not.toBe(quick.id);
  await engine.respond(slow.id, 'ann', { [openKeys(slow)[0] ?? '']: accept('red') }, via);
  await collect(engine.watch(slow.id, 'ann'));
  const done = await engine.get(slow.id, 'ann');
  expect(done).toMatchObject({ status: 'completed' });
  expect(done.ttlMs).toBeGreaterThanOrEqual(60_000 + ttlMs);
});

test('a task that kills its process three times is set aside; those beside it are not, however often it dies', async () => {
  const path = newFile();
  const free = Promise.withResolvers<void>();
  // Longer than a slow machine takes from a claim to the death: twice so long the third life waits with the killer.
  const patient = { ...timings, probation: 1_500 };
  let lives = 0;
  const life = async (): Promise<void> => {
    lives += 1;
    const { store } = mortalStore(path, Infinity, 'before');
    const dying = Promise.withResolvers<void>();
    const frozen = freezable(store, dying.promise);
    const handler: TaskHandler = async (task, context) => {
      if (task.agent !== 'killer') return context.step('slow', () => free.promise).then(() => answer('x'));
      dying.resolve();
      return new Promise(() => {});
    };
    const engine = createEngine({
      store: frozen,
      handler,
      log: silentLog,
      timings: patient,
      instance: goneInstance(),
    });
    if (lives === 1) await Promise.all(['a', 'b', 'killer'].map((agent) => engine.start({ ...request, agent })));
    await dying.promise;
  };
  for (let deaths = 1; deaths <= 3; deaths += 1) await life();
  const slow: TaskHandler = async (_, context) => {
    await context.step('slow', () => free.promise);
    return answer('x');
  };
  const engine = engineOn(path, slow, { timings: patient });
  free.resolve();
  const tasks = await engine.list({ owner: 'ann' });
  const ends = await Promise.all(tasks.map(async ({ id, agent }) => [agent, (await ended(engine, id)).status]));
  expect(Object.fromEntries(ends)).toEqual({ a: 'completed', b: 'completed', killer: 'failed' });
});

/** From `death` on nothing that is asked of it comes back. */
function freezable(store: Store, death: Promise<void>): Store {
  let isDead = false;
  void death.then(async () => {
    isDead = true;
    await store.close();
  });
  const verbs = Object.entries(store).map(([name, verb]: [string, (...args: never[]) => unknown]) => [
    name,
    (...args: never[]) => (isDead ? (name === 'news' ? 'none' : new Promise(() => {})) : verb(...args)),
  ]);
  return Object.fromEntries(verbs);
}

test('a death is what this process has seen: gone from this machine, or silent while it listened', () => {
  let now = 0;
  const deadAmong = deathWatch(100, () => now);
  const other = { id: 'far', pid: 1, host: 'elsewhere', seenAt: 1 };
  expect(deadAmong([other, goneInstance()]).map((id) => id.slice(0, 4))).toEqual(['gone']);
  now = 99;
  expect(deadAmong([other])).toEqual([]);
  now = 100;
  expect(deadAmong([{ ...other, seenAt: 2 }])).toEqual([]);
  now = 199;
  expect(deadAmong([{ ...other, seenAt: 2 }, { id: 'unknown' }])).toEqual([]);
  now = 200;
  expect(deadAmong([{ ...other, seenAt: 2 }, { id: 'unknown' }])).toEqual(['far']);
  now = 299;
  expect(deadAmong([{ id: 'unknown' }])).toEqual(['unknown']);
});

test('a task whose row is damaged is set aside, and the others go on', async () => {
  const path = newFile();
  const { engine, died } = mortal(path, steps(3), 4);
  const { id } = await engine.start(request);
  await died;
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(path);
  db.exec(`update step set value = 'torn{' where task = '${id}'`);
  db.close();
  const next = engineOn(path, steps(3));
  expect(await ended(next, id)).toMatchObject({ status: 'failed' });
  expect((await ended(next, (await next.start(request)).id)).status).toBe('completed');
});

test('a page of a list goes on where the last one ended', async () => {
  const engine = engineOn(newFile(), byHand().handler);
  for (let count = 0; count < 5; count += 1) await engine.start(request);
  const all = (await engine.list({ owner: 'ann' })).map(({ id }) => id);
  const second = await engine.list({ owner: 'ann', limit: 2, after: all[1] ?? '' });
  expect(second.map(({ id }) => id)).toEqual(all.slice(2, 4));
  expect(await engine.list({ owner: 'ann', after: 'nonsense' })).toEqual([]);
});

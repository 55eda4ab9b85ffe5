/** What reaches a task from a process beside its own, and what it finds in the process after. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/options.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';
import { UnavailableError, UsageError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import type { TaskContext, TaskHandler } from '../../src/task/engine.ts';
import { answer, byHand, collect, request, textOf, via } from './tasks.ts';
import { type Engine, parked } from './engines.ts';
import { goneInstance, mortalStore } from './mortal-store.ts';
import { callAway, left } from './networks.ts';
import { accept, asking, form, openKeys, until, waitsFor } from './questions.ts';
import { relaying } from './relays.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-beside-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});
const timings = { tick: 5, beat: 10, probation: 300, expire: 5 };
function engineOn(path: string, handler: TaskHandler, options: Partial<EngineOptions> = {}): Engine {
  const engine = createEngine({ store: openSqliteStore(path), handler, log: silentLog, timings, ...options });
  engines.push(engine);
  return engine;
}
/** One that looks and acts, and runs nothing: a command. */
const commandOn = (path: string, options: Partial<EngineOptions> = {}): Engine =>
  engineOn(path, () => expect.unreachable(), { adopts: 'own', ...options });
const ended = async (engine: Engine, id: string) => {
  await collect(engine.watch(id, 'ann'));
  return engine.get(id, 'ann');
};
const never = { timings: { ...timings, expire: 2 ** 30 } };

test('what is sent in another process reaches the running task', async () => {
  const path = newFile();
  const hands = byHand();
  const [here, there] = [engineOn(path, hands.handler), commandOn(path)];
  const task = await here.start(request);
  const { context, result } = await hands.of(task);
  await there.send(task.id, 'ann', 'stop that', via);
  await here.send(task.id, 'ann', 'and this', via);
  while (context.inbox.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(context.inbox.map(({ text }) => text)).toEqual(['stop that', 'and this']);
  result.resolve(answer('x'));
  await ended(here, task.id);
  await expect(there.send(task.id, 'ann', 'late', via)).rejects.toBeInstanceOf(UsageError);
});

test('what is sent in another process while the end is under way is heard before it', async () => {
  const path = newFile();
  const there = commandOn(path);
  const store = openSqliteStore(path);
  let isFirst = true;
  const overtaken: Store = {
    ...store,
    async write(writes) {
      const end = writes.find(({ kind }) => kind === 'end');
      if (end?.kind === 'end' && isFirst) {
        isFirst = false;
        await there.send(end.id, 'ann', 'one more thing', via);
      }
      return store.write(writes);
    },
  };
  const listening: TaskHandler = async (_, context) => answer(context.inbox.map(({ text }) => text).join());
  const here = engineOn(path, listening, { store: overtaken });
  const { id } = await here.start(request);
  expect(textOf(await ended(here, id))).toBe('one more thing');
  await expect(there.send(id, 'ann', 'late', via)).rejects.toThrow('has ended');
});

test('a retry in another process wakes the task where it may run', async () => {
  const path = newFile();
  const sleeping: TaskHandler = async (_, context) => {
    await context.sleep('pause', 3_600_000, 'the model rests');
    return answer('awake');
  };
  const [here, there] = [engineOn(path, sleeping), commandOn(path)];
  const { id } = await here.start(request);
  await until(here, id, ({ statusMessage }) => statusMessage === 'the model rests');
  await there.retry(id, 'ann', via);
  expect(textOf(await ended(here, id))).toBe('awake');
  const actions: unknown[] = [];
  for await (const { action, by } of there.audit()) actions.push([action, by]);
  expect(actions).toContainEqual(['retried', { owner: 'ann', ...via }]);
});

test('what another process found expired reaches the run, parked or at work', async () => {
  const path = newFile();
  const free = Promise.withResolvers<void>();
  const handler: TaskHandler = async (task, context) => {
    const [{ action }] = await Promise.all([
      context.branch('ask', (branch) => branch.requestInput('colour', form, 30)),
      task.agent === 'works' ? context.step('long', () => free.promise) : undefined,
    ]);
    return answer(action);
  };
  const here = engineOn(path, handler, never);
  const tasks = await Promise.all(['a', 'works'].map((agent) => here.start({ ...request, agent })));
  for (const { id } of tasks) await until(here, id, waitsFor(1));
  const there = commandOn(path);
  for (const { id } of tasks) await until(there, id, ({ status }) => status !== 'input_required');
  free.resolve();
  for (const { id } of tasks) expect(textOf(await ended(here, id))).toBe('expired');
});

test('a time that is over while no process runs ends in the next', async () => {
  const path = newFile();
  const handler: TaskHandler = async (_, context) => {
    const { action } = await context.requestInput('colour', form, 20);
    await context.sleep('pause', 1, 'a moment');
    return answer(action);
  };
  const first = engineOn(path, handler, never);
  const { id } = await until(first, (await first.start(request)).id, waitsFor(1));
  await first.close();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(textOf(await ended(engineOn(path, handler), id))).toBe('expired');
});

/** A process that dies while its call's server waits for an answer. */
async function diesAsking(path: string): Promise<string> {
  const { store, died } = mortalStore(path, 2, 'after');
  const engine = createEngine({
    store,
    handler: relaying(['q']),
    log: silentLog,
    timings,
    instance: goneInstance(),
  });
  const { id } = await engine.start(request);
  await died;
  return id;
}

test('an answer that came after the death of the one who relayed the question is given to the next who asks it', async () => {
  const path = newFile();
  const id = await diesAsking(path);
  const command = commandOn(path);
  const task = await command.get(id, 'ann');
  await command.respond(id, 'ann', { [openKeys(task)[0] ?? '']: accept('red') }, via);
  expect(textOf(await ended(engineOn(path, relaying(['q'])), id))).toBe('"red"');
  expect((await command.record(id, 'ann')).questions).toHaveLength(1);
});

test('an answer to other words is none for what is asked now', async () => {
  const path = newFile();
  const id = await diesAsking(path);
  const command = commandOn(path);
  const [old = ''] = openKeys(await command.get(id, 'ann'));
  await command.respond(id, 'ann', { [old]: accept('red') }, via);
  const next = engineOn(
    path,
    relaying(['q'], () => {}, { ...form, message: 'Delete it?' }),
  );
  const [key = ''] = openKeys(await until(next, id, waitsFor(1)));
  expect(key).not.toBe(old);
  await next.respond(id, 'ann', { [key]: accept('blue') }, via);
  expect(textOf(await ended(next, id))).toBe('"blue"');
});

test('what an earlier process relayed is withdrawn by who does not go on with the call', async () => {
  const path = newFile();
  const id = await diesAsking(path);
  const next = engineOn(path, async (_, context) => {
    await context.branch('b', async (branch) => {
      await branch.withdraw('call');
      await branch.withdraw('call');
    });
    return answer((await context.requestInput('colour', form)).action);
  });
  const task = await until(next, id, (now) => openKeys(now).includes('colour'));
  expect(openKeys(task)).toEqual(['colour']);
  await next.respond(id, 'ann', { colour: { action: 'decline' } }, via);
  expect(textOf(await ended(next, id))).toBe('decline');
});

test('a question that is relayed stays open when its process ends in order, and a parked task is not woken by it', async () => {
  const path = newFile();
  const first = engineOn(path, relaying(['q']));
  const { id } = await until(first, (await first.start(request)).id, waitsFor(1));
  await first.close();
  let stretches = 0;
  const second = engineOn(path, async (_, context) => {
    stretches += 1;
    await context.requestInput('colour', form);
    return answer('x');
  });
  const task = await until(second, id, waitsFor(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(stretches).toBe(1);
  await second.respond(id, 'ann', Object.fromEntries(openKeys(task).map((key) => [key, accept('red')])), via);
  expect(textOf(await ended(second, id))).toBe('x');
});

test('tasks that waited for a place when their process ended begin in the next, and so do those of one that is full', async () => {
  const path = newFile();
  const free = Promise.withResolvers<void>();
  const handler: TaskHandler = async (_, context) => {
    await context.step('s', () => free.promise);
    return answer('x');
  };
  const first = engineOn(path, handler, { mostAtWork: 1, timings: { ...timings, rest: 20 } });
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1) ids.push((await first.start(request)).id);
  await first.close();
  const [second, third] = [engineOn(path, handler, { mostAtWork: 2 }), engineOn(path, handler)];
  await until(third, ids[4] ?? '', ({ statusMessage }) => statusMessage === undefined);
  free.resolve();
  for (const id of ids) expect((await ended(second, id)).status).toBe('completed');
  await third.close();
});

test('an answer given in another process waits for no room, however many tasks hang', async () => {
  const path = newFile();
  const hands = byHand();
  const handler: TaskHandler = (task, context) =>
    (task.agent === 'hangs' ? hands : { handler: asking(['q']) }).handler(task, context);
  const here = engineOn(path, handler, { mostAtWork: 2 });
  const asked = await until(here, (await here.start(request)).id, waitsFor(1));
  for (let number = 0; number < 4; number += 1) await here.start({ ...request, agent: 'hangs' });
  await commandOn(path).respond(asked.id, 'ann', { [openKeys(asked)[0] ?? '']: accept('red') }, via);
  expect((await ended(here, asked.id)).status).toBe('completed');
});

test.each(['news', 'a write of its own'])(
  'a cancel in another process, heard of by %s, ends what the run called: its task goes on nowhere',
  async (by) => {
    const path = newFile();
    const [away, free] = [Promise.withResolvers<TaskContext>(), Promise.withResolvers<void>()];
    const handler: TaskHandler = async (_, context) => {
      const call = context.branch('b', (branch) => callAway(branch, 'r1', () => away.resolve(context)));
      await Promise.race([call, free.promise]);
      await context.step('next', async () => 1);
      return answer('x');
    };
    const tick = by === 'news' ? timings.tick : 2 ** 30;
    const here = engineOn(path, handler, { timings: { ...timings, tick } });
    const { id } = await here.start(request);
    const { signal } = await away.promise;
    const cut = new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect((await commandOn(path).cancel(id, 'ann', via)).status).toBe('cancelled');
    if (by !== 'news') free.resolve();
    await cut;
    expect(signal.reason).toMatchObject({ message: 'The task was ended by another process.' });
    expect(signal.reason).not.toBeInstanceOf(UnavailableError);
    expect(await here.leftBehind()).toEqual([left(id, 'r1', 'b/call')]);
  },
);

/** A call that becomes the task `r1` elsewhere when `goOn` is called, and what it hears when it says so. */
function becoming() {
  const [left, goOn] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
  const heard = Promise.withResolvers<{ error: unknown; reason: unknown }>();
  const handler: TaskHandler = async (_, context) => {
    const before = context.unfinished('call');
    if (before !== undefined) return answer(before.reference ?? 'unknown');
    return context.step('call', async (signal, commit) => {
      await commit('{}', 'unsafe');
      left.resolve(signal);
      await goOn.promise;
      const error = await commit.reference('r1').catch((error: unknown) => error);
      heard.resolve({ error, reason: signal.reason });
      throw error ?? signal.reason;
    });
  };
  return { handler, left: left.promise, goOn: goOn.resolve, heard: heard.promise };
}

test('who cannot store what its call became hears first whether another process goes on with the task', async () => {
  const path = newFile();
  const { handler, left, goOn, heard } = becoming();
  const here = engineOn(path, handler, { timings: { ...timings, tick: 2 ** 30 } });
  const { id } = await here.start(request);
  await left;
  await commandOn(path).cancel(id, 'ann', via);
  goOn();
  const { error, reason } = await heard;
  expect(error).not.toBeInstanceOf(UnavailableError);
  expect(reason).toMatchObject({ message: 'The task was ended by another process.' });
  expect(reason).not.toBeInstanceOf(UnavailableError);
});

test('what a call became is stored while its process ends, and the next one knows it', async () => {
  const path = newFile();
  const { handler, left, goOn, heard } = becoming();
  const here = engineOn(path, handler);
  const { id } = await here.start(request);
  const signal = await left;
  const cut = new Promise((resolve) => signal.addEventListener('abort', resolve));
  const closed = here.close(0);
  await cut;
  goOn();
  expect(await heard).toMatchObject({ error: undefined, reason: expect.any(UnavailableError) });
  await closed;
  const next = engineOn(path, handler);
  expect(textOf(await ended(next, id))).toBe('r1');
});

test('a cancel in another process is heard at once, however long it takes to read what else came', async () => {
  const path = newFile();
  const hands = byHand();
  const store = openSqliteStore(path);
  const read = Promise.withResolvers<void>();
  let isSlow = false;
  const slow: Store = {
    ...store,
    async owned(instance) {
      const owned = await store.owned(instance);
      isSlow = owned.size === 2;
      return owned;
    },
    sent: (id) => (isSlow ? read.promise.then(() => store.sent(id)) : store.sent(id)),
  };
  const here = engineOn(path, hands.handler, { store: slow });
  await here.start(request);
  const task = await here.start(request);
  await here.start(request);
  const { signal } = (await hands.of(task)).context;
  const cut = new Promise((resolve) => signal.addEventListener('abort', resolve));
  await commandOn(path).cancel(task.id, 'ann', via);
  await cut;
  read.resolve();
});

test('what a task of a dead process left behind is told by any process, and once it is let go by none', async () => {
  const path = newFile();
  const { store, died } = mortalStore(path, 3, 'after');
  const dead = createEngine({
    store,
    handler: async (_, context) => callAway(context, 'r1'),
    log: silentLog,
    timings,
    instance: goneInstance(),
    definition: () => ({ hash: 'd1', text: 'agents: {}' }),
  });
  const { id } = await dead.start(request);
  await died;
  const command = commandOn(path);
  expect(await command.leftBehind()).toEqual([]);
  await command.cancel(id, 'ann', via);
  const next = engineOn(path, () => expect.unreachable());
  const all = await next.leftBehind();
  expect(all).toEqual([{ ...left(id, 'r1'), definition: 'd1' }]);
  expect(await command.leftBehind()).toEqual(all);
  for (const one of all) await next.letGo(one);
  await next.close();
  expect(await command.leftBehind()).toEqual([]);
  expect(await engineOn(path, () => expect.unreachable()).leftBehind()).toEqual([]);
});

test('a backup is a whole store of its own, and never writes over a file', async () => {
  const path = newFile();
  const copy = newFile();
  const store = openSqliteStore(path);
  const engine = engineOn(path, asking(['q']), { store });
  const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
  await parked(store, task.id);
  const [key = ''] = openKeys(task);
  await engine.backup(copy);
  await engine.respond(task.id, 'ann', { [key]: accept('red') }, via);
  await expect(engine.backup(copy)).rejects.toBeInstanceOf(UsageError);
  const other = engineOn(copy, asking(['q']));
  expect(openKeys(await other.get(task.id, 'ann'))).toEqual([key]);
  await other.respond(task.id, 'ann', { [key]: accept('blue') }, via);
  expect(textOf(await ended(other, task.id))).toContain('blue');
  expect(textOf(await ended(engine, task.id))).toContain('red');
});

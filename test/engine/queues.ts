/** What every engine promises about who may be at work when not everybody can. */
import { expect, test } from 'vitest';
import { BusyError } from '../../src/errors.ts';
import type { TaskHandler } from '../../src/task/engine.ts';
import type { Task } from '../../src/task/task.ts';
import { answer, byHand, request, via } from './tasks.ts';
import { type Engines, parked } from './engines.ts';
import { accept, asking, openKeys, until, waitsFor } from './questions.ts';

/** Each task works until the test ends it; `begun` has them in the order in which they began. */
function working() {
  const hands = byHand();
  const begun: Task[] = [];
  const more = new Set<() => void>();
  let atWork = 0;
  let most = 0;
  return {
    begun,
    handler: ((task, context) => {
      begun.push(task);
      most = Math.max(most, (atWork += 1));
      for (const wake of more) wake();
      return hands.handler(task, context).finally(() => (atWork -= 1));
    }) satisfies TaskHandler,
    most: () => most,
    /** Resolves when so many have begun. */
    count: async (count: number): Promise<void> => {
      while (begun.length < count)
        await new Promise<void>((resolve) => {
          more.add(resolve);
        });
      more.clear();
    },
    end: async (task: Task | undefined): Promise<void> => {
      if (task === undefined) throw new Error('none has begun');
      (await hands.of(task)).result.resolve(answer('x'));
    },
  };
}
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

export function queueContract({ open, engineOn, ended }: Engines): void {
  test('no more tasks are at work than may be; the others are acknowledged at once and begin when there is room', async () => {
    const { handler, begun, most, count, end } = working();
    const engine = engineOn(handler, { mostAtWork: 4 });
    const tasks: Task[] = [];
    for (let number = 0; number < 40; number += 1) tasks.push(await engine.start(request));
    for (const task of tasks.slice(4)) expect(task).toMatchObject({ status: 'working', statusMessage: /^queued/ });
    expect(tasks.slice(0, 4).map(({ statusMessage }) => statusMessage)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    await count(4);
    await turns();
    expect(begun).toHaveLength(4);
    const last = tasks.at(-1)?.id ?? '';
    const watching = until(engine, last, ({ statusMessage }) => statusMessage === undefined);
    for (let next = 0; next < 40; next += 1) {
      await count(next + 1);
      await end(begun[next]);
    }
    for (const { id } of tasks) expect((await ended(engine, id)).status).toBe('completed');
    expect(begun.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
    expect(most()).toBe(4);
    expect((await watching).status).toBe('working');
  });

  test('an owner with 200 queued tasks delays the only one of another by at most one slot', async () => {
    const { handler, begun, count, end } = working();
    const engine = engineOn(handler, { mostAtWork: 4 });
    await Promise.all(Array.from({ length: 200 }, () => engine.start(request)));
    await count(4);
    await engine.start({ ...request, owner: 'bob' });
    await turns();
    expect(begun.map(({ owner }) => owner)).toEqual(['ann', 'ann', 'ann', 'ann']);
    await end(begun[0]);
    await count(5);
    expect(begun[4]?.owner).toBe('bob');
  });

  test('who comes while others wait stands in line with them, also when a place is free for a moment', async () => {
    const { handler, begun, count, end } = working();
    const engine = engineOn(handler, { mostAtWork: 1 });
    const first = await engine.start(request);
    const second = await engine.start({ ...request, owner: 'bob' });
    await count(1);
    await end(begun[0]);
    const late = await Promise.all(Array.from({ length: 5 }, () => engine.start(request)));
    for (const { statusMessage } of late) expect(statusMessage).toMatch(/^queued/);
    for (let next = 1; next < 7; next += 1) {
      await count(next + 1);
      await end(begun[next]);
    }
    expect(begun.slice(0, 3).map(({ id }) => id)).toContain(second.id);
    expect(new Set(begun.map(({ id }) => id))).toEqual(new Set([first, second, ...late].map(({ id }) => id)));
  });

  test('an agent with a bound of its own fills it and no more; other agents pass by', async () => {
    const { handler, begun, count, end } = working();
    const engine = engineOn(handler, { mostAtWork: 10, mostOf: () => new Map([['slow', 2]]) });
    const slow = { ...request, agent: 'slow' };
    for (let number = 0; number < 5; number += 1) await engine.start(slow);
    await engine.start(request);
    await count(3);
    await turns();
    expect(begun.map(({ agent }) => agent)).toEqual(['slow', 'slow', 'a']);
    await end(begun[2]);
    await turns();
    expect(begun).toHaveLength(3);
    await end(begun[0]);
    await count(4);
    expect(begun[3]?.agent).toBe('slow');
    await turns();
    expect(begun).toHaveLength(4);
    for (const next of [1, 3, 4]) {
      await end(begun[next]);
      await count(Math.min(next + 3, 6));
    }
  });

  test('parked tasks take no place', async () => {
    const store = open();
    const engine = engineOn(asking(['q']), { store, mostAtWork: 1 });
    const tasks = await Promise.all(Array.from({ length: 5 }, () => engine.start(request)));
    for (const { id } of tasks) await until(engine, id, waitsFor(1));
    for (const { id } of tasks) await parked(store, id);
  });

  const hanging =
    (hang: TaskHandler): TaskHandler =>
    (task, context) =>
      task.agent === 'hangs' ? hang(task, context) : asking(['q'])(task, context);

  test('an answer waits for no room: its task goes on although as many as may be hang', async () => {
    const { handler, begun, count, end } = working();
    const store = open();
    const engine = engineOn(hanging(handler), { store, mostAtWork: 2 });
    const asked = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await parked(store, asked.id);
    for (let number = 0; number < 6; number += 1) await engine.start({ ...request, agent: 'hangs' });
    await count(2);
    await engine.respond(asked.id, 'ann', { [openKeys(asked)[0] ?? '']: accept('red') }, via);
    expect((await ended(engine, asked.id)).status).toBe('completed');
    expect(begun).toHaveLength(2);
    for (let next = 0; next < 6; next += 1) {
      await count(next + 1);
      await end(begun[next]);
    }
  });

  test('many answers at once do not fill the memory: so many go on at a time, and all in the end', async () => {
    const store = open();
    let atWork = 0;
    let most = 0;
    const counting: TaskHandler = async (_, context) => {
      await context.requestInput('colour', { kind: 'roots' });
      await context.step('work', async () => {
        most = Math.max(most, (atWork += 1));
        await turns();
        atWork -= 1;
      });
      return answer('x');
    };
    const engine = engineOn(counting, { store, mostAtWork: 3 });
    const ids = (await Promise.all(Array.from({ length: 30 }, () => engine.start(request)))).map(({ id }) => id);
    for (const id of ids) await until(engine, id, waitsFor(1));
    for (const id of ids) await parked(store, id);
    const all = Promise.all(ids.map((id) => ended(engine, id)));
    await Promise.all(ids.map((id) => engine.respond(id, 'ann', { colour: { action: 'decline' } }, via)));
    for (const { status } of await all) expect(status).toBe('completed');
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
  });

  test('a queued task is a task: it is cancelled before it begins, found by its key, and keeps its conversation busy', async () => {
    const { handler, begun, count, end } = working();
    const engine = engineOn(handler, { mostAtWork: 1 });
    await engine.start(request);
    const keyed = { ...request, idempotencyKey: 'k' };
    const queued = await engine.start(keyed);
    expect((await engine.start(keyed)).id).toBe(queued.id);
    await expect(engine.start({ ...request, conversation: queued.id })).rejects.toBeInstanceOf(BusyError);
    expect((await engine.cancel(queued.id, 'ann', via)).status).toBe('cancelled');
    const last = await engine.start(request);
    await count(1);
    await end(begun[0]);
    await count(2);
    expect(begun[1]?.id).toBe(last.id);
    await end(begun[1]);
  });
}

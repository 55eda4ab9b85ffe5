/** What every engine promises about questions, whatever store it stands on. */
import { expect, test } from 'vitest';
import type { TaskContext, TaskEngine, TaskHandler } from '../../src/task/engine.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import type { Task } from '../../src/task/task.ts';
import { answer, collect, request, textOf, via } from './tasks.ts';
import { type Engines, parked } from './engines.ts';

export const form: Extract<InputRequest, { kind: 'form' }> = {
  kind: 'form',
  message: 'Which colour?',
  schema: { type: 'object', properties: { colour: { type: 'string' } }, required: ['colour'] },
};
export const accept = (colour: string): InputResponse => ({ action: 'accept', content: { colour } });
export const bare: InputResponse = { action: 'accept', content: {} };

/** Asks in as many branches as named, side by side, and says what it heard. */
export const asking =
  (names: readonly string[], seen: (context: TaskContext) => void = () => {}, asked = form): TaskHandler =>
  async (_, context) => {
    seen(context);
    const said = await Promise.all(
      names.map((name) =>
        context.branch(name, async (branch) => {
          const before = await branch.step('before', async () => name);
          const response = await branch.requestInput('colour', asked);
          return branch.step('after', async () => [before, response.action === 'accept' ? response.content : response]);
        }),
      ),
    );
    return answer(JSON.stringify(said));
  };

/** Resolves with the first state of the task that `fits`. */
export async function until(engine: TaskEngine, id: string, fits: (task: Task) => boolean): Promise<Task> {
  for await (const event of engine.watch(id, 'ann')) if (event.type === 'status' && fits(event.task)) return event.task;
  throw new Error('the task ended, or the engine did');
}
export const openKeys = (task: Task): string[] =>
  task.status === 'input_required' ? Object.keys(task.inputRequests) : [];
export const waitsFor =
  (questions: number) =>
  (task: Task): boolean =>
    openKeys(task).length === questions;

export function questionContract({ open, engineOn, ended }: Engines): void {
  const begin = async (names: readonly string[], seen?: (context: TaskContext) => void, asked = form) => {
    const store = open();
    const engine = engineOn(asking(names, seen, asked), { store });
    const task = await until(engine, (await engine.start(request)).id, waitsFor(names.length));
    return { store, engine, task, id: task.id, keys: openKeys(task) };
  };
  const result = async (engine: TaskEngine, id: string): Promise<string> => textOf(await ended(engine, id));

  test('a task that waits for nothing but people is parked: its code is forgotten, and begins anew when it is answered', async () => {
    const stretches: string[] = [];
    const { store, engine, id, keys } = await begin(['a'], ({ path }) => stretches.push(path));
    await parked(store, id);
    expect(stretches).toHaveLength(1);
    const done = result(engine, id);
    await engine.respond(id, 'ann', { [keys[0] ?? '']: accept('red') }, via);
    expect(await done).toBe('[["a",{"colour":"red"}]]');
    expect(stretches).toHaveLength(2);
    expect((await engine.journal(id, 'ann')).map(({ key }) => key)).toEqual(['a/before', 'a/after']);
  });

  test('several questions are open at once; each is answered alone, and the task rests in between', async () => {
    const { store, engine, id, keys } = await begin(['a', 'b', 'c']);
    await parked(store, id);
    const left = await engine.respond(id, 'ann', { [keys[1] ?? '']: accept('red') }, via);
    expect(openKeys(left)).toEqual([keys[0], keys[2]]);
    await until(engine, id, waitsFor(2));
    await parked(store, id);
    await engine.respond(id, 'ann', { [keys[0] ?? '']: accept('blue'), [keys[2] ?? '']: accept('green') }, via);
    expect(await result(engine, id)).toBe('[["a",{"colour":"blue"}],["b",{"colour":"red"}],["c",{"colour":"green"}]]');
  });

  test.each([
    ['a bare accept', bare],
    ['a cancel', { action: 'cancel' }],
  ] as const)(
    '%s consumes nothing: the question is asked again under a new key, and the old one is dead',
    async (_, bad) => {
      const { engine, id, keys } = await begin(['a']);
      const [first = ''] = keys;
      const again = await engine.respond(id, 'ann', { [first]: bad }, via);
      const [second = ''] = openKeys(again);
      expect(second).not.toBe(first);
      expect(openKeys(again)).toHaveLength(1);
      expect(openKeys(await engine.respond(id, 'ann', { [first]: accept('red') }, via))).toEqual([second]);
      const [third = ''] = openKeys(await engine.respond(id, 'ann', { [second]: bad }, via));
      expect(new Set([first, second, third]).size).toBe(3); // T3
      await engine.respond(id, 'ann', { [third]: accept('red') }, via);
      expect(await result(engine, id)).toContain('red');
    },
  );

  test('a decline of what must be decided is no answer: the question stays open under a new key', async () => {
    const { engine, id, keys } = await begin(['a'], undefined, { ...form, mustDecide: true });
    const again = await engine.respond(id, 'ann', { [keys[0] ?? '']: { action: 'decline' } }, via);
    const [key = ''] = openKeys(again);
    expect(key).not.toBe(keys[0]);
    await engine.respond(id, 'ann', { [key]: accept('red') }, via);
    expect(await result(engine, id)).toContain('red');
  });

  test.each([
    ['dismisses', { action: 'cancel' }],
    ['accepts with nothing', bare],
  ] as const)('who %s whatever it is asked is not asked without end: after ten times the key stays', async (_, bad) => {
    const { store, engine, id, keys } = await begin(['a']);
    const seen = new Set(keys);
    for (let [key = ''] = keys, times = 1; times <= 20; times += 1) {
      [key = ''] = openKeys(await engine.respond(id, 'ann', { [key]: bad }, via));
      seen.add(key);
    }
    expect(seen.size).toBe(11);
    await parked(store, id);
    const [last = ''] = openKeys(await engine.get(id, 'ann'));
    await engine.respond(id, 'ann', { [last]: accept('red') }, via);
    expect(await result(engine, id)).toContain('red');
  });

  test('a decline is an answer', async () => {
    const { engine, id, keys } = await begin(['a']);
    await engine.respond(id, 'ann', { [keys[0] ?? '']: { action: 'decline' } }, via);
    expect(await result(engine, id)).toContain('decline');
  });

  test('of two answers at the same moment the first wins; repeated, late and unknown ones change nothing', async () => {
    const { engine, id, keys } = await begin(['a', 'b']);
    const [key = '', other = ''] = keys;
    await Promise.all([
      engine.respond(id, 'ann', { [key]: accept('first') }, { channel: 'host' }),
      engine.respond(id, 'ann', { [key]: accept('second') }, { channel: 'console' }),
    ]);
    await engine.respond(id, 'ann', { [key]: accept('third'), nonsense: accept('x'), __proto__: accept('y') }, via);
    const { questions } = await engine.record(id, 'ann');
    expect(questions.map(({ answer }) => answer?.by)).toEqual([{ owner: 'ann', channel: 'host' }, undefined]);
    await engine.respond(id, 'ann', { [other]: accept('blue') }, via);
    expect(await result(engine, id)).toBe('[["a",{"colour":"first"}],["b",{"colour":"blue"}]]');
    const late = await engine.respond(id, 'ann', { [key]: accept('late') }, via);
    expect(late.status).toBe('completed');
  });

  test('an answer for another task answers nothing, and nobody answers what is not theirs', async () => {
    const one = await begin(['a']);
    const two = await one.engine.start(request);
    const keys = openKeys(await until(one.engine, two.id, waitsFor(1)));
    // The same place in the code has another key in every task.
    expect(keys).not.toEqual(one.keys);
    await one.engine.respond(two.id, 'ann', { [one.keys[0] ?? '']: accept('red') }, via);
    expect(openKeys(await one.engine.get(one.id, 'ann'))).toEqual(one.keys);
    expect(openKeys(await one.engine.get(two.id, 'ann'))).toEqual(keys);
    const foreign = one.engine.respond(one.id, 'bob', { [one.keys[0] ?? '']: accept('red') }, via);
    await expect(foreign).rejects.toThrow(`There is no task ${one.id}.`);
    expect(openKeys(await one.engine.get(one.id, 'ann'))).toEqual(one.keys);
  });

  test('the key of a question counts its attempts, and says nothing of where it was asked', async () => {
    const { engine, id, keys } = await begin(['secret']);
    expect(keys).toEqual([expect.stringMatching(/^q[\w-]{12}\.1$/)]);
    expect(keys[0]).not.toContain('secret');
    await engine.respond(id, 'ann', { [keys[0] ?? '']: { action: 'cancel' } }, via);
    expect(openKeys(await engine.get(id, 'ann'))).toEqual([keys[0]?.replace(/1$/, '2')]);
  });

  test('branches that need no answer go on while one waits', async () => {
    const free = Promise.withResolvers<void>();
    const engine = engineOn(async (_, context) => {
      const [worked] = await Promise.all([
        context.branch('work', async (branch) => {
          await branch.step('one', () => free.promise);
          return branch.step('two', async () => 2);
        }),
        context.branch('ask', (branch) => branch.requestInput('colour', form)),
      ]);
      return answer(String(worked));
    });
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    free.resolve();
    const key = openKeys(task)[0] ?? '';
    await engine.respond(task.id, 'ann', { [key]: accept('red') }, via);
    expect(await result(engine, task.id)).toBe('2');
  });

  test('a parked task can be cancelled; its question is closed', async () => {
    const { store, engine, id, keys } = await begin(['a']);
    await parked(store, id);
    const watching = collect(engine.watch(id, 'ann'));
    expect((await engine.cancel(id, 'ann', via)).status).toBe('cancelled');
    expect((await watching).at(-1)).toMatchObject({ task: { status: 'cancelled' } });
    const late = await engine.respond(id, 'ann', { [keys[0] ?? '']: accept('red') }, via);
    expect(late.status).toBe('cancelled');
  });

  test('a task that is cancelled while it waits and works leaves nothing behind', async () => {
    const engine = engineOn(async (_, context) => {
      await Promise.all([
        context.branch('ask', (branch) => branch.requestInput('colour', form)),
        context.step(
          'long',
          (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        ),
      ]);
      return answer('never');
    });
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await engine.cancel(task.id, 'ann', via);
    expect((await engine.get(task.id, 'ann')).status).toBe('cancelled');
    await engine.close();
  });

  test('1,000 tasks ask, rest and are answered all at once', async () => {
    const engine = engineOn(asking(['a']));
    const tasks = await Promise.all(Array.from({ length: 1_000 }, () => engine.start(request)));
    const waiting = await Promise.all(tasks.map(({ id }) => until(engine, id, waitsFor(1))));
    const all = Promise.all(tasks.map(({ id }) => collect(engine.watch(id, 'ann'))));
    await Promise.all(
      waiting.map((task) => engine.respond(task.id, 'ann', { [openKeys(task)[0] ?? '']: accept('red') }, via)),
    );
    for (const events of await all) expect(events.at(-1)).toMatchObject({ task: { status: 'completed' } });
  });

  test('what was told before the parking is not told again after it, and what goes on is', async () => {
    const events: string[] = [];
    const turn = (number: number) => ({ type: 'turn_start', agent: 'a', turn: number }) as const;
    const done = { type: 'compacted', agent: 'a', turn: 1, messages: 1 } as const;
    const engine = engineOn(
      async (_, context) => {
        context.emit(turn(1));
        await context.step('one', async () => 1);
        context.emit(done);
        context.emit(turn(2));
        await context.requestInput('colour', form);
        context.emit(turn(3));
        await context.step('two', async () => 2);
        context.emit(done);
        return answer('x');
      },
      { onEvent: (event) => events.push(event.type === 'turn_start' ? `turn ${event.turn}` : event.type) },
    );
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await engine.respond(task.id, 'ann', { colour: accept('red') }, via);
    await result(engine, task.id);
    expect(events.filter((event) => event !== 'status')).toEqual([
      'turn 1',
      'compacted',
      'turn 2',
      'turn 3',
      'compacted',
    ]);
  });
}

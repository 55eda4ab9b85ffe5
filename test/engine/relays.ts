/** What every engine promises about questions that are asked while a step is at work. */
import { expect, test } from 'vitest';
import type { TaskContext, TaskHandler } from '../../src/task/engine.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { answer, byHand, request, textOf, via } from './tasks.ts';
import type { Engines } from './engines.ts';
import { accept, bare, form, openKeys, until, waitsFor } from './questions.ts';

/** One call, during which its server asks as many questions as named. */
export const relaying =
  (names: readonly string[], stretch: () => void = () => {}, asked = form): TaskHandler =>
  async (_, context) => {
    stretch();
    const said = await context.branch('b', (branch) =>
      branch.step('call', (signal) =>
        Promise.all(names.map((name) => branch.relay('call', name, asked, signal).then(colourIn))),
      ),
    );
    return answer(said.join());
  };
const colourIn = (response: InputResponse): string =>
  response.action === 'accept' ? JSON.stringify(response.content['colour']) : response.action;

export function relayContract({ open, engineOn, ended }: Engines): void {
  test('a step that asks stays at work: the task waits for a person and goes on where it was', async () => {
    let stretches = 0;
    const engine = engineOn(relaying(['q'], () => (stretches += 1)));
    const task = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const after = await engine.respond(task.id, 'ann', { [openKeys(task)[0] ?? '']: accept('red') }, via);
    expect(after.status).not.toBe('input_required');
    expect(textOf(await ended(engine, task.id))).toBe('"red"');
    expect(stretches).toBe(1);
  });

  test('several are open at once, and each is answered alone, in any order', async () => {
    const engine = engineOn(relaying(['p', 'q', 'r']));
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(3));
    for (const [place, colour] of [
      [1, 'b'],
      [1, 'c'],
      [0, 'a'],
    ] as const) {
      const keys = openKeys(await engine.get(id, 'ann'));
      await engine.respond(id, 'ann', { [keys[place] ?? '']: accept(colour) }, via);
    }
    expect(textOf(await ended(engine, id))).toBe('"a","b","c"');
  });

  test.each([
    ['a bare accept', bare],
    ['a cancel', { action: 'cancel' }],
  ] as const)('%s consumes nothing: it is asked again under a new key', async (_, bad) => {
    const engine = engineOn(relaying(['q']));
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    const [first = ''] = openKeys(await engine.get(id, 'ann'));
    const [second = ''] = openKeys(await engine.respond(id, 'ann', { [first]: bad }, via));
    expect(second).not.toBe(first);
    expect(openKeys(await engine.respond(id, 'ann', { [first]: accept('old') }, via))).toEqual([second]);
    await engine.respond(id, 'ann', { [second]: accept('red') }, via);
    expect(textOf(await ended(engine, id))).toBe('"red"');
  });

  const begun = async () => {
    const hands = byHand();
    const store = open();
    const engine = engineOn(hands.handler, { store });
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    return { store, engine, id: task.id, context, result };
  };
  /** A step that the test ends by hand, and its question. */
  const asksByHand = (context: TaskContext, name = 'q') => {
    const cut = new AbortController();
    const effect = Promise.withResolvers<void>();
    const said = Promise.withResolvers<InputResponse>();
    const step = context.step('call', async () => {
      context.relay('call', name, form, cut.signal).then(said.resolve, said.reject);
      await effect.promise;
    });
    return { cut, effect, said: said.promise, step };
  };

  test('it is withdrawn when nobody needs it any more; a late answer is ignored', async () => {
    const { engine, id, context, result } = await begun();
    const { cut, effect, said, step } = asksByHand(context);
    const [key = ''] = openKeys(await until(engine, id, waitsFor(1)));
    cut.abort();
    expect(await said).toEqual({ action: 'withdrawn' });
    await until(engine, id, ({ status }) => status === 'working');
    const late = await engine.respond(id, 'ann', { [key]: accept('late') }, via);
    expect(late.status).toBe('working');
    effect.resolve();
    await step;
    expect((await engine.record(id, 'ann')).questions[0]?.answer?.response).toEqual({ action: 'withdrawn' });
    result.resolve(answer('x'));
    await ended(engine, id);
  });

  test('it is withdrawn with the record of its step, in one transaction', async () => {
    const { engine, id, context, result } = await begun();
    const { effect, said, step } = asksByHand(context);
    await until(engine, id, waitsFor(1));
    effect.resolve();
    await step;
    expect(await said).toEqual({ action: 'withdrawn' });
    expect((await engine.get(id, 'ann')).status).toBe('working');
    const { questions, steps } = await engine.record(id, 'ann');
    expect(questions[0]?.answer?.at).toBe(steps[0]?.at);
    // A task with nothing open rests no more than before: its next question parks it as ever.
    const asked = context.requestInput('colour', form);
    asked.catch(() => {});
    await until(engine, id, waitsFor(1));
    await engine.cancel(id, 'ann', via);
    result.resolve(answer('x'));
  });

  test('who does not want it before it is asked, or asks when the step has ended, asks nobody', async () => {
    const { engine, id, context, result } = await begun();
    const said = await context.step('call', () => context.relay('call', 'q', form, AbortSignal.abort()));
    expect(said).toEqual({ action: 'withdrawn' });
    expect(await context.relay('call', 'late', form, context.signal)).toEqual({ action: 'withdrawn' });
    expect((await engine.record(id, 'ann')).questions).toEqual([]);
    result.resolve(answer('x'));
  });

  test('the same words under the same name are asked once; other words, or withdrawn ones, anew', async () => {
    const { engine, id, context, result } = await begun();
    const cut = new AbortController();
    const all = context.step('call', async (signal) => {
      const first = context.relay('call', 'q', form, cut.signal);
      await until(engine, id, waitsFor(1));
      const same = context.relay('call', 'q', form, cut.signal);
      cut.abort();
      const withdrawn = await Promise.all([first, same]);
      const other = { ...form, message: 'Which other?' };
      const last = [context.relay('call', 'q', form, signal), context.relay('call', 'q', other, signal)];
      const [one = '', two = ''] = openKeys(await until(engine, id, waitsFor(2)));
      await engine.respond(id, 'ann', { [one]: accept('red'), [two]: accept('blue') }, via);
      return [...withdrawn, ...(await Promise.all(last))].map(colourIn);
    });
    expect(await all).toEqual(['withdrawn', 'withdrawn', '"red"', '"blue"']);
    expect((await engine.record(id, 'ann')).questions).toHaveLength(3);
    result.resolve(answer('x'));
  });

  test('the time that a person took in a step is waiting, not work, once where two were asked at once', async () => {
    const { engine, id, context, result } = await begun();
    await context.step('call', async (signal) => {
      const both = ['p', 'q'].map((name) => context.relay('call', name, form, signal));
      const [one = '', two = ''] = openKeys(await until(engine, id, waitsFor(2)));
      await new Promise((resolve) => setTimeout(resolve, 60));
      await engine.respond(id, 'ann', { [one]: accept('red'), [two]: accept('blue') }, via);
      await Promise.all(both);
    });
    const { questions } = await engine.record(id, 'ann');
    const asked = Math.min(...questions.map(({ askedAt }) => askedAt));
    const answered = Math.max(...questions.map((question) => question.answer?.at ?? 0));
    expect(context.waited).toBeGreaterThanOrEqual(50);
    expect(context.waited).toBeLessThanOrEqual(answered - asked);
    result.resolve(answer('x'));
  });

  test('a cancel withdraws everything that is open, and the step hears its signal', async () => {
    const engine = engineOn(async (task, context) => {
      await Promise.all([
        context.branch('p', (branch) => branch.requestInput('q', form)),
        relaying(['r'])(task, context),
      ]);
      return answer('never');
    });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(2));
    const keys = openKeys(await engine.get(id, 'ann'));
    await engine.cancel(id, 'ann', via);
    const answers = async () => (await engine.record(id, 'ann')).questions.map(({ answer }) => answer?.response.action);
    expect(await answers()).toEqual(['withdrawn', 'withdrawn']);
    await engine.respond(id, 'ann', Object.fromEntries(keys.map((key) => [key, accept('late')])), via);
    expect(await answers()).toEqual(['withdrawn', 'withdrawn']);
  });
}

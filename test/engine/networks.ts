/** What every engine promises of tasks that other Deputies called, and of calls that became tasks there. */
import { expect, test } from 'vitest';
import type { StartTask, TaskContext, TaskHandler } from '../../src/task/engine.ts';
import type { ProgressEvent } from '../../src/task/event.ts';
import { type Engines, parked } from './engines.ts';
import { form, until, waitsFor } from './questions.ts';
import { mandate, trace } from './store-networks.ts';
import { answer, byHand, collect, request, via } from './tasks.ts';

const called: StartTask = { ...request, mandate, trace };
const tool = 'lab/triage';

/** A call that became the task `reference` elsewhere: `away` until it is cut off. @throws the signal's reason */
export const callAway = (context: TaskContext, reference: string, away: () => void = () => {}): Promise<never> =>
  context.step('call', async (signal, commit): Promise<never> => {
    await commit('{}', 'unsafe', { tool, rule: 'agents.yaml:1' });
    await commit.reference(reference);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      away();
    });
  });
export const left = (task: string, reference: string, key = 'call') => ({ task, key, tool, reference });

export function networkContract({ open, engineOn, ended }: Engines): void {
  test('what a caller left to a task is told with it, everywhere, and its trace to its code', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(called);
    const plain = await engine.start(request);
    expect(task).toMatchObject({ mandate, trace });
    expect(await engine.get(task.id, 'ann')).toEqual(task);
    expect(await engine.list({ owner: 'ann' })).toEqual([plain, task]);
    const { context, result } = await hands.of(task);
    expect(context.trace).toBe(trace);
    expect((await hands.of(plain)).context.trace).toBeUndefined();
    const watching = collect(engine.watch(task.id, 'ann'));
    result.resolve(answer('x'));
    for (const event of await watching) expect(event).toMatchObject({ type: 'status', task: { mandate, trace } });
  });

  test('the same start again is the first task, with what was left to it first', async () => {
    const engine = engineOn(byHand().handler);
    const first = await engine.start({ ...called, idempotencyKey: 'k' });
    const more = { ...mandate, depth: 99, agents: 1_000 };
    for (const again of [{ ...called, mandate: more, trace: trace.replace('0af', 'bbb') }, request])
      expect(await engine.start({ ...again, idempotencyKey: 'k' })).toEqual(first);
    expect(first.mandate).toEqual(mandate);
  });

  test('the called are the open tasks that agents of other Deputies started, whoever owns them', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler, { mostAtWork: 3 });
    const [one, two, plain, waits] = [
      await engine.start(called),
      await engine.start({ ...called, owner: 'bob' }),
      await engine.start({ ...request, trace }),
      await engine.start(called),
    ];
    const those = await engine.called();
    expect(those).toHaveLength(3);
    expect(those).toEqual(expect.arrayContaining([one, two, waits].map(({ id, owner }) => ({ id, owner }))));
    (await hands.of(one)).result.resolve(answer('x'));
    await ended(engine, one.id);
    await engine.cancel(two.id, 'bob', via);
    await engine.cancel(plain.id, 'ann', via);
    expect(await engine.called()).toEqual([{ id: waits.id, owner: 'ann' }]);
  });

  test.each(['completed', 'failed', 'cancelled'] as const)(
    'a task that is %s while a call of it is away leaves that behind, until it is let go',
    async (status) => {
      const away = Promise.withResolvers<void>();
      const end = Promise.withResolvers<void>();
      const engine = engineOn(async (_, context) => {
        const call = context.branch('b', (branch) => callAway(branch, 'r1', away.resolve));
        await Promise.race([call, end.promise]);
        return answer('without it');
      });
      const { id } = await engine.start(request);
      await away.promise;
      expect(await engine.leftBehind()).toEqual([]);
      if (status === 'completed') end.resolve();
      if (status === 'failed') end.reject(new Error('a fault of ours'));
      if (status === 'cancelled') await engine.cancel(id, 'ann', via);
      expect((await ended(engine, id)).status).toBe(status);
      const [one] = await engine.leftBehind();
      expect(one).toEqual(left(id, 'r1', 'b/call'));
      expect(await engine.leftBehind()).toHaveLength(1);
      if (one !== undefined) await engine.letGo(one);
      expect(await engine.leftBehind()).toEqual([]);
    },
  );

  test('a task that is cancelled while it is parked leaves behind what an earlier stretch of it called', async () => {
    const store = open();
    const givesUp: TaskHandler = async (_, context) => {
      if (context.unfinished('call') === undefined) {
        const gone = context.step('call', async (_signal, commit) => {
          await commit('{}', 'unsafe', { tool, rule: 'agents.yaml:1' });
          await commit.reference('r1');
          throw new Error('it went away');
        });
        await gone.catch(() => {});
      }
      return answer((await context.requestInput('go on', form)).action);
    };
    const engine = engineOn(givesUp, { store });
    const { id } = await until(engine, (await engine.start(request)).id, waitsFor(1));
    await parked(store, id);
    expect(await engine.leftBehind()).toEqual([]);
    await engine.cancel(id, 'ann', via);
    expect(await engine.leftBehind()).toEqual([left(id, 'r1')]);
  });

  test('a call whose end was recorded is not left behind, nor one that became no task', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context } = await hands.of(task);
    await context.step('done', async (_, commit) => {
      await commit('{}', 'unsafe', { tool, rule: 'agents.yaml:1' });
      await commit.reference('r1');
    });
    const begun = Promise.withResolvers<void>();
    const open = context.step('plain', async (signal, commit) => {
      await commit('{}', 'unsafe', { tool, rule: 'agents.yaml:1' });
      begun.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    await begun.promise;
    await Promise.all([expect(open).rejects.toThrow('cancelled'), engine.cancel(task.id, 'ann', via)]);
    expect(await engine.leftBehind()).toEqual([]);
  });

  test('what is done below a call reaches those who watch, whole', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    const progress: ProgressEvent = {
      type: 'tool_progress',
      agent: 'a',
      callId: 'c1',
      tool: 'triage',
      progress: 1,
      below: [{ chain: ['lab/triage', 'bank/payer'], line: 'asks the model' }],
    };
    const watch = engine.watch(task.id, 'ann')[Symbol.asyncIterator]();
    await watch.next();
    context.emit(progress);
    expect((await watch.next()).value).toMatchObject(progress);
    result.resolve(answer('x'));
  });
}

/** What every engine promises those who watch a task. */
import { expect, test } from 'vitest';
import { answer, byHand, collect, request, shapes } from './tasks.ts';
import type { Engines } from './engines.ts';

const delta = { type: 'text_delta', agent: 'a', text: 'x' } as const;
const turn = (number: number) => ({ type: 'turn_start', agent: 'a', turn: number }) as const;

export function watchContract({ engineOn, ended }: Engines): void {
  test('who watches at once sees everything from the first event, in order', async () => {
    const engine = engineOn(async (_, context) => {
      context.emit(turn(1));
      await context.branch('call', async (branch) => branch.emit(turn(7)));
      context.emit(turn(2));
      return answer('x');
    });
    const task = await engine.start(request);
    const events = await collect(engine.watch(task.id, 'ann'));
    expect(shapes(events)).toEqual(['working', 'turn_start', 'turn_start', 'turn_start', 'completed']);
    expect(events.map((event) => ('path' in event ? event.path : '-'))).toEqual(['-', '', 'call', '', '-']);
    expect(shapes(await collect(engine.watch(task.id, 'ann')))).toEqual(['completed']);
  });

  test('who watches late sees the task as it is, then the rest', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    context.emit(turn(1));
    const watch = engine.watch(task.id, 'ann')[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ type: 'status', task: { status: 'working' } });
    context.emit(turn(2));
    expect((await watch.next()).value).toMatchObject({ type: 'turn_start', turn: 2 });
    result.resolve(answer('x'));
    expect((await watch.next()).value).toMatchObject({ type: 'status', task: { status: 'completed' } });
    expect((await watch.next()).done).toBe(true);
  });

  test('a watch ends when its signal aborts, before, while waiting or while reading, and leaves the task alone', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    expect(await collect(engine.watch(task.id, 'ann', { signal: AbortSignal.abort() }))).toEqual([]);
    const abort = new AbortController();
    const waiting = engine.watch(task.id, 'ann', { signal: abort.signal, deltas: true })[Symbol.asyncIterator]();
    await waiting.next();
    expect(context.hasListeners).toBe(true);
    const next = waiting.next();
    abort.abort();
    expect((await next).done).toBe(true);
    expect(context.hasListeners).toBe(false);
    result.resolve(answer('x'));
    expect((await ended(engine, task.id)).status).toBe('completed');
  });

  test('only who asks for deltas gets them', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    expect(context.hasListeners).toBe(false);
    const [plain, full] = [engine.watch(task.id, 'ann'), engine.watch(task.id, 'ann', { deltas: true })].map((watch) =>
      watch[Symbol.asyncIterator](),
    );
    await plain?.next();
    expect(context.hasListeners).toBe(false);
    await full?.next();
    expect(context.hasListeners).toBe(true);
    context.emit(delta);
    context.emit(turn(1));
    expect((await plain?.next())?.value).toMatchObject({ type: 'turn_start' });
    expect((await full?.next())?.value).toMatchObject({ type: 'text_delta' });
    result.resolve(answer('x'));
  });

  test('a watcher that does not read loses progress beyond a bound, never the end', async () => {
    const hands = byHand();
    const engine = engineOn(hands.handler);
    const task = await engine.start(request);
    const { context, result } = await hands.of(task);
    const slow = engine.watch(task.id, 'ann')[Symbol.asyncIterator]();
    await slow.next();
    for (let number = 1; number <= 30_000; number += 1) context.emit(turn(number));
    result.resolve(answer('x'));
    await ended(engine, task.id);
    const rest = shapes(await collect({ [Symbol.asyncIterator]: () => slow }));
    expect(rest.length).toBe(10_001);
    expect(rest.at(-1)).toBe('completed');
  });
}

import { expect, test } from 'vitest';
import { fairSlots, type FairSlots } from '../src/fair-slots.ts';

const never = new AbortController().signal;
const most = { waiting: 100_000, waitingOfOne: 100_000 };

/** Calls that note their beginning, and end when told. */
function row(slots: FairSlots) {
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const add = (owner: string, name = owner, signal = never): Promise<void> =>
    slots.run(
      owner,
      async () => {
        began.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
      },
      signal,
    );
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return { add, began, endOne };
}

test('owners take turns, and one owner is served in its own order', async () => {
  const { add, began, endOne } = row(fairSlots({ concurrency: 1, ...most }));
  for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) void add(name[0] ?? '', name);
  for (let n = 0; n < 6; n += 1) await endOne();
  expect(began).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
});

test('ten thousand calls of one owner delay the first of another by at most one slot', async () => {
  const slots = fairSlots({ concurrency: 1, ...most });
  const { add, began, endOne } = row(slots);
  for (let n = 0; n < 10_000; n += 1) void add('many');
  await new Promise(setImmediate);
  void add('one');
  expect(slots.waiting).toBe(10_000);
  await endOne();
  await endOne();
  expect(began.length).toBe(3);
  expect(began).toContain('one');
});

test('a call that is cancelled while it waits leaves the row, and its owner loses no turn', async () => {
  const slots = fairSlots({ concurrency: 1, ...most });
  const { add, began, endOne } = row(slots);
  const stop = new AbortController();
  void add('a', 'a1');
  const left = add('b', 'b1', stop.signal);
  void add('b', 'b2');
  stop.abort(new Error('enough'));
  await expect(left).rejects.toThrow('enough');
  await endOne();
  expect(began).toEqual(['a1', 'b2']);
  expect(slots.waiting).toBe(0);
});

test('what may wait is bounded, for each owner and in all, and who waits for nothing is told why', async () => {
  const slots = fairSlots({ concurrency: 1, waiting: 3, waitingOfOne: 2 });
  const { add, endOne } = row(slots);
  for (const owner of ['a', 'a', 'a']) void add(owner);
  await new Promise(setImmediate);
  expect(slots.refusal('a')).toBe('2 calls of the same owner wait already');
  expect(slots.refusal('b')).toBeUndefined();
  void add('b');
  expect(slots.refusal('c')).toBe('3 calls wait already');
  await endOne();
  expect(slots.refusal('c')).toBeUndefined();
  expect(slots.refusal('a')).toBeUndefined();
});

test('a call that fails gives its slot back', async () => {
  const slots = fairSlots({ concurrency: 1, ...most });
  await expect(slots.run('a', () => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
  expect(await slots.run('a', () => Promise.resolve(7), never)).toBe(7);
  expect(slots.running).toBe(0);
});

test('a call that runs keeps its slot until it ends, also where its signal aborts', async () => {
  const slots = fairSlots({ concurrency: 1, ...most });
  const stop = new AbortController();
  let end = (): void => {};
  const running = slots.run('a', () => new Promise<string>((resolve) => (end = () => resolve('ended'))), stop.signal);
  stop.abort(new Error('enough'));
  expect(slots.running).toBe(1);
  end();
  expect(await running).toBe('ended');
});

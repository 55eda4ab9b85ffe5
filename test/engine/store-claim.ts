/** In which order those that wait are called. */
import { expect, test } from 'vitest';
import type { Places, Store, Write } from '../../src/engine/store.ts';
import { asked, by, begun, waiting } from './store-values.ts';

const suspicious = 2;
const places = (fresh: number, woken = 0, ofAgent?: Record<string, number>): Places => ({
  fresh,
  woken,
  ...(ofAgent !== undefined && { ofAgent: new Map(Object.entries(ofAgent)) }),
});
const of = (owner: string, count: number, agent = 'a'): Write[] =>
  Array.from({ length: count }, (_, i) => waiting(`${owner}-${agent}-${i}`, { owner, agent }));
const ended = (id: string, fence: number): Write => ({
  kind: 'end',
  id,
  fence,
  at: 2_000,
  status: 'completed',
  outcome: '{}',
});
/** Parked, and answered. */
const woken = async (store: Store, id: string, owner = 'ann', agent = 'a'): Promise<void> => {
  const run = { id, fence: 1 };
  const park: Write = { kind: 'park', ...run, at: 1_000, open: 1 };
  await store.write([begun(id, { owner, agent }), asked('q', 1_000, {}, run), park]);
  await store.answer(id, 'q', { response: { action: 'decline' }, by, at: 1_100 });
};

export function claimContract(open: () => Store): void {
  const openWith = async (...writes: Write[]): Promise<Store> => {
    const store = open();
    await store.write(writes);
    return store;
  };
  const claim = async (store: Store, count: Places, among?: string[]): Promise<string[]> =>
    (await store.claim('i', count, suspicious, among)).map(({ id }) => id);

  test('owners are called by turns, the oldest of each first', async () => {
    const store = await openWith(...of('ann', 5), ...of('bob', 2), ...of('cat', 1));
    expect(await claim(store, places(6))).toEqual(['ann-a-0', 'bob-a-0', 'cat-a-0', 'ann-a-1', 'bob-a-1', 'ann-a-2']);
    expect(await claim(store, places(6))).toEqual(['ann-a-3', 'ann-a-4']);
    expect(await claim(store, places(6))).toEqual([]);
    await store.close();
  });

  test('who has fewest at work is called first, however many wait', async () => {
    const store = await openWith(...of('ann', 300));
    await claim(store, places(20));
    await store.write(of('bob', 30));
    expect(await claim(store, places(3))).toEqual(['bob-a-0', 'bob-a-1', 'bob-a-2']);
    const next = await claim(store, places(21));
    expect(next.filter((id) => id.startsWith('bob'))).toHaveLength(19);
    await store.close();
  });

  test('with one place, who waits with ten others is behind ten, not behind all that they have queued', async () => {
    const owners = Array.from({ length: 11 }, (_, i) => `owner${i}`);
    const store = await openWith(...owners.flatMap((owner) => of(owner, owner === 'owner7' ? 1 : 40)));
    const called: string[] = [];
    for (let turn = 0; turn < 11; turn += 1) {
      const [next] = await store.claim('i', places(1), suspicious);
      called.push(next?.id.split('-')[0] ?? '');
      await store.write([ended(next?.id ?? '', next?.fence ?? 0)]);
    }
    expect(called.toSorted()).toEqual(owners.toSorted());
    await store.close();
  });

  test('with more owners than are looked at, each has its turn', async () => {
    const owners = Array.from({ length: 150 }, (_, i) => `owner${String(i).padStart(3, '0')}`);
    const store = await openWith(...owners.flatMap((owner) => of(owner, 3)));
    const called: string[] = [];
    while (called.length < 150) called.push(...(await claim(store, places(10))));
    expect(new Set(called.map((id) => id.split('-')[0])).size).toBe(150);
    await store.close();
  });

  test('what was at work before has places of its own', async () => {
    const store = await openWith(...of('ann', 3));
    await woken(store, 'w1');
    await woken(store, 'w2');
    expect(await store.claim('i', places(1, 1), suspicious)).toEqual([
      { id: 'w1', fence: 2, agent: 'a', isWoken: true },
      { id: 'ann-a-0', fence: 2, agent: 'a', isWoken: false },
    ]);
    expect(await claim(store, places(0, 0))).toEqual([]);
    expect(await claim(store, places(5, 0))).toEqual(['ann-a-1', 'ann-a-2']);
    expect(await claim(store, places(5, 5))).toEqual(['w2']);
    await store.close();
  });

  test('an answer that comes while the run parks wakes the task as one that was at work', async () => {
    const run = { id: 't', fence: 1 };
    const store = await openWith(begun('t'), asked('q', 1_000, {}, run));
    await store.answer('t', 'q', { response: { action: 'decline' }, by, at: 1_100 });
    await store.write([{ kind: 'park', ...run, at: 1_200, open: 1 }]);
    expect(await store.claim('i', places(0, 1), suspicious)).toMatchObject([{ id: 't', isWoken: true }]);
    await store.close();
  });

  test('an agent that is full keeps nobody else waiting, and woken tasks come before fresh ones', async () => {
    const store = await openWith(...of('ann', 40, 'busy'), ...of('ann', 2, 'idle'), ...of('bob', 2, 'busy'));
    await woken(store, 'w', 'cat', 'busy');
    expect((await claim(store, places(9, 9, { busy: 2 }))).toSorted()).toEqual([
      'ann-busy-0',
      'ann-idle-0',
      'ann-idle-1',
      'w',
    ]);
    expect(await claim(store, places(9, 9, { busy: 0 }))).toEqual([]);
    await store.close();
  });

  test('only those that are named are taken where some are named', async () => {
    const store = await openWith(...of('ann', 4), ...of('ann', 2, 'b'));
    await woken(store, 'w');
    const named = ['ann-a-1', 'ann-a-3', 'ann-b-0', 'ann-b-1', 'w', 'no such task'];
    expect(await claim(store, places(3, 1, { b: 1 }), named)).toEqual(['w', 'ann-a-1', 'ann-a-3', 'ann-b-0']);
    expect(await claim(store, places(9, 9), ['ann-a-1', 'w'])).toEqual([]);
    await store.close();
  });

  test('those that may be to blame for deaths are run one at a time, beside the others', async () => {
    const rule = { withinMs: 5_000, most: 3 };
    const store = await openWith(waiting('x'), waiting('y'));
    for (let death = 1; death <= 2; death += 1) {
      expect(await claim(store, places(9))).toEqual(['x', 'y']);
      await store.bury('i', rule, Date.now());
    }
    await store.write(of('ann', 1));
    expect(await claim(store, places(9))).toEqual(['ann-a-0', 'x']);
    expect(await claim(store, places(9))).toEqual([]);
    await store.acquit('x');
    expect(await claim(store, places(9))).toEqual(['y']);
    await store.close();
  });
}

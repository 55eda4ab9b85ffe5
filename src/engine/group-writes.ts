/**
 * Groups what is written in one turn of the event loop into one transaction.
 *
 * Invariants:
 *   - writes reach the store in the order in which they were given, and a later group never before an earlier one;
 *   - a promise resolves only when its write is stored; when a group fails, every promise of that group rejects.
 */
import type { Store, Write } from './store.ts';

export type GroupedWrite = (write: Write) => Promise<void>;

export function groupWrites(store: Pick<Store, 'write'>): GroupedWrite {
  let waiting: Write[] = [];
  let group: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();

  const flush = async (before: Promise<void>): Promise<void> => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    await before.catch(() => {});
    const writes = waiting;
    waiting = [];
    group = undefined;
    await store.write(writes);
  };

  return (write) => {
    waiting.push(write);
    group ??= last = flush(last);
    return group;
  };
}

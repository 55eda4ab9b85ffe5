/**
 * Groups what is written in one turn of the event loop into one transaction.
 *
 * Invariants:
 *   - writes reach the store in the order in which they were given, and a later group never before an earlier one;
 *   - a promise resolves only when its write is stored, and with `barrier` only when it survives a power cut;
 *   - a write that cannot be stored rejects alone: the others of its group are tried again one by one.
 */
import type { Store, Write } from './store.ts';

export type GroupedWrite = (write: Write, options?: { barrier: boolean }) => Promise<void>;

/** Why some writes of a group were not stored; most groups have none. */
type Faults = ReadonlyMap<Write, unknown>;

export function groupWrites(store: Pick<Store, 'write' | 'sync'>): GroupedWrite {
  let waiting: Write[] = [];
  let group: Promise<Faults> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const flush = async (before: Promise<unknown>): Promise<Faults> => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    await before;
    const writes = waiting;
    waiting = [];
    group = undefined;
    return faultsOf(store, writes);
  };

  return async (write, { barrier } = { barrier: false }) => {
    waiting.push(write);
    group ??= last = flush(last);
    const faults = await group;
    if (faults.has(write)) throw faults.get(write);
    if (barrier) await store.sync();
  };
}

const none: Faults = new Map();

async function faultsOf(store: Pick<Store, 'write'>, writes: readonly Write[]): Promise<Faults> {
  try {
    await store.write(writes);
    return none;
  } catch (error) {
    const [only] = writes;
    if (only !== undefined && writes.length === 1) return new Map([[only, error]]);
  }
  const faults = new Map<Write, unknown>();
  for (const write of writes) for (const [failed, error] of await faultsOf(store, [write])) faults.set(failed, error);
  return faults;
}

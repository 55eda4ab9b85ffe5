/**
 * Groups what is written in one turn of the event loop into one transaction.
 *
 * Invariants:
 *   - writes reach the store in the order in which they were given, and a later group never before an earlier one;
 *   - a promise resolves only when its write is stored, and with `barrier` only when it survives a power cut;
 *   - a write that is wrong rejects alone: the others of its group are tried again one by one;
 *   - while the store cannot be used (a full disk), new tasks are refused and everything else waits: tasks stand still,
 *     lose nothing, and go on when there is room.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Store, StoreError, type Write } from './store.ts';

export interface GroupedWrites {
  /** @returns whether it was stored; what was not, and is no fault, is an end that came too early. */
  write: (write: Write, options?: { barrier: boolean }) => Promise<boolean>;
  /** What was given before has been tried: what is asked of the store from now on comes after it. */
  settled: () => Promise<void>;
}

/** Why some writes of a group were not stored; most groups have none. */
type Faults = ReadonlyMap<Write, unknown>;
const none: Faults = new Map();
/** The fault of an end that came too early is none. */
const tooEarly = Symbol('too early');

interface Group {
  done: Promise<Faults>;
  /** New tasks hear at once that there is no room for them; the rest of their group may wait for long. */
  refused: PromiseWithResolvers<Faults>;
}

/** @param retryMs how often a store that cannot be used is tried again. */
export function groupWrites(store: Pick<Store, 'write' | 'sync'>, retryMs = 1_000): GroupedWrites {
  let waiting: Write[] = [];
  let group: Group | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** Why everything waits. */
  let noRoom: StoreError | undefined;

  const flush = async (before: Promise<unknown>, refused: Group['refused']): Promise<Faults> => {
    await nextTurn();
    await before;
    const writes = waiting;
    waiting = [];
    group = undefined;
    return storeAll(writes, refused);
  };

  const newGroup = (): Group => {
    const refused = Promise.withResolvers<Faults>();
    const done = flush(last, refused);
    last = done;
    return { done, refused };
  };

  const storeAll = async (given: readonly Write[], refused: Group['refused']): Promise<Faults> => {
    const faults = new Map<Write, unknown>();
    for (let writes = given; writes.length > 0; await sleep(retryMs)) {
      try {
        const early = await store.write(writes);
        noRoom = undefined;
        for (const write of early) faults.set(write, tooEarly);
        return faults;
      } catch (error) {
        const [only] = writes;
        if (error instanceof StoreError) {
          for (const write of writes) if (write.kind === 'task') faults.set(write, error);
          writes = writes.filter(({ kind }) => kind !== 'task');
          if (writes.length === 0) break;
          noRoom = error;
          refused.resolve(faults);
        } else if (only !== undefined && writes.length === 1) {
          return faults.set(only, error);
        } else {
          for (const write of writes) for (const fault of await storeAll([write], refused)) faults.set(...fault);
          return faults;
        }
      }
    }
    return faults.size === 0 ? none : faults;
  };

  return {
    async write(write, { barrier } = { barrier: false }) {
      if (noRoom !== undefined && write.kind === 'task') throw noRoom;
      waiting.push(write);
      group ??= newGroup();
      const { done, refused } = group;
      const faults = await (write.kind === 'task' ? Promise.race([done, refused.promise]) : done);
      if (faults.has(write)) {
        const fault = faults.get(write);
        if (fault === tooEarly) return false;
        throw fault;
      }
      if (barrier) await store.sync();
      return true;
    },
    async settled() {
      if (noRoom === undefined) await group?.done;
    },
  };
}

/** Stores of processes that die: for rehearsals of a crash at a place that the test chooses. */
import { hostname } from 'node:os';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Instance, Store } from '../../src/engine/store.ts';

/** No process has it, now or later: no system counts so far. */
const gone = 2 ** 30;
let instances = 0;
export const goneInstance = (): Instance => ({ id: `gone-${(instances += 1)}`, pid: gone, host: hostname() });

export interface Mortal {
  store: Store;
  died: Promise<void>;
  /** How many transactions of runs it made. */
  written: () => number;
}

/** Dies at its transaction number `at` (from 1): `before` it is made, or `after`. Who asks it then waits for ever. */
export function mortalStore(path: string, at: number, when: 'before' | 'after'): Mortal {
  const store = openSqliteStore(path);
  const death = Promise.withResolvers<void>();
  let written = 0;
  let isDead = false;
  const never = new Promise<never>(() => {});
  const die = async (): Promise<never> => {
    isDead = true;
    await store.close();
    death.resolve();
    return never;
  };
  const mortal = Object.fromEntries(
    Object.entries(store).map(([name, verb]: [string, (...args: never[]) => unknown]) => [
      name,
      // The dead hear nothing of what they asked before, either.
      async (...args: never[]) => {
        const said = isDead ? never : await verb(...args);
        return isDead ? never : said;
      },
    ]),
  ) as unknown as Store;
  return {
    died: death.promise,
    written: () => written,
    store: {
      ...mortal,
      news: () => (isDead ? 'none' : store.news()),
      async write(writes) {
        if (isDead) return never;
        written += 1;
        if (written === at && when === 'before') return die();
        const early = await store.write(writes);
        return written >= at ? die() : early;
      },
    },
  };
}

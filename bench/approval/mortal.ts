/** A store whose process dies at the durable write that a case names. */
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { UnavailableError } from '../../src/errors.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Instance, Store } from '../../src/engine/store.ts';
import type { Death } from './case.ts';

/** A process that was, and is no more. */
const gone = spawnSync('true').pid;
let instances = 0;
export const goneInstance = (): Instance => ({ id: `gone-${(instances += 1)}`, pid: gone, host: hostname() });

/** Writes that tasks and their people make. */
const durable = new Set<string>(['write', 'answer', 'rename', 'send']);

export interface Mortal {
  store: Store;
  died: Promise<void>;
  isDead: () => boolean;
  /** How many durable writes were asked for. */
  written: () => number;
  /** Who waits for it waits no longer: so that nothing of it is left in memory. */
  bury: () => void;
}

/** Who asks a dead store waits until it is buried. */
export function mortalStore(path: string, death?: Death): Mortal {
  const store = openSqliteStore(path);
  const died = Promise.withResolvers<void>();
  const grave = Promise.withResolvers<never>();
  grave.promise.catch(() => {});
  let written = 0;
  let isDead = false;
  const die = async (): Promise<never> => {
    isDead = true;
    await store.close();
    died.resolve();
    return grave.promise;
  };
  const verbs = Object.entries(store).map(([name, verb]: [string, (...args: never[]) => unknown]) => [
    name,
    async (...args: never[]) => {
      if (isDead) return grave.promise;
      if (durable.has(name)) written += 1;
      const isLast = durable.has(name) && written === death?.at;
      if (isLast && death?.when === 'before') return die();
      const said = await verb(...args);
      if (isLast) return die();
      // The dead hear nothing of what they asked before, either.
      return isDead ? grave.promise : said;
    },
  ]);
  return {
    died: died.promise,
    isDead: () => isDead,
    written: () => written,
    bury: () => grave.reject(new UnavailableError('its process died')),
    store: { ...(Object.fromEntries(verbs) as unknown as Store), news: () => (isDead ? 'none' : store.news()) },
  };
}

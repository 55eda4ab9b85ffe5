/** Engines for one group of tests, each closed after its test. */
import { afterEach } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/options.ts';
import type { Store } from '../../src/engine/store.ts';
import { silentLog } from '../../src/log.ts';
import type { TaskEngine, TaskHandler, TaskKeeper } from '../../src/task/engine.ts';
import type { Task } from '../../src/task/task.ts';
import { collect } from './tasks.ts';

export type Engine = TaskEngine & TaskKeeper;

export interface Engines {
  /** A new, empty store. */
  open: () => Store;
  /** On a store of its own, unless it is given one. */
  engineOn: (handler: TaskHandler, options?: Partial<EngineOptions>) => Engine;
  /** The task as it ended. */
  ended: (engine: TaskEngine, id: string) => Promise<Task>;
}

export function enginesOn(open: () => Store): Engines {
  const engines: TaskEngine[] = [];
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()));
  });
  return {
    open,
    engineOn(handler, options = {}) {
      const engine = createEngine({ store: open(), handler, log: silentLog, ...options });
      engines.push(engine);
      return engine;
    },
    async ended(engine, id) {
      await collect(engine.watch(id, 'ann'));
      return engine.get(id, 'ann');
    },
  };
}

/** Resolves when nobody runs the task. */
export async function parked(store: Store, id: string): Promise<void> {
  const isOwned = async (): Promise<boolean> => {
    const all = (await store.others('nobody')).map((other) => store.owned(other.id));
    return (await Promise.all(all)).some((owned) => owned.has(id));
  };
  while (await isOwned()) await new Promise((resolve) => setImmediate(resolve));
}

/** What an engine is given. */
import type { Log } from '../log.ts';
import type { TaskHandler } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Task } from '../task/task.ts';
import type { Instance, Store } from './store.ts';

export interface EngineOptions {
  store: Store;
  handler: TaskHandler;
  log: Log;
  /** Sees every event of every task that runs here; must not throw. */
  onEvent?: (event: TaskEvent, task: Task) => void;
  /** Ends what a dead instance left running, before its tasks go on. */
  endLeftovers?: (instance: string) => Promise<void>;
  /** This process among those that share the store. Default: this one, with a random id. */
  instance?: Instance;
  /**
   * Which tasks that were left or woken go on here: `all` that nobody runs (the default), or only the process's `own`,
   * those that it started or resumed. A command that only looks has none.
   */
  adopts?: 'all' | 'own';
  /** Milliseconds a task is remembered from its creation; null for ever. Default 7 days. */
  ttlMs?: number | null;
  /** How many milliseconds longer the store keeps what is forgotten. Default 0. */
  journalMs?: number;
  /** What the tasks that are started now are pinned to: its text is stored with the first that names its hash. */
  definition?: () => { hash: string; text: string };
  /**
   * Tasks at work here at a time, and as many again that went on because of an answer, an expiry or a retry; those that
   * are parked do not count. The rest wait, by turns among their owners. Default 1,000.
   */
  mostAtWork?: number;
  /** At most so many tasks of these agents at work here. */
  mostOf?: () => ReadonlyMap<string, number>;
  timings?: Partial<Timings>;
}

/** Milliseconds. */
export interface Timings {
  /** How often news of other processes is looked for: so late a cancel there may be heard here. */
  tick: number;
  /** How often this process says that it lives. */
  beat: number;
  /** After this silence another process is dead. */
  death: number;
  /** A process that dies so soon after a task began may have died of it. */
  probation: number;
  prune: number;
  /** How often it is looked whether the time of questions and timers is over. */
  expire: number;
  /** How often a store that cannot be used is tried again. */
  retry: number;
  /** How long `close` waits for code that was cut off and does not heed its signal. */
  rest: number;
}

export const defaultTimings: Timings = {
  tick: 250,
  beat: 2_000,
  death: 10_000,
  probation: 5_000,
  prune: 60_000,
  expire: 1_000,
  retry: 1_000,
  rest: 5_000,
};

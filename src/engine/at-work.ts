/**
 * The tasks at work in this process: begun, ended, parked, and told about.
 *
 * Invariants:
 *   T2. A terminal status never changes: whoever ends a task first in the store, ends it.
 *   A task is here from its beginning until its end, its parking or its loss to another process, and not a moment
 *   longer: whether it is here decides who delivers its answers. Code that does not heed its signal may linger
 *   (`rest`), but can no longer write.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UnavailableError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AuditNote } from '../task/audit.ts';
import type { Finished, TaskHandler } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task, type TerminalState } from '../task/task.ts';
import { taskContext } from './context.ts';
import type { GroupedWrites } from './group-writes.ts';
import type { Place } from './places.ts';
import { Run } from './run.ts';
import { FencedError, type Loaded, type Store, StoreError } from './store.ts';
import { isSameState, type Watchers } from './watchers.ts';

export interface AtWorkOptions {
  store: Store;
  writes: GroupedWrites;
  watchers: Watchers;
  handler: TaskHandler;
  log: Log;
  onEvent?: (event: TaskEvent, task: Task) => void;
  /** Something came to rest: there is room for another, and it may want to run again. */
  onRest: () => void;
}

/** A task at work here. */
export interface Running {
  readonly run: Run;
  readonly place: Place;
  /** As it was told last, through a barrier. */
  task: Task;
}

export interface AtWork {
  /** @param place is held until the task is here no more. */
  begin(loaded: Loaded, place: Place): Running;
  of(id: string): Running | undefined;
  all(): Running[];
  /** It may be another one than those who watch know: `task` is what the store says. */
  changed(task: Task): void;
  /** It was ended from outside, by us. */
  ended(task: Task): void;
  /** It has ended, or is somebody else's: its code is told to end, and nothing more is heard of it. */
  stop(entry: Running, why: Error): void;
  /** Resolves when nothing is at work any more, or after `ms`. @returns whether something still is. */
  rest(ms: number): Promise<boolean>;
}

const internalError = -32603;

export function tasksAtWork({ store, writes, watchers, handler, log, onEvent, onRest }: AtWorkOptions): AtWork {
  const running = new Map<string, Running>();
  const restless = new Set<Promise<void>>();

  const tell = (event: TaskEvent, task: Task): void => {
    watchers.tell(task.id, event);
    try {
      onEvent?.(event, task);
    } catch (error) {
      log.error({ task: task.id, err: error }, 'an event could not be told');
    }
  };

  const changed = (task: Task): void => {
    const entry = running.get(task.id);
    const event = { type: 'status', task } as const;
    // Parked, or elsewhere: that it works is told by who runs it, its end by who ends it, and what it waits for here.
    if (entry === undefined) return isWaiting(task) ? tell(event, task) : watchers.tell(task.id, event);
    if (isSameState(entry.task, task)) return;
    entry.task = task;
    tell(event, task);
  };

  const leave = (entry: Running): void => {
    entry.run.close();
    entry.place.free();
    if (running.get(entry.task.id) === entry) running.delete(entry.task.id);
  };

  const begin = (loaded: Loaded, place: Place): Running => {
    const { id } = loaded.task;
    const parked = Promise.withResolvers<void>();
    const run = new Run(loaded, {
      write: (write, options) => writes.write(write, options),
      tell: (event) => tell(event, entry.task),
      wantDeltas: () => watchers.wantDeltas(id),
      previous: () => finishedBefore(store, loaded.task),
      kept: (artifact, range) => store.artifact(id, artifact, range),
      whyLost: () => whyLost(store, id),
      asksAnew: () => void showStored(id),
      parked() {
        const stored = run.write({ kind: 'park', open: run.openQuestions, at: Date.now() });
        // At once: an answer that comes from now on finds a row, not this run.
        leave(entry);
        stored.catch((error: unknown) => logUnlessFenced(error, id)).finally(parked.resolve);
      },
    });
    const entry: Running = { run, place, task: loaded.task };
    running.set(id, entry);
    tell({ type: 'status', task: entry.task }, entry.task);
    const rest = Promise.race([untilEnded(entry), parked.promise]).finally(() => {
      leave(entry);
      restless.delete(rest);
      onRest();
    });
    restless.add(rest);
    return entry;
  };

  const showStored = async (id: string): Promise<void> => {
    try {
      const task = await store.task(id);
      if (task !== undefined) changed(task);
    } catch (error) {
      log.error({ task: id, err: error }, 'a question could not be shown');
    }
  };

  /** Never rejects. */
  const untilEnded = async (entry: Running): Promise<void> => {
    const { run } = entry;
    const { signal } = run.abort;
    try {
      // So that who starts a task can watch it from its first event.
      await nextTurn();
      signal.throwIfAborted();
      const notes: AuditNote[] = [];
      const result = await handler(run.task, taskContext(run, notes));
      await end(entry, { status: 'completed', result }, notes);
    } catch (error) {
      if (run.isClosed && signal.aborted) return;
      // What other branches still do must not go on in a task that has failed or is not ours.
      run.cut(await whyCut(error, run.task.id));
      await fail(entry, error).catch((cause: unknown) => logUnlessFenced(cause, run.task.id));
    }
  };

  const whyCut = async (error: unknown, id: string): Promise<Error> => {
    if (error instanceof StoreError) return error;
    if (!(error instanceof FencedError)) return new Error('The task has failed.', { cause: error });
    return whyLost(store, id);
  };

  const fail = async (entry: Running, error: unknown): Promise<void> => {
    if (error instanceof FencedError) return;
    log.error({ task: entry.task.id, err: error }, 'a task failed');
    // A fault of the disk, not of the task: it stays as it stands there, and goes on in the next process.
    if (error instanceof StoreError) return;
    await end(entry, { status: 'failed', error: { code: internalError, message: messageOf(error) } });
  };

  const end = async ({ run }: Running, state: TerminalState, notes: readonly AuditNote[] = []): Promise<void> => {
    const { task } = run;
    const at = Date.now();
    // It goes on as one that was answered does: whoever has room takes it.
    if (!(await run.end(state, at, notes))) return;
    const ended = run.questions.size === 0 ? { ...task, ...state, updatedAt: at } : await store.task(task.id);
    if (ended !== undefined) changed(ended);
  };

  const logUnlessFenced = (error: unknown, id: string): void => {
    if (!(error instanceof FencedError)) log.error({ task: id, err: error }, 'a task could not be kept');
  };

  return {
    begin,
    of: (id) => running.get(id),
    all: () => [...running.values()],
    changed,
    ended: (task) => tell({ type: 'status', task }, task),
    stop(entry, why) {
      leave(entry);
      entry.run.cut(why);
    },
    async rest(ms) {
      const late = new AbortController();
      const whole = (async () => {
        while (restless.size > 0 && !late.signal.aborted) await Promise.all(restless);
      })();
      await Promise.race([whole, sleep(ms, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
      return restless.size > 0;
    },
  };
}

/**
 * Why a run is cut whose task is not its own any more. What it called elsewhere ends with the task; where that goes on,
 * or cannot be read, it is an `UnavailableError`: then what was called goes on as well.
 */
export async function whyLost(store: Pick<Store, 'task'>, id: string): Promise<Error> {
  try {
    const task = await store.task(id);
    const isEnded = task === undefined || isTerminal(task);
    return isEnded ? new Error('The task was ended by another process.') : takenOver();
  } catch {
    return takenOver();
  }
}

export const takenOver = (): UnavailableError => new UnavailableError('The task was taken over by another process.');

/** For a person, for a time, or for a place. */
const isWaiting = (task: Task): boolean =>
  task.status === 'input_required' || (task.status === 'working' && task.statusMessage !== undefined);

async function finishedBefore(store: Store, task: Task): Promise<readonly Finished[]> {
  const before: Finished[] = [];
  for (let id = task.predecessor; id !== undefined; id = before.at(-1)?.task.predecessor) {
    const earlier = await store.task(id);
    if (earlier === undefined) break;
    before.push({ task: earlier, records: await store.steps(id) });
  }
  return before.toReversed();
}

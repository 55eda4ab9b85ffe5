/**
 * The engine: starts tasks, keeps them while they run, tells those who watch.
 *
 * Invariants:
 *   T1. A task is stored before its id is told.
 *   T2. A terminal status never changes: whoever settles a task first, settles it.
 *   A conversation has at most one open task: the next start is refused until that one is terminal.
 *   The journal of a settled task is closed: what still comes in for it is refused, so that it reads the same for ever.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, messageOf, NotFoundError, UnavailableError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { StartTask, TaskEngine, TaskHandler } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task, type TaskState } from '../task/task.ts';
import { type Journal, taskContext } from './context.ts';
import { groupWrites } from './group-writes.ts';
import type { Store } from './store.ts';
import { Watchers } from './watchers.ts';

export interface EngineOptions {
  store: Store;
  handler: TaskHandler;
  log: Log;
  /** Sees every event of every task; must not throw. */
  onEvent?: (event: TaskEvent, task: Task) => void;
}

/** A task in memory: from its start until its code has come to rest. */
interface Running {
  task: Task;
  readonly abort: AbortController;
  readonly watchers: Watchers;
  /** Set by whoever settles the task, at once; resolves when that is stored. From then on its journal is closed. */
  settled?: Promise<Task>;
  /** Resolves when its code has come to rest. */
  ended: Promise<void>;
}

type Settled = Exclude<TaskState, { status: 'working' }>;

const internalError = -32603;

/** How long `close` waits for code that was cut off and does not heed its signal. Milliseconds. */
const restMs = 5_000;

export function createEngine({ store, handler, log, onEvent }: EngineOptions): TaskEngine {
  const running = new Map<string, Running>();
  /** Starts that are under way. */
  const starting = new Set<Promise<Task>>();
  /** Owner and conversation -> the task that is open in it (or the start that is under way). */
  const open = new Map<string, string>();
  const write = groupWrites(store);
  let closed: Promise<void> | undefined;

  const release = (task: Task): void => {
    const key = openKey(task);
    if (open.get(key) === task.id) open.delete(key);
  };

  const tell = (entry: Running, event: TaskEvent): void => {
    entry.watchers.tell(event);
    try {
      onEvent?.(event, entry.task);
    } catch (error) {
      log.error({ task: entry.task.id, err: error }, 'an event could not be told');
    }
  };

  const stored = async (id: string, owner: string): Promise<Task> => {
    const task = running.get(id)?.task ?? (await store.task(id));
    if (task === undefined || task.owner !== owner) throw new NotFoundError(`There is no task ${id}.`);
    return task;
  };

  /** What a new task continues: the last task of its conversation. */
  const predecessorOf = async ({ conversation, owner, agent }: StartTask): Promise<Task | undefined> => {
    if (conversation === undefined) return undefined;
    const [last] = await store.tasks({ owner, conversation, limit: 1 });
    if (last === undefined || last.agent !== agent)
      throw new NotFoundError(`${agent} has no conversation ${conversation}.`);
    if (!isTerminal(last)) throw busy(conversation);
    return last;
  };

  const begin = async (request: StartTask): Promise<Task> => {
    if (closed !== undefined) throw new UnavailableError('The server is shutting down: start the task again later.');
    const { agent, input, owner } = request;
    const id = randomBytes(24).toString('base64url');
    const conversation = request.conversation ?? id;
    const key = openKey({ owner, conversation });
    if (open.has(key)) throw busy(conversation);
    open.set(key, id);
    try {
      const predecessor = await predecessorOf(request);
      const at = Date.now();
      const task: Task = {
        id,
        agent,
        input,
        owner,
        conversation,
        createdAt: at,
        updatedAt: at,
        status: 'working',
        ...(predecessor !== undefined && { predecessor: predecessor.id }),
      };
      await write({ kind: 'task', task });
      run(task);
      return task;
    } catch (error) {
      open.delete(key);
      throw error;
    }
  };

  const run = (task: Task): void => {
    const entry: Running = { task, abort: new AbortController(), watchers: new Watchers(), ended: Promise.resolve() };
    running.set(task.id, entry);
    tell(entry, { type: 'status', task });
    entry.ended = work(entry).finally(() => {
      running.delete(task.id);
      release(task);
      entry.watchers.end();
    });
  };

  const work = async (entry: Running): Promise<void> => {
    const { task, abort } = entry;
    try {
      // So that who starts a task can watch it from its first event.
      await nextTurn();
      abort.signal.throwIfAborted();
      const result = await handler(task, taskContext(journalOf(entry), '', task.createdAt));
      await settle(entry, { status: 'completed', result });
    } catch (error) {
      if (entry.settled === undefined) log.error({ task: task.id, err: error }, 'a task failed');
      // What other branches still do must not go on in a task that has failed.
      abort.abort(new Error('The task has failed.', { cause: error }));
      await settle(entry, { status: 'failed', error: { code: internalError, message: messageOf(error) } }).catch(
        (cause: unknown) => log.error({ task: task.id, err: cause }, 'a task could not be settled'),
      );
    }
  };

  const journalOf = (entry: Running): Journal => ({
    id: entry.task.id,
    signal: entry.abort.signal,
    get wantDeltas() {
      return entry.watchers.wantDeltas;
    },
    write: (record) => (entry.settled === undefined ? write(record) : Promise.reject(new Error('The task has ended.'))),
    tell: (event) => tell(entry, event),
  });

  /** The first caller decides (T2); the others get what it decided. What could not be stored decides nothing. */
  const settle = (entry: Running, state: Settled): Promise<Task> => {
    entry.settled ??= storeState(entry.task, state).then(
      (task) => {
        entry.task = task;
        release(task);
        tell(entry, { type: 'status', task });
        return task;
      },
      (error: unknown) => {
        delete entry.settled;
        throw error;
      },
    );
    return entry.settled;
  };

  const storeState = async (task: Task, state: Settled): Promise<Task> => {
    const at = Date.now();
    await write({ kind: 'state', id: task.id, state, at });
    return { ...task, updatedAt: at, ...state };
  };

  const cut = async (entry: Running, status: Settled, why: string): Promise<Task> => {
    const task = await settle(entry, status);
    if (task.status === 'cancelled') entry.abort.abort(new Error(why));
    return task;
  };

  const drain = async (graceMs: number): Promise<void> => {
    await Promise.allSettled(starting);
    const rest = (): Promise<unknown> => Promise.all([...running.values()].map((entry) => entry.ended));
    await within(graceMs, rest());
    await Promise.allSettled(
      [...running.values()].map((entry) => cut(entry, { status: 'cancelled' }, 'The server is shutting down.')),
    );
    for (const { abort } of running.values()) abort.abort(new Error('The server is shutting down.'));
    await within(restMs, rest());
    if (running.size > 0) log.warn({ tasks: [...running.keys()] }, 'some tasks did not come to rest');
    await store.close();
  };

  return {
    start(request) {
      const started = begin(request);
      starting.add(started);
      return started.finally(() => starting.delete(started));
    },
    get: stored,
    list: (filter) => store.tasks(filter),

    async journal(id, owner) {
      await stored(id, owner);
      return store.steps(id);
    },

    async cancel(id, owner) {
      const task = await stored(id, owner);
      if (isTerminal(task)) return task;
      const entry = running.get(id);
      if (entry !== undefined) return cut(entry, { status: 'cancelled' }, 'The task was cancelled.');
      // It has just ended, or it is left over from a process that is gone.
      const now = await stored(id, owner);
      return isTerminal(now) ? now : storeState(now, { status: 'cancelled' });
    },

    async *watch(id, owner, options = {}) {
      const asked = await stored(id, owner);
      const entry = running.get(id);
      if (entry === undefined) yield { type: 'status', task: (await store.task(id)) ?? asked };
      else yield* entry.watchers.watch({ type: 'status', task: entry.task }, options);
    },

    close(graceMs = 0) {
      return (closed ??= drain(graceMs));
    },
  };
}

/** The owner is part of it: whose conversation is busy is nobody else's business. */
const openKey = ({ owner, conversation }: Pick<Task, 'owner' | 'conversation'>): string =>
  JSON.stringify([owner, conversation]);

const busy = (conversation: string): BusyError =>
  new BusyError(`The conversation ${conversation} is busy with another task.`);

/** Waits for `promise`, but not longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

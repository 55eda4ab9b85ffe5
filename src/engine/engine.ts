/**
 * The engine: starts tasks, keeps them while they run, tells those who watch.
 *
 * Invariants:
 *   T1. A task is stored before its id is told.
 *   T2. A terminal status never changes: whoever settles a task first, settles it.
 *   A conversation has at most one open task: the next start is refused until that one is terminal.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, messageOf, NotFoundError, UnavailableError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { StartTask, TaskEngine, TaskHandler } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task, type TaskState } from '../task/task.ts';
import { taskContext } from './context.ts';
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

/** A task in memory: while it runs, and until its last state is stored. */
interface Running {
  task: Task;
  readonly abort: AbortController;
  readonly watchers: Watchers;
  /** Set by whoever settles the task, at once; resolves when that is stored. */
  settled?: Promise<Task>;
  /** Resolves when its code has come to rest. */
  ended: Promise<void>;
}

const internalError = -32603;

export function createEngine({ store, handler, log, onEvent }: EngineOptions): TaskEngine {
  const running = new Map<string, Running>();
  /** Conversation id -> the task that is open in it (or the start that is under way). */
  const open = new Map<string, string>();
  const write = groupWrites(store);
  let draining = false;

  const tell = (entry: Running, event: TaskEvent): void => {
    entry.watchers.tell(event);
    onEvent?.(event, entry.task);
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
    return last;
  };

  const start = async (request: StartTask): Promise<Task> => {
    if (draining) throw new UnavailableError('The server is shutting down: start the task again later.');
    const id = randomBytes(24).toString('base64url');
    const conversation = request.conversation ?? id;
    if (open.has(conversation)) throw new BusyError(`The conversation ${conversation} is busy with another task.`);
    open.set(conversation, id);
    try {
      const predecessor = await predecessorOf(request);
      const at = Date.now();
      const { agent, input, owner } = request;
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
      open.delete(conversation);
      throw error;
    }
  };

  const run = (task: Task): void => {
    const entry: Running = {
      task,
      abort: new AbortController(),
      watchers: new Watchers(),
      ended: Promise.resolve(),
    };
    running.set(task.id, entry);
    tell(entry, { type: 'status', task });
    // In a later turn of the event loop, so that who starts a task can watch it from its first event.
    entry.ended = nextTurn().then(async () => {
      await work(entry);
      running.delete(task.id);
      open.delete(task.conversation);
    });
  };

  const work = async (entry: Running): Promise<void> => {
    const { task, abort, watchers } = entry;
    const context = taskContext(
      {
        id: task.id,
        signal: abort.signal,
        get wantDeltas() {
          return watchers.wantDeltas;
        },
        write,
        tell: (event) => tell(entry, event),
      },
      '',
      task.createdAt,
    );
    try {
      const result = await handler(task, context);
      await settle(entry, { status: 'completed', result });
    } catch (error) {
      if (!abort.signal.aborted) log.error({ task: task.id, err: error }, 'a task failed');
      await settle(entry, { status: 'failed', error: { code: internalError, message: messageOf(error) } }).catch(
        (cause: unknown) => log.error({ task: task.id, err: cause }, 'a task could not be settled'),
      );
    }
  };

  /** The first caller decides (T2); the others get what it decided. */
  const settle = (entry: Running, state: Exclude<TaskState, { status: 'working' }>): Promise<Task> => {
    entry.settled ??= (async () => {
      const at = Date.now();
      await write({ kind: 'state', id: entry.task.id, state, at });
      entry.task = { ...entry.task, updatedAt: at, ...state };
      tell(entry, { type: 'status', task: entry.task });
      return entry.task;
    })();
    return entry.settled;
  };

  return {
    start,
    get: stored,
    list: (filter) => store.tasks(filter),

    async journal(id, owner) {
      await stored(id, owner);
      return store.steps(id);
    },

    async cancel(id, owner) {
      const task = await stored(id, owner);
      const entry = running.get(id);
      if (isTerminal(task) || entry === undefined) return task;
      const settled = await settle(entry, { status: 'cancelled' });
      if (settled.status === 'cancelled') entry.abort.abort(new Error('The task was cancelled.'));
      return settled;
    },

    async *watch(id, owner, options = {}) {
      const asked = await stored(id, owner);
      const entry = running.get(id);
      if (entry === undefined) yield { type: 'status', task: (await store.task(id)) ?? asked };
      else yield* entry.watchers.watch({ type: 'status', task: entry.task }, options);
    },

    async close(graceMs = 0) {
      draining = true;
      const ended = Promise.all([...running.values()].map((entry) => entry.ended));
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, graceMs);
      await Promise.race([ended, grace.promise]);
      clearTimeout(timer);
      for (const entry of running.values()) {
        await settle(entry, { status: 'cancelled' });
        entry.abort.abort(new Error('The server is shutting down.'));
      }
      await Promise.all([...running.values()].map((entry) => entry.ended));
      await store.close();
    },
  };
}

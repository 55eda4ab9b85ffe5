/**
 * The engine: starts tasks, keeps them while they work, parks them while they wait, takes over those of the dead, and
 * tells those who watch. Which task runs where is decided by who claims its row; what it does is in its journal.
 *
 * Invariants:
 *   T1. A task is stored, through a barrier, before its id is told.
 *   T2. A terminal status never changes: whoever ends a task first in the store, ends it.
 *   T3. A wire key is used once in a task's life.
 *   E3. One owner per running task: every write of a run names its fence.
 *   A conversation has at most one open task: the next start is refused until that one is terminal.
 *   A parked task is a row: no promise, timer or socket of it is held here.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, messageOf, NotFoundError, UnavailableError, UsageError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Finished, StartTask, TaskEngine, TaskHandler, TaskKeeper } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Answer, InputResponse, Question } from '../task/question.ts';
import { isTerminal, type Task, type TerminalState } from '../task/task.ts';
import { answerFault } from './answer-fault.ts';
import { attemptOf, taskContext, wireKeyOf } from './context.ts';
import { groupWrites } from './group-writes.ts';
import { Run, type RunPorts } from './run.ts';
import { FencedError, type Loaded, type Store } from './store.ts';
import { WatchedTasks } from './watched-tasks.ts';

export interface EngineOptions {
  store: Store;
  handler: TaskHandler;
  log: Log;
  /** Sees every event of every task that runs here; must not throw. */
  onEvent?: (event: TaskEvent, task: Task) => void;
  /** Ends what a dead instance left running, before its tasks go on. */
  endLeftovers?: (instance: string) => Promise<void>;
  /** Names this process among those that share the store. Default: a random one. */
  instance?: string;
  /**
   * Which tasks that were left or woken go on here: `all` that nobody runs (the default), or only the process's `own`,
   * those that it started or resumed. A command that only looks has none.
   */
  adopts?: 'all' | 'own';
  /** Milliseconds a task is remembered from its creation; null for ever. Default 7 days. */
  ttlMs?: number | null;
  timings?: Partial<Timings>;
}

/** Milliseconds. */
interface Timings {
  /** How often news of other processes is looked for. */
  tick: number;
  /** How often this process says that it lives. */
  beat: number;
  /** After this silence another process is dead. */
  death: number;
  prune: number;
  /** How long `close` waits for code that was cut off and does not heed its signal. */
  rest: number;
}

const defaultTimings: Timings = { tick: 250, beat: 2_000, death: 10_000, prune: 60_000, rest: 5_000 };
const defaultTtlMs = 7 * 24 * 3_600_000;
const internalError = -32603;
/** A task whose process died so often without a new record is set aside. */
const mostDeaths = 3;
/** Tasks that were left or woken are taken in portions, so that a restart with many does not load them all. */
const mostAdopted = 1_000;

/** A task at work here. */
interface Running {
  readonly run: Run;
  task: Task;
  /** Resolves when nothing of it is at work here any more. */
  ended: Promise<void>;
}

export function createEngine(options: EngineOptions): TaskEngine & TaskKeeper {
  const { store, handler, log, onEvent, endLeftovers, adopts = 'all', instance = randomUUID() } = options;
  const timings = { ...defaultTimings, ...options.timings };
  const write = groupWrites(store);
  const running = new Map<string, Running>();
  const watched = new WatchedTasks();
  /** Starts that are under way, and the conversations that they open. */
  const starting = new Set<Promise<Task>>();
  const opening = new Set<string>();
  /** Started or resumed here, and not known to have ended. */
  const own = new Set<string>();
  let closed: Promise<void> | undefined;

  // --- the servers' side -----------------------------------------------------------------------------------------

  const stored = async (id: string, owner: string): Promise<Task> => {
    const task = running.get(id)?.task ?? (await store.task(id));
    if (task === undefined || task.owner !== owner) throw new NotFoundError(`There is no task ${id}.`);
    return task;
  };

  const begin = async (request: StartTask): Promise<Task> => {
    if (closed !== undefined) throw new UnavailableError('The server is shutting down: start the task again later.');
    const { agent, input, owner, idempotencyKey } = request;
    if (idempotencyKey !== undefined) {
      const before = await store.started(owner, agent, idempotencyKey);
      if (before !== undefined) return sameTask(before, request);
    }
    const id = randomBytes(24).toString('base64url');
    const conversation = request.conversation ?? id;
    const key = JSON.stringify([owner, conversation]);
    if (opening.has(key)) throw busy(conversation);
    opening.add(key);
    try {
      const predecessor = await predecessorOf(store, request);
      const at = Date.now();
      const task: Task = {
        id,
        agent,
        input,
        owner,
        conversation,
        ...(predecessor !== undefined && { predecessor: predecessor.id }),
        createdAt: at,
        updatedAt: at,
        ttlMs:
          request.ttlMs === undefined ? (options.ttlMs === undefined ? defaultTtlMs : options.ttlMs) : request.ttlMs,
        status: 'working',
      };
      await write(
        { kind: 'task', task, instance, ...(idempotencyKey !== undefined && { startKey: idempotencyKey }) },
        { barrier: true },
      );
      if (adopts === 'own') own.add(id);
      work({ task, fence: 1, steps: [], intents: new Map(), questions: [] });
      return task;
    } finally {
      opening.delete(key);
    }
  };

  const respond = async (
    id: string,
    owner: string,
    answers: Readonly<Record<string, InputResponse>>,
    channel: string,
  ): Promise<Task> => {
    await stored(id, owner);
    const { questions = [] } = (await store.load(id)) ?? {};
    for (const question of questions) {
      const response = answers[question.wireKey];
      if (response === undefined || question.answer !== undefined) continue;
      if (response.action === 'cancel' || answerFault(question.request, response) !== undefined)
        await askAgain(id, question);
      else await take(id, question, { response, by: { owner, channel }, at: Date.now() });
    }
    await store.sync();
    return refresh(id, owner);
  };

  const take = async (id: string, question: Question, answer: Answer): Promise<void> => {
    if (!(await store.answer(id, question.wireKey, answer))) return;
    const entry = running.get(id);
    if (entry !== undefined) entry.run.answered(question, answer);
    else void adopt();
  };

  const askAgain = async (id: string, { key, wireKey }: Question): Promise<void> => {
    await store.rename(id, wireKey, wireKeyOf(key, attemptOf(wireKey) + 1), Date.now());
  };

  const cancel = async (id: string, owner: string): Promise<Task> => {
    await stored(id, owner);
    const isMine = await store.cancel(id, Date.now());
    await store.sync();
    running.get(id)?.run.closeJournal();
    const task = await refresh(id, owner);
    if (isMine) running.get(id)?.run.abort.abort(new Error('The task was cancelled.'));
    return task;
  };

  /** What the store says now, told to those who watch. */
  const refresh = async (id: string, owner: string): Promise<Task> => {
    const task = await store.task(id);
    if (task === undefined || task.owner !== owner) throw new NotFoundError(`There is no task ${id}.`);
    show(task);
    return task;
  };

  const show = (task: Task): void => {
    const entry = running.get(task.id);
    if (entry !== undefined) entry.task = task;
    tell({ type: 'status', task }, task);
  };

  const tell = (event: TaskEvent, task: Task): void => {
    if (isTerminal(task)) own.delete(task.id);
    watched.tell(task.id, event);
    try {
      onEvent?.(event, task);
    } catch (error) {
      log.error({ task: task.id, err: error }, 'an event could not be told');
    }
  };

  // --- running ---------------------------------------------------------------------------------------------------

  const work = (loaded: Loaded): void => {
    const { task } = loaded;
    const parked = Promise.withResolvers<void>();
    const ports: RunPorts = {
      write,
      tell: (event) => tell(event, entry.task),
      previous: () => finishedBefore(store, task),
      asked: () =>
        void refresh(task.id, task.owner).catch((error: unknown) =>
          log.error({ err: error }, 'a question could not be shown'),
        ),
      parked() {
        // At once: an answer that comes from now on finds a row, not this run.
        running.delete(task.id);
        void run
          .write({ kind: 'park', at: Date.now() })
          .catch((error: unknown) => logUnlessFenced(error, task))
          .then(() => adopt())
          .finally(parked.resolve);
        run.closeJournal();
      },
    };
    const run = new Run(loaded, watched.of(task.id), ports);
    const entry: Running = { run, task, ended: Promise.resolve() };
    running.set(task.id, entry);
    if (loaded.fence === 1) tell({ type: 'status', task }, task);
    entry.ended = Promise.race([untilEnded(entry), parked.promise]).finally(() => {
      if (running.get(task.id) === entry) running.delete(task.id);
      watched.release(task.id);
    });
  };

  const untilEnded = async (entry: Running): Promise<void> => {
    const { run, task } = entry;
    const { signal } = run.abort;
    try {
      // So that who starts a task can watch it from its first event.
      await nextTurn();
      signal.throwIfAborted();
      const result = await handler(task, taskContext(run, '', task.createdAt));
      await end(entry, { status: 'completed', result });
    } catch (error) {
      if (signal.aborted || error instanceof FencedError) return;
      log.error({ task: task.id, err: error }, 'a task failed');
      // What other branches still do must not go on in a task that has failed.
      run.abort.abort(new Error('The task has failed.', { cause: error }));
      await end(entry, { status: 'failed', error: { code: internalError, message: messageOf(error) } }).catch(
        (cause: unknown) => log.error({ task: task.id, err: cause }, 'the end of a task could not be stored'),
      );
    }
  };

  const end = async ({ run, task }: Running, state: TerminalState): Promise<void> => {
    const at = Date.now();
    const stored = run.write({ kind: 'end', state, at }, { barrier: true });
    run.closeJournal();
    await stored;
    show({ ...task, ...state, updatedAt: at });
  };

  const logUnlessFenced = (error: unknown, task: Task): void => {
    if (!(error instanceof FencedError)) log.error({ task: task.id, err: error }, 'a write failed');
  };

  // --- other processes, and the dead ------------------------------------------------------------------------------

  /** Runs what was left by the dead or woken by an answer, as far as nobody runs it. */
  const adopt = async (): Promise<void> => {
    if (closed !== undefined) return;
    for (const { id, fence } of await store.claim(instance, mostAdopted, adopts === 'own' ? [...own] : undefined)) {
      const loaded = await store.load(id);
      if (loaded !== undefined && loaded.fence === fence && !running.has(id)) work(loaded);
    }
  };

  const takeOver = async (): Promise<void> => {
    for (const dead of await store.dead(instance, Date.now() - timings.death)) {
      log.warn({ instance: dead }, 'another process died: its tasks go on here');
      await endLeftovers?.(dead);
      await store.bury(dead, mostDeaths, Date.now());
    }
    await adopt();
  };

  /** What another process wrote: answers to our questions, the end of our tasks, states that somebody watches. */
  const readNews = async (): Promise<void> => {
    const owned = await store.owned(instance);
    for (const { run, task } of running.values()) {
      if (!owned.has(task.id)) await lost(run, task);
      else if (task.status === 'input_required') await deliver(run);
    }
    for (const id of watched.ids()) if (!running.has(id)) await showStored(id);
    await adopt();
  };

  const lost = async (run: Run, task: Task): Promise<void> => {
    run.closeJournal();
    await showStored(task.id);
    run.abort.abort(new Error('The task was ended, or taken over, by another process.'));
  };

  const showStored = async (id: string): Promise<void> => {
    const task = await store.task(id);
    if (task !== undefined && watched.isNews(task)) show(task);
  };

  const deliver = async (run: Run): Promise<void> => {
    const { questions = [] } = (await store.load(run.task.id)) ?? {};
    for (const question of questions) if (question.answer !== undefined) run.answered(question, question.answer);
    await showStored(run.task.id);
  };

  const every = (ms: number, job: () => Promise<void>): (() => void) => {
    let isBusy = false;
    const timer = setInterval(() => {
      if (isBusy) return;
      isBusy = true;
      job()
        .catch((error: unknown) => log.error({ err: error }, 'the engine'))
        .finally(() => (isBusy = false));
    }, ms);
    timer.unref();
    return () => clearInterval(timer);
  };

  const stopTimers = [
    every(timings.tick, async () => {
      if (store.hasNews()) await readNews();
    }),
    every(timings.beat, async () => {
      if (running.size > 0) await store.beat(instance, Date.now());
      if (adopts === 'all') await takeOver();
    }),
    every(timings.prune, async () => {
      await store.prune(Date.now());
    }),
  ];

  const ready = store
    .beat(instance, Date.now())
    .then(() => (adopts === 'all' ? takeOver() : undefined))
    .catch((error: unknown) => log.error({ err: error }, 'tasks of an earlier process could not be taken over'));

  const drain = async (graceMs: number): Promise<void> => {
    await ready;
    await Promise.allSettled(starting);
    const rest = (): Promise<unknown> => Promise.all([...running.values()].map((entry) => entry.ended));
    await within(graceMs, rest());
    for (const stop of stopTimers) stop();
    // What is still at work goes on in the next process: its calls in flight are unknown there, as after a crash.
    for (const { run } of running.values()) {
      run.closeJournal();
      run.abort.abort(new Error('The server is shutting down.'));
    }
    await within(timings.rest, rest());
    if (running.size > 0) log.warn({ tasks: [...running.keys()] }, 'some tasks did not come to rest');
    await store.leave(instance);
    watched.end();
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
    respond,
    cancel,

    async resume(id, owner) {
      const task = await stored(id, owner);
      if (isTerminal(task)) return task;
      if (adopts === 'own') own.add(id);
      await takeOver();
      return stored(id, owner);
    },

    async record(id, owner) {
      await stored(id, owner);
      const loaded = await store.load(id);
      if (loaded === undefined) throw new NotFoundError(`There is no task ${id}.`);
      const { task, steps, intents, questions } = loaded;
      return { task, steps, intents, questions };
    },

    prune: () => store.prune(Date.now()),

    async journal(id, owner) {
      await stored(id, owner);
      return store.steps(id);
    },

    async *watch(id, owner, watchOptions = {}) {
      await stored(id, owner);
      const task = running.get(id)?.task ?? (await store.task(id));
      if (task === undefined) return;
      yield* watched.watch(task, watchOptions);
    },

    close(graceMs = 0) {
      return (closed ??= drain(graceMs));
    },
  };
}

/** What a new task continues: the last task of its conversation. */
async function predecessorOf(store: Store, { conversation, owner, agent }: StartTask): Promise<Task | undefined> {
  if (conversation === undefined) return undefined;
  const [last] = await store.tasks({ owner, conversation, limit: 1 });
  if (last === undefined || last.agent !== agent)
    throw new NotFoundError(`${agent} has no conversation ${conversation}.`);
  if (!isTerminal(last)) throw busy(conversation);
  return last;
}

async function finishedBefore(store: Store, task: Task): Promise<readonly Finished[]> {
  const before: Finished[] = [];
  for (let id = task.predecessor; id !== undefined; id = before[0]?.task.predecessor) {
    const earlier = await store.task(id);
    if (earlier === undefined) break;
    before.unshift({ task: earlier, records: await store.steps(id) });
  }
  return before;
}

/** @throws UsageError the key was used for something else. */
function sameTask(before: Task, { input, idempotencyKey }: StartTask): Task {
  if (JSON.stringify(before.input) === JSON.stringify(input)) return before;
  throw new UsageError(`The idempotency key ${idempotencyKey} was used for another input: task ${before.id}.`);
}

const busy = (conversation: string): BusyError =>
  new BusyError(`The conversation ${conversation} is busy with another task.`);

/** Waits for `promise`, but not longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

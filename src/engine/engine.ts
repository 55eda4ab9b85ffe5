/**
 * The engine: the servers' side of tasks, on a store. Which task runs where is decided by who claims its row; what it
 * does is in its journal (`run.ts`, `context.ts`); what happens here is in `at-work.ts`, around us in
 * `other-processes.ts`.
 *
 * Invariants:
 *   T1. A task is stored, through a barrier, before its id is told; so is every state, before anybody is told of it.
 *   T2. A terminal status never changes: whoever ends a task first in the store, ends it.
 *   T3. A wire key is used once in a task's life.
 *   E3. One owner per running task: every write of a run names its fence.
 *   A conversation is a chain of tasks with at most one open: the store refuses a second, whoever starts it.
 *   A parked task is a row: no promise, timer or socket of it is held here.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyError, NotFoundError, UnavailableError, UsageError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { StartTask, TaskEngine, TaskHandler, TaskKeeper } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Answerer, InputResponse, Question } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { answerFault } from './answer-fault.ts';
import { tasksAtWork } from './at-work.ts';
import { nextWireKey } from './context.ts';
import { every } from './every.ts';
import { groupWrites } from './group-writes.ts';
import { otherProcesses } from './other-processes.ts';
import { ConflictError, type Instance, type Store } from './store.ts';
import { isSameState, Watchers } from './watchers.ts';

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
  /** A process that dies so soon after a task began may have died of it. */
  probation: number;
  prune: number;
  /** How often a store that cannot be used is tried again. */
  retry: number;
  /** How long `close` waits for code that was cut off and does not heed its signal. */
  rest: number;
}

const defaultTimings: Timings = {
  tick: 250,
  beat: 2_000,
  death: 10_000,
  probation: 5_000,
  prune: 60_000,
  retry: 1_000,
  rest: 5_000,
};
const defaultTtlMs = 7 * 24 * 3_600_000;
/** Tasks that are forgotten in one transaction. */
const pruned = 200;
/** What was written less long ago may be in no barrier yet. */
const unsyncedMs = 60_000;

export function createEngine(options: EngineOptions): TaskEngine & TaskKeeper {
  const { store, log, adopts = 'all', ttlMs = defaultTtlMs } = options;
  const self = options.instance ?? { id: randomUUID(), pid: process.pid, host: hostname() };
  const timings = { ...defaultTimings, ...options.timings };
  const writes = groupWrites(store, timings.retry);
  const watchers = new Watchers();
  /** Starts that are under way. */
  const starting = new Set<Promise<Task>>();
  /** Started or resumed here, and not known to have ended. */
  const own = new Set<string>();
  let closed: Promise<void> | undefined;
  const logFault = (error: unknown): void => log.error({ err: error }, 'the task engine');
  const adopt = (): void => void others.adopt().catch(logFault);
  const here = tasksAtWork({
    store,
    writes,
    watchers,
    log,
    handler: options.handler,
    onRest: adopt,
    onEvent(event, task) {
      if (event.type === 'status' && isTerminal(task)) own.delete(task.id);
      options.onEvent?.(event, task);
    },
  });
  const others = otherProcesses({
    store,
    self,
    here,
    watchers,
    log,
    timings,
    endLeftovers: options.endLeftovers,
    mine: () => (closed !== undefined ? [] : adopts === 'all' ? 'all' : [...own]),
  });

  /** The task as the store has it, through a barrier where that is not known. @throws NotFoundError */
  const stored = async (id: string, owner: string): Promise<Task> => {
    const task = await store.task(id);
    if (task === undefined || task.owner !== owner || isForgotten(task)) throw noTask(id);
    const entry = here.of(id);
    const wasTold = entry !== undefined && isSameState(entry.task, task);
    if (!wasTold && Date.now() - task.updatedAt < unsyncedMs) await store.sync();
    return task;
  };

  const start = async (request: StartTask): Promise<Task> => {
    if (closed !== undefined) throw new UnavailableError('The server is shutting down: start the task again later.');
    const before = await startedBefore(request);
    if (before !== undefined) return before;
    try {
      return await create(request);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const other = await startedBefore(request);
      if (other !== undefined) return other;
      throw busy(request.conversation);
    }
  };

  const create = async (request: StartTask): Promise<Task> => {
    const { agent, input, owner, idempotencyKey } = request;
    const predecessor = await predecessorOf(store, request);
    // A letter first: an id must not look like an option on a command line.
    const id = `t${randomBytes(24).toString('base64url')}`;
    const at = Date.now();
    const task: Task = {
      id,
      agent,
      input,
      owner,
      conversation: predecessor?.conversation ?? id,
      ...(predecessor !== undefined && { predecessor: predecessor.id }),
      createdAt: at,
      updatedAt: at,
      ttlMs: request.ttlMs === undefined ? ttlMs : request.ttlMs,
      status: 'working',
    };
    await others.beat();
    const startKey = idempotencyKey === undefined ? {} : { startKey: idempotencyKey };
    await writes.write({ kind: 'task', task, instance: self.id, ...startKey }, { barrier: true });
    if (adopts === 'own') own.add(id);
    here.begin({ task, fence: 1, deaths: 0, steps: [], intents: new Map(), questions: [] });
    return task;
  };

  /** @throws UsageError the key was used for another input. */
  const startedBefore = async ({ owner, agent, input, idempotencyKey }: StartTask): Promise<Task | undefined> => {
    if (idempotencyKey === undefined) return undefined;
    const before = await store.started(owner, agent, idempotencyKey);
    if (before !== undefined && isForgotten(before)) await prune();
    if (before === undefined || isForgotten(before)) return undefined;
    if (JSON.stringify(before.input) !== JSON.stringify(input))
      throw new UsageError(`The idempotency key ${idempotencyKey} was used for another input: task ${before.id}.`);
    await store.sync();
    return before;
  };

  const respond: TaskEngine['respond'] = async (id, owner, answers, channel) => {
    const before = await stored(id, owner);
    if (isTerminal(before)) return before;
    const by = { owner, channel };
    let isNews = false;
    for (const question of await store.questions(id)) {
      const response = Object.hasOwn(answers, question.wireKey) ? answers[question.wireKey] : undefined;
      if (response === undefined || question.answer !== undefined) continue;
      isNews = (await take(id, question, response, by)) || isNews;
    }
    if (!isNews) return before;
    await store.sync();
    const task = await stored(id, owner);
    here.changed(task);
    return task;
  };

  /** @returns whether the question is another one now. */
  const take = async (id: string, question: Question, response: InputResponse, by: Answerer): Promise<boolean> => {
    const at = Date.now();
    if (response.action === 'cancel' || answerFault(question.request, response) !== undefined)
      return store.rename(id, question.wireKey, nextWireKey(question), at);
    const answer = { response, by, at };
    if (!(await store.answer(id, question.wireKey, answer))) return false;
    const entry = here.of(id);
    if (entry === undefined) void others.goOn(id).catch(logFault);
    else entry.run.answered(question, answer);
    return true;
  };

  const cancel: TaskEngine['cancel'] = async (id, owner) => {
    await stored(id, owner);
    // What was recorded before is kept.
    await writes.settled();
    const isMine = await store.cancel(id, Date.now());
    const entry = here.of(id);
    if (isMine && entry !== undefined) here.stop(entry, new Error('The task was cancelled.'));
    await store.sync();
    const task = await stored(id, owner);
    if (isMine) here.changed(task);
    return task;
  };

  async function* watch(id: string, owner: string, watchOptions = {}): AsyncGenerator<TaskEvent> {
    const read = (): Task | Promise<Task> => {
      const task = here.of(id)?.task;
      if (task !== undefined && task.owner !== owner) throw noTask(id);
      return task ?? stored(id, owner);
    };
    yield* watchers.watch(id, read, watchOptions);
  }

  const prune = async (): Promise<number> => {
    for (let forgotten = 0; ; await nextTurn()) {
      const portion = closed === undefined ? await store.prune(Date.now(), pruned) : 0;
      forgotten += portion;
      if (portion < pruned) return forgotten;
    }
  };

  const stopTimers = [
    every(timings.tick, async () => (store.hasNews() ? others.readNews() : undefined), logFault),
    every(
      timings.beat,
      async () => {
        if (here.all().length > 0) await others.beat();
        await others.takeOver();
      },
      logFault,
    ),
    every(timings.prune, async () => void (await prune()), logFault),
  ];
  const ready = others.takeOver().catch(logFault);

  const drain = async (graceMs: number): Promise<void> => {
    await ready;
    await Promise.allSettled(starting);
    await here.rest(graceMs);
    await Promise.all(stopTimers.map((stop) => stop()));
    // What is still at work goes on in the next process: its calls in flight are unknown there, as after a crash.
    for (const entry of here.all()) here.stop(entry, new UnavailableError('The server is shutting down.'));
    if (await here.rest(timings.rest)) log.warn('some tasks did not come to rest');
    // If it cannot be said that we are gone, it will be found.
    await store.leave(self.id).catch(logFault);
    watchers.end();
    await store.close();
  };

  return {
    start(request) {
      const started = start(request);
      starting.add(started);
      return started.finally(() => starting.delete(started));
    },
    get: stored,
    async list(filter) {
      const tasks = await store.tasks(filter);
      if (tasks.some(({ updatedAt }) => Date.now() - updatedAt < unsyncedMs)) await store.sync();
      return tasks;
    },
    respond,
    cancel,
    async resume(id, owner) {
      if (isTerminal(await stored(id, owner))) return stored(id, owner);
      if (adopts === 'own') own.add(id);
      await others.takeOver();
      return stored(id, owner);
    },
    async record(id, owner) {
      await stored(id, owner);
      const loaded = await store.load(id);
      if (loaded === undefined) throw noTask(id);
      const { task, steps, intents, questions } = loaded;
      return { task, steps, intents, questions };
    },
    prune,
    async journal(id, owner) {
      await stored(id, owner);
      return store.steps(id);
    },
    watch,
    close: (graceMs = 0) => (closed ??= drain(graceMs)),
  };
}

/** What a new task continues: the last task of its conversation. */
async function predecessorOf(store: Store, { conversation, owner, agent }: StartTask): Promise<Task | undefined> {
  if (conversation === undefined) return undefined;
  const last = await store.lastOf(owner, conversation);
  if (last === undefined || last.agent !== agent || isForgotten(last))
    throw new NotFoundError(`${agent} has no conversation ${conversation}.`);
  if (!isTerminal(last)) throw busy(conversation);
  return last;
}

/** Its time is over, whether it was pruned yet or not. */
const isForgotten = (task: Task): boolean =>
  isTerminal(task) && task.ttlMs !== null && task.createdAt + task.ttlMs <= Date.now();

const noTask = (id: string): NotFoundError => new NotFoundError(`There is no task ${id}.`);
const busy = (conversation = ''): BusyError =>
  new BusyError(`The conversation ${conversation} is busy with another task.`);

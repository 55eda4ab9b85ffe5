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
import type { AuditEntry } from '../task/audit.ts';
import type { StartTask, TaskEngine, TaskKeeper } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Answerer, InputResponse, Question } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { answerFault } from './answer-fault.ts';
import { verifyChain } from './audit-chain.ts';
import { nextWireKey } from './asking.ts';
import { tasksAtWork } from './at-work.ts';
import { every } from './every.ts';
import { groupWrites } from './group-writes.ts';
import { defaultTimings, type EngineOptions } from './options.ts';
import { otherProcesses } from './other-processes.ts';
import { WorkPlaces } from './places.ts';
import { ConflictError, type Store } from './store.ts';
import { isSameState, Watchers } from './watchers.ts';

/** Tasks that are forgotten in one transaction. */
const pruned = 200;
const defaultTtlMs = 7 * 24 * 3_600_000;
/** Entries of the audit log that are read at once. */
const page = 500;
/** What was written less long ago may be in no barrier yet. */
const unsyncedMs = 60_000;

export function createEngine(options: EngineOptions): TaskEngine & TaskKeeper {
  const { store, log, adopts = 'all', ttlMs = defaultTtlMs, journalMs = 0, mostAtWork = 1_000, mostOf } = options;
  const self = options.instance ?? { id: randomUUID(), pid: process.pid, host: hostname() };
  const timings = { ...defaultTimings, ...options.timings };
  const writes = groupWrites(store, timings.retry);
  const watchers = new Watchers();
  const places = new WorkPlaces({ most: mostAtWork, mostOf });
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
    places,
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
    const definition = options.definition?.();
    await others.beat();
    const place = places.admit(agent);
    const task: Task = {
      id,
      agent,
      input,
      owner,
      conversation: predecessor?.conversation ?? id,
      ...(predecessor !== undefined && { predecessor: predecessor.id }),
      ...(definition !== undefined && { definition: definition.hash }),
      ...(request.mandate !== undefined && { mandate: request.mandate }),
      ...(request.trace !== undefined && { trace: request.trace }),
      createdAt: at,
      updatedAt: at,
      ttlMs: request.ttlMs === undefined ? ttlMs : request.ttlMs,
      status: 'working',
      ...(place === undefined && { statusMessage: 'queued: it begins when others have ended' }),
    };
    try {
      const begun = place === undefined ? {} : { instance: self.id };
      const startKey = idempotencyKey === undefined ? {} : { startKey: idempotencyKey };
      const text = definition === undefined ? {} : { definition: definition.text };
      await writes.write({ kind: 'task', task, ...begun, ...startKey, ...text }, { barrier: true });
    } catch (error) {
      place?.free();
      throw error;
    }
    if (adopts === 'own') own.add(id);
    if (place === undefined) adopt();
    else here.begin({ task, fence: 1, deaths: 0, steps: [], intents: new Map(), questions: [], sent: [] }, place);
    return task;
  };

  /** @throws UsageError the key was used for another input. */
  const startedBefore = async ({ owner, agent, input, idempotencyKey }: StartTask): Promise<Task | undefined> => {
    if (idempotencyKey === undefined) return undefined;
    const before = await store.started(owner, agent, idempotencyKey);
    if (before === undefined || isForgotten(before)) return undefined;
    if (JSON.stringify(before.input) !== JSON.stringify(input))
      throw new UsageError(`The idempotency key ${idempotencyKey} was used for another input: task ${before.id}.`);
    await store.sync();
    return before;
  };

  /** What was written to the task from outside: safe, and told. */
  const told = async (id: string, owner: string): Promise<Task> => {
    await store.sync();
    const task = await stored(id, owner);
    here.changed(task);
    return task;
  };

  const respond: TaskEngine['respond'] = async (id, owner, answers, via) => {
    const before = await stored(id, owner);
    if (isTerminal(before)) return before;
    const by = { owner, ...via };
    let isNews = false;
    for (const question of await store.questions(id)) {
      const response = Object.hasOwn(answers, question.wireKey) ? answers[question.wireKey] : undefined;
      if (response === undefined || question.answer !== undefined) continue;
      isNews = (await take(id, question, response, by)) || isNews;
    }
    return isNews ? told(id, owner) : before;
  };

  /** @returns whether the question is another one now. */
  const take = async (id: string, question: Question, response: InputResponse, by: Answerer): Promise<boolean> => {
    const at = Date.now();
    const { request, expiresAt = Infinity } = question;
    if (request.kind === 'timer') return false;
    // What is over is over, also before the next look.
    if (expiresAt <= at) return others.expire().then(() => true);
    if (response.action === 'cancel' || answerFault(request, response) !== undefined) {
      // It stays open under the key that it has: clients do not show that again, other ways of answering do.
      const next = nextWireKey(question);
      return next !== undefined && store.rename(id, question.wireKey, next, at);
    }
    const answer = { response, by, at };
    if (!(await store.answer(id, question.wireKey, answer))) return false;
    const entry = here.of(id);
    if (entry === undefined) adopt();
    else entry.run.answered(question, answer);
    return true;
  };

  const send: TaskEngine['send'] = async (id, owner, text, via) => {
    await stored(id, owner);
    const sent = await store.send(id, text, { owner, ...via }, Date.now());
    if (sent === undefined) throw new UsageError(`The task ${id} has ended: nobody would read it.`);
    await others.reach(id);
    return told(id, owner);
  };

  const retry: TaskEngine['retry'] = async (id, owner, via) => {
    const before = await stored(id, owner);
    if (!(await store.retry(id, { owner, ...via }, Date.now()))) return before;
    await others.reach(id);
    return told(id, owner);
  };

  const cancel: TaskEngine['cancel'] = async (id, owner, via) => {
    await stored(id, owner);
    // What was recorded before is kept.
    await writes.settled();
    const isOurs = await store.cancel(id, { owner, ...via }, Date.now());
    const entry = here.of(id);
    if (isOurs && entry !== undefined) here.stop(entry, new Error('The task was cancelled.'));
    await store.sync();
    const task = await stored(id, owner);
    if (isOurs) here.ended(task);
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
      const portion = closed === undefined ? await store.prune(Date.now() - journalMs, pruned) : 0;
      forgotten += portion;
      if (portion < pruned) return forgotten;
    }
  };

  const stopTimers = [
    every(timings.tick, () => others.readNews(), logFault),
    every(
      timings.beat,
      async () => {
        if (here.all().length > 0) await others.beat();
        await others.takeOver();
      },
      logFault,
    ),
    every(timings.prune, async () => void (await prune()), logFault),
    every(timings.expire, () => others.expire(), logFault),
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
    send,
    retry,
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
      const { task, steps, intents, questions, sent } = loaded;
      return { task, steps, intents, questions, sent };
    },
    prune,
    atWork: () => here.all().map(({ task }) => task),
    called: () => store.called(),
    heard: (ids, at) => store.heard(ids, at),
    async leftBehind() {
      const left = await store.leftBehind();
      // A power cut must not bring a task back whose calls were ended for it.
      if (left.length > 0) await store.sync();
      return left;
    },
    letGo: (left) => store.letGo(left),
    definition: (hash) => store.definition(hash),
    async artifact(id, owner, artifact, range) {
      await stored(id, owner);
      return store.artifact(id, artifact, range);
    },
    async artifacts(id, owner) {
      await stored(id, owner);
      return store.artifacts(id);
    },
    audit: () => auditLog(store),
    verifyAudit: async () => verifyChain(auditLog(store), await store.anchor()),
    async backup(file) {
      await writes.settled();
      await store.backup(file);
    },
    async journal(id, owner) {
      await stored(id, owner);
      return store.steps(id);
    },
    watch,
    close: (graceMs = 0) => (closed ??= drain(graceMs)),
  };
}

async function* auditLog(store: Store): AsyncGenerator<AuditEntry> {
  for (let seq = 0; ;) {
    const entries = await store.audit(seq, page);
    yield* entries;
    seq = entries.at(-1)?.seq ?? Infinity;
    if (entries.length < page) return;
  }
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

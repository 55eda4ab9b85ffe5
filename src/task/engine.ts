/**
 * The port that carries everything: the servers' side of a task is `TaskEngine`, the loop's side is `TaskContext`.
 * Neither side knows the other; they meet at the Task.
 *
 * Invariants that code inside a task keeps:
 *   C1. Branches open in a fixed order, before anything is awaited, so that a replay sees the same sequence.
 *   C3. It reads no clock, no randomness and no environment outside a step: decisions come from recorded values.
 *   C4. It awaits nothing but the context's verbs (inside a step's effect anything may be awaited), and holds nothing
 *       across `requestInput`: a parked task is a row, its promises are dropped and its `finally` blocks never run.
 */
import type { EffectClass } from './effect.ts';
import type { ProgressEvent, TaskEvent } from './event.ts';
import type { JsonObject } from '../json.ts';
import type { Mandate } from './mandate.ts';
import type { AuditEntry, AuditNote, AuditVerdict } from './audit.ts';
import type { InputRequest, InputResponse, Intent, Question, Sent, Via } from './question.ts';
import type { StepRecord, Task, TaskResult, TaskStatus } from './task.ts';

export interface StartTask {
  agent: string;
  input: JsonObject;
  owner: string;
  /** The conversation to continue (`Task.conversation`): the new task follows its last one. */
  conversation?: string;
  /** The same key of the same owner for the same agent is the same task, however often it is started. */
  idempotencyKey?: string;
  /** Milliseconds from creation until the task may be forgotten; null for never. Default: the engine's. */
  ttlMs?: number | null;
  mandate?: Mandate;
  trace?: string;
}

export interface TaskFilter {
  owner: string;
  agent?: string;
  status?: TaskStatus;
  conversation?: string;
  /** Only those that stand behind this task in the list: the next page. */
  after?: string;
  /** At most this many, newest first. Default 100. */
  limit?: number;
}

export interface WatchOptions {
  signal?: AbortSignal;
  /** Also the pieces of text as the model writes them. Without a watcher that wants them, models need not stream. */
  deltas?: boolean;
}

/** The servers' side. A foreign task and a missing one are the same: `NotFoundError`. */
export interface TaskEngine {
  /**
   * Stores the task, then begins it in the next turn of the event loop: who watches at once misses nothing. Where too
   * many are at work it waits for a place, and its status message says so.
   * @throws NotFoundError unknown conversation; BusyError the conversation has an open task; UnavailableError draining.
   */
  start(request: StartTask): Promise<Task>;
  get(id: string, owner: string): Promise<Task>;
  list(filter: TaskFilter): Promise<Task[]>;
  /** The task's recorded steps, in the order of their recording. */
  journal(id: string, owner: string): Promise<StepRecord[]>;
  /**
   * Answers open questions, by wire key. The first valid answer to a question wins, in one transaction; keys that are
   * not open (any more) are ignored. An answer that does not fit its question consumes nothing: the question is asked
   * again under a new key. `cancel` leaves the question open under a new key. After ten of these the key stays.
   */
  respond(id: string, owner: string, answers: Readonly<Record<string, InputResponse>>, via: Via): Promise<Task>;
  /**
   * Puts a person's words before the next turn of the task. Stored before it returns; a task does not complete before
   * its code could see what was stored.
   * @throws UsageError the task has ended.
   */
  send(id: string, owner: string, text: string, via: Via): Promise<Task>;
  /** What waits for a time (a model that was not available) goes on now. */
  retry(id: string, owner: string, via: Via): Promise<Task>;
  /** Stored before it returns; afterwards no new effect begins. A terminal task stays as it is. */
  cancel(id: string, owner: string, via: Via): Promise<Task>;
  /**
   * The task as it is now, then every event, up to and including the terminal status; then it ends.
   * Where the task runs in another process, its states are told and its progress is not.
   * It ends early, without an error, when `signal` aborts, and when the engine closes.
   */
  watch(id: string, owner: string, options?: WatchOptions): AsyncIterable<TaskEvent>;
  /** Drains: refuses new tasks, waits up to `graceMs` for the running ones, then cuts them off. */
  close(graceMs?: number): Promise<void>;
}

/** What else the keeper of the store may do, at the command line: look into a task, go on with one, forget old ones. */
export interface TaskKeeper {
  /** Everything that is recorded about a task. */
  record(id: string, owner: string): Promise<TaskRecord>;
  /** Runs it here from now on if nobody does: also where its process died. A terminal task stays as it is. */
  resume(id: string, owner: string): Promise<Task>;
  /** Forgets the tasks whose time is over, now rather than within the minute. @returns how many. */
  prune(): Promise<number>;
  /** The tasks at work in this process: none of those that wait for a person or a time. */
  atWork(): readonly Task[];
  /** Open tasks that agents of other Deputies started (`Task.mandate`). The price does not grow with other tasks. */
  called(): Promise<readonly Called[]>;
  /** The callers of these tasks were heard of, at `at`: for all processes of the store. */
  heard(ids: readonly string[], at: number): Promise<void>;
  /**
   * What ended tasks of ours left open at other servers, however and in whichever process they ended: to be cancelled
   * there. Who runs a task tells the servers by itself when it is cut off, and that cannot be told here from a death
   * before it could: so some of these were told already, or are being told now. To tell twice does no harm.
   */
  leftBehind(): Promise<readonly LeftBehind[]>;
  /** It was cancelled there, or is no longer known there: it is not left behind any more, in any process. */
  letGo(left: LeftBehind): Promise<void>;
  /** The text of a definition that tasks are pinned to (`Task.definition`). */
  definition(hash: string): Promise<string | undefined>;
  /** What a task kept beside its journal: characters `offset` to `offset + length`. */
  artifact(id: string, owner: string, artifact: string, range: Range): Promise<Kept | undefined>;
  artifacts(id: string, owner: string): Promise<readonly ArtifactInfo[]>;
  /** The audit log, oldest first. */
  audit(): AsyncIterable<AuditEntry>;
  /** Whether the audit log is what was written. */
  verifyAudit(): Promise<AuditVerdict>;
  /** A whole copy of the store as it is now, made while it is in use. @throws UsageError the file is there already. */
  backup(file: string): Promise<void>;
}

export interface Called {
  id: string;
  owner: string;
  /** When its caller was heard of last, as far as a process has said so, in milliseconds since the epoch. */
  heardAt?: number;
}

export interface LeftBehind {
  task: string;
  /** The key of the step that made the call. */
  key: string;
  /** `server/tool`. */
  tool: string;
  /**
   * What the call's adapter stored (`Commit.reference`), whole: mostly the other server's id of the task. The adapter
   * alone can read it, and knows where there is nothing to cancel.
   */
  reference: string;
  /** Of the task of ours. */
  definition?: string;
}

/** In characters. */
export interface Range {
  offset: number;
  length: number;
}

/** A piece of an artifact, and how many characters it has in all. */
export interface Kept {
  text: string;
  total: number;
}

export interface ArtifactInfo {
  id: string;
  /** Where it was kept: branch path and name. */
  name: string;
  /** Characters. */
  total: number;
  at: number;
}

export interface TaskRecord {
  task: Task;
  /** In the order of their recording. */
  steps: readonly StepRecord[];
  /** Calls that left, or may have left, by the key of their step. */
  intents: ReadonlyMap<string, Intent>;
  /** In the order in which they were asked. */
  questions: readonly Question[];
  /** What people said to it, in the order of their saying. */
  sent: readonly Sent[];
}

/**
 * Writes the intent: `bytes` is the exact JSON text of what is about to leave. An effect that cannot be repeated
 * calls it once, at the last moment before the effect leaves; what never called it was never sent.
 */
export interface Commit {
  /**
   * The intent.
   * @throws ApprovalUsedError the approval of `grant` was consumed by another intent of this task.
   */
  (bytes: string, effect: EffectClass, grant?: Grant): Promise<void>;
  /**
   * The other server made a task of the call: its id, stored before anything is waited for; also while our process ends.
   * @throws UnavailableError it cannot be stored; else the task is ours no more, and the step's signal says why: by an
   *     `UnavailableError` where another process goes on with it.
   */
  reference(id: string): Promise<void>;
}

/** By which right a call leaves. */
export interface Grant {
  /** `server/tool`. */
  tool: string;
  /** The rule that allowed it, or let a person allow it, with its place. */
  rule: string;
  /** The hash of the approval that this intent consumes, in its transaction: no second intent may. */
  approval?: string;
}

/** The loop's side. */
export interface TaskContext {
  /** The task's id and its owner. */
  readonly task: string;
  readonly owner: string;
  /** The `traceparent` that came with the task's call. */
  readonly trace?: string;
  /** Where this branch is: branch keys joined by `/`; empty at the root. */
  readonly path: string;
  readonly signal: AbortSignal;
  /**
   * Milliseconds since the epoch of the newest record that this branch, or one that ended in it, has seen: the only
   * clock inside a task.
   */
  readonly now: number;
  /** How many milliseconds up to `now` were spent waiting for people, who use up no time limit. */
  readonly waited: number;
  /** Somebody is reading the model's text as it is written. Changes speed, never results. */
  readonly hasListeners: boolean;
  /**
   * Runs `effect` and records its value (plain JSON); on recovery the record is returned and `effect` is not run.
   * A rejection is not recorded and ends the task as `failed`: what may go wrong is part of the value.
   */
  step<T>(name: string, effect: (signal: AbortSignal, commit: Commit) => Promise<T>): Promise<T>;
  /**
   * The intent of a step that an earlier process left without a record: the call may have left when it died, so nobody
   * knows whether it happened. Undefined for a step that never left, or that is recorded.
   */
  unfinished(name: string): Intent | undefined;
  /**
   * Asks, and parks until somebody answers: for days, over restarts. Nothing may be held meanwhile (C4).
   * @param expiresInMs after which the answer is `expired`. Default: never.
   */
  requestInput(name: string, request: InputRequest, expiresInMs?: number): Promise<InputResponse>;
  /** Parks for `ms` milliseconds, or until `TaskEngine.retry`. `why` is the task's status message meanwhile. */
  sleep(name: string, ms: number, why: string): Promise<void>;
  /**
   * Asks from inside the effect of the step `step`, which stays at work meanwhile; for questions that others ask while
   * a call is open. The same words under the same name are asked once: an answer that came after the death of an
   * earlier process is returned, so every question of the step has a name of its own. The question is withdrawn when
   * `signal` aborts, and when the step is recorded; what is asked after that is withdrawn at once.
   */
  relay(step: string, name: string, request: InputRequest, signal: AbortSignal): Promise<InputResponse>;
  /** Withdraws what an earlier process relayed from the step and nobody answered. */
  withdraw(step: string): Promise<void>;
  /**
   * What people have sent to the task so far, oldest first; it only grows. What is used of it is read inside a step and
   * recorded with it.
   */
  readonly inbox: readonly Sent[];
  /** Keeps `text` beside the journal for the life of the task; from inside a step. @returns the artifact's id. */
  keep(name: string, text: string): Promise<string>;
  /** Undefined where the task has no such artifact. For use inside a step. */
  kept(id: string, range: Range): Promise<Kept | undefined>;
  /** Writes to the audit log, in the transaction of this branch's next step; what no step follows, with the end. */
  note(note: AuditNote): void;
  /** The tasks of this conversation before this one, oldest first, with their records. */
  previous(): Promise<readonly Finished[]>;
  /** A named sequence beside its siblings. */
  branch<T>(key: string, body: (branch: TaskContext) => Promise<T>): Promise<T>;
  /** Progress for watchers. Never needed for a replay. */
  emit(event: ProgressEvent): void;
}

/** A terminal task with its records, which never change again. */
export interface Finished {
  task: Task;
  records: readonly StepRecord[];
}

/**
 * What a task does. A rejection is a fault of ours and ends the task as `failed`. It is run again, on its records, after
 * a wait, after a crash, and where a message came between its last look at the inbox and its end.
 */
export type TaskHandler = (task: Task, context: TaskContext) => Promise<TaskResult>;

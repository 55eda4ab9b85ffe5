/**
 * What the engine needs of a database: small, so that a second one is a file. Semantics are in the engine, not here.
 *
 * A task that is being run belongs to one instance (a process), with a fencing token that every new owner raises. A
 * write of a run names the token and fails when it is not the newest (E3): a process that was paused and taken for
 * dead can no longer write.
 */
import { UnavailableError } from '../errors.ts';
import type { EffectClass } from '../task/effect.ts';
import type { AuditEntry, AuditNote } from '../task/audit.ts';
import type { ArtifactInfo, Called, Grant, Kept, LeftBehind, Range, TaskFilter } from '../task/engine.ts';
import type { Answer, Answerer, Intent, Question, Sent } from '../task/question.ts';
import type { StepRecord, Task, TerminalState } from '../task/task.ts';
import type { Anchor } from './audit-chain.ts';

export { ApprovalUsedError } from '../errors.ts';

/** A write of a run: `id` names the task, `fence` the right to write to it. */
type OfRun = { id: string; fence: number; at: number };

export type Write =
  /**
   * Owned by `instance` from its beginning, with the fence 1; without one it waits to be claimed, and its status
   * message stands until then. `definition` is the text of `task.definition`: kept as long as a task names it.
   * @throws ConflictError its start key is taken by a task that is not over (`forget_at`, at the new one's creation),
   *   its conversation has an open task, or its predecessor a successor.
   */
  | { kind: 'task'; task: Task; instance?: string; startKey?: string; definition?: string }
  /**
   * What is about to leave: the exact bytes, before they do; on the audit log unless its effect is `read`.
   * @throws ApprovalUsedError another step of the task has consumed the approval.
   */
  | (OfRun & { kind: 'intent'; key: string; bytes: string; effect: EffectClass; grant?: Grant })
  | (OfRun & { kind: 'reference'; key: string; reference: string })
  /** `value` is JSON text. What its step relayed and nobody answered is withdrawn. */
  | (OfRun & { kind: 'step'; key: string; value: string; notes?: readonly AuditNote[] })
  /** The task becomes `input_required`, unless it is a timer. */
  | (OfRun & { kind: 'question'; question: Question })
  /** Open questions, by key, are answered by `withdrawn`. */
  | (OfRun & { kind: 'withdraw'; keys: readonly string[] })
  /** The same id again is the same artifact. */
  | (OfRun & { kind: 'artifact'; artifact: string; name: string; text: string })
  /**
   * `outcome` is JSON text: what the state has beside its status. `heard`: how many messages the run has seen; where
   * the task has more it does not end, but wants to run again.
   */
  | (OfRun & {
      kind: 'end';
      status: TerminalState['status'];
      outcome: string;
      heard?: number;
      notes?: readonly AuditNote[];
    })
  /** Nobody runs it any more. It wants to run again at once if fewer questions are `open` than the run knew of. */
  | (OfRun & { kind: 'park'; open: number });

/** All that a run begins with. */
export interface Loaded {
  task: Task;
  fence: number;
  /** How many processes died of it, one after the other, without a new record. */
  deaths: number;
  steps: StepRecord[];
  /** By step key; also of steps that are recorded. */
  intents: ReadonlyMap<string, Intent>;
  questions: Question[];
  sent: Sent[];
}

/** How many tasks may be taken. What was answered, expired or retried was at work before, and has places of its own. */
export interface Places {
  fresh: number;
  woken: number;
  /** Of these agents at most so many, of both kinds together; woken ones come first. */
  ofAgent?: ReadonlyMap<string, number>;
}

/** A process that runs tasks. */
export interface Instance {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
}

/** Another instance, as far as it is known: one that was taken for dead has only its id. */
export type OtherInstance = { id: string; pid?: number; host?: string; seenAt?: number };

/** What other processes have written: nothing, something, or something of these tasks alone. */
export type News = 'none' | 'some' | ReadonlySet<string>;

/** When a task is at fault for the deaths of its processes. */
export interface BlameRule {
  /** Only a death within so many milliseconds of its waking, and before a new record, counts. */
  withinMs: number;
  /** After so many it is set aside. */
  most: number;
}

/** Who withdraws and lets expire: nobody in particular. */
export const byItself: Answerer = { owner: '', channel: 'engine' };

/** The fence of a write is not the newest: another process owns the task, or it has ended. */
export class FencedError extends Error {}
/** What must be there only once is there already. */
export class ConflictError extends Error {}
/** The disk is full or ill: nothing is wrong with what was to be written. */
export class StoreError extends UnavailableError {}

export interface Store {
  /**
   * All of `writes` or none, in their order; they survive this process when the promise resolves.
   * @returns the ends among them that came too early (`heard`): those tasks go on.
   * @throws FencedError, ConflictError, StoreError.
   */
  write(writes: readonly Write[]): Promise<readonly Write[]>;
  /** A barrier: what was written before, by whomever, survives a power cut when the promise resolves. */
  sync(): Promise<void>;

  task(id: string): Promise<Task | undefined>;
  /** Newest first. */
  tasks(filter: TaskFilter): Promise<Task[]>;
  /** The newest task of a conversation, also one that may be forgotten. */
  lastOf(owner: string, conversation: string): Promise<Task | undefined>;
  started(owner: string, agent: string, startKey: string): Promise<Task | undefined>;
  /** Tasks with a mandate that are not terminal. The price must not grow with those that are, or have none. */
  called(): Promise<Called[]>;
  /** Of tasks that are gone or over it means nothing; of two times the later one counts. */
  heard(ids: readonly string[], at: number): Promise<void>;
  load(id: string): Promise<Loaded | undefined>;
  /** In the order of their recording. */
  steps(id: string): Promise<StepRecord[]>;
  questions(id: string): Promise<Question[]>;
  sent(id: string): Promise<Sent[]>;
  artifact(id: string, artifact: string, range: Range): Promise<Kept | undefined>;
  artifacts(id: string): Promise<ArtifactInfo[]>;

  /** The text that came with a task (`Write`). */
  definition(hash: string): Promise<string | undefined>;

  /**
   * In one transaction: the answer is kept if the question is open and the task is not terminal, and the task wants to
   * run. @returns whether it was kept.
   */
  answer(id: string, wireKey: string, answer: Answer): Promise<boolean>;
  /** The open question gets another wire key. @returns whether it was open. */
  rename(id: string, wireKey: string, newWireKey: string, at: number): Promise<boolean>;
  /** Ends a task that is not terminal and takes it from whoever runs it. @returns whether it did. */
  cancel(id: string, by: Answerer, at: number): Promise<boolean>;
  /** @returns undefined where the task is terminal. */
  send(id: string, text: string, by: Answerer, at: number): Promise<Sent | undefined>;
  /** Answers the open timers of the task by `expired`: it wants to run. @returns whether there were any. */
  retry(id: string, by: Answerer, at: number): Promise<boolean>;
  /** Answers up to `most` questions whose time is over by `expired`; their tasks want to run. @returns the tasks. */
  expire(now: number, most: number): Promise<string[]>;

  /**
   * Calls with a tool (`Grant`) and a reference whose step has no record, of tasks that have ended, however they did;
   * those that were made first come first. They go with their tasks. The price must not grow with other calls.
   */
  leftBehind(): Promise<LeftBehind[]>;
  /** It is not left behind any more. */
  letGo(left: LeftBehind): Promise<void>;

  /**
   * Takes tasks that want to run and that nobody runs, as many as there are `places`, by turns among their owners: who
   * has fewest at work here comes first; of one owner, the oldest. The price must not grow with those that wait. Of
   * those of which `suspicious` processes or more died, only one is taken, and only while no other is run: so the one
   * that does the harm is told from the rest. Where `among` is given, of these only.
   */
  claim(
    instance: string,
    places: Places,
    suspicious: number,
    among?: readonly string[],
  ): Promise<{ id: string; fence: number; agent: string; isWoken: boolean }[]>;
  /** The task did its processes no harm. */
  acquit(id: string): Promise<void>;
  /** Which tasks are still this instance's. */
  owned(instance: string): Promise<Set<string>>;

  /** Says that the instance lives. */
  beat(instance: Instance, at: number): Promise<void>;
  /** Instances other than `instance` that run tasks. */
  others(instance: string): Promise<OtherInstance[]>;
  /** The tasks of a dead instance want to run again; those that are to blame end. */
  bury(instance: string, rule: BlameRule, at: number): Promise<void>;
  /** The instance ends in order: its tasks want to run elsewhere. */
  leave(instance: string): Promise<void>;
  /** Since the last call. */
  news(): News;
  /**
   * Drops up to `most` terminal tasks that were to be forgotten at `before` or earlier, with all that is theirs; not
   * what the audit log says of them. @returns how many.
   */
  prune(before: number, most: number): Promise<number>;
  /** Entries of the audit log after `seq`, oldest first, at most `most`. */
  audit(seq: number, most: number): Promise<AuditEntry[]>;
  /** How far the audit log had come when that was last noted outside the database. */
  anchor(): Promise<Anchor | undefined>;
  /**
   * A copy of all that was written before, into a new file that only its owner may read; writes go on meanwhile.
   * @throws UsageError the file is there already, or cannot be written.
   */
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}

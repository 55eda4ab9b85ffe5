/**
 * What the engine needs of a database: small, so that a second one is a file. Semantics are in the engine, not here.
 *
 * A task that is being run belongs to one instance (a process), with a fencing token that every new owner raises. A
 * write of a run names the token and fails when it is not the newest (E3): a process that was paused and taken for
 * dead can no longer write.
 */
import type { EffectClass } from '../task/effect.ts';
import type { TaskFilter } from '../task/engine.ts';
import type { Answer, Intent, Question } from '../task/question.ts';
import type { StepRecord, Task, TerminalState } from '../task/task.ts';

/** A write of a run: `id` names the task, `fence` the right to write to it. */
type OfRun = { id: string; fence: number; at: number };

export type Write =
  /** Owned by `instance` from its beginning, with the fence 1. */
  | { kind: 'task'; task: Task; instance: string; startKey?: string }
  /** What is about to leave: the exact bytes, before they do. */
  | (OfRun & { kind: 'intent'; key: string; bytes: string; effect: EffectClass })
  | (OfRun & { kind: 'reference'; key: string; reference: string })
  /** `value` is JSON text. */
  | (OfRun & { kind: 'step'; key: string; value: string })
  /** The task becomes `input_required`. */
  | (OfRun & { kind: 'question'; question: Question })
  | (OfRun & { kind: 'end'; state: TerminalState })
  /** Nobody runs it any more, until it wants to run again. */
  | (OfRun & { kind: 'park' });

/** All that a run begins with. */
export interface Loaded {
  task: Task;
  fence: number;
  steps: StepRecord[];
  /** By step key; also of steps that are recorded. */
  intents: ReadonlyMap<string, Intent>;
  questions: Question[];
}

/** The fence of a write is not the newest: another process owns the task, or it has ended. */
export class FencedError extends Error {}

export interface Store {
  /** All of `writes` or none, in their order; they survive this process when the promise resolves. */
  write(writes: readonly Write[]): Promise<void>;
  /** A barrier: what was written before survives a power cut when the promise resolves. */
  sync(): Promise<void>;

  task(id: string): Promise<Task | undefined>;
  /** Newest first. */
  tasks(filter: TaskFilter): Promise<Task[]>;
  started(owner: string, agent: string, startKey: string): Promise<Task | undefined>;
  load(id: string): Promise<Loaded | undefined>;
  /** In the order of their recording. */
  steps(id: string): Promise<StepRecord[]>;

  /**
   * In one transaction: the answer is kept if the question is open and the task is not terminal, and the task wants to
   * run. @returns whether it was kept.
   */
  answer(id: string, wireKey: string, answer: Answer): Promise<boolean>;
  /** The open question gets another wire key. @returns whether it was open. */
  rename(id: string, wireKey: string, newWireKey: string, at: number): Promise<boolean>;
  /** Ends a task that is not terminal and takes it from whoever runs it. @returns whether it did. */
  cancel(id: string, at: number): Promise<boolean>;

  /** Takes up to `most` tasks that want to run and that nobody runs; where `among` is given, of these only. */
  claim(instance: string, most: number, among?: readonly string[]): Promise<{ id: string; fence: number }[]>;
  /** Which of these are still this instance's. */
  owned(instance: string): Promise<Set<string>>;

  /** Says that the instance lives. */
  beat(instance: string, at: number): Promise<void>;
  /** Instances other than `instance` that run tasks and were not heard of since `before`, or whose process is gone. */
  dead(instance: string, before: number): Promise<string[]>;
  /** The tasks of a dead instance want to run again; those that it died of `most` times without a record between end. */
  bury(instance: string, most: number, at: number): Promise<void>;
  /** The instance ends in order. */
  leave(instance: string): Promise<void>;
  /** Whether another process has written since the last call. */
  hasNews(): boolean;
  /** Forgets terminal tasks whose time is over. @returns how many. */
  prune(now: number): Promise<number>;
  close(): Promise<void>;
}

/** What the engine needs of a database: small, so that a second one is a file. Semantics are in the engine, not here. */
import type { StepRecord, Task, TaskState } from '../task/task.ts';
import type { TaskFilter } from '../task/engine.ts';

export type Write =
  | { kind: 'task'; task: Task }
  /** Changes nothing where the task is terminal already (T2). */
  | { kind: 'state'; id: string; state: TaskState; at: number }
  /** What is about to leave: the exact bytes, before they do. */
  | { kind: 'intent'; id: string; key: string; bytes: string; at: number }
  /** `value` is JSON text. */
  | { kind: 'step'; id: string; key: string; value: string; at: number };

export interface Store {
  /** All of `writes` or none, in their order; stored when the promise resolves. */
  write(writes: readonly Write[]): Promise<void>;
  task(id: string): Promise<Task | undefined>;
  /** Newest first. */
  tasks(filter: TaskFilter): Promise<Task[]>;
  /** In the order of their recording. */
  steps(id: string): Promise<StepRecord[]>;
  close(): Promise<void>;
}

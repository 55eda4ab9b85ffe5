/**
 * The loop's side of a running task.
 *
 * Invariants:
 *   E1. No result without its record: a step's value is stored before the loop sees it, an intent before it may leave.
 *   After the task was cancelled no effect begins: every verb rejects with the signal's reason.
 */
import type { TaskContext } from '../task/engine.ts';
import type { ProgressEvent } from '../task/event.ts';
import type { GroupedWrite } from './group-writes.ts';

export interface Journal {
  readonly id: string;
  readonly signal: AbortSignal;
  readonly wantDeltas: boolean;
  write: GroupedWrite;
  tell(event: ProgressEvent & { path: string; at: number }): void;
}

export function taskContext(journal: Journal, path: string, startedAt: number): TaskContext {
  const { id, signal } = journal;
  const keyOf = (name: string): string => (path === '' ? name : `${path}/${name}`);
  let now = startedAt;

  return {
    path,
    signal,
    get now() {
      return now;
    },
    get hasListeners() {
      return journal.wantDeltas;
    },
    async step(name, effect) {
      signal.throwIfAborted();
      const key = keyOf(name);
      const value = await effect(signal, async (bytes) => {
        signal.throwIfAborted();
        await journal.write({ kind: 'intent', id, key, bytes, at: Date.now() });
        signal.throwIfAborted();
      });
      const at = Date.now();
      await journal.write({ kind: 'step', id, key, value: JSON.stringify(value ?? null), at });
      signal.throwIfAborted();
      now = Math.max(now, at);
      return value;
    },
    async branch(key, body) {
      signal.throwIfAborted();
      const branch = taskContext(journal, keyOf(key), now);
      const value = await body(branch);
      now = Math.max(now, branch.now);
      return value;
    },
    emit: (event) => journal.tell({ ...event, path, at: Date.now() }),
  };
}

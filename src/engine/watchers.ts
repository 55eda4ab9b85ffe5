/**
 * Those who watch tasks, whether these run here, elsewhere or not at all. Each has a queue of its own, bounded, so that
 * a slow one delays nobody. A task that nobody watches takes no place.
 */
import type { WatchOptions } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task } from '../task/task.ts';

/** Events that one watcher may be behind before it loses progress. A status is never lost. */
const maxBehind = 10_000;

interface Watcher {
  deltas: boolean;
  queue: TaskEvent[];
  wake: () => void;
}

export class Watchers {
  readonly #byTask = new Map<string, Set<Watcher>>();
  #ended = false;

  wantDeltas(id: string): boolean {
    for (const watcher of this.#byTask.get(id) ?? []) if (watcher.deltas) return true;
    return false;
  }

  ids(): string[] {
    return [...this.#byTask.keys()];
  }

  tell(id: string, event: TaskEvent): void {
    const isDelta = event.type === 'text_delta' || event.type === 'thinking_delta';
    for (const watcher of this.#byTask.get(id) ?? []) {
      if (isDelta && !watcher.deltas) continue;
      if (event.type !== 'status' && watcher.queue.length >= maxBehind) continue;
      watcher.queue.push(event);
      watcher.wake();
    }
  }

  /** No more will be told: those who wait for more get what they have not read yet, then their end. */
  end(): void {
    this.#ended = true;
    for (const watchers of this.#byTask.values()) for (const watcher of watchers) watcher.wake();
  }

  /**
   * The task as `read` finds it, then what is told from this call on, up to and including a terminal status. The same
   * state is not told twice. Ends when aborted.
   */
  async *watch(
    id: string,
    read: () => Task | Promise<Task>,
    { signal, deltas = false }: WatchOptions,
  ): AsyncGenerator<TaskEvent> {
    // It listens before it reads: nothing that happens in between is missed.
    const watcher: Watcher = { deltas, queue: [], wake: () => {} };
    const others = this.#byTask.get(id) ?? new Set();
    this.#byTask.set(id, others.add(watcher));
    const onAbort = (): void => watcher.wake();
    signal?.addEventListener('abort', onAbort);
    let told: Task | undefined;
    try {
      const now = read();
      const task = now instanceof Promise ? await now : now;
      for (let event: TaskEvent | undefined = { type: 'status', task }; ; event = watcher.queue.shift()) {
        if (signal?.aborted === true) return;
        if (event === undefined && this.#ended) return;
        if (event === undefined) {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
          continue;
        }
        if (event.type === 'status' && told !== undefined && isNoNews(event.task, told)) continue;
        if (event.type === 'status') told = event.task;
        yield event;
        if (event.type === 'status' && isTerminal(event.task)) return;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      others.delete(watcher);
      if (others.size === 0) this.#byTask.delete(id);
    }
  }
}

/** The same state, or an older one: what was read first may be newer than what was told meanwhile. An end is news. */
const isNoNews = (task: Task, told: Task): boolean =>
  !isTerminal(task) && (task.updatedAt < told.updatedAt || isSameState(task, told));

export const isSameState = (a: Task, b: Task): boolean =>
  a.status === b.status &&
  a.statusMessage === b.statusMessage &&
  (a.status !== 'input_required' || b.status !== 'input_required' || openKeys(a) === openKeys(b));

const openKeys = ({ inputRequests }: Task & { status: 'input_required' }): string => Object.keys(inputRequests).join();

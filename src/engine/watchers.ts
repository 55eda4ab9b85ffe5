/** Those who watch one task: each has a queue of its own, bounded, so that a slow one delays nobody. */
import type { WatchOptions } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal } from '../task/task.ts';

/** Events that one watcher may be behind before it loses progress. A status is never lost. */
const maxBehind = 10_000;

interface Watcher {
  deltas: boolean;
  queue: TaskEvent[];
  wake: () => void;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  #ended = false;

  get isEmpty(): boolean {
    return this.#watchers.size === 0;
  }

  get wantDeltas(): boolean {
    for (const watcher of this.#watchers) if (watcher.deltas) return true;
    return false;
  }

  tell(event: TaskEvent): void {
    const isDelta = event.type === 'text_delta' || event.type === 'thinking_delta';
    for (const watcher of this.#watchers) {
      if (isDelta && !watcher.deltas) continue;
      if (event.type !== 'status' && watcher.queue.length >= maxBehind) continue;
      watcher.queue.push(event);
      watcher.wake();
    }
  }

  /** No more will be told: those who wait for more get what they have not read yet, then their end. */
  end(): void {
    this.#ended = true;
    for (const watcher of this.#watchers) watcher.wake();
  }

  /** `now` first, then what is told from this call on, up to and including a terminal status. Ends when aborted. */
  async *watch(now: TaskEvent, { signal, deltas = false }: WatchOptions): AsyncGenerator<TaskEvent> {
    const watcher: Watcher = { deltas, queue: [now], wake: () => {} };
    this.#watchers.add(watcher);
    const onAbort = (): void => watcher.wake();
    signal?.addEventListener('abort', onAbort);
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        const event = watcher.queue.shift();
        if (event !== undefined) {
          yield event;
          if (event.type === 'status' && isTerminal(event.task)) return;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#watchers.delete(watcher);
    }
  }
}

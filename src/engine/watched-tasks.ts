/** Who watches which task, whether it runs here, elsewhere or not at all. A task that nobody watches takes no place. */
import type { WatchOptions } from '../task/engine.ts';
import type { TaskEvent } from '../task/event.ts';
import type { Task } from '../task/task.ts';
import { Watchers } from './watchers.ts';

export class WatchedTasks {
  readonly #tasks = new Map<string, { watchers: Watchers; toldAt: number }>();

  of(id: string): Watchers {
    let entry = this.#tasks.get(id);
    if (entry === undefined) this.#tasks.set(id, (entry = { watchers: new Watchers(), toldAt: 0 }));
    return entry.watchers;
  }

  tell(id: string, event: TaskEvent): void {
    const entry = this.#tasks.get(id);
    if (entry === undefined) return;
    if (event.type === 'status') entry.toldAt = event.task.updatedAt;
    entry.watchers.tell(event);
  }

  /** Whether those who watch have not heard of this state. */
  isNews(task: Task): boolean {
    return task.updatedAt > (this.#tasks.get(task.id)?.toldAt ?? 0);
  }

  ids(): string[] {
    return [...this.#tasks.keys()];
  }

  async *watch(task: Task, options: WatchOptions): AsyncGenerator<TaskEvent> {
    const watchers = this.of(task.id);
    try {
      yield* watchers.watch({ type: 'status', task }, options);
    } finally {
      this.release(task.id);
    }
  }

  /** Its run is over, or a watcher has gone. */
  release(id: string): void {
    if (this.#tasks.get(id)?.watchers.isEmpty === true) this.#tasks.delete(id);
  }

  end(): void {
    for (const { watchers } of this.#tasks.values()) watchers.end();
  }
}

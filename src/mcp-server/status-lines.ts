import type { TaskEvent } from '../task/event.ts';
import type { Task } from '../task/task.ts';
import { describeEvent } from './describe-event.ts';

/** What each task that is at work in this process does at the moment, in one line for those who poll. */
export class StatusLines {
  readonly #lines = new Map<string, string>();

  /** To be given every event of the engine. */
  observe(event: TaskEvent, task: Task): void {
    if (event.type === 'status') {
      // What it waits for is in the task itself; what it did before is over.
      this.#lines.delete(task.id);
      return;
    }
    const line = describeEvent(event);
    if (line !== undefined) this.#lines.set(task.id, line);
  }

  of(task: Task): string | undefined {
    return task.status === 'working' ? this.#lines.get(task.id) : undefined;
  }
}

/**
 * Whether the callers of tasks that agents of other Deputies started are still there. A task whose caller is gone for good
 * is cancelled: nobody would hear its answer, and it would go on working, asking and spending.
 *
 *   - A caller is heard of when it starts its task (again), and by everything that it asks about it; while it waits for it
 *     or listens, all the time.
 *   - All processes of a store hear for each other: each writes down what it has heard before it judges.
 *   - While this process was not there nobody could be heard: silence counts from its beginning at the earliest.
 */
import { durationText } from '../agent/duration-text.ts';
import type { Log } from '../log.ts';
import type { Called, TaskEngine, TaskKeeper } from '../task/engine.ts';
import type { Via } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import type { ServeOptions } from './options.ts';

export interface Callers {
  /** For the doors: what comes through it is heard. */
  readonly engine: ServeOptions['engine'];
  /** Cancels the tasks whose callers were silent for too long. @returns how many. */
  sweep(): Promise<number>;
  close(): void;
}

export interface CallersOptions {
  engine: TaskEngine & Pick<TaskKeeper, 'record' | 'artifact' | 'artifacts' | 'called' | 'heard'>;
  log: Log;
  /** Milliseconds. Default one day. */
  abandonAfterMs?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

const dayMs = 24 * 3_600_000;
const via: Via = { channel: 'abandoned' };

/** Sweeps by itself until it is closed. One for all doors of a process. */
export function watchCallers({ engine, log, abandonAfterMs = dayMs, now = Date.now }: CallersOptions): Callers {
  const begun = now();
  /** Since the last sweep. */
  const heard = new Set<string>();
  /** How many wait or listen, by task. */
  const attending = new Map<string, number>();

  const hear = (task: Task): Task => {
    if (task.mandate !== undefined) heard.add(task.id);
    return task;
  };
  const attend = (id: string, change: 1 | -1): void => {
    const many = (attending.get(id) ?? 0) + change;
    if (many > 0) attending.set(id, many);
    else attending.delete(id);
    heard.add(id);
  };
  async function* watch(...args: Parameters<TaskEngine['watch']>): ReturnType<typeof engine.watch> {
    let isCalled = false;
    try {
      for await (const event of engine.watch(...args)) {
        if (!isCalled && event.type === 'status' && event.task.mandate !== undefined) {
          isCalled = true;
          attend(args[0], 1);
        }
        yield event;
      }
    } finally {
      if (isCalled) attend(args[0], -1);
    }
  }

  const sweep = async (): Promise<number> => {
    const at = now();
    const told = [...new Set([...heard, ...attending.keys()])];
    if (told.length > 0) await engine.heard(told, at);
    for (const id of told) heard.delete(id);
    const isSilent = (heardAt = begun): boolean => Math.max(heardAt, begun) <= at - abandonAfterMs;
    const silent = (await engine.called()).filter(({ id, heardAt }) => isSilent(heardAt) && !heard.has(id));
    const cancel = async ({ id, owner }: Called): Promise<void> => {
      const silence = durationText(abandonAfterMs);
      log.warn({ task: id }, `cancelled: the Deputy that called was not heard of for ${silence}`);
      await engine.cancel(id, owner, via);
    };
    const cancelled = await Promise.allSettled(silent.map(cancel));
    const failed = cancelled.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return silent.length;
  };

  const timer = setInterval(
    () => {
      sweep().catch((error: unknown) => log.error({ err: error }, 'abandoned tasks could not be cancelled'));
    },
    Math.min(Math.max(abandonAfterMs / 10, 1000), 10 * 60_000),
  ).unref();

  return {
    engine: {
      start: async (request) => hear(await engine.start(request)),
      get: async (...args) => hear(await engine.get(...args)),
      respond: async (...args) => hear(await engine.respond(...args)),
      send: async (...args) => hear(await engine.send(...args)),
      retry: async (...args) => hear(await engine.retry(...args)),
      cancel: async (...args) => hear(await engine.cancel(...args)),
      async record(...args) {
        const record = await engine.record(...args);
        hear(record.task);
        return record;
      },
      watch,
      list: (filter) => engine.list(filter),
      journal: (...args) => engine.journal(...args),
      artifact: (...args) => engine.artifact(...args),
      artifacts: (...args) => engine.artifacts(...args),
      close: (graceMs) => engine.close(graceMs),
    },
    sweep,
    close: () => clearInterval(timer),
  };
}

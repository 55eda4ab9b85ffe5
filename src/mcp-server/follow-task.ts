/**
 * Waits for a task on behalf of a call whose caller waits for the answer to it.
 *
 *   - A caller that cancels (each era in its own way; the SDK makes one signal of them) cancels the task, unless another
 *     call of its waits for the same task.
 *   - A door that goes away does not, nor does an engine that closes: the task stays in the store, and the caller gets what
 *     finds it again.
 */
import { isTerminal, type Task } from '../task/task.ts';
import type { Waiting } from './call.ts';
import { openQuestions } from './task-wire.ts';
import { viaMcp } from './via.ts';

/** Below the 60 s after which most hosts give up. */
export const defaultWaitMs = 45_000;

export interface FollowOptions {
  /** Milliseconds; null for as long as it takes. */
  forMs: number | null;
  /** Seen with every state of the task, the present one first: true ends the waiting. */
  enough?: (task: Task) => boolean;
  /** Ends the waiting. */
  until?: AbortSignal;
  /** A caller that cancels leaves the task as it is. */
  leaves?: boolean;
}

/** The task as it is when it is over, when it is `enough`, when the time is up, or when door or engine go away. */
export async function followTask(call: Waiting, task: Task, given: FollowOptions): Promise<Task> {
  const { forMs, enough, until, leaves = false } = given;
  const { options, caller, client, context } = call;
  const { engine, log } = options;
  const { owner, calls } = caller;
  const { signal } = context.mcpReq;
  const leave = leaves ? (): number => 1 : calls.attach(task.id);
  const cancel = (): void => {
    if (calls.cut.aborted || leave() > 0) return;
    engine.cancel(task.id, owner, viaMcp('notifications/cancelled', client)).catch((error: unknown) => {
      log.error({ task: task.id, err: error }, 'a cancelled call could not cancel its task');
    });
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });

  const timeUp = new AbortController();
  const timer = forMs === null ? undefined : setTimeout(() => timeUp.abort(), forMs);
  let current = task;
  try {
    const over = AbortSignal.any([calls.cut, timeUp.signal, ...(until === undefined ? [] : [until])]);
    for await (const event of engine.watch(task.id, owner, { signal: over })) {
      if (event.type !== 'status') {
        if (!signal.aborted) call.tell(event);
        continue;
      }
      current = event.task;
      if (isTerminal(current) || enough?.(current) === true) return current;
    }
    return current;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    leave();
  }
}

/** Questions of several branches are told together when they come within this time. */
const gatherMs = 50;

/** A task that asks, with what else it asks at the same time. */
export const gathered = (call: Waiting, task: Task, leaves = false): Promise<Task> =>
  followTask(call, task, { forMs: gatherMs, leaves });

/** For callers that are asked nothing while they wait. */
export const isAsking = (task: Task): boolean => task.status === 'input_required';

/** For callers who know what was asked until now, and come back to hear of something new. */
export function asksMoreThan(task: Task): (now: Task) => boolean {
  const known = new Set(openQuestions(task).map(([key]) => key));
  return (now) => openQuestions(now).some(([key]) => !known.has(key));
}

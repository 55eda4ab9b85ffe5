/** When a task of another server is looked at again. */
import type { RemoteTask } from './remote-task.ts';
import type { Timings } from './options.ts';

export interface PollPace {
  /**
   * Milliseconds from a look that found `task` until the next one.
   * @param isTold its server tells by itself: it is asked less often, lest its news get lost.
   */
  after(task: Partial<RemoteTask>, isTold: boolean): number;
  /** The same from a look that brought nothing of use: not so late that one fault would use up all patience. */
  afterSilence(task: Partial<RemoteTask>): number;
}

/** @param isPatient a task that waits for people, and a server that does not answer, are asked less and less often. */
export function pollPace({ pollLeast, pollMost, pollTold, poll }: Timings, isPatient: boolean): PollPace {
  let before: string | undefined;
  let doublings = 0;
  const wished = ({ pollMs = poll }: Partial<RemoteTask>): number => Math.min(Math.max(pollMs, pollLeast), pollMost);
  /** Slower each time that nothing is new. */
  const slower = (ms: number, state: string): number => {
    doublings = state === before ? Math.min(doublings + 1, 30) : 0;
    before = state;
    return isPatient ? Math.max(ms, Math.min(ms * 2 ** doublings, pollTold)) : ms;
  };
  return {
    after(task, isTold) {
      const ms = isTold ? Math.max(wished(task), pollTold) : wished(task);
      const { status, message, asked = {} } = task;
      if (status === 'input_required') return slower(ms, JSON.stringify([message, Object.keys(asked)]));
      before = undefined;
      return ms;
    },
    afterSilence: (task) => slower(Math.min(wished(task), pollTold), 'silence'),
  };
}

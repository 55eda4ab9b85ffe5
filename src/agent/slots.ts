/** How many effects of one turn may run side by side. */
import PQueue from 'p-queue';

export interface Slots {
  /** Runs an effect when there is room for it. */
  run<T>(effect: () => Promise<T>): Promise<T>;
  /** Gives the slot of a running effect to others while it waits for a person (C2). */
  lend<T>(wait: () => Promise<T>): Promise<T>;
}

/** @param calls of which the turn consists; those that all fit side by side need no queue. */
export function slotsFor(parallel: number, calls: number): Slots {
  if (calls <= parallel) return { run: (effect) => effect(), lend: (wait) => wait() };
  const queue = new PQueue({ concurrency: parallel });
  return {
    run: (effect) => queue.add(effect),
    async lend(wait) {
      queue.concurrency += 1;
      try {
        return await wait();
      } finally {
        queue.concurrency -= 1;
      }
    },
  };
}

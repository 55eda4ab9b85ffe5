/**
 * Slots that owners share by turns: whoever waits with one call waits for at most one call of each other owner, however
 * many those have waiting.
 *
 * Invariants:
 *   1. Owners take turns in the order in which they began to wait; within one owner, first come is first served.
 *   2. Every step takes the same time, however many wait.
 *   3. Who asks `refusal` before `run` keeps what waits bounded, in all and for each owner.
 */
import PQueue, { type QueueAddOptions } from 'p-queue';

type Run = () => Promise<unknown>;

export interface FairOptions extends QueueAddOptions {
  owner?: string;
}

/** For `queueClass` of p-queue, which gives each call an id. Priorities are not known here. */
class FairQueue {
  /** Those who wait, the next owner first, each with its calls by id. None is empty. */
  readonly #waiting = new Map<string, Map<string, Run>>();
  readonly #owners = new Map<string, string>();

  get size(): number {
    return this.#owners.size;
  }

  enqueue(run: Run, { owner = '', id = '' }: Partial<FairOptions> = {}): void {
    this.#owners.set(id, owner);
    const own = this.#waiting.get(owner);
    if (own === undefined) this.#waiting.set(owner, new Map([[id, run]]));
    else own.set(id, run);
  }

  dequeue(): Run | undefined {
    for (const [owner, own] of this.#waiting) {
      for (const [id, run] of own) {
        this.remove(id);
        // To the end of the row.
        if (this.#waiting.delete(owner)) this.#waiting.set(owner, own);
        return run;
      }
    }
    return undefined;
  }

  remove(id: string): void {
    const owner = this.#owners.get(id);
    const own = owner === undefined ? undefined : this.#waiting.get(owner);
    if (owner === undefined || own === undefined) return;
    this.#owners.delete(id);
    own.delete(id);
    if (own.size === 0) this.#waiting.delete(owner);
  }

  filter({ owner = '' }: Readonly<Partial<FairOptions>>): Run[] {
    return [...(this.#waiting.get(owner)?.values() ?? [])];
  }

  setPriority(): void {}
}

export interface FairSlotsOptions {
  /** Slots. */
  concurrency: number;
  /** How many may wait in all. */
  waiting: number;
  /** How many of one owner may wait. */
  waitingOfOne: number;
}

export interface FairSlots {
  /** Why one more may not even wait, as a clause for people; undefined where it may. */
  refusal(owner: string): string | undefined;
  /**
   * Runs `effect` when it is the owner's turn. The signal ends the wait; what has begun keeps its slot until it ends.
   * @throws what `effect` throws; the signal's reason.
   */
  run<T>(owner: string, effect: () => Promise<T>, signal: AbortSignal): Promise<T>;
  readonly waiting: number;
  readonly running: number;
}

export function fairSlots({ concurrency, waiting, waitingOfOne }: FairSlotsOptions): FairSlots {
  const slots = new PQueue<FairQueue, FairOptions>({ concurrency, queueClass: FairQueue });
  const waitingBy = new Map<string, number>();
  const count = (owner: string, change: 1 | -1): void => {
    const now = (waitingBy.get(owner) ?? 0) + change;
    if (now > 0) waitingBy.set(owner, now);
    else waitingBy.delete(owner);
  };
  return {
    refusal(owner) {
      const own = waitingBy.get(owner) ?? 0;
      if (own >= waitingOfOne) return `${own} calls of the same owner wait already`;
      return slots.size >= waiting ? `${slots.size} calls wait already` : undefined;
    },
    async run(owner, effect, signal) {
      signal.throwIfAborted();
      // p-queue would also give back the slot of what runs on.
      const wait = new AbortController();
      const giveUp = (): void => wait.abort(signal.reason);
      let isWaiting = true;
      const endWait = (): void => {
        signal.removeEventListener('abort', giveUp);
        if (isWaiting) count(owner, -1);
        isWaiting = false;
      };
      signal.addEventListener('abort', giveUp, { once: true });
      count(owner, 1);
      try {
        return await slots.add(
          () => {
            endWait();
            return effect();
          },
          { owner, signal: wait.signal },
        );
      } finally {
        endWait();
      }
    },
    get waiting() {
      return slots.size;
    },
    get running() {
      return slots.pending;
    },
  };
}

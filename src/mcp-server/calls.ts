import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';

/** Why a call cannot be taken now. */
export interface Refusal {
  message: string;
  /** As HTTP has it: 429 is about the owner, 503 about this server. */
  status: 429 | 503;
  retryAfterSeconds: number;
}

/**
 * The calls at work behind one door. A call is counted from before its task starts until nothing will be sent for it.
 *
 * Nobody takes the last tenth of what is free: however many calls some owners have here, a newcomer's is taken.
 *
 * Once `cut` has fired, the door itself goes away: calls end with the handles of their tasks, which are left to the engine.
 */
export class Calls {
  readonly #max: number;
  readonly #cut = new AbortController();
  #active = 0;
  #draining = false;
  #whenIdle: (() => void) | undefined;
  readonly #attached = new Map<string, number>();
  readonly #byOwner = new Map<string, number>();

  constructor(max = 1000) {
    this.#max = max;
    setMaxListeners(0, this.#cut.signal);
  }

  get active(): number {
    return this.#active;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Why a new call of this owner cannot be taken now; undefined when it can. */
  refusal(owner: string): Refusal | undefined {
    if (this.#draining) {
      return { message: 'This server is shutting down: try again in a moment.', status: 503, retryAfterSeconds: 5 };
    }
    const free = this.#max - this.#active;
    if (free <= 0) {
      const message = `This server is busy with ${this.#active} calls: try again in a moment.`;
      return { message, status: 503, retryAfterSeconds: 1 };
    }
    const own = this.#byOwner.get(owner) ?? 0;
    if (own < 9 * free) return undefined;
    return { message: `You have ${own} calls at work here: try again in a moment.`, status: 429, retryAfterSeconds: 1 };
  }

  /** @throws UnavailableError shutting down, or too many calls at work. */
  async run<T>(owner: string, call: () => Promise<T>): Promise<T> {
    const refusal = this.refusal(owner);
    if (refusal !== undefined) throw new UnavailableError(refusal.message);
    this.#count(owner, 1);
    try {
      return await call();
    } finally {
      this.#count(owner, -1);
      if (this.#active === 0) this.#whenIdle?.();
    }
  }

  #count(owner: string, change: 1 | -1): void {
    this.#active += change;
    const own = (this.#byOwner.get(owner) ?? 0) + change;
    if (own === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, own);
  }

  /** A call waits for this task. @returns how it leaves; that says how many calls still wait for it. */
  attach(task: string): () => number {
    this.#attached.set(task, (this.#attached.get(task) ?? 0) + 1);
    let isAttached = true;
    return () => {
      const left = (this.#attached.get(task) ?? 0) - (isAttached ? 1 : 0);
      isAttached = false;
      if (left > 0) this.#attached.set(task, left);
      else this.#attached.delete(task);
      return left;
    };
  }

  /** Takes no new calls; then waits for those at work, but at most `graceMs`, and for the last answer to be handed over. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#whenIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await nextTurn();
  }

  /** The door goes away. */
  cutOff(): void {
    this.#draining = true;
    this.#cut.abort();
  }
}

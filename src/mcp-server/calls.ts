import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';

/**
 * The calls at work behind one door. A call is counted from before its task starts until nothing will be sent for it.
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

  /** Why a new call cannot be taken now; undefined when it can. */
  get refusal(): string | undefined {
    if (this.#draining) return 'This server is shutting down: try again in a moment.';
    if (this.#active >= this.#max) return `This server is busy with ${this.#active} calls: try again in a moment.`;
    return undefined;
  }

  /** @throws UnavailableError shutting down, or too many calls at work. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const { refusal } = this;
    if (refusal !== undefined) throw new UnavailableError(refusal);
    this.#active += 1;
    try {
      return await call();
    } finally {
      this.#active -= 1;
      if (this.#active === 0) this.#whenIdle?.();
    }
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

/**
 * How many tasks are at work here, and which may join them. What an answer woke (or an expiry, or a retry) was at work
 * before and has places of its own, as many again: so no answer waits behind a thousand tasks that hang, and ten
 * thousand answers at once do not fill the memory. What finds no place is a row that waits to be claimed.
 */
import type { Places } from './store.ts';

export interface PlaceOptions {
  /** Tasks at work here at a time, and as many again that an answer woke. */
  most: number;
  /** At most so many of these agents, woken ones included. */
  mostOf?: (() => ReadonlyMap<string, number>) | undefined;
}

/** Held by one task while it is at work. */
export interface Place {
  /** Also twice. */
  free(): void;
}

export class WorkPlaces {
  readonly #options: PlaceOptions;
  readonly #ofAgent = new Map<string, number>();
  #fresh = 0;
  #woken = 0;
  /** Starts that found no place; a claim that began before the last of them does not know of it. */
  #queued = 0;
  /** Others wait for a place, or for one of their agent: who comes now waits behind them. */
  #someWait = false;
  readonly #agentsThatWait = new Set<string>();

  constructor(options: PlaceOptions) {
    this.#options = options;
  }

  /** A place for a new task, unless there is none or others wait for it. */
  admit(agent: string): Place | undefined {
    const isFull = this.#fresh >= this.#options.most;
    const isAgentFull = this.#atWork(agent) >= (this.#options.mostOf?.().get(agent) ?? Infinity);
    if (!isFull && !isAgentFull && !this.#someWait && !this.#agentsThatWait.has(agent)) return this.take(agent, false);
    this.#queued += 1;
    if (isAgentFull) this.#agentsThatWait.add(agent);
    if (isFull) this.#someWait = true;
    return undefined;
  }

  take(agent: string, isWoken: boolean): Place {
    const add = (count: 1 | -1): void => {
      if (isWoken) this.#woken += count;
      else this.#fresh += count;
      this.#ofAgent.set(agent, this.#atWork(agent) + count);
      if (this.#atWork(agent) === 0) this.#ofAgent.delete(agent);
    };
    add(1);
    let isFree = false;
    return {
      free() {
        if (!isFree) add(-1);
        isFree = true;
      },
    };
  }

  /** What may be claimed; undefined for nothing. */
  free(): Places | undefined {
    const { most, mostOf } = this.#options;
    const fresh = Math.max(0, most - this.#fresh);
    const woken = Math.max(0, most - this.#woken);
    if (fresh === 0 && woken === 0) return undefined;
    const bounds = [...(mostOf?.() ?? [])];
    const ofAgent = new Map(bounds.map(([agent, bound]) => [agent, Math.max(0, bound - this.#atWork(agent))]));
    return { fresh, woken, ...(ofAgent.size > 0 && { ofAgent }) };
  }

  /** To be called before a claim. @returns what learns which were claimed, and so who waits still. */
  claiming(asked: Places): (claimed: readonly { agent: string; isWoken: boolean }[]) => void {
    const queued = this.#queued;
    return (claimed) => {
      if (queued !== this.#queued || asked.fresh === 0) return;
      this.#someWait = claimed.filter(({ isWoken }) => !isWoken).length === asked.fresh;
      if (this.#someWait) return;
      for (const agent of this.#agentsThatWait) {
        const left = asked.ofAgent?.get(agent) ?? Infinity;
        if (claimed.filter((task) => task.agent === agent).length < left) this.#agentsThatWait.delete(agent);
      }
    };
  }

  #atWork(agent: string): number {
    return this.#ofAgent.get(agent) ?? 0;
  }
}

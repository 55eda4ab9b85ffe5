import { type FairSlots, fairSlots } from '../fair-slots.ts';
import type { ModelOptions } from './model-options.ts';

/** The slots of a model, the same for all that name it; undefined where it has no bound. */
export type ModelSlots = (options: ModelOptions) => FairSlots | undefined;

/** Requests that may wait for one model: in all, and of one owner. */
const waiting = 10_000;
const waitingOfOne = 1_000;

export function modelSlots(): ModelSlots {
  const all = new Map<string, FairSlots>();
  return ({ provider, model, baseUrl, concurrency }) => {
    if (concurrency === undefined) return undefined;
    const key = [provider, model, baseUrl ?? ''].join('\n');
    const slots = all.get(key) ?? fairSlots({ concurrency, waiting, waitingOfOne });
    all.set(key, slots);
    return slots;
  };
}

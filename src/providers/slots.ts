/** Bounds the requests of one model that are made at once, by turns among owners; waits between tries hold no slot. */
import { ModelError, type Model } from '../agent/model.ts';
import { type FairSlots, fairSlots } from '../fair-slots.ts';
import type { ModelOptions } from './model-options.ts';
import { over } from './retries.ts';

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

export function withSlots(model: Model, slots: FairSlots): Model {
  return over(model, async (request) => {
    const owner = request.owner ?? '';
    const refusal = slots.refusal(owner);
    if (refusal !== undefined) throw new ModelError('unavailable', `${model.id} was not asked: ${refusal}`);
    return slots.run(owner, () => model.generate(request), request.signal);
  });
}

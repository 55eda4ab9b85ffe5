/** Bounds the requests of one model that are made at once, by turns among owners; waits between tries hold no slot. */
import { ModelError, type Model } from '../agent/model.ts';
import type { FairSlots } from '../fair-slots.ts';
import { over } from './retries.ts';

export function withSlots(model: Model, slots: FairSlots): Model {
  return over(model, async (request) => {
    const owner = request.owner ?? '';
    const refusal = slots.refusal(owner);
    if (refusal !== undefined) throw new ModelError('unavailable', `${model.id} was not asked: ${refusal}`);
    return slots.run(owner, () => model.generate(request), request.signal);
  });
}

/**
 * Asks the next model where this one cannot answer: unavailable after its retries, no key, unknown name.
 * A prompt too long or a wrong request would only cost the next model's money: they are thrown as they are.
 */
import { ModelError, type Model, type ModelReply, type ModelRequest } from '../agent/model.ts';
import type { Usage } from '../task/usage.ts';
import { addLost, failureWith, replyWith } from './lost-usage.ts';
import { beginsAgain, over } from './retries.ts';

/** The endpoint does not know the model's name; an error of its own because another model may know better. */
export class UnknownModelError extends ModelError {
  constructor(message: string, options?: ErrorOptions) {
    super('rejected', message, options);
  }
}

export function withFallback(model: Model, others: readonly Model[]): Model {
  if (others.length === 0) return model;

  async function generate(request: ModelRequest): Promise<ModelReply> {
    const failures: ModelError[] = [];
    let told = false;
    const { onDelta } = request;
    const noting: ModelRequest =
      onDelta === undefined ? request : { ...request, onDelta: (delta) => ((told = true), onDelta(delta)) };
    for (const candidate of [model, ...others]) {
      try {
        if (told) onDelta?.(beginsAgain);
        told = false;
        return replyWith(await candidate.generate(noting), lostIn(failures));
      } catch (error) {
        if (!canAnotherAnswer(error)) {
          if (!(error instanceof ModelError)) throw error;
          throw failureWith(error, addLost(lostIn(failures), error.usage));
        }
        failures.push(error);
      }
    }
    throw allFailed(failures);
  }
  return over(model, generate);
}

const canAnotherAnswer = (error: unknown): error is ModelError =>
  error instanceof UnknownModelError ||
  (error instanceof ModelError && (error.kind === 'unavailable' || error.kind === 'auth'));

/** Worth another try later if any of them is. */
function allFailed(failures: ModelError[]): ModelError {
  const kind = failures.find((error) => error.kind === 'unavailable')?.kind ?? failures[0]?.kind ?? 'unavailable';
  const message = `no model could answer:\n${failures.map((error) => `- ${error.message}`).join('\n')}`;
  return failureWith(new ModelError(kind, message, { cause: failures[0] }), lostIn(failures));
}

const lostIn = (failures: readonly ModelError[]): Usage | undefined =>
  failures.reduce<Usage | undefined>((lost, { usage }) => addLost(lost, usage), undefined);

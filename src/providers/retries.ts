/**
 * Tries again what may work later. Only `unavailable` is tried again; full jitter, so that many tasks that lost the
 * same endpoint do not come back at the same moment.
 *
 * Deltas of a failed attempt were already seen and are not taken back: a note is sent, then the next attempt's text
 * from its beginning. Deltas are for watchers only; the reply is the answer.
 */
import { ModelError, type Model, type ModelDelta, type ModelReply, type ModelRequest } from '../agent/model.ts';
import type { Usage } from '../task/usage.ts';
import { addLost, failureWith, replyWith } from './lost-usage.ts';

export interface RetryOptions {
  /** Attempts in all. Default 4. */
  tries?: number;
  /** Milliseconds; the bound of the first wait, doubled every time. Default 500. */
  firstDelay?: number;
  /** Milliseconds; the bound of every wait. Default 30 s. */
  longestDelay?: number;
  /** Milliseconds; a provider that wants a longer wait is given up at once. Default 60 s. */
  longestRetryAfter?: number;
  /** In [0, 1). */
  random?: () => number;
  /** Rejects with the signal's reason when it aborts. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const beginsAgain: ModelDelta = {
  type: 'text',
  text: '\n\n[the connection was lost; the reply begins again]\n\n',
};

export function withRetries(model: Model, options: RetryOptions = {}): Model {
  const { tries = 4, firstDelay = 500, longestDelay = 30_000, longestRetryAfter = 60_000 } = options;
  const { random = Math.random, sleep = sleepUntil } = options;

  async function generate(request: ModelRequest): Promise<ModelReply> {
    let lost: Usage | undefined;
    for (let attempt = 1; ; attempt++) {
      const told = { any: false };
      try {
        return replyWith(await model.generate(noting(request, told)), lost);
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        lost = addLost(lost, error.usage);
        const wish = error.retryAfterMs ?? 0;
        if (error.kind !== 'unavailable' || attempt >= tries || wish > longestRetryAfter)
          throw failureWith(error, lost);
        const bound = Math.min(longestDelay, firstDelay * 2 ** (attempt - 1));
        await sleep(Math.max(wish, random() * bound), request.signal);
        if (told.any) request.onDelta?.(beginsAgain);
      }
    }
  }
  return over(model, generate);
}

function noting(request: ModelRequest, told: { any: boolean }): ModelRequest {
  const { onDelta } = request;
  if (onDelta === undefined) return request;
  const note = (delta: ModelDelta): void => {
    told.any = true;
    onDelta(delta);
  };
  return { ...request, onDelta: note };
}

/** `model` with another `generate`; its window stays lazy. */
export const over = (model: Model, generate: Model['generate']): Model => ({
  id: model.id,
  get contextWindow() {
    return model.contextWindow;
  },
  generate,
});

/** Rejects with the signal's reason when it aborts. */
export function sleepUntil(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

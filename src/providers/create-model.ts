/** A model from its options: the provider's one attempt, tried again, with others to fall back on. */
import type { Model } from '../agent/model.ts';
import { anthropicModel } from './anthropic.ts';
import type { Timeouts } from './attempt.ts';
import { withFallback } from './fallback.ts';
import type { ModelOptions } from './model-options.ts';
import { openaiChatModel } from './openai-chat.ts';
import { openaiModel } from './openai.ts';
import { withRetries, type RetryOptions } from './retries.ts';
import { scriptedModel } from './scripted.ts';
import type { ModelSlots } from './slots.ts';
import { withSlots } from './with-slots.ts';

export type { ModelOptions } from './model-options.ts';

export interface ModelTuning {
  timeouts?: Partial<Timeouts>;
  retries?: RetryOptions;
  /** Shared by all models of a network. */
  slots?: ModelSlots;
}

/** A new provider is one file and one line here. Each asks once, and throws a `ModelError` or the signal's reason. */
const providers: Record<ModelOptions['provider'], (options: ModelOptions, timeouts?: Partial<Timeouts>) => Model> = {
  anthropic: anthropicModel,
  openai: openaiModel,
  'openai-chat': openaiChatModel,
  scripted: scriptedModel,
};

export function createModel(options: ModelOptions, tuning: ModelTuning = {}): Model {
  const once = providers[options.provider](options, tuning.timeouts);
  const slots = tuning.slots?.(options);
  const model = withRetries(slots === undefined ? once : withSlots(once, slots), tuning.retries);
  return withFallback(
    model,
    options.fallback.map((other) => createModel(other, tuning)),
  );
}

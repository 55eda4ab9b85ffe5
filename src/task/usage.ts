import { isJsonObject, type Json } from '../json.ts';

/** What model calls used. A plain value: it is added, compared and stored, never mutated. */
export type Usage = {
  /** Tokens of the prompts, those read from and written to a cache included. */
  inputTokens: number;
  /** Tokens of the replies, reasoning included. */
  outputTokens: number;
  /** The part of `inputTokens` that was read from a provider's cache. */
  cachedInputTokens: number;
  /** The part of `inputTokens` that was written to a provider's cache. */
  cacheWriteTokens: number;
  /** The part of `outputTokens` that was reasoning. */
  reasoningTokens: number;
  /** US dollars; null as soon as one call's price is unknown. */
  cost: number | null;
};

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  cost: 0,
};

export const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  cost: a.cost === null || b.cost === null ? null : a.cost + b.cost,
});

/** Where two count the same, each perhaps not all of it. */
export const mostUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: Math.max(a.inputTokens, b.inputTokens),
  outputTokens: Math.max(a.outputTokens, b.outputTokens),
  cachedInputTokens: Math.max(a.cachedInputTokens, b.cachedInputTokens),
  cacheWriteTokens: Math.max(a.cacheWriteTokens, b.cacheWriteTokens),
  reasoningTokens: Math.max(a.reasoningTokens, b.reasoningTokens),
  cost: a.cost === null || b.cost === null ? null : Math.max(a.cost, b.cost),
});

const counts = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheWriteTokens', 'reasoningTokens'] as const;

/** What somebody else says that was used; undefined where that cannot be. No sum of such is without end. */
export function usageFrom(told: Json | undefined): Usage | undefined {
  if (!isJsonObject(told)) return undefined;
  const usage = { ...noUsage };
  for (const name of counts) {
    const count = told[name];
    if (!isAmount(count)) return undefined;
    usage[name] = count;
  }
  const { cost } = told;
  return cost === null || isAmount(cost) ? { ...usage, cost } : undefined;
}

const isAmount = (value: Json | undefined): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;

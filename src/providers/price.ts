/**
 * What a reply cost and how long a model's window is, from the bundled data of `@pydantic/genai-prices`.
 *
 * The data is half a megabyte of JavaScript (50 ms to load), so it is required when the first question comes, not
 * imported: listing commands must not pay for it.
 */
import { createRequire } from 'node:module';
import type * as GenaiPrices from '@pydantic/genai-prices';
import type { Usage } from '../task/usage.ts';
import type { ModelOptions } from './model-options.ts';

export type Tokens = Omit<Usage, 'cost'>;
type Price = NonNullable<ModelOptions['price']>;
type Known = { provider: GenaiPrices.Provider; model: GenaiPrices.ModelInfo; flat: Price | undefined };

let loaded: typeof GenaiPrices | undefined;
const prices = (): typeof GenaiPrices =>
  (loaded ??= createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices);

const found = new Map<string, Known | null>();

/** The entry of the price data, looked up once a model: matching runs through hundreds of patterns. */
function lookUp({ provider, model, baseUrl }: Pick<ModelOptions, 'provider' | 'model' | 'baseUrl'>): Known | null {
  const key = `${provider} ${model} ${baseUrl ?? ''}`;
  let known = found.get(key);
  if (known === undefined) {
    const where =
      provider === 'anthropic'
        ? { providerId: 'anthropic' }
        : provider === 'openai' || baseUrl === undefined
          ? { providerId: 'openai' }
          : { providerApiUrl: baseUrl };
    const result = prices().calcPrice({ input_tokens: 1, output_tokens: 1 }, model, where);
    known = result && { provider: result.provider, model: result.model, flat: flatPrice(result.model.prices) };
    found.set(key, known);
  }
  return known;
}

/**
 * A price that depends on nothing but the four counts, as most do. The library's own reckoning of one reply takes
 * 0.3 ms, as long as the whole request otherwise; it is left to prices by time of day and by length.
 */
function flatPrice(prices: GenaiPrices.ModelInfo['prices']): Price | undefined {
  if (Array.isArray(prices)) return undefined;
  const {
    input_mtok: input,
    output_mtok: output,
    cache_read_mtok: read = input,
    cache_write_mtok: write = input,
  } = prices;
  const isFlat = [input, output, read, write].every((price) => typeof price === 'number');
  return isFlat ? ({ input, output, cachedInput: read, cacheWrite: write } as Price) : undefined;
}

/** Whether a cost limit can hold for this model without a price of the user's own. */
export function knownPrice(provider: ModelOptions['provider'], model: string, baseUrl?: string): boolean {
  if (provider === 'scripted') return true;
  return lookUp({ provider, model, ...(baseUrl !== undefined && { baseUrl }) }) !== null;
}

export function contextWindow(options: ModelOptions): number | undefined {
  if (options.contextWindow !== undefined) return options.contextWindow;
  return options.provider === 'scripted' ? undefined : lookUp(options)?.model.context_window;
}

/** `tokens` with their cost: by the user's own price, else by the bundled data, else unknown. */
export function priced(options: ModelOptions, tokens: Tokens): Usage {
  return { ...tokens, cost: costOf(options, tokens) };
}

function costOf(options: ModelOptions, tokens: Tokens): number | null {
  const known = options.price === undefined ? lookUp(options) : null;
  const price = options.price ?? known?.flat;
  if (price !== undefined) {
    const plain = tokens.inputTokens - tokens.cachedInputTokens - tokens.cacheWriteTokens;
    const dollars =
      plain * price.input +
      tokens.cachedInputTokens * (price.cachedInput ?? price.input) +
      tokens.cacheWriteTokens * (price.cacheWrite ?? price.input) +
      tokens.outputTokens * price.output;
    return dollars / 1e6;
  }
  if (known === null) return null;
  const usage = {
    input_tokens: tokens.inputTokens,
    output_tokens: tokens.outputTokens,
    cache_read_tokens: tokens.cachedInputTokens,
    cache_write_tokens: tokens.cacheWriteTokens,
  };
  try {
    return prices().calcPrice(usage, options.model, { provider: known.provider })?.total_price ?? null;
  } catch {
    // The data refuses usage that cannot be (more cached than read): a wrong count must not cost the reply.
    return null;
  }
}

import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import type * as GenaiPrices from '@pydantic/genai-prices';
import { describe, expect, it } from 'vitest';
import { contextWindow, knownPrice, priced } from '../../src/providers/price.ts';

const library = createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices;
const tokens = {
  inputTokens: 100_000,
  outputTokens: 5000,
  cachedInputTokens: 20_000,
  cacheWriteTokens: 3000,
  reasoningTokens: 0,
};
const fallback: never[] = [];

describe('prices', () => {
  it.each(['anthropic', 'openai'] as const)('of every %s model are those of the library', (provider) => {
    const models = library.findProvider({ providerId: provider })?.models ?? [];
    expect(models.length).toBeGreaterThan(20);
    for (const { id } of models) {
      const usage = { input_tokens: 100_000, output_tokens: 5000, cache_read_tokens: 20_000, cache_write_tokens: 3000 };
      const wanted = library.calcPrice(usage, id, { providerId: provider })?.total_price ?? null;
      const { cost } = priced({ provider, model: id, fallback }, tokens);
      if (wanted === null) expect(cost, id).toBeNull();
      else expect(cost, id).toBeCloseTo(wanted, 10);
    }
  });

  it('are unknown for a model that nobody knows, and for one at an endpoint that nobody knows', () => {
    expect(knownPrice('openai', 'gpt-4.1')).toBe(true);
    expect(knownPrice('openai', 'no-such-model')).toBe(false);
    expect(knownPrice('openai-chat', 'gpt-4.1', 'http://127.0.0.1:11434/v1')).toBe(false);
    expect(knownPrice('openai-chat', 'deepseek-chat', 'https://api.deepseek.com/v1')).toBe(true);
    expect(knownPrice('scripted', '/x.yaml')).toBe(true);
    expect(priced({ provider: 'openai', model: 'no-such-model', fallback }, tokens).cost).toBeNull();
  });

  it('hold the window of a model unless it is set', () => {
    expect(contextWindow({ provider: 'anthropic', model: 'claude-haiku-4-5', fallback })).toBe(200_000);
    expect(contextWindow({ provider: 'anthropic', model: 'claude-haiku-4-5', contextWindow: 5, fallback })).toBe(5);
    expect(contextWindow({ provider: 'openai', model: 'no-such-model', fallback })).toBeUndefined();
  });

  it('are not loaded by making a model, nor is any other package', () => {
    const file = new URL('../../src/providers/create-model.ts', import.meta.url).href;
    const code = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { createModel } = await import(${JSON.stringify(file)});
      createModel({ provider: 'anthropic', model: 'claude-opus-5', fallback: [{ provider: 'openai', model: 'x', fallback: [] }] });
      console.log(JSON.stringify({ own: loaded.length, foreign: loaded.filter((url) => url.includes('node_modules')) }));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    const { own, foreign } = JSON.parse(out) as { own: number; foreign: string[] };
    expect(own).toBeGreaterThan(10);
    expect(foreign).toEqual([]);
  });
});

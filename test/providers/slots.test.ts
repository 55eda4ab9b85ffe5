import { expect, test } from 'vitest';
import { ModelError, type Model, type ModelReply } from '../../src/agent/model.ts';
import { modelSlots } from '../../src/providers/slots.ts';
import { withSlots } from '../../src/providers/with-slots.ts';
import { noUsage } from '../../src/task/usage.ts';

const options = { provider: 'openai', model: 'm', concurrency: 1, fallback: [] } as const;
const reply: ModelReply = {
  message: { role: 'assistant', content: [] },
  stop: 'end',
  usage: noUsage,
  model: 'openai/m',
};
const request = (owner: string) => ({
  system: '',
  messages: [],
  tools: [],
  owner,
  signal: new AbortController().signal,
});

test('a model without a bound has no slots; one with a bound has the same for all that name it', () => {
  const slotsOf = modelSlots();
  const { concurrency: _, ...unbounded } = options;
  expect(slotsOf({ ...unbounded, fallback: [] })).toBeUndefined();
  const slots = slotsOf({ ...options, fallback: [] });
  expect(slots).toBeDefined();
  expect(slotsOf({ ...options, apiKey: 'another', fallback: [] })).toBe(slots);
  expect(slotsOf({ ...options, baseUrl: 'http://127.0.0.1/v1', fallback: [] })).not.toBe(slots);
});

test('owners take turns at a model, however many requests one of them has waiting', async () => {
  const asked: string[] = [];
  const held: (() => void)[] = [];
  const model: Model = {
    id: 'openai/m',
    generate: ({ owner = '' }) =>
      new Promise((resolve) => {
        asked.push(owner);
        held.push(() => resolve(reply));
      }),
  };
  const slots = modelSlots()({ ...options, fallback: [] });
  if (slots === undefined) throw new Error('no slots');
  const bounded = withSlots(model, slots);
  const all = [...Array.from({ length: 50 }, () => 'ann'), 'ben'].map((owner) => bounded.generate(request(owner)));
  for (let done = 0; done < all.length; done += 1) {
    await expect.poll(() => held.length).toBe(done + 1);
    held[done]?.();
  }
  await Promise.all(all);
  expect(asked.indexOf('ben')).toBeLessThanOrEqual(2);
});

test('who finds too many of its own waiting is told so, as of a model that is not available', async () => {
  const model: Model = { id: 'openai/m', generate: () => new Promise(() => {}) };
  const slots = modelSlots()({ ...options, fallback: [] });
  if (slots === undefined) throw new Error('no slots');
  const bounded = withSlots(model, slots);
  for (let waiting = 0; waiting <= 1_000; waiting += 1) void bounded.generate(request('ann'));
  const refused = bounded.generate(request('ann'));
  await expect(refused).rejects.toThrow(ModelError);
  await expect(refused).rejects.toThrow('wait already');
});

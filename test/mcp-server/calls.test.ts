import { expect, test } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import { Calls } from '../../src/mcp-server/calls.ts';

test('nobody takes the last tenth of what is free, so that a newcomer finds room', async () => {
  const calls = new Calls(100);
  const over = Promise.withResolvers<void>();
  const running: Promise<void>[] = [];
  const fill = (owner: string): number => {
    let taken = 0;
    for (; calls.refusal(owner) === undefined; taken += 1) running.push(calls.run(owner, () => over.promise));
    return taken;
  };
  expect(fill('ann')).toBe(90);
  expect(calls.refusal('ann')).toMatchObject({ status: 429, retryAfterSeconds: 1 });
  await expect(calls.run('ann', async () => undefined)).rejects.toThrow(UnavailableError);
  expect([fill('bob'), fill('cy')]).toEqual([9, 1]);
  for (const owner of ['ann', 'dee']) expect(calls.refusal(owner)).toMatchObject({ status: 503 });

  over.resolve();
  await Promise.all(running);
  expect([calls.active, calls.refusal('ann')]).toEqual([0, undefined]);
});

test('a small server is filled to its end by one owner', () => {
  const calls = new Calls(2);
  for (const left of [1, 0]) {
    void calls.run('ann', () => new Promise(() => undefined));
    expect(calls.refusal('ann') === undefined).toBe(left > 0);
  }
});

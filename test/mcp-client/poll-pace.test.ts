import { expect, test } from 'vitest';
import { defaultTimings } from '../../src/mcp-client/options.ts';
import { pollPace } from '../../src/mcp-client/poll-pace.ts';

const parked = { status: 'input_required' as const, pollMs: 1_000, asked: { a: {} } };
const many = <T>(one: () => T): T[] => Array.from({ length: 8 }, one);

test('a task that waits for people is looked at more and more seldom, until it asks something else', () => {
  const pace = pollPace(defaultTimings, true);
  expect(many(() => pace.after(parked, false))).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((s) => s * 1_000));
  expect(pace.after({ ...parked, asked: { a: {}, b: {} } }, false)).toBe(1_000);
});

test('a task that works is looked at as its server wishes, and less often where that tells by itself', () => {
  const pace = pollPace(defaultTimings, true);
  const working = { status: 'working' as const, pollMs: 2_000 };
  expect(many(() => pace.after(working, false))).toEqual(many(() => 2_000));
  expect(pace.after(working, true)).toBe(30_000);
});

test('a server that does not answer is asked more and more seldom, anew each time that it is gone', () => {
  const pace = pollPace(defaultTimings, true);
  expect(many(() => pace.afterSilence({})).slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
  expect(pace.after({ status: 'working' }, false)).toBe(1_000);
  expect(pace.afterSilence({})).toBe(1_000);
});

test('one that is no Deputy is asked at the same pace', () => {
  const pace = pollPace(defaultTimings, false);
  expect(many(() => pace.afterSilence({}))).toEqual(many(() => 1_000));
  expect(many(() => pace.after(parked, false))).toEqual(many(() => 1_000));
});

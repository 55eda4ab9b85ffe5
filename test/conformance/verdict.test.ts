import { expect, test } from 'vitest';
import { judge } from './verdict.ts';

const passed = [{ id: 'a', status: 'SUCCESS' }];
const failed = [
  { id: 'a', status: 'SUCCESS' },
  { id: 'b', status: 'FAILURE' },
];
const warned = [
  { id: 'a', status: 'SUCCESS' },
  { id: 'b', status: 'WARNING' },
];
const skipped = [{ id: 'a', status: 'SKIPPED' }];

test('a failure that nobody expected, and an expected one that passes, are both told', () => {
  expect(
    judge({ one: passed, two: failed, three: warned, four: skipped, five: passed }, ['three', 'five', 'six']),
  ).toEqual({
    passed: ['one', 'five'],
    expected: ['three'],
    unexpected: ['two'],
    stale: ['five', 'six'],
  });
});

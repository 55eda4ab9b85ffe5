/** What people read of a task: one entry a thing that happened, whatever steps it took. */
import { expect, test } from 'vitest';
import { entriesOf } from '../../src/agent/entries.ts';
import type { Json } from '../../src/json.ts';
import type { Question } from '../../src/task/question.ts';
import type { StepRecord } from '../../src/task/task.ts';
import { calls, ok } from './fakes.ts';

const asking = { ...ok('not run'), asks: { bytes: '{}' } };
const reply = (...asked: Parameters<typeof calls>[0]) => ({ kind: 'reply', reply: calls(asked) });

function entries(steps: readonly [key: string, value: unknown][], questions: readonly Question[] = []) {
  const records: StepRecord[] = steps.map(([key, value], index) => ({ key, value: value as Json, at: index }));
  return entriesOf({ task: {} as never, steps: records, intents: new Map(), questions, sent: [] });
}

test('a call that asked for leave is one result, where it was made, under the question that came first', () => {
  const by = { owner: 'ann', channel: 'cli' };
  const question: Question = {
    key: 'turn 1: call 1/approval 1',
    wireKey: 'q1',
    request: { kind: 'form', message: 'May it?', schema: {} },
    askedAt: 1.5,
    answer: { response: { action: 'accept', content: {} }, by, at: 1.7 },
  };
  const told = entries(
    [
      ['turn 1: model', reply(['write', { a: 1 }])],
      ['turn 1: call 1/call', asking],
      ['turn 1: call 1/call 3', ok('written')],
      ['turn 1: call 1/settled', ok('written')],
    ],
    [question],
  );
  expect(told.map(({ kind, path }) => [kind, path])).toEqual([
    ['reply', ''],
    ['question', 'turn 1: call 1'],
    ['result', ''],
  ]);
  expect(told[2]).toMatchObject({ turn: 1, call: 1, tool: 'write', args: { a: 1 }, content: [{ text: 'written' }] });
});

test('a result is what its hooks made of it, and what still waits for leave is none', () => {
  const told = entries([
    ['turn 2: model 2', reply(['a'], ['b'])],
    ['turn 2: call 1/call', ok('raw')],
    ['turn 2: call 2/call', asking],
    ['turn 2: call 1/after_tool', ok('changed')],
  ]);
  expect(told).toMatchObject([
    { kind: 'reply', turn: 2 },
    { kind: 'result', call: 1, tool: 'a', content: [{ text: 'changed' }] },
  ]);
  expect(told).toHaveLength(2);
});

test('a nested agent has its own path, and its answer is the result of the call', () => {
  const told = entries([
    ['turn 1: model', reply(['child'])],
    ['turn 1: call 1/admission', { ...ok(''), admits: {} }],
    ['turn 1: call 1/turn 1: model', reply(['t'])],
    ['turn 1: call 1/turn 1: call 1/call', ok('below')],
    ['turn 1: call 1/call', ok('answer')],
  ]);
  expect(told.map((entry) => [entry.kind, entry.path, entry.kind === 'result' ? entry.tool : ''])).toEqual([
    ['reply', '', ''],
    ['reply', 'turn 1: call 1', ''],
    ['result', 'turn 1: call 1', 't'],
    ['result', '', 'child'],
  ]);
});

test('a wait is no question: it tells why, until when, and whether it is over', () => {
  const timer = { key: 'turn 1: wait 1', wireKey: 'w', request: { kind: 'timer', message: 'overloaded' } } as const;
  const by = { owner: 'ann', channel: 'cli' };
  const over = { response: { action: 'expired' }, by, at: 20 } as const;
  const told = entries(
    [['turn 1: model', { kind: 'unavailable', stop: 'model_unavailable', message: 'overloaded' }]],
    [
      { ...timer, askedAt: 10, expiresAt: 40, answer: over },
      { ...timer, key: 'turn 1: call 2/turn 1: wait 1', askedAt: 30, expiresAt: 50 },
    ],
  );
  expect(told).toEqual([
    { kind: 'stop', path: '', at: 0, turn: 1, message: 'overloaded' },
    { kind: 'wait', path: '', at: 10, message: 'overloaded', until: 20, isOver: true },
    { kind: 'wait', path: 'turn 1: call 2', at: 30, message: 'overloaded', until: 50, isOver: false },
  ]);
});

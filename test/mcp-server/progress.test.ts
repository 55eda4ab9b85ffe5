import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeEvent } from '../../src/mcp-server/describe-event.ts';
import { startProgress, type ProgressUpdate } from '../../src/mcp-server/progress.ts';
import { noUsage } from '../../src/task/usage.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const start = () => {
  const updates: (ProgressUpdate & { at: number })[] = [];
  const begun = Date.now();
  const progress = startProgress((update) => updates.push({ ...update, at: Date.now() - begun }), { maxGapMs: 5000 });
  return { progress, updates };
};

test('in silence a sign of life comes every five seconds, well within ten', () => {
  const { progress, updates } = start();
  vi.advanceTimersByTime(60_000);
  expect(updates.map(({ at }) => at)).toEqual(Array.from({ length: 12 }, (_, index) => (index + 1) * 5000));
  expect(updates.at(-1)?.message).toBe('begins (60 s)');
  progress.stop();
});

test('an event is told at once, and puts off the next sign of life', () => {
  const { progress, updates } = start();
  vi.advanceTimersByTime(4000);
  progress.tell('thinks, turn 1');
  vi.advanceTimersByTime(5000);
  expect(updates).toEqual([
    { progress: 1, message: 'thinks, turn 1', at: 4000 },
    { progress: 2, message: 'thinks, turn 1 (9 s)', at: 9000 },
  ]);
  progress.stop();
});

test('a flood is told ten times a second, the newest last, counted up [PROGRESS-INCREASES]', () => {
  const { progress, updates } = start();
  for (let index = 0; index < 1000; index += 1) {
    progress.tell(`event ${index}`);
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(100);
  expect(updates.length).toBeGreaterThanOrEqual(10);
  expect(updates.length).toBeLessThanOrEqual(12);
  expect(updates.at(-1)?.message).toBe('event 999');
  expect(updates.map(({ progress }) => progress)).toEqual(updates.map((_, index) => index + 1));
  progress.stop();
});

test('after the end nothing is told any more [PROGRESS-STOPS]', () => {
  const { progress, updates } = start();
  progress.tell('one');
  progress.tell('two, still waiting for its turn');
  progress.stop();
  progress.tell('three');
  vi.advanceTimersByTime(60_000);
  expect(updates.map(({ message }) => message)).toEqual(['one']);
});

test('events read as what happens, deltas as nothing', () => {
  const at = { path: '', at: 0, agent: 'librarian' };
  const call = { callId: '1', tool: 'files/read' };
  expect(describeEvent({ ...at, type: 'turn_start', turn: 3 })).toBe('librarian: thinks, turn 3');
  expect(describeEvent({ ...at, type: 'turn_end', turn: 3, model: 'm', usage: noUsage, calls: 1 })).toBe(
    'librarian: calls 1 tool',
  );
  expect(describeEvent({ ...at, type: 'turn_end', turn: 3, model: 'm', usage: noUsage, calls: 0 })).toBeUndefined();
  expect(describeEvent({ ...at, ...call, type: 'tool_start', args: {} })).toBe('librarian: files/read ...');
  expect(describeEvent({ ...at, ...call, type: 'tool_progress', progress: 5, total: 10, message: 'half' })).toBe(
    'librarian: files/read 5/10 half',
  );
  expect(describeEvent({ ...at, ...call, type: 'tool_end', isError: true, summary: 'no such file' })).toBe(
    'librarian: files/read failed: no such file',
  );
  expect(describeEvent({ ...at, type: 'agent_end', stop: 'model_unavailable', usage: noUsage })).toBe(
    'librarian: stopped: model unavailable',
  );
  expect(describeEvent({ ...at, type: 'text_delta', text: 'secret' })).toBeUndefined();
});

/** What a task does at the moment: one line for people, a line a branch for the Deputy above. */
import { expect, test } from 'vitest';
import { StatusLines } from '../../src/mcp-server/status-lines.ts';
import type { ProgressEvent } from '../../src/task/event.ts';
import type { Activity } from '../../src/task/mandate.ts';
import type { Task } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

const taskNamed = (id: string): Task => ({
  id,
  agent: 'root',
  input: {},
  owner: 'local',
  conversation: id,
  createdAt: 0,
  updatedAt: 0,
  ttlMs: null,
  status: 'working',
});
const task = taskNamed('t1');

/** @param told at which path of the branch, what. */
function linesOf(...told: [path: string, event: ProgressEvent][]): StatusLines {
  const lines = new StatusLines();
  tell(lines, ...told);
  return lines;
}
function tell(lines: StatusLines, ...told: [path: string, event: ProgressEvent][]): void {
  for (const [path, event] of told) lines.observe({ ...event, path, at: 0 }, task);
}

const start = (agent: string): ProgressEvent => ({ type: 'agent_start', agent, model: 'm' });
const end = (agent: string): ProgressEvent => ({ type: 'agent_end', agent, stop: 'answer', usage: noUsage });
const turn = (agent: string, number: number): ProgressEvent => ({ type: 'turn_start', agent, turn: number });
const call = { callId: 'c', args: {} };
const begins = (agent: string, tool: string): ProgressEvent => ({ ...call, type: 'tool_start', agent, tool });
const ends = (agent: string, tool: string): ProgressEvent => ({
  ...call,
  type: 'tool_end',
  agent,
  tool,
  isError: false,
  summary: '',
});
const hears = (agent: string, tool: string, below: Activity[]): ProgressEvent => ({
  ...call,
  type: 'tool_progress',
  agent,
  tool,
  progress: 1,
  below,
});

test('each branch at work has a line, with the chain of agents down to it; those above only wait', () => {
  const lines = linesOf(
    ['', start('root')],
    ['', turn('root', 1)],
    ['1a', begins('root', 'fixer')],
    ['1a', start('fixer')],
    ['1a', turn('fixer', 1)],
    ['1a/1a', begins('fixer', 'files/read')],
    ['1b', begins('root', 'web/fetch')],
    ['1c', begins('root', 'lab__triage')],
    ['1c', hears('root', 'lab__triage', [{ chain: ['lab/triage', 'bank/payer'], line: 'thinks, turn 2' }])],
  );
  expect(lines.activity(task)).toEqual([
    { chain: ['root', 'fixer'], line: 'files/read ...' },
    { chain: ['root'], line: 'web/fetch ...' },
    { chain: ['root', 'lab/triage', 'bank/payer'], line: 'thinks, turn 2' },
  ]);
  expect(lines.of(task)).toBe('lab/triage → bank/payer: thinks, turn 2');
});

test('a branch that has ended is gone with all below it; when none is left, the agent says what it did last', () => {
  const lines = linesOf(
    ['', turn('root', 1)],
    ['1a', begins('root', 'fixer')],
    ['1a', start('fixer')],
    ['1a/1a', begins('fixer', 'files/read')],
    ['1b', begins('root', 'web/fetch')],
    ['1a', end('fixer')],
    ['1a', ends('root', 'fixer')],
  );
  expect(lines.activity(task)).toEqual([{ chain: ['root'], line: 'web/fetch ...' }]);
  tell(lines, ['1b', ends('root', 'web/fetch')]);
  expect(lines.activity(task)).toEqual([{ chain: ['root'], line: 'web/fetch done' }]);
  tell(lines, ['', turn('root', 2)], ['2a', begins('root', 'fixer')], ['2a', turn('fixer', 1)]);
  expect(lines.activity(task)).toEqual([{ chain: ['root', 'fixer'], line: 'thinks, turn 1' }]);
});

test('what began before a restart is named as soon as it is heard of again', () => {
  const lines = linesOf(['1a/2a', begins('fixer', 'files/read')], ['1a/2b/1a', begins('tester', 'shell/run')]);
  expect(lines.activity(task)).toEqual([
    { chain: ['root', 'fixer'], line: 'files/read ...' },
    { chain: ['root', 'fixer', 'tester'], line: 'shell/run ...' },
  ]);
});

test('what a task waits for is in the task; the branches that work on stay, until the task is over', () => {
  const lines = linesOf(['1a', begins('root', 'files/write')], ['1b', begins('root', 'web/fetch')]);
  lines.observe({ type: 'status', task: { ...task, status: 'input_required', inputRequests: {} } }, task);
  expect([lines.of(task), lines.activity(task).length]).toEqual([undefined, 2]);
  lines.observe({ type: 'status', task: { ...task, status: 'cancelled' } }, task);
  expect(lines.activity(task)).toEqual([]);
});

test('never more than fifty lines are told, none longer than 300 characters, and the newest are among them', () => {
  const long = 'x'.repeat(10_000);
  const below = Array.from({ length: 80 }, (_, index) => ({ chain: [`lab/${index}`], line: long }));
  const lines = linesOf(['0', begins('root', 'old')], ['1', hears('root', 'lab', below)]);
  for (let index = 0; index < 5000; index += 1) tell(lines, [`branch ${index}`, begins('root', 'web/fetch')]);
  expect(lines.activity(task)).toHaveLength(50);
  tell(lines, ['1', hears('root', 'lab', below)]);
  const told = lines.activity(task);
  expect([told.length, told.at(-1)?.chain, told.at(-1)?.line.length]).toEqual([50, ['root', 'lab/79'], 300]);
});

test('of very many tasks, those that were silent longest are forgotten', () => {
  const lines = new StatusLines();
  for (let index = 0; index < 10_001; index += 1) {
    lines.observe({ ...turn('root', 1), path: '', at: 0 }, taskNamed(`t${index}`));
  }
  expect([lines.of(taskNamed('t0')), lines.of(taskNamed('t10000'))]).toEqual([undefined, 'root: thinks, turn 1']);
});

/** A short task as its events: a librarian that reads side by side, then has an editor write. */
import type { ProgressEvent, TaskEvent } from '../../src/task/event.ts';
import type { Task, TaskResult } from '../../src/task/task.ts';
import { noUsage, type Usage } from '../../src/task/usage.ts';
import { text } from '../../src/task/content.ts';

const usage = (inputTokens: number, outputTokens: number, cost: number | null = 0): Usage => ({
  ...noUsage,
  inputTokens,
  outputTokens,
  cost,
});

const start = 1_000_000;

export const task: Task = {
  id: 'task-1',
  agent: 'librarian',
  input: { message: 'hi' },
  owner: 'local',
  conversation: 'task-1',
  ttlMs: null,
  createdAt: start,
  updatedAt: start,
  status: 'working',
};

export const completed = (result: Partial<TaskResult> = {}): TaskEvent => ({
  type: 'status',
  task: {
    ...task,
    updatedAt: start + 900,
    status: 'completed',
    result: { content: [text('The answer.')], stop: 'answer', usage: usage(1500, 100, 0.02), ...result },
  },
});

export const at = (ms: number, path: string, event: ProgressEvent): TaskEvent => ({ ...event, path, at: start + ms });

const call = (ms: number, path: string, agent: string, tool: string, args: Record<string, string>) =>
  at(ms, path, { type: 'tool_start', agent, callId: path, tool, args });
const done = (ms: number, path: string, agent: string, tool: string, isError = false) =>
  at(ms, path, { type: 'tool_end', agent, callId: path, tool, isError, summary: isError ? 'no such file' : 'ok' });

export const story: readonly TaskEvent[] = [
  { type: 'status', task },
  at(0, '', { type: 'agent_start', agent: 'librarian', model: 'scripted/librarian' }),
  at(0, '', { type: 'turn_start', agent: 'librarian', turn: 1 }),
  at(5, '', {
    type: 'turn_end',
    agent: 'librarian',
    turn: 1,
    model: 'scripted/librarian',
    usage: usage(500, 20),
    calls: 2,
  }),
  call(10, 'turn 1: call 1', 'librarian', 'files_search', { pattern: '*.md' }),
  call(10, 'turn 1: call 2', 'librarian', 'files_read', { path: 'gone.md' }),
  done(30, 'turn 1: call 1', 'librarian', 'files_search'),
  done(40, 'turn 1: call 2', 'librarian', 'files_read', true),
  at(40, '', { type: 'turn_start', agent: 'librarian', turn: 2 }),
  at(45, '', { type: 'text_delta', agent: 'librarian', text: 'Now the report.' }),
  at(50, '', {
    type: 'turn_end',
    agent: 'librarian',
    turn: 2,
    model: 'scripted/librarian',
    usage: usage(600, 30),
    calls: 1,
  }),
  call(60, 'turn 2: call 1', 'librarian', 'editor', { message: 'Write it down.' }),
  at(60, 'turn 2: call 1', { type: 'agent_start', agent: 'editor', model: 'scripted/editor' }),
  at(60, 'turn 2: call 1', { type: 'turn_start', agent: 'editor', turn: 1 }),
  at(65, 'turn 2: call 1', {
    type: 'turn_end',
    agent: 'editor',
    turn: 1,
    model: 'scripted/editor',
    usage: usage(300, 20),
    calls: 1,
  }),
  call(70, 'turn 2: call 1/turn 1: call 1', 'editor', 'desk_write', { path: 'report.md' }),
  done(90, 'turn 2: call 1/turn 1: call 1', 'editor', 'desk_write'),
  at(95, 'turn 2: call 1', { type: 'agent_end', agent: 'editor', stop: 'answer', usage: usage(300, 20) }),
  done(95, 'turn 2: call 1', 'librarian', 'editor'),
  at(100, '', { type: 'turn_start', agent: 'librarian', turn: 3 }),
  at(110, '', { type: 'text_delta', agent: 'librarian', text: 'The an' }),
  at(120, '', { type: 'text_delta', agent: 'librarian', text: 'swer.' }),
  at(130, '', {
    type: 'turn_end',
    agent: 'librarian',
    turn: 3,
    model: 'scripted/librarian',
    usage: usage(100, 30),
    calls: 0,
  }),
  at(900, '', { type: 'agent_end', agent: 'librarian', stop: 'answer', usage: usage(1500, 100, 0.02) }),
  completed(),
];

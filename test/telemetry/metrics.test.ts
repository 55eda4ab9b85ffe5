import { afterEach, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/task/event.ts';
import type { Task, TaskState } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { counter, histogram } from '../../src/telemetry/prometheus.ts';

let metrics: Metrics;
afterEach(() => metrics.close());

const taskOf = (state: TaskState = { status: 'working' }, id = 't1'): Task => ({
  id,
  agent: 'librarian',
  input: {},
  owner: 'local',
  conversation: id,
  createdAt: 0,
  updatedAt: 0,
  ttlMs: null,
  ...state,
});

function begin(): (event: ProgressEvent | { type: 'status'; task: Task }, at?: number) => void {
  metrics = createMetrics();
  return (event, at = 0) => metrics.observe(event.type === 'status' ? event : { ...event, path: '', at }, taskOf());
}

const lines = (prefix: string): string[] =>
  metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith(prefix));

const answered: TaskState = { status: 'completed', result: { content: [], stop: 'answer', usage: noUsage } };

test('tasks are counted from their begin to their end, once each', () => {
  const observe = begin();
  observe({ type: 'status', task: taskOf() });
  observe({ type: 'status', task: taskOf() });
  observe({ type: 'status', task: taskOf({ status: 'working' }, 't2') });
  expect(lines('deputy_tasks_running')).toEqual(['deputy_tasks_running{agent="librarian"} 2']);
  observe({ type: 'status', task: taskOf(answered) });
  observe({ type: 'status', task: taskOf({ status: 'cancelled' }, 't2') });
  expect(lines('deputy_tasks_started_total')).toEqual(['deputy_tasks_started_total{agent="librarian"} 2']);
  expect(lines('deputy_tasks_running')).toEqual(['deputy_tasks_running{agent="librarian"} 0']);
  expect(lines('deputy_tasks_ended_total')).toEqual([
    'deputy_tasks_ended_total{agent="librarian",status="completed",stop="answer"} 1',
    'deputy_tasks_ended_total{agent="librarian",status="cancelled",stop=""} 1',
  ]);
});

test('a task that sleeps, is queued or waits for a person is not at work, and begins once', () => {
  const observe = begin();
  const running = (): string | undefined => lines('deputy_tasks_running')[0]?.split(' ')[1];
  const at = (updatedAt: number, more: Partial<Task>): { type: 'status'; task: Task } => ({
    type: 'status',
    task: { ...taskOf(), updatedAt, ...more } as Task,
  });
  observe(at(0, { statusMessage: 'queued: it begins when others have ended' }));
  expect([running(), lines('deputy_tasks_started_total')]).toEqual([undefined, []]);
  observe(at(0, {}));
  expect(running()).toBe('1');
  observe(at(10, { statusMessage: 'the model is away' }));
  observe(at(10, { statusMessage: 'the model is away' }));
  expect(running()).toBe('0');
  observe(at(20, {}));
  expect(running()).toBe('1');
  observe(at(30, { status: 'input_required', inputRequests: {} }));
  expect(running()).toBe('0');
  observe({ type: 'status', task: taskOf({ status: 'cancelled' }) });
  expect(running()).toBe('0');
  expect(lines('deputy_tasks_started_total')).toEqual(['deputy_tasks_started_total{agent="librarian"} 1']);
  expect(lines('deputy_tasks_ended_total')).toHaveLength(1);
});

test('a turn counts its tokens by kind, its cost and its time', () => {
  const observe = begin();
  observe({ type: 'status', task: taskOf() });
  const usage = { ...noUsage, inputTokens: 100, outputTokens: 20, cachedInputTokens: 60, cost: 0.25 };
  for (const turn of [1, 2]) {
    observe({ type: 'turn_start', agent: 'librarian', turn }, turn * 10_000);
    observe({ type: 'turn_end', agent: 'librarian', turn, model: 'm', usage, calls: 0 }, turn * 10_000 + 1500);
  }
  observe({ type: 'turn_end', agent: 'librarian', turn: 3, model: 'm', usage: { ...usage, cost: null }, calls: 0 });
  expect(lines('deputy_turns_total')).toEqual(['deputy_turns_total{agent="librarian",model="m"} 3']);
  expect(lines('deputy_tokens_total')).toContain('deputy_tokens_total{agent="librarian",model="m",kind="input"} 300');
  expect(lines('deputy_tokens_total')).toContain('deputy_tokens_total{agent="librarian",model="m",kind="cached"} 180');
  expect(lines('deputy_cost_dollars_total')).toEqual(['deputy_cost_dollars_total{agent="librarian",model="m"} 0.5']);
  expect(lines('deputy_unpriced_replies_total')).toEqual([
    'deputy_unpriced_replies_total{agent="librarian",model="m"} 1',
  ]);
  expect(lines('deputy_model_duration_seconds_sum')).toEqual([
    'deputy_model_duration_seconds_sum{agent="librarian",model="m"} 3',
  ]);
  expect(lines('deputy_model_duration_seconds_bucket')).toContain(
    'deputy_model_duration_seconds_bucket{agent="librarian",model="m",le="2.5"} 2',
  );
});

test('tool calls side by side keep their own times', () => {
  const observe = begin();
  observe({ type: 'status', task: taskOf() });
  const call = { agent: 'librarian', tool: 'files/read' };
  observe({ ...call, type: 'tool_start', callId: 'a', args: {} }, 0);
  observe({ ...call, type: 'tool_start', callId: 'b', args: {} }, 100);
  observe({ ...call, type: 'tool_end', callId: 'b', isError: true, summary: '' }, 300);
  observe({ ...call, type: 'tool_end', callId: 'a', isError: false, summary: '' }, 1000);
  expect(lines('deputy_tool_calls_total')).toEqual([
    'deputy_tool_calls_total{agent="librarian",tool="files/read",error="true"} 1',
    'deputy_tool_calls_total{agent="librarian",tool="files/read",error="false"} 1',
  ]);
  expect(lines('deputy_tool_duration_seconds_sum')).toEqual([
    'deputy_tool_duration_seconds_sum{agent="librarian",tool="files/read"} 1.2',
  ]);
});

test('the process itself is measured', () => {
  begin();
  for (const name of ['cpu_seconds_total', 'resident_memory_bytes', 'uptime_seconds']) {
    expect(Number(lines(`deputy_process_${name}`)[0]?.split(' ')[1])).toBeGreaterThan(0);
  }
  expect(lines('deputy_event_loop_lag_seconds')).toHaveLength(2);
});

test('labels are escaped, buckets add up, and names that come without end are folded together', () => {
  metrics = createMetrics();
  const calls = counter('deputy_x_total', 'Help.');
  calls.add({ tool: 'a"b\\c\nd' });
  expect(calls.text()).toBe(
    '# HELP deputy_x_total Help.\n# TYPE deputy_x_total counter\ndeputy_x_total{tool="a\\"b\\\\c\\nd"} 1\n',
  );
  for (let index = 0; index < 5000; index += 1) calls.add({ tool: `invented ${index}` });
  expect(calls.text().split('\n').length).toBeLessThan(1010);
  expect(calls.text()).toContain('deputy_x_total{tool="other"} 4001\n');

  const times = histogram('deputy_y_seconds', 'Help.', [1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) times.observe({}, value);
  expect(times.text().split('\n').slice(2)).toEqual([
    'deputy_y_seconds_bucket{le="1"} 2',
    'deputy_y_seconds_bucket{le="2"} 3',
    'deputy_y_seconds_bucket{le="+Inf"} 4',
    'deputy_y_seconds_sum 12',
    'deputy_y_seconds_count 4',
    '',
  ]);
});

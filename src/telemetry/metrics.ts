/** What this process did, counted from the events of its tasks, as Prometheus reads it. It decides nothing. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task } from '../task/task.ts';
import type { Usage } from '../task/usage.ts';
import { counter, gauge, histogram } from './prometheus.ts';

export interface Metrics {
  /** Every event of every task, in order; never throws. */
  observe(event: TaskEvent, task: Pick<Task, 'id' | 'agent'>): void;
  /** Prometheus text format 0.0.4. */
  text(): string;
  close(): void;
}

const secondBounds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export function createMetrics(): Metrics {
  const started = counter('deputy_tasks_started_total', 'Tasks begun.');
  const ended = counter('deputy_tasks_ended_total', 'Tasks ended, by status and why the agent stopped.');
  const running = gauge('deputy_tasks_running', 'Tasks at work: none that waits for a person, a time or a place.');
  const turns = counter('deputy_turns_total', 'Model replies.');
  const toolCalls = counter('deputy_tool_calls_total', 'Tool calls ended.');
  const tokens = counter(
    'deputy_tokens_total',
    'Tokens; cached and cache_write are part of input, reasoning of output.',
  );
  const cost = counter('deputy_cost_dollars_total', 'US dollars, where the price is known.');
  const unpriced = counter('deputy_unpriced_replies_total', 'Model replies whose price is unknown.');
  const modelSeconds = histogram('deputy_model_duration_seconds', 'From asking a model to its reply.', secondBounds);
  const toolSeconds = histogram('deputy_tool_duration_seconds', 'From calling a tool to its result.', secondBounds);
  const families = [started, ended, running, turns, toolCalls, tokens, cost, unpriced, modelSeconds, toolSeconds];

  /** By task: when what is open now began, by branch and call. Dropped with the task. */
  const open = new Map<string, Map<string, number>>();
  const process = processMetrics();

  const status = (task: Task): void => {
    const { id, agent } = task;
    // One that says why it works on nothing sleeps, or is queued.
    if (task.status === 'working' && task.statusMessage === undefined) {
      if (open.has(id)) return;
      open.set(id, new Map());
      // One that goes on after a wait or a crash was counted when it began.
      if (task.updatedAt === task.createdAt) started.add({ agent });
      running.add({ agent });
      return;
    }
    if (open.delete(id)) running.add({ agent }, -1);
    if (!isTerminal(task)) return;
    ended.add({ agent, status: task.status, stop: task.status === 'completed' ? task.result.stop : '' });
  };

  const spent = (agent: string, model: string, usage: Usage): void => {
    tokens.add({ agent, model, kind: 'input' }, usage.inputTokens);
    tokens.add({ agent, model, kind: 'output' }, usage.outputTokens);
    tokens.add({ agent, model, kind: 'cached' }, usage.cachedInputTokens);
    tokens.add({ agent, model, kind: 'cache_write' }, usage.cacheWriteTokens);
    tokens.add({ agent, model, kind: 'reasoning' }, usage.reasoningTokens);
    if (usage.cost === null) unpriced.add({ agent, model });
    else cost.add({ agent, model }, usage.cost);
  };

  return {
    observe(event, { id }) {
      if (event.type === 'status') return status(event.task);
      const begun = open.get(id);
      const seconds = (key: string): number | undefined => {
        const from = begun?.get(key);
        begun?.delete(key);
        return from === undefined ? undefined : Math.max(0, event.at - from) / 1000;
      };
      switch (event.type) {
        case 'turn_start':
          begun?.set(`${event.path} turn`, event.at);
          return;
        case 'turn_end': {
          const { agent, model, usage, path } = event;
          turns.add({ agent, model });
          spent(agent, model, usage);
          const took = seconds(`${path} turn`);
          if (took !== undefined) modelSeconds.observe({ agent, model }, took);
          return;
        }
        case 'tool_start':
          begun?.set(`${event.path} call ${event.callId}`, event.at);
          return;
        case 'tool_end': {
          const { agent, tool, isError, path, callId } = event;
          toolCalls.add({ agent, tool, error: String(isError) });
          const took = seconds(`${path} call ${callId}`);
          if (took !== undefined) toolSeconds.observe({ agent, tool }, took);
          return;
        }
        case 'agent_start':
        case 'agent_end':
        case 'compacted':
        case 'text_delta':
        case 'thinking_delta':
        case 'tool_progress':
          return;
      }
    },
    text: () => families.map((family) => family.text()).join('') + process.text(),
    close: () => process.close(),
  };
}

/** The process itself. The lag is that of the event loop since the last reading. */
function processMetrics(): { text(): string; close(): void } {
  const cpu = gauge('deputy_process_cpu_seconds_total', 'Processor time, user and system.');
  const memory = gauge('deputy_process_resident_memory_bytes', 'Resident memory.');
  const uptime = gauge('deputy_process_uptime_seconds', 'Time since the process began.');
  const lag = gauge('deputy_event_loop_lag_seconds', 'Event loop delay since the last reading, by quantile.');
  const resolutionMs = 20;
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const lagAt = (percentile: number): number => Math.max(0, delay.percentile(percentile) / 1e9 - resolutionMs / 1000);
  return {
    text() {
      const { user, system } = process.cpuUsage();
      cpu.set({}, (user + system) / 1e6);
      memory.set({}, process.memoryUsage.rss());
      uptime.set({}, process.uptime());
      lag.set({ quantile: '0.5' }, lagAt(50));
      lag.set({ quantile: '0.99' }, lagAt(99));
      delay.reset();
      return [cpu, memory, uptime, lag].map((family) => family.text()).join('');
    },
    close: () => void delay.disable(),
  };
}

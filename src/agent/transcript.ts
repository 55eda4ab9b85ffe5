/**
 * A conversation is not stored: it is what the loop says again when it is given its own records.
 * So the transcript of a task is made by the code that made the task, and cannot disagree with it.
 */
import type { TaskContext } from '../task/engine.ts';
import type { StepRecord, Task } from '../task/task.ts';
import { text } from '../task/content.ts';
import type { Agent } from './agent.ts';
import { agentInput } from './agent-input.ts';
import { runAgent } from './loop.ts';
import type { Message } from './model.ts';
import { toolCallsOf } from './tool-calls.ts';

class EndOfRecords extends Error {}

/** A finished task with its records. */
export interface Finished {
  task: Task;
  records: readonly StepRecord[];
}

/**
 * All that was said in a conversation before `task`, oldest first.
 * `read` gives terminal tasks only, whose records never change: so a replay reads the same.
 */
export async function conversationBefore(
  agent: Agent,
  task: Task,
  read: (id: string) => Promise<Finished>,
): Promise<Message[]> {
  const before: Finished[] = [];
  for (let id = task.predecessor; id !== undefined; id = before[0]?.task.predecessor) before.unshift(await read(id));
  const messages: Message[] = [];
  for (const { task, records } of before) {
    messages.push({ role: 'user', content: agentInput(task.input).content });
    await appendTranscript(agent, messages, records, task.createdAt);
  }
  return messages;
}

/** Appends to `messages`, whose last one is the task's request, what the agent said and read, as far as it is recorded. */
export async function appendTranscript(
  agent: Agent,
  messages: Message[],
  records: readonly StepRecord[],
  startedAt: number,
): Promise<void> {
  const byKey = new Map(records.map((record) => [record.key, record]));
  try {
    await runAgent(agent, messages, recordedContext(byKey, '', startedAt));
  } catch (error) {
    if (!(error instanceof EndOfRecords)) throw error;
  }
  closeOpenCalls(messages);
}

function recordedContext(records: ReadonlyMap<string, StepRecord>, path: string, startedAt: number): TaskContext {
  let now = startedAt;
  return {
    path,
    signal: new AbortController().signal,
    hasListeners: false,
    get now() {
      return now;
    },
    step<T>(name: string): Promise<T> {
      const record = records.get(path === '' ? name : `${path}/${name}`);
      if (record === undefined) return Promise.reject(new EndOfRecords());
      now = record.at;
      return Promise.resolve(record.value as T);
    },
    branch: (key, body) => body(recordedContext(records, path === '' ? key : `${path}/${key}`, now)),
    emit: () => {},
  };
}

/** A task that was cut off among its calls leaves calls without results, which no model may be shown. */
function closeOpenCalls(messages: Message[]): void {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return;
  const calls = toolCallsOf(last);
  if (calls.length === 0) return;
  messages.push({
    role: 'user',
    content: calls.map((call) => ({
      type: 'tool_result',
      callId: call.id,
      content: [text('No result: the task ended before this call did.')],
      isError: true,
    })),
  });
}

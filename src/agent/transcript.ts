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
import type { ToolOutcome } from './tool.ts';
import { callStep, toolCallsOf } from './tool-calls.ts';

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
    await appendTranscript(agent, messages, records);
  }
  return messages;
}

/** Appends to `messages`, whose last one is the task's request, what the agent said and read, as far as it is recorded. */
export async function appendTranscript(
  agent: Agent,
  messages: Message[],
  records: readonly StepRecord[],
): Promise<void> {
  try {
    await runAgent(unlimited(agent), messages, recordedContext(records));
  } catch (error) {
    if (!(error instanceof EndOfRecords)) throw error;
  }
  closeOpenCalls(messages);
}

/** The limits of today must not cut the records of yesterday: where these end, the task ended. */
function unlimited(agent: Agent): Agent {
  const { parallelTools, depth } = agent.limits;
  return { ...agent, limits: { turns: Infinity, toolCalls: Infinity, parallelTools, depth } };
}

function recordedContext(records: readonly StepRecord[]): TaskContext {
  const values = new Map(records.map(({ key, value }) => [key, value]));
  return {
    path: '',
    signal: new AbortController().signal,
    hasListeners: false,
    now: 0,
    step: <T>(name: string) =>
      values.has(name) ? Promise.resolve(values.get(name) as T) : Promise.reject(new EndOfRecords()),
    // A branch of the loop is a call. What was said inside it, by a nested agent, is not part of this conversation.
    branch: <T>(key: string) => Promise.resolve((values.get(`${key}/${callStep}`) ?? noResult) as T),
    emit: () => {},
  };
}

const noResult: ToolOutcome = { content: [text('No result: the task ended before this call did.')], isError: true };

/** A reply that was refused leaves calls without results, which no model may be shown. */
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
      ...noResult,
    })),
  });
}

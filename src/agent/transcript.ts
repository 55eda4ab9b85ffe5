/**
 * A conversation is not stored: it is what the loop says again when it is given its own records.
 * So the transcript of a task is made by the code that made the task, and cannot disagree with it.
 */
import type { Finished, TaskContext } from '../task/engine.ts';
import type { StepRecord } from '../task/task.ts';
import { text } from '../task/content.ts';
import type { Agent } from './agent.ts';
import { agentInput } from './agent-input.ts';
import { runAgent } from './loop.ts';
import type { Message } from './model.ts';
import type { ToolOutcome } from './tool.ts';
import { callStep, settledStep, toolCallsOf } from './tool-calls.ts';

class EndOfRecords extends Error {}

/** All that was said in the tasks `before` this one, oldest first. */
export async function conversationOf(agent: Agent, before: readonly Finished[]): Promise<Message[]> {
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
    waited: 0,
    step: <T>(name: string) =>
      values.has(name) ? Promise.resolve(values.get(name) as T) : Promise.reject(new EndOfRecords()),
    // A branch of the loop is a call. What was said inside it, by a nested agent, is not part of this conversation.
    branch: <T>(key: string) =>
      Promise.resolve((values.get(`${key}/${settledStep}`) ?? values.get(`${key}/${callStep}`) ?? noResult) as T),
    unfinished: () => undefined,
    requestInput: () => Promise.reject(new EndOfRecords()),
    previous: () => Promise.resolve([]),
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

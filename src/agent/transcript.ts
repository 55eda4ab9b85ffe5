/**
 * A conversation is not stored: it is what the loop says again when it is given its own records.
 * So the transcript of a task is made by the code that made the task, and cannot disagree with it.
 */
import { isJsonObject, type Json } from '../json.ts';
import type { Finished, TaskContext } from '../task/engine.ts';
import type { InputResponse, Sent } from '../task/question.ts';
import type { StepRecord } from '../task/task.ts';
import { text } from '../task/content.ts';
import type { Agent } from './agent.ts';
import { agentInput } from './agent-input.ts';
import { isCompactStep } from './compaction.ts';
import { isOutcomeStep } from './call-steps.ts';
import type { Hook } from './hooks.ts';
import type { Limits } from './limits.ts';
import { runAgent } from './loop.ts';
import type { Message, Model } from './model.ts';
import type { ToolOutcome } from './tool.ts';
import { toolCallsOf } from './tool-calls.ts';
import { isHookStep } from './turn-hooks.ts';

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
    await runAgent(asRecorded(agent), messages, recordedContext(records));
  } catch (error) {
    if (!(error instanceof EndOfRecords)) throw error;
  }
  closeOpenCalls(messages);
}

/**
 * What is configured today must not change the records of yesterday: where these end, the task ended. It has no limits,
 * people let it go on wherever they were asked, and the hooks are those that were recorded.
 */
function asRecorded(agent: Agent): Agent {
  const limits: Limits = {
    ...agent.limits,
    turns: Infinity,
    toolCalls: Infinity,
    sameCall: Infinity,
    agents: Infinity,
    time: Infinity,
    onLimit: 'ask',
  };
  delete limits.tokens;
  delete limits.cost;
  const hooks = { task_start: [neverRun], after_model: [neverRun], task_end: [neverRun] };
  return { ...agent, limits, hooks, model: saidBefore(agent.model) };
}

/** Whoever thought then: what was said stands in the records, and they are all that is asked. */
const saidBefore = ({ id, contextWindow, isPlan }: Model): Model => ({
  id,
  contextWindow,
  ...(isPlan === true && { isPlan }),
  generate: () => Promise.reject(new EndOfRecords()),
});

const neverRun: Hook = {
  name: 'recorded',
  matches: () => true,
  run: () => Promise.reject(new EndOfRecords()),
};

const yes: InputResponse = { action: 'accept', content: { decision: 'continue' } };

function recordedContext(records: readonly StepRecord[]): TaskContext {
  const values = new Map(records.map(({ key, value }) => [key, value]));
  const outcomes = outcomesIn(records);
  const missing = (name: string): Promise<Json> => {
    if (isHookStep(name)) return Promise.resolve({ kind: 'pass' });
    // The window may be another one today: then no summary was needed.
    return isCompactStep(name) ? Promise.resolve({ kind: 'too_long' }) : Promise.reject(new EndOfRecords());
  };
  return {
    task: '',
    owner: '',
    path: '',
    signal: new AbortController().signal,
    hasListeners: false,
    now: 0,
    waited: 0,
    inbox: [moreToHear],
    step: <T>(name: string) => {
      const value = values.get(name);
      return (value === undefined ? missing(name) : Promise.resolve(value)) as Promise<T>;
    },
    // A branch of the loop is a call. What was said inside it, by a nested agent, is not part of this conversation.
    branch: <T>(key: string) => Promise.resolve((outcomes.get(key) ?? noResult) as T),
    unfinished: () => undefined,
    requestInput: () => Promise.resolve(yes),
    sleep: () => Promise.resolve(),
    relay: () => Promise.reject(new EndOfRecords()),
    withdraw: () => Promise.resolve(),
    keep: () => Promise.reject(new EndOfRecords()),
    kept: () => Promise.resolve(undefined),
    note: () => {},
    previous: () => Promise.resolve([]),
    emit: () => {},
  };
}

/** What each call came to, by its branch: the last that was recorded, without what only asked for leave. */
function outcomesIn(records: readonly StepRecord[]): ReadonlyMap<string, Json> {
  const outcomes = new Map<string, Json>();
  for (const { key, value } of records) {
    const [branch, step] = splitKey(key);
    if (isOutcomeStep(step) && !isAsk(value)) outcomes.set(branch, value);
  }
  return outcomes;
}

const isAsk = (value: Json): boolean => isJsonObject(value) && value['asks'] !== undefined;

/** Branch path and step name. */
function splitKey(key: string): [branch: string, step: string] {
  const slash = key.lastIndexOf('/');
  return [key.slice(0, Math.max(0, slash)), key.slice(slash + 1)];
}

/** Always something that was not heard: no answer is the last one as long as there are records of what came after it. */
const moreToHear: Sent = { seq: Infinity, text: '', by: { owner: '', channel: '' }, at: 0 };

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

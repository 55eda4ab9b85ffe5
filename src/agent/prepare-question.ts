/** What stands before every question to a model, and every way in which one may fail, as a value of its step. */
import { messageOf, UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Sent } from '../task/question.ts';
import type { LimitName, StopReason } from '../task/task.ts';
import type { Agent } from './agent.ts';
import { askPersonSpec } from './ask-person.ts';
import { withinDeadline } from './limits.ts';
import { type Message, ModelError, type ModelReply, type ModelRequest, type ToolSpec } from './model.ts';
import type { Unavailable } from './model-wait.ts';
import type { Run } from './run.ts';
import { readResultSpec } from './spill.ts';
import type { EffectTool } from './tool.ts';
import { toolCallsOf } from './tool-calls.ts';

/** A question to the agent's model. */
export interface Question {
  /** The record of the reply: `turn 3: model`. */
  what: 'model' | 'compact';
  /** What people sent that is to be told with it. Called inside the step. */
  hear(): readonly Sent[];
  messages(heard: readonly Sent[]): readonly Message[];
  /** Why it may not be asked. Called inside the step. */
  denied?(messages: readonly Message[], signal: AbortSignal): Promise<string | undefined>;
  output?: JsonObject;
  onDelta?: ModelRequest['onDelta'];
}

/**
 * `heard`: what people had sent, which was put before the model with this question. `lends`: which of its calls, counted
 * from 0, are of agents of other Deputies, among the tools that it was offered. A replay may find other tools.
 */
export type Reply = { kind: 'reply'; reply: ModelReply; heard?: readonly Sent[]; lends?: readonly number[] };
export type NoReply =
  | { kind: 'too_long' }
  | { kind: 'stopped'; stop: Exclude<StopReason, 'answer'>; message: string; limit?: LimitName };

/** All that is found out before the model is asked. */
export type Prepared = { kind: 'prepared'; heard: readonly Sent[]; tools: readonly Offered[] };
type Offered = ToolSpec & Pick<EffectTool, 'isAgent'>;

/** Inside the step. */
export async function prepareQuestion(run: Run, question: Question, signal: AbortSignal): Promise<Prepared | NoReply> {
  const heard = question.hear();
  const denied = await question.denied?.(question.messages(heard), signal);
  if (denied !== undefined)
    return { kind: 'stopped', stop: 'denied', message: `${run.agent.name} was stopped by a hook: ${denied}` };
  return { kind: 'prepared', heard, tools: await toolsOf(run, signal) };
}

export function replied(reply: ModelReply, { heard, tools }: Prepared): Reply {
  const agents = new Set(tools.filter(({ isAgent }) => isAgent === true).map(({ name }) => name));
  const lends = toolCallsOf(reply.message).flatMap(({ name }, index) => (agents.has(name) ? [index] : []));
  return { kind: 'reply', reply, ...(heard.length > 0 && { heard }), ...(lends.length > 0 && { lends }) };
}

/** What an agent offers, by which of its own tools it has. */
const offers = new WeakMap<Agent, Map<string, { tools: readonly Offered[]; offer: readonly Offered[] }>>();

/** All that the model may call. The same array as long as the tools are the same: providers keep what they make of it. */
async function toolsOf({ agent, hasSpilled }: Run, signal: AbortSignal): Promise<readonly Offered[]> {
  const tools = await agent.tools(signal);
  const own = [...(agent.mayAskPeople ? [askPersonSpec] : []), ...(hasSpilled ? [readResultSpec] : [])];
  if (agent.agents.length + own.length === 0) return tools;
  const made = offers.get(agent) ?? new Map<string, { tools: readonly Offered[]; offer: readonly Offered[] }>();
  offers.set(agent, made);
  const key = own.map(({ name }) => name).join(' ');
  const last = made.get(key);
  if (last?.tools === tools) return last.offer;
  const offer = [...own, ...agent.agents, ...tools];
  made.set(key, { tools, offer });
  return offer;
}

/** Asks within the deadline; every way in which it may fail becomes a value. */
export function guarded<Said>(
  { agent, budget, context }: Run,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Said>,
): Promise<Said | NoReply | Unavailable> {
  return withinDeadline(budget.deadline, context, signal, async (cut) => {
    try {
      cut.throwIfAborted();
      return await ask(cut);
    } catch (error) {
      if (signal.aborted) throw error;
      if (cut.aborted)
        return { kind: 'stopped', stop: 'limit', limit: 'time', message: `${agent.name} stopped: its time is up.` };
      const outcome = failureOf(error);
      if (outcome === undefined) throw error;
      return outcome;
    }
  });
}

/** Undefined for a fault of ours. */
function failureOf(error: unknown): NoReply | Unavailable | undefined {
  if (error instanceof UnavailableError)
    return { kind: 'unavailable', stop: 'server_unavailable', message: messageOf(error) };
  if (!(error instanceof ModelError)) return undefined;
  const { kind, message, retryAfterMs, usage } = error;
  if (kind === 'context_length') return { kind: 'too_long' };
  if (kind !== 'unavailable') return { kind: 'stopped', stop: 'model_unavailable', message };
  const told = { ...(retryAfterMs !== undefined && { retryAfterMs }), ...(usage !== undefined && { usage }) };
  return { kind, stop: 'model_unavailable', message, ...told };
}

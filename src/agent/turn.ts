/** One question to the model: what it said, or why it said nothing, is an ordinary value, recorded as one step. */
import { messageOf, UnavailableError } from '../errors.ts';
import { textOf } from '../task/content.ts';
import type { Sent } from '../task/question.ts';
import type { LimitName, StopReason } from '../task/task.ts';
import { addUsage, noUsage } from '../task/usage.ts';
import type { Agent } from './agent.ts';
import { askPersonSpec } from './ask-person.ts';
import { withinDeadline } from './limits.ts';
import { ModelError, type ModelReply, type ModelRequest, type ToolSpec } from './model.ts';
import { askPatiently, type Unavailable } from './model-wait.ts';
import type { Run } from './run.ts';
import { readResultSpec } from './spill.ts';
import { endWith, unheard } from './steering.ts';
import type { EffectTool } from './tool.ts';
import { toolCallsOf } from './tool-calls.ts';
import { hooksBeforeModel } from './turn-hooks.ts';

/**
 * `heard`: what people had sent, which was put before the model with this question. `lends`: which of its calls, counted
 * from 0, are of agents of other Deputies, among the tools that it was offered. A replay may find other tools.
 */
export type Reply = { kind: 'reply'; reply: ModelReply; heard?: readonly Sent[]; lends?: readonly number[] };
type NoReply =
  | { kind: 'too_long' }
  | { kind: 'stopped'; stop: Exclude<StopReason, 'answer'>; message: string; limit?: LimitName };

export async function askModel(run: Run): Promise<Reply | NoReply> {
  const { agent, context, messages, spent } = run;
  const turn = spent.turns;
  context.emit({ type: 'turn_start', agent: agent.name, turn });

  const outcome = await askPatiently(run, 'model', async (signal) => {
    const heard = unheard(run);
    const { end, replaces } = endWith(messages, heard);
    const asked = heard.length === 0 ? messages : [...messages.slice(0, messages.length - replaces), ...end];
    let offered: readonly ToolSpec[] = [];
    const said = await guarded(run, signal, async (cut) => {
      const denied = await hooksBeforeModel(run, asked, cut);
      if (denied !== undefined) return { denied };
      offered = await toolsOf(run, cut);
      return {
        system: agent.instructions,
        messages: asked,
        tools: offered,
        ...(agent.output !== undefined && { output: agent.output.schema }),
        ...(context.hasListeners && {
          onDelta: ({ type, text }) => context.emit({ type: `${type}_delta`, agent: agent.name, text }),
        }),
      };
    });
    if (said.kind !== 'reply') return said;
    const lends = callsOfAgents(said.reply, offered);
    return { ...said, ...(heard.length > 0 && { heard }), ...(lends.length > 0 && { lends }) };
  });
  if (outcome.kind !== 'reply') return outcome;

  const { reply, heard = [] } = outcome;
  run.sampled = noUsage;
  run.heard.push(...heard);
  const { end, replaces } = endWith(messages, heard);
  messages.splice(messages.length - replaces, replaces, ...end, reply.message);
  run.said = textOf(reply.message.content) || run.said;
  spent.usage = addUsage(spent.usage, reply.usage);
  run.filled = reply.usage.inputTokens + reply.usage.outputTokens;
  const calls = toolCallsOf(reply.message).length;
  context.emit({ type: 'turn_end', agent: agent.name, turn, model: reply.model, usage: reply.usage, calls });
  return outcome;
}

function callsOfAgents(
  { message }: ModelReply,
  offered: readonly (ToolSpec & Pick<EffectTool, 'isAgent'>)[],
): number[] {
  const agents = new Set(offered.filter(({ isAgent }) => isAgent === true).map(({ name }) => name));
  return toolCallsOf(message).flatMap(({ name }, index) => (agents.has(name) ? [index] : []));
}

/** What an agent offers, by which of its own tools it has. */
const offers = new WeakMap<Agent, Map<string, { tools: readonly ToolSpec[]; offer: readonly ToolSpec[] }>>();

/** All that the model may call. The same array as long as the tools are the same: providers keep what they make of it. */
export async function toolsOf({ agent, hasSpilled }: Run, signal: AbortSignal): Promise<readonly ToolSpec[]> {
  const tools = await agent.tools(signal);
  const own = [...(agent.mayAskPeople ? [askPersonSpec] : []), ...(hasSpilled ? [readResultSpec] : [])];
  if (agent.agents.length + own.length === 0) return tools;
  const made = offers.get(agent) ?? new Map<string, { tools: readonly ToolSpec[]; offer: readonly ToolSpec[] }>();
  offers.set(agent, made);
  const key = own.map(({ name }) => name).join(' ');
  const last = made.get(key);
  if (last?.tools === tools) return last.offer;
  const offer = [...own, ...agent.agents, ...tools];
  made.set(key, { tools, offer });
  return offer;
}

type Question = Omit<ModelRequest, 'signal' | 'cacheKey'>;

/** Asks within the deadline; every way in which it may fail becomes a value. */
export function guarded(
  { agent, budget, context }: Run,
  signal: AbortSignal,
  question: (signal: AbortSignal) => Promise<Question | { denied: string }>,
): Promise<Reply | NoReply | Unavailable> {
  return withinDeadline(budget.deadline, context, signal, async (cut) => {
    try {
      cut.throwIfAborted();
      const asked = await question(cut);
      if ('denied' in asked)
        return { kind: 'stopped', stop: 'denied', message: `${agent.name} was stopped by a hook: ${asked.denied}` };
      return {
        kind: 'reply',
        reply: await agent.model.generate({ ...asked, cacheKey: agent.name, owner: context.owner, signal: cut }),
      };
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

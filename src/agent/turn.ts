/** One question to the model, as one recorded step: what it said, or why it said nothing, is an ordinary value. */
import { messageOf, UnavailableError } from '../errors.ts';
import { textOf } from '../task/content.ts';
import type { LimitName, StopReason } from '../task/task.ts';
import { addUsage } from '../task/usage.ts';
import type { Agent } from './agent.ts';
import { withinDeadline } from './limits.ts';
import { ModelError, type ModelReply, type ModelRequest, type ToolSpec } from './model.ts';
import type { Run } from './run.ts';

type TurnOutcome =
  | { kind: 'reply'; reply: ModelReply }
  | { kind: 'too_long' }
  | { kind: 'stopped'; stop: Exclude<StopReason, 'answer'>; message: string; limit?: LimitName };

export async function askModel(run: Run): Promise<TurnOutcome> {
  const { agent, context, messages, spent } = run;
  const turn = spent.turns;
  context.emit({ type: 'turn_start', agent: agent.name, turn });

  const outcome = await context.step(`turn ${turn}: model`, (signal) =>
    guarded(run, signal, async (cut) => ({
      system: agent.instructions,
      messages,
      tools: await toolsOf(agent, cut),
      ...(agent.output !== undefined && { output: agent.output.schema }),
      ...(context.hasListeners && {
        onDelta: ({ type, text }) => context.emit({ type: `${type}_delta`, agent: agent.name, text }),
      }),
    })),
  );
  if (outcome.kind !== 'reply') return outcome;

  const { reply } = outcome;
  messages.push(reply.message);
  run.said = textOf(reply.message.content) || run.said;
  spent.usage = addUsage(spent.usage, reply.usage);
  run.filled = reply.usage.inputTokens + reply.usage.outputTokens;
  const calls = reply.message.content.filter((block) => block.type === 'tool_call').length;
  context.emit({ type: 'turn_end', agent: agent.name, turn, model: reply.model, usage: reply.usage, calls });
  return outcome;
}

const offers = new WeakMap<Agent, { tools: readonly ToolSpec[]; offer: readonly ToolSpec[] }>();

/** All that the model may call. The same array as long as the tools are the same: providers keep what they make of it. */
export async function toolsOf(agent: Agent, signal: AbortSignal): Promise<readonly ToolSpec[]> {
  const tools = await agent.tools(signal);
  if (agent.agents.length === 0) return tools;
  const last = offers.get(agent);
  if (last?.tools === tools) return last.offer;
  const offer = [...agent.agents, ...tools];
  offers.set(agent, { tools, offer });
  return offer;
}

type Question = Omit<ModelRequest, 'signal' | 'cacheKey'>;

/** Asks within the deadline; every way in which it may fail becomes a value. */
export function guarded(
  { agent, budget, context }: Run,
  signal: AbortSignal,
  question: (signal: AbortSignal) => Promise<Question>,
): Promise<TurnOutcome> {
  return withinDeadline(budget.deadline, context, signal, async (cut) => {
    try {
      cut.throwIfAborted();
      const asked = await question(cut);
      return { kind: 'reply', reply: await agent.model.generate({ ...asked, cacheKey: agent.name, signal: cut }) };
    } catch (error) {
      if (signal.aborted) throw error;
      if (cut.aborted)
        return { kind: 'stopped', stop: 'limit', limit: 'time', message: `${agent.name} stopped: its time is up.` };
      if (error instanceof ModelError && error.kind === 'context_length') return { kind: 'too_long' };
      if (error instanceof ModelError) return { kind: 'stopped', stop: 'model_unavailable', message: error.message };
      if (error instanceof UnavailableError)
        return { kind: 'stopped', stop: 'server_unavailable', message: messageOf(error) };
      throw error;
    }
  });
}

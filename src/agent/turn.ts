/** One question to the model: what it said, or why it said nothing, is an ordinary value, recorded as one step. */
import { textOf } from '../task/content.ts';
import type { Sent } from '../task/question.ts';
import { addUsage, noUsage } from '../task/usage.ts';
import type { Message } from './model.ts';
import type { NoReply, Reply } from './prepare-question.ts';
import type { Run } from './run.ts';
import { endWith, unheard } from './steering.ts';
import { think } from './think.ts';
import { toolCallsOf } from './tool-calls.ts';
import { hooksBeforeModel } from './turn-hooks.ts';

export async function askModel(run: Run): Promise<Reply | NoReply> {
  const { agent, context, messages, spent } = run;
  const turn = spent.turns;
  context.emit({ type: 'turn_start', agent: agent.name, turn });

  const outcome = await think(run, {
    what: 'model',
    hear: () => unheard(run),
    messages: (heard) => withHeard(messages, heard),
    denied: (asked, signal) => hooksBeforeModel(run, asked, signal),
    ...(agent.output !== undefined && { output: agent.output.schema }),
    ...(context.hasListeners && {
      onDelta: ({ type, text }) => context.emit({ type: `${type}_delta`, agent: agent.name, text }),
    }),
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

function withHeard(messages: readonly Message[], heard: readonly Sent[]): readonly Message[] {
  if (heard.length === 0) return messages;
  const { end, replaces } = endWith(messages, heard);
  return [...messages.slice(0, messages.length - replaces), ...end];
}

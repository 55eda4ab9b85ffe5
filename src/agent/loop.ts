/** The agent loop: ask the model, run the tools that it asked for, repeat until it answers or may not go on. */
import type { TaskContext } from '../task/engine.ts';
import type { TaskResult } from '../task/task.ts';
import { noUsage } from '../task/usage.ts';
import type { Agent } from './agent.ts';
import { compact, isNearlyFull } from './compaction.ts';
import { type Allowance, budgetOf, limitReached, workTime } from './limits.ts';
import type { Message, UserMessage } from './model.ts';
import { type Run, stopped } from './run.ts';
import { finalAnswer } from './answer.ts';
import { runToolCalls, toolCallsOf } from './tool-calls.ts';
import { askModel } from './turn.ts';

/**
 * Works on `messages`, whose last one is the caller's, and appends to them: afterwards they are the conversation.
 * What ends the agent's work is a result; a rejection is a fault of ours or the task's cancellation.
 */
export async function runAgent(
  agent: Agent,
  messages: Message[],
  context: TaskContext,
  allowance?: Allowance,
): Promise<TaskResult> {
  const run: Run = {
    agent,
    messages,
    context,
    budget: budgetOf(agent.limits, workTime(context), allowance),
    request: requestIn(messages),
    spent: { turns: 0, toolCalls: 0, usage: noUsage },
    filled: 0,
    amendments: 0,
    isStopped: false,
    said: '',
  };
  context.emit({ type: 'agent_start', agent: agent.name, model: agent.model.id });

  const result = await untilAnswered(run);
  context.emit({ type: 'agent_end', agent: agent.name, stop: result.stop, usage: result.usage });
  return result;
}

function requestIn(messages: readonly Message[]): UserMessage['content'] {
  const last = messages.at(-1);
  return last?.role === 'user' ? last.content : [];
}

const contextFull = 'the context window of its model is full, and a summary would not help';

async function untilAnswered(run: Run): Promise<TaskResult> {
  for (;;) {
    const limit = limitReached(run.budget, run.spent, workTime(run.context));
    if (limit) return stopped(run, 'limit', `${run.agent.name} stopped: ${limit.message}.`, limit.limit);
    run.spent.turns += 1;

    const wasFull = isNearlyFull(run);
    if (wasFull) await compact(run);
    const turn = await askModel(run);
    if (turn.kind === 'too_long' && !wasFull && (await compact(run))) continue;
    if (turn.kind === 'too_long') return stopped(run, 'limit', `${run.agent.name} stopped: ${contextFull}.`, 'context');
    if (turn.kind === 'stopped') return stopped(run, turn.stop, turn.message, turn.limit);

    const calls = turn.reply.stop === 'refusal' ? [] : toolCallsOf(turn.reply.message);
    if (calls.length === 0) {
      const answer = finalAnswer(run, turn.reply);
      if (answer.kind === 'result') return answer.result;
      run.messages.push({ role: 'user', content: [{ type: 'text', text: answer.request }] });
      continue;
    }
    run.messages.push({ role: 'user', content: await runToolCalls(run, calls, turn.reply.stop) });
    if (run.isStopped) return stopped(run, 'stopped', `${run.agent.name} was stopped by a person.`);
  }
}

/** The agent loop: ask the model, run the tools that it asked for, repeat until it answers or may not go on. */
import type { TaskContext } from '../task/engine.ts';
import type { TaskResult } from '../task/task.ts';
import type { Agent } from './agent.ts';
import { finalAnswer } from './answer.ts';
import { compact, isNearlyFull } from './compaction.ts';
import { goesOn, limitOfCalls } from './limit-question.ts';
import { type Allowance, limitReached, type Reached, workTime } from './limits.ts';
import type { Message } from './model.ts';
import { limitOfStep } from './plan-limit.ts';
import { newRun, type Run, stopped } from './run.ts';
import { isAnswerTooEarly } from './steering.ts';
import { runToolCalls, toolCallsOf } from './tool-calls.ts';
import { hooksAfterModel, hooksAtEnd, hooksAtStart } from './turn-hooks.ts';
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
  const run = newRun(agent, messages, context, allowance);
  context.emit({ type: 'agent_start', agent: agent.name, model: run.model.id });
  const ended = await hooksAtEnd(run, (await hooksAtStart(run)) ?? (await untilAnswered(run)));
  const result = run.spent.agents > 0 ? { ...ended, agents: run.spent.agents } : ended;
  context.emit({ type: 'agent_end', agent: agent.name, stop: result.stop, usage: result.usage });
  return result;
}

const contextFull: Reached = {
  limit: 'context',
  message: 'the context window of its model is full, and a summary would not help',
};

async function untilAnswered(run: Run): Promise<TaskResult> {
  for (;;) {
    const limit = limitReached(run.budget, run.spent, workTime(run.context));
    if (limit !== undefined) {
      if (await goesOn(run, limit)) continue;
      return stoppedAt(run, limit);
    }
    run.spent.turns += 1;

    const wasFull = isNearlyFull(run);
    if (wasFull) await compact(run);
    const turn = await askModel(run);
    if (turn.kind === 'too_long' && !wasFull && (await compact(run))) continue;
    if (turn.kind === 'too_long') return stoppedAt(run, contextFull);
    // By the clock of the records its time is up: the limit is told, or asked about, above.
    if (turn.kind === 'stopped' && turn.limit === 'time') continue;
    if (turn.kind === 'stopped') return stopped(run, turn.stop, turn.message);
    const denied = await hooksAfterModel(run, turn.reply);
    if (denied !== undefined) return denied;

    const calls = turn.reply.stop === 'refusal' ? [] : toolCallsOf(turn.reply.message);
    if (calls.length === 0) {
      const answer = finalAnswer(run, turn.reply);
      if (answer.kind === 'amend')
        run.messages.push({ role: 'user', content: [{ type: 'text', text: answer.request }] });
      // A plan has nobody left to tell: what was sent after its last step began was too late.
      else if (!isAnswerTooEarly(run, answer.result) || run.agent.model.isPlan === true) return answer.result;
      continue;
    }
    const overstepped = (await limitOfCalls(run, calls, turn)) ?? limitOfStep(run, calls);
    if (overstepped !== undefined) return stoppedAt(run, overstepped);
    run.messages.push({ role: 'user', content: await runToolCalls(run, calls, turn) });
    if (run.isStopped) return stopped(run, 'stopped', `${run.agent.name} was stopped by a person.`);
  }
}

const stoppedAt = (run: Run, { limit, message }: Reached): TaskResult =>
  stopped(run, 'limit', `${run.agent.name} stopped: ${message}.`, limit);

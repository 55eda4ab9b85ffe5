/**
 * A composed agent: its steps are written down, so that no model decides what comes next. A plan takes a model's place
 * in the loop: it "replies" with the calls of the next step, and at the end with the last answer. So the journal, the
 * policy, the limits, questions and hooks are those of every agent.
 *
 * Invariants:
 *   P1. What it says follows from the conversation alone, so that a replay, or another process, calls the same.
 *   P2. A step begins once all calls of the one before have come to an end.
 *   P3. One failure among several calls throws no other answer away: it stands at its place as `{"error": ...}`. A step
 *       of which nothing is left has failed, and ends the plan with the reason.
 */
import { noUsage } from '../task/usage.ts';
import type { Model, ModelReply, ToolCall } from './model.ts';
import type { PlannedCall, PlanStep } from './plan.ts';
import { answered, type StepAnswer } from './plan-answers.ts';
import { callsOf } from './plan-calls.ts';
import { readTalk } from './plan-talk.ts';

/**
 * @param hasOwnInput whether an agent declares an `input` of its own: its arguments are then the JSON answer of the
 *   step before (of the first step, the composed agent's input), a text as `{message}`. Every other agent gets a
 *   message that holds the request and the answers of the step before.
 */
export function planModel(steps: readonly PlanStep[], hasOwnInput: (agent: string) => boolean): Model {
  return {
    id: 'plan',
    isPlan: true,
    generate: async ({ messages }) => reply(nextMove(steps, hasOwnInput, readTalk(messages))),
  };
}

type Move = { calls: readonly PlannedCall[] } | { answer: string } | { fault: string };

/** Goes through the steps that are done, to the first that is not. */
function nextMove(
  steps: readonly PlanStep[],
  hasOwnInput: (agent: string) => boolean,
  { request, earlier, rounds }: ReturnType<typeof readTalk>,
): Move {
  let before: StepAnswer | undefined;
  let round = 0;
  for (const step of steps) {
    const planned = callsOf(step, { request, earlier, hasOwnInput, before, sent: rounds.slice(0, round) });
    if ('fault' in planned) return planned;
    const done = planned.calls.length === 0 ? [] : rounds[round]?.results;
    if (done === undefined) return planned;
    if (planned.calls.length > 0) round += 1;
    before = answered(step, planned.calls, done);
    if (before.fault !== undefined) return { fault: before.fault };
  }
  return { answer: before?.text ?? '' };
}

function reply(move: Move): ModelReply {
  const said = { usage: noUsage, model: 'plan' };
  if (!('calls' in move)) {
    const [words, stop] = 'fault' in move ? [move.fault, 'failed' as const] : [move.answer, 'end' as const];
    return { ...said, message: { role: 'assistant', content: [{ type: 'text', text: words }] }, stop };
  }
  const content = move.calls.map(({ agent, args }, index): ToolCall => {
    return { type: 'tool_call', id: `call_${index + 1}`, name: agent, args };
  });
  return { ...said, message: { role: 'assistant', content }, stop: 'tool_calls' };
}

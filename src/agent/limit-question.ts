/** At a limit: where the agent says `on_limit: ask`, a person decides whether it may go on. */
import type { InputRequest } from '../task/question.ts';
import { agentsLeft, type Budget, least, type Reached, tokensOf, usd, workTime } from './limits.ts';
import type { ToolCall } from './model.ts';
import { chainOf } from './prepare-call.ts';
import type { Run } from './run.ts';
import { agentCalls, type Turn } from './tool-calls.ts';
import { visible } from './visible.ts';

/** Milliseconds. Nobody's answer is a no. */
const expiry = 24 * 3_600_000;

/** Asks, where there is something to ask for, and widens the run's budget by one more allowance of the same size. */
export async function goesOn(run: Run, reached: Reached): Promise<boolean> {
  if (run.agent.limits.onLimit !== 'ask' || run.mustEnd) return false;
  const wider = widened(run, reached);
  if (wider === undefined) return false;

  run.limitQuestions += 1;
  const request = questionOf(run, reached, wider.adds);
  const response = await run.context.requestInput(`limit ${run.limitQuestions}`, request, expiry);
  if (response.action === 'accept' && response.content['decision'] === 'continue') {
    run.budget = wider.budget;
    return true;
  }
  run.mustEnd = true;
  return false;
}

/**
 * Counts the calls of a turn, before any of them is made.
 * @returns the limit that forbids all of them. Where a model asks for too many, those that fit are run, and the rest is
 *   told.
 */
export async function limitOfCalls(
  run: Run,
  calls: readonly ToolCall[],
  { reply, lends }: Turn,
): Promise<Reached | undefined> {
  // A cut reply makes no call.
  if (reply.stop === 'length') return undefined;
  for (const call of calls) run.made.set(keyOf(call), (run.made.get(keyOf(call)) ?? 0) + 1);
  for (;;) {
    const repeated = mostRepeated(run, calls);
    if (repeated === undefined) break;
    if (!(await goesOn(run, repeated))) return repeated;
  }
  const { budget, spent } = run;
  if (spent.toolCalls + calls.length > budget.toolCalls)
    await goesOn(run, { limit: 'tool_calls', message: `it asks for more than its ${budget.toolCalls} tool calls` });
  if (budget.depth > 0 && agentCalls(run.agent, calls, lends).length > agentsLeft(budget, spent))
    await goesOn(run, {
      limit: 'agents',
      message: `it asks for more than the ${budget.agents} agents that may run below it`,
    });
  return undefined;
}

function mostRepeated({ budget, made }: Run, calls: readonly ToolCall[]): Reached | undefined {
  const call = calls.find((call) => (made.get(keyOf(call)) ?? 0) > budget.sameCall);
  if (call === undefined) return undefined;
  const name = visible(call.name.slice(0, 100));
  const message = `it asked for "${name}" with the same arguments ${made.get(keyOf(call))} times`;
  return { limit: 'same_call', message };
}

const keyOf = ({ name, args, malformed }: ToolCall): string => `${name} ${malformed ?? JSON.stringify(args)}`;

/** Undefined where nothing would be gained: the caller has no more to give, or there is nothing to measure. */
function widened(run: Run, { limit }: Reached): { budget: Budget; adds: string } | undefined {
  const { budget, allowance, spent, context } = run;
  const { turns, toolCalls, sameCall, tokens, cost, time } = run.agent.limits;
  switch (limit) {
    case 'agents': {
      const most = allowance && allowance.agents - 1;
      const room = moreOf(run.agent.limits.agents, budget.agents, spent.agents, most);
      return room && { budget: { ...budget, agents: room.bound }, adds: more(room.gain, 'agent') };
    }
    case 'turns':
      return { budget: { ...budget, turns: budget.turns + turns }, adds: more(turns, 'turn') };
    case 'tool_calls':
      return { budget: { ...budget, toolCalls: budget.toolCalls + toolCalls }, adds: more(toolCalls, 'tool call') };
    case 'same_call':
      return {
        budget: { ...budget, sameCall: budget.sameCall + sameCall },
        adds: more(sameCall, 'call', ' of this kind'),
      };
    case 'tokens': {
      const room = moreOf(tokens, budget.tokens, tokensOf(spent.usage), allowance?.tokens);
      return room && { budget: { ...budget, tokens: room.bound }, adds: more(Math.floor(room.gain), 'token') };
    }
    case 'cost': {
      const room = spent.usage.cost === null ? undefined : moreOf(cost, budget.cost, spent.usage.cost, allowance?.cost);
      return room && { budget: { ...budget, cost: room.bound }, adds: `${usd(room.gain)} more USD` };
    }
    case 'time': {
      const room = moreOf(time, budget.deadline, workTime(context), allowance?.deadline);
      const seconds = room === undefined ? 0 : Math.ceil(room.gain / 1_000);
      return room && { budget: { ...budget, deadline: room.bound }, adds: more(seconds, 'second') };
    }
    case 'context':
      return undefined;
  }
}

const more = (count: number, what: string, which = ''): string =>
  `${count} more ${what}${count === 1 ? '' : 's'}${which}`;

/** From where it stands now: what was overstepped is not asked about a second time. */
function moreOf(
  own: number | undefined,
  bound: number | undefined,
  spent: number,
  atMost: number | undefined,
): { bound: number; gain: number } | undefined {
  if (own === undefined || bound === undefined) return undefined;
  const from = Math.max(bound, spent);
  const to = least(from + own, atMost) ?? from;
  return to > from ? { bound: to, gain: to - from } : undefined;
}

function questionOf(run: Run, { message }: Reached, adds: string): InputRequest {
  const { agent, spent } = run;
  const { usage, turns, toolCalls } = spent;
  const cost = usage.cost === null ? 'a cost that is not known' : `${usd(usage.cost)} USD`;
  return {
    kind: 'form',
    message: [
      `${agent.name} has come to a limit: ${message}.`,
      `So far it used ${turns} turns, ${toolCalls} tool calls, ${tokensOf(usage)} tokens and ${cost}.`,
      `To continue gives it ${adds}.`,
    ].join('\n'),
    schema: {
      type: 'object',
      properties: {
        decision: {
          type: 'string',
          title: 'May it go on?',
          oneOf: [
            { const: 'stop', title: 'Stop here' },
            { const: 'continue', title: `Continue: ${adds}` },
          ],
        },
      },
      required: ['decision'],
    },
    chain: chainOf(run),
  };
}

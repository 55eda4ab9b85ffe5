/**
 * Runs one turn's tool calls: side by side, bounded, results in the order in which the model asked.
 *
 * Invariants:
 *   C1. Branches open in call order, before anything is awaited, so that a replay sees the same sequence.
 *   C2. A queue slot is held only while an effect runs: never while a person thinks or a nested agent works.
 */
import { textOf } from '../task/content.ts';
import { addUsage } from '../task/usage.ts';
import { afterTool } from './after-tool.ts';
import type { Agent } from './agent.ts';
import { askPerson, askPersonSpec } from './ask-person.ts';
import { callStep } from './call-steps.ts';
import { callEffect } from './effect-call.ts';
import { type Allowance, allowancesOf } from './limits.ts';
import type { AssistantMessage, ModelReply, ToolCall, ToolResult } from './model.ts';
import { callAgent } from './nested-call.ts';
import { type Calling, failed } from './prepare-call.ts';
import { modelFor, type Run } from './run.ts';
import { hooksAt } from './run-hooks.ts';
import { type Slots, slotsFor } from './slots.ts';
import { readResult, readResultSpec } from './spill.ts';
import type { AgentTool, ToolOutcome } from './tool.ts';

export const toolCallsOf = (message: AssistantMessage): ToolCall[] =>
  message.content.filter((block) => block.type === 'tool_call');

/** How the reply ended whose calls they are, and which of them are of agents of other Deputies. */
export interface Turn {
  reply: Pick<ModelReply, 'stop'>;
  lends?: readonly number[];
}

export async function runToolCalls(
  run: Run,
  calls: readonly ToolCall[],
  { reply: { stop: replyStop }, lends = [] }: Turn,
): Promise<ToolResult[]> {
  const { agent, budget, context, spent } = run;
  const allowed = replyStop === 'length' ? 0 : budget.toolCalls - spent.toolCalls;
  const refusal =
    replyStop === 'length' ? cutReply : `Not run: the limit of ${budget.toolCalls} tool calls is reached.`;
  const slots = slotsFor(agent.limits.parallelTools, calls.length);
  const lent = lentTo(run, calls.slice(0, allowed), lends, slots);
  run.isLent = lent.size > 0;
  spent.toolCalls += calls.length;

  const outcomes = await Promise.all(
    calls.map((call, index) =>
      context.branch(`turn ${spent.turns}: call ${index + 1}`, async (branch) => {
        branch.emit({ type: 'tool_start', agent: agent.name, callId: call.id, tool: call.name, args: call.args });
        const outcome =
          index < allowed
            ? await runToolCall({ run, call, branch, lent: lent.get(index) }, slots)
            : await branch.step(callStep, () => Promise.resolve(failed(refusal)));
        branch.emit({
          type: 'tool_end',
          agent: agent.name,
          callId: call.id,
          tool: call.name,
          isError: outcome.isError,
          summary: textOf(outcome.content).slice(0, 200),
        });
        return outcome;
      }),
    ),
  );

  for (const { usage, agents = 0 } of outcomes) {
    if (usage !== undefined) spent.usage = addUsage(spent.usage, usage);
    spent.agents += agents;
  }
  run.hasSpilled ||= outcomes.some(({ kept }) => kept !== undefined);
  run.isStopped ||= outcomes.some(({ stops }) => stops === true);
  return outcomes.map(({ content, isError }, index) => ({
    type: 'tool_result',
    callId: calls[index]?.id ?? '',
    content,
    isError,
  }));
}

/** Half a plan is not what the model wanted, and the arguments of its last call may lack their end. */
const cutReply =
  'Not run: your reply was cut at its output limit, so none of its calls was run. Ask for less at a time.';

/** Which calls are of agents, of this network or of other Deputies. */
export function agentCalls(agent: Agent, calls: readonly ToolCall[], lends: readonly number[] = []): number[] {
  const isAgent = (call: ToolCall, index: number): boolean =>
    lends.includes(index) || agentToolOf(agent, call) !== undefined;
  return calls.flatMap((call, index) => (isAgent(call, index) ? [index] : []));
}

/** What each call of an agent leaves to it, by its place among the calls. */
function lentTo(run: Run, calls: readonly ToolCall[], lends: readonly number[], slots: Slots): Map<number, Allowance> {
  const { agent, budget, spent } = run;
  const agents = agentCalls(agent, calls, lends);
  const model = modelFor(run);
  const each = allowancesOf(agent, budget, spent, agents.length);
  const lent = (allowance: Allowance): Allowance => ({ ...allowance, slots, ...(model !== undefined && { model }) });
  return new Map(each.map((allowance, n) => [agents[n] ?? 0, lent(allowance)]));
}

const agentToolOf = (agent: Agent, call: ToolCall): AgentTool | undefined =>
  agent.agents.find((tool) => tool.name === call.name);

async function runToolCall(calling: Calling, slots: Slots): Promise<ToolOutcome> {
  const { run, call } = calling;
  const agentTool = agentToolOf(run.agent, call);
  if (agentTool !== undefined) return afterTool(calling, await callAgent(calling, agentTool));
  if (run.agent.mayAskPeople && call.name === askPersonSpec.name) return askPerson(calling);
  if (run.hasSpilled && call.name === readResultSpec.name) return afterTool(calling, await readOn(calling));
  return afterTool(calling, await callEffect(calling, slots));
}

const readOn = ({ run, call, branch }: Calling): Promise<ToolOutcome> =>
  branch.step(callStep, async () => {
    const outcome = await readResult(call.args, branch);
    const isHooked = !outcome.isError && hooksAt(run.agent.hooks, 'after_tool').length > 0;
    return isHooked ? { ...outcome, made: { tool: readResultSpec.name, bytes: JSON.stringify(call.args) } } : outcome;
  });

import { agentsLeft, type Limits, type Reached } from './limits.ts';
import type { ToolCall } from './model.ts';
import type { Run } from './run.ts';

/**
 * What a composed agent has where its author wrote nothing else. Its turns are its steps, and the same call is made again
 * where a list holds the same item twice; how many agents a list is for, its author bounds.
 */
export const planLimits: Partial<Limits> = { turns: Infinity, sameCall: Infinity, toolCalls: 1_000, agents: 1_000 };

/**
 * A model is told which of its calls were not made, and goes on with fewer. A plan cannot: a step of it is made whole, or
 * not at all.
 * @returns the limit that does not let all of `calls` be made.
 */
export function limitOfStep({ agent, budget, spent }: Run, calls: readonly ToolCall[]): Reached | undefined {
  if (agent.model.isPlan !== true) return undefined;
  const step = `its next step is ${calls.length} calls`;
  const callsLeft = budget.toolCalls - spent.toolCalls;
  if (calls.length > callsLeft)
    return { limit: 'tool_calls', message: `${step}, and it has ${callsLeft} left (limits.tool_calls)` };
  const left = agentsLeft(budget, spent);
  if (calls.length > left)
    return { limit: 'agents', message: `${step}, and ${left} more agents may run below it (limits.agents)` };
  return undefined;
}

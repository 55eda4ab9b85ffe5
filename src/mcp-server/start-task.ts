import { agentInput, defaultInputSchema } from '../agent/agent-input.ts';
import { BusyError, NotFoundError, UsageError } from '../errors.ts';
import { schemaCheck } from '../json-schema.ts';
import type { Task } from '../task/task.ts';
import type { Call } from './call.ts';
import { idempotencyKeyOf } from './meta.ts';

export type Started = { task: Task; refused?: undefined } | { refused: string };

const checkDefaultInput = schemaCheck(defaultInputSchema);

/**
 * Stores and starts what the call asks for. `refused`: what the caller's model can mend.
 * @param ttlMs how long the caller wants the task remembered.
 */
export async function startTask({ options, caller, agent, args, context }: Call, ttlMs?: number): Promise<Started> {
  const fault = (agent.input?.check ?? checkDefaultInput)(args);
  if (fault !== undefined) return { refused: `Invalid arguments for ${agent.name}: ${fault}` };
  const conversation = agent.input === undefined ? agentInput(args).conversation : undefined;
  const idempotencyKey = idempotencyKeyOf(context.mcpReq._meta);
  try {
    const task = await options.engine.start({
      agent: agent.name,
      input: args,
      owner: caller.owner,
      ...(conversation !== undefined && { conversation }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(ttlMs !== undefined && { ttlMs }),
    });
    return { task };
  } catch (error) {
    const mendable = error instanceof NotFoundError || error instanceof BusyError || error instanceof UsageError;
    if (mendable) return { refused: error.message };
    throw error;
  }
}

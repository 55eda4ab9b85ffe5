import { agentInput, defaultInputSchema } from '../agent/agent-input.ts';
import { BusyError, NotFoundError, UsageError } from '../errors.ts';
import { schemaCheck } from '../json-schema.ts';
import type { Task } from '../task/task.ts';
import type { Call } from './call.ts';
import { idempotencyKeyOf } from './meta.ts';
import { readMandate, readTrace } from './read-mandate.ts';
import { refuseMandate } from './refuse-mandate.ts';

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
  const { _meta } = context.mcpReq;
  const idempotencyKey = idempotencyKeyOf(_meta);
  const mandate = readMandate(_meta);
  const trace = readTrace(_meta);
  const refused = mandate && refuseMandate(mandate, agent, options.identity);
  if (refused !== undefined) return { refused };
  try {
    const task = await options.engine.start({
      agent: agent.name,
      input: args,
      owner: caller.owner,
      ...(conversation !== undefined && { conversation }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(ttlMs !== undefined && { ttlMs }),
      ...(mandate !== undefined && { mandate }),
      ...(trace !== undefined && { trace }),
    });
    return { task };
  } catch (error) {
    const mendable = error instanceof NotFoundError || error instanceof BusyError || error instanceof UsageError;
    if (mendable) return { refused: error.message };
    throw error;
  }
}

/** What tries have cost that came to nothing: it counts for the one that did, or for the failure. */
import { ModelError, type ModelReply } from '../agent/model.ts';
import { addUsage, type Usage } from '../task/usage.ts';

export const addLost = (lost: Usage | undefined, more: Usage | undefined): Usage | undefined =>
  lost === undefined || more === undefined ? (lost ?? more) : addUsage(lost, more);

export const replyWith = (reply: ModelReply, lost: Usage | undefined): ModelReply =>
  lost === undefined ? reply : { ...reply, usage: addUsage(lost, reply.usage) };

/** The same error with all that was lost. */
export function failureWith(error: ModelError, lost: Usage | undefined): ModelError {
  if (lost === undefined) return error;
  const { kind, message, cause, retryAfterMs } = error;
  return new ModelError(kind, message, { cause, usage: lost, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

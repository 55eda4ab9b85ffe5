/**
 * A call of an agent of another Deputy: one like any other, with what our agent leaves to it, and settled at its end.
 */
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import type { Mandate } from '../task/mandate.ts';
import { callTool } from './call-tool.ts';
import type { RemoteCall } from './remote-call.ts';
import type { Server } from './server.ts';
import { chargedAsLent } from './settlement.ts';

export async function callAgent(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
): Promise<ToolOutcome> {
  const { commit, mandate, reference, isRepeat } = options;
  let hasLeft = reference !== undefined || isRepeat === true;
  let lent: Mandate | undefined;
  const committing = Object.assign(
    async (...intent: Parameters<typeof commit>): Promise<void> => {
      await commit(...intent);
      hasLeft = true;
    },
    { reference: (id: string) => commit.reference(id) },
  );
  const outcome = await callTool(server, call, args, {
    ...options,
    commit: committing,
    ...(mandate !== undefined && { mandate: () => (lent = mandate()) }),
  });
  return hasLeft ? chargedAsLent(outcome, lent ?? mandate?.()) : outcome;
}

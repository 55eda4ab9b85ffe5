/** Ends a task that a call of ours became on another server, where nobody follows it any more. */
import { cancelTask, look } from './ask-task.ts';
import { storedRound } from './open-round.ts';
import { isTerminal } from './remote-task.ts';
import type { Server } from './server.ts';

/** @returns whether it does no more. */
export async function endTask(server: Server, reference: string): Promise<boolean> {
  // A call that was broken off to ask does nothing until it is made again.
  if (storedRound(reference) !== undefined) return true;
  if (await cancelTask(server, reference)) return true;
  // Over already (in 2025 an error), forgotten, or of a server that cannot be reached or cancels nothing.
  const seen = await look(server, reference, AbortSignal.timeout(server.timings.list)).catch(() => undefined);
  return seen?.kind === 'lost' || (seen?.kind === 'task' && isTerminal(seen.task.status));
}

/**
 * One call of a tool of another server: a slot, the intent, the call, an outcome.
 *
 * Invariants:
 *   1. Nothing leaves before `commit` was called with the exact arguments. It is called again only where the call is
 *      made again: with the answers that the server broke it off for, or because the server forgot its task and the
 *      call may be repeated.
 *   2. A call that the server may have received is sent again only where its effect allows a repeat.
 *   3. The id of a task that a call became, or the round of questions that it was broken off for, is stored before
 *      anything is waited for. A call with a `reference` is never sent anew: the task, or the round, is gone on with.
 *   4. Every failure of the server is an outcome. It throws only the signal's reason, or what `commit` throws.
 */
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import { answerRound } from './answer-round.ts';
import { followTask } from './follow-task.ts';
import { storedRound } from './open-round.ts';
import type { RemoteCall } from './remote-call.ts';
import { sendCall, type Sent } from './send-call.ts';
import type { Server } from './server.ts';

export async function callTool(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
): Promise<ToolOutcome> {
  const { signal, reference } = options;
  signal.throwIfAborted();
  let isRepeated = false;
  let sent = reference === undefined ? await sendCall(server, call, args, options) : leftOff(reference);
  for (;;) {
    if ('outcome' in sent) return sent.outcome;
    if ('round' in sent) {
      const answered = await answerRound(server, call, sent.round, options);
      if ('outcome' in answered) return answered.outcome;
      sent = await sendCall(server, call, args, options, answered);
      continue;
    }
    const end = await followTask(server, call, sent.task, options);
    if (!end.again || isRepeated) return end.outcome;
    isRepeated = true;
    sent = await sendCall(server, call, args, options);
  }
}

function leftOff(reference: string): Sent {
  const round = storedRound(reference);
  return round === undefined ? { task: { id: reference } } : { round };
}

/**
 * Sends a call until it is known what became of it, as far as it may be sent again.
 *
 * Invariants:
 *   1. One that never left is tried twice, and then said not to have been called.
 *   2. Of one that may have left, no later failure says that it was not called: what is in doubt stays in doubt.
 *   3. A call of an agent of another Deputy has a key: while it is in doubt it is sent again, more and more seldom, for as
 *      long as its task would be followed. So the task is found wherever the Deputy was when it went down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { attemptCall, type Attempted, type Sending } from './attempt-call.ts';
import { type Attempt, notRun, uncertain } from './call-fault.ts';
import { carriedMeta } from './carried-meta.ts';
import type { Connection } from './connection.ts';
import { withKey } from './keyed.ts';
import { pollPace } from './poll-pace.ts';
import { isFoundAgain, type RemoteCall, timeOf } from './remote-call.ts';
import type { Server } from './server.ts';
import { taskProgress } from './task-progress.ts';

/** @throws the signal's reason, or what `commit` throws */
export async function sendUntilKnown(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
  more: Pick<Sending, 'isAlone' | 'leg'>,
): Promise<Attempted> {
  const { signal, commit, callKey, grant, onProgress } = options;
  const keyed = withKey(args, call.key, callKey);
  const pace = pollPace(server.timings, true);
  const progress = taskProgress(server, onProgress);
  const began = performance.now();
  let isCommitted = false;
  let doubt = leftBefore(call, options, more);
  for (let tries = 1; ; tries += 1) {
    const connection = await reach(server, call, signal);
    let sent: Attempted;
    if ('isError' in connection) sent = unreached(server, connection);
    else {
      if (!isCommitted) await commit(keyed.bytes, call.effect, grant);
      isCommitted = true;
      const carried = carriedMeta(call, options, server.identity);
      const meta = carried && { meta: { ...keyed.meta, ...carried } };
      sent = await attemptCall(server, connection, call, { ...keyed, ...meta, ...more }, options);
    }
    if (!('outcome' in sent) || (!sent.again && sent.isUnsent !== true)) return sent;
    if (sent.isUnsent !== true) doubt = sent;
    if (doubt !== undefined && isFoundAgain(call) && performance.now() - began < timeOf(server, call)) {
      progress.silent(`nobody knows yet whether it got the call of ${call.id}`);
      await sleep(pace.afterSilence({}), undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    } else if (!sent.again || tries > 1) return doubt ?? sent;
  }
}

/** An earlier process may have made the call. */
function leftBefore(
  call: RemoteCall,
  { isRepeat }: ToolCallOptions,
  { leg }: Pick<Sending, 'leg'>,
): Attempt | undefined {
  if (isRepeat !== true || leg !== undefined) return undefined;
  const why = 'it may have left before, and cannot be made again now';
  return { outcome: uncertain(call, `${call.id} may have been called before, and cannot be now`, why), again: false };
}

/** A server that we start ourselves is started again in its own time: it is not left alone for that as well. */
const unreached = ({ options }: Server, outcome: ToolOutcome): Attempt => ({
  outcome,
  again: false,
  isUnsent: true,
  fault: options.kind === 'http',
});

async function reach(server: Server, call: RemoteCall, signal: AbortSignal): Promise<Connection | ToolOutcome> {
  try {
    return await server.connection(signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof UnavailableError)) throw error;
    return notRun(call, `${call.id} was not called: ${error.message}`);
  }
}

/**
 * Sends a call until it is known what became of it, as far as it may be sent again.
 *
 * Invariants:
 *   1. One that never left is tried twice, and then said not to have been called.
 *   2. Of one that may have left, no later failure says that it was not called: what is in doubt stays in doubt.
 *   3. A call of an agent of another Deputy has a key: while it is in doubt it is sent again, more and more seldom, for as
 *      long as its task would be followed. So the task is found wherever the Deputy was when it went down.
 *   4. Between two tries it holds nothing: who calls a server that is gone is told so, whoever is in doubt about it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { attemptCall, type Attempted } from './attempt-call.ts';
import { type Attempt, notRun, uncertain } from './call-fault.ts';
import { carriedMeta } from './carried-meta.ts';
import type { Connection } from './connection.ts';
import { withKey } from './keyed.ts';
import type { Leg } from './open-round.ts';
import { pollPace } from './poll-pace.ts';
import { isFoundAgain, type RemoteCall, timeOf } from './remote-call.ts';
import type { Server } from './server.ts';
import { taskProgress } from './task-progress.ts';

/** Runs a try when it is the call's turn, unless its server is left alone. `isAlone`: no other plain call is in flight. */
export type InTurn = (attempt: (isAlone: boolean) => Promise<Attempted>) => Promise<Attempted>;

/** @throws the signal's reason, or what `commit` throws */
export async function sendUntilKnown(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
  inTurn: InTurn,
  leg?: Leg,
): Promise<Attempted> {
  const { signal, commit, callKey, grant, onProgress } = options;
  const keyed = withKey(args, call.key, callKey);
  const pace = pollPace(server.timings, true);
  const progress = taskProgress(server, onProgress);
  const began = performance.now();
  let isCommitted = false;
  let doubt = options.isRepeat === true && leg === undefined ? leftBefore(call) : undefined;

  const attempt = async (isAlone: boolean): Promise<Attempted> => {
    const connection = await reach(server, call, signal);
    if ('isError' in connection) return unreached(server, connection);
    if (!isCommitted) await commit(keyed.bytes, call.effect, grant);
    isCommitted = true;
    const carried = carriedMeta(call, options, server.identity);
    const meta = carried && { meta: { ...keyed.meta, ...carried } };
    const sending = { ...keyed, ...meta, isAlone, ...(leg && { leg }) };
    const sent = await attemptCall(server, connection, call, sending, options);
    if (isOpen(sent) && sent.isUnsent !== true) doubt = sent;
    return sent;
  };
  const isFound = (): boolean => doubt !== undefined && isFoundAgain(call);
  const tried = async (isAlone: boolean): Promise<Attempted> => {
    const sent = await attempt(isAlone);
    return isOpen(sent) && sent.again && !isFound() ? attempt(isAlone) : sent;
  };

  /** A Deputy that is just started again is waited for: a call that it never got is none that failed. */
  const patienceFor = ({ isAway }: Attempt): number => {
    if (isFound()) return timeOf(server, call);
    return isAway === true && isFoundAgain(call) ? server.timings.restartWait : 0;
  };

  let sent = await inTurn(tried);
  while (isOpen(sent)) {
    if (performance.now() - began >= patienceFor(sent)) return doubt ?? sent;
    progress.silent(
      isFound() ? `nobody knows yet whether it got the call of ${call.id}` : `it is waited for, to call ${call.id}`,
    );
    await sleep(pace.afterSilence({}), undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
    // That its server fails was told by its first try: one call is not to count as many.
    sent = await inTurn(async (isAlone) => {
      const again = await tried(isAlone);
      return 'outcome' in again && again.fault === true ? { ...again, fault: false } : again;
    });
  }
  return sent;
}

/** It did not leave, or may be sent again. */
const isOpen = (sent: Attempted): sent is Attempt => 'outcome' in sent && (sent.again || sent.isUnsent === true);

/** An earlier process may have made the call. */
function leftBefore(call: RemoteCall): Attempt {
  const why = 'it may have left before, and cannot be made again now';
  return { outcome: uncertain(call, `${call.id} may have been called before, and cannot be now`, why), again: false };
}

/** A server that we start ourselves is started again in its own time: it is not left alone for that as well. */
const unreached = ({ options }: Server, outcome: ToolOutcome): Attempt => ({
  outcome,
  again: false,
  isUnsent: true,
  isAway: true,
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

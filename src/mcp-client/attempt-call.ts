/** One request of a call, from its leaving to its answer, its time-outs, its cancel. Whatever comes is a value. */
import type { ToolCallOptions } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import { callClock } from './call-clock.ts';
import { type Attempt, final, readFault, safeText, seconds, uncertain } from './call-fault.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import type { Connection } from './connection.ts';
import { type Leg, type OpenRound, pagesIn, roundIn } from './open-round.ts';
import { bounds, mayAsk, mayAskPeople } from './options.ts';
import { openRelay } from './relay.ts';
import { isAskedOver, isFoundAgain, type RemoteCall } from './remote-call.ts';
import { openTaskIn, type RemoteTask, taskIn } from './remote-task.ts';
import { noTimeout } from './sdk-seams.ts';
import type { Server } from './server.ts';

export type Attempted = Attempt | { task: RemoteTask } | { round: OpenRound };

export interface Sending {
  args: JsonObject;
  meta?: JsonObject;
  leg?: Leg;
  /** No other plain call is in flight: what the server asks is asked for this one. */
  isAlone: boolean;
}

/** @throws the signal's reason */
export async function attemptCall(
  server: Server,
  connection: Connection,
  call: RemoteCall,
  sending: Sending,
  options: ToolCallOptions,
): Promise<Attempted> {
  const { signal } = options;
  signal.throwIfAborted();
  const hard = server.options.hardTimeout ?? bounds.hardTimeout;
  const idle = Math.min(server.options.idleTimeout ?? bounds.idleTimeout, hard);
  const clock = callClock({ hard, idle });
  const patience = patienceOf(server, call, connection);
  const onAbort = (): void =>
    patience > 0 ? clock.stopIn(patience, 'the call was cancelled') : clock.stop('the call was cancelled');
  signal.addEventListener('abort', onAbort, { once: true });
  let tooMuch: string | undefined;
  const onTooMuch = (why: string): void => {
    tooMuch ??= why;
    clock.stop(why);
  };
  const relay = openRelay(server, options, { pause: () => clock.pause(), onTooMuch });
  const isAsked = sending.isAlone && mayAsk(server.options) && isAskedOver(call, connection);
  const endRelay = isAsked ? server.askers.plainCall(connection.client, relay) : undefined;
  const linesBefore = connection.linesRead;
  try {
    const answer = await call.send(connection, sending.args, sending, {
      signal: clock.signal,
      timeout: noTimeout,
      onprogress: ({ progress, total, message }) => {
        clock.signOfLife();
        if (signal.aborted) return;
        const said = message === undefined ? {} : { message: capped(withoutInvisible(message.slice(0, 1_000)), 500) };
        options.onProgress({ progress, ...(total !== undefined && { total }), ...said });
      },
    });
    return readAnswer(server, connection, call, answer, sending.leg);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (tooMuch !== undefined) {
      await server.leave(connection, tooMuch);
      const why = `${tooMuch} and was cancelled`;
      return final(uncertain(call, `${call.id} was ended: ${why}`, why));
    }
    if (clock.over === 'hard') {
      const why = `took longer than ${seconds(hard)} and was cancelled`;
      const attempt = final(uncertain(call, `${call.id} ${why} (hard time-out)`, `it ${why}`));
      return { ...attempt, again: isFoundAgain(call), fault: true };
    }
    if (clock.over === 'idle') {
      const isEnded = await server.examine(connection, linesBefore);
      const why = `gave no sign of life for ${seconds(idle)} and was cancelled`;
      const attempt = final(uncertain(call, `${call.id} ${why} (idle time-out)`, `it ${why}`));
      // One that was ended for it is started again in its own time.
      return { ...attempt, again: isFoundAgain(call), fault: !isEnded };
    }
    const round = pagesOf(server, connection, error, sending.leg);
    if (typeof round === 'string') return final(safeText(server)(`${call.id} failed: ${round}`));
    return round === undefined ? readFault(server, connection, call, error) : { round };
  } finally {
    endRelay?.();
    relay.close();
    clock.close();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Milliseconds that a call which was cancelled may take to be answered: a task has to be known before it can be cancelled
 * (2025: never by `notifications/cancelled`). An agent that nobody knows of would work on for nobody.
 */
function patienceOf({ timings }: Server, call: RemoteCall, connection: Connection): number {
  if (call.isAgent === true) return timings.list;
  return call.isTask(connection) ? timings.cancelGrace : 0;
}

function readAnswer(
  server: Server,
  connection: Connection,
  call: RemoteCall,
  answer: JsonObject,
  leg: Leg | undefined,
): Attempted {
  const task = taskIn(answer);
  if (typeof task === 'string') {
    const why = `the server made a task of it that cannot be followed: ${task}`;
    return final(uncertain(call, `${call.id} was called, but ${why}`, why));
  }
  if (task !== undefined) return { task };
  const open = call.isAgent === true ? openTaskIn(answer) : undefined;
  if (open !== undefined) return { task: open };
  const round = connection.client.getProtocolEra() === 'modern' ? roundIn(answer, leg?.before) : undefined;
  if (round === undefined) return final(call.read(answer));
  if (typeof round === 'string') return final(`${call.id} was ended: ${round}. Nothing was answered.`);
  // What was not offered is not answered: `read` says so.
  return Object.keys(round.requests).length === 0 || mayAsk(server.options) ? { round } : final(call.read(answer));
}

/** 2025: nothing was done, and pages are to be opened first. */
function pagesOf(server: Server, connection: Connection, error: unknown, leg: Leg | undefined) {
  const { urlHosts = [] } = server.options;
  if (!mayAskPeople(server.options) || urlHosts.length === 0 || connection.client.getProtocolEra() !== 'legacy')
    return undefined;
  return pagesIn(error, leg?.before);
}

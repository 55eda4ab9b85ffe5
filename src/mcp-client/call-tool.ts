/**
 * One call of a tool of another server: a slot, the intent, the call, an outcome.
 *
 * Invariants:
 *   1. Nothing leaves before `commit` was called with the exact arguments. It is called once; only a call that may be
 *      repeated, and whose task the other server forgot, leaves and is committed a second time.
 *   2. A call that the server may have received is sent again only where its effect allows a repeat.
 *   3. The id of a task that a call became is stored before anything is waited for. A call with a `reference` is never
 *      sent: the task is gone on with.
 *   4. Every failure of the server is an outcome. It throws only the signal's reason, or what `commit` throws.
 */
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { type Attempt, final, readFault, seconds, uncertain } from './call-fault.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import type { Connection } from './connection.ts';
import { followTask, type KnownTask } from './follow-task.ts';
import { bounds } from './options.ts';
import { failure } from './outcome.ts';
import type { RemoteCall } from './remote-call.ts';
import { type RemoteTask, taskIn } from './remote-task.ts';
import type { Server } from './server.ts';

export async function callTool(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
): Promise<ToolOutcome> {
  const { signal, reference } = options;
  signal.throwIfAborted();
  let sent: Sent = reference === undefined ? await send(server, call, args, options) : { task: { id: reference } };
  for (let isRepeated = false; ; isRepeated = true) {
    if ('outcome' in sent) return sent.outcome;
    const end = await followTask(server, call, sent.task, options);
    if (!end.again || isRepeated) return end.outcome;
    sent = await send(server, call, args, options);
  }
}

/** A task is followed without a slot: it may take days, and its server queues for itself. */
type Sent = { outcome: ToolOutcome } | { task: KnownTask };

async function send(server: Server, call: RemoteCall, args: JsonObject, options: ToolCallOptions): Promise<Sent> {
  if (server.slots.size >= bounds.waitingCalls) {
    return {
      outcome: failure(
        `${call.id} was not called: ${bounds.waitingCalls} calls already wait for the server "${server.name}".`,
      ),
    };
  }
  const sent = await inSlot(server, () => sendInSlot(server, call, args, options), options.signal);
  // Cancelled meanwhile: then it is not resumed, and following it is cancelling it.
  if ('task' in sent && !options.signal.aborted) await options.commit.reference(sent.task.id);
  return sent;
}

/**
 * The signal ends the wait for a slot only. A queue that knew it later would give up at once on a call that has left,
 * and nobody would cancel the task that it becomes.
 */
async function inSlot<T>({ slots }: Server, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const waiting = new AbortController();
  const leave = (): void => waiting.abort(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  const begin = (): Promise<T> => {
    signal.removeEventListener('abort', leave);
    return work();
  };
  try {
    return await slots.add(begin, { signal: waiting.signal });
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function sendInSlot(server: Server, call: RemoteCall, args: JsonObject, options: ToolCallOptions): Promise<Sent> {
  const { signal, commit } = options;
  const first = await reach(server, call, signal);
  if ('isError' in first) return { outcome: first };
  await commit(JSON.stringify(args), call.effect);
  const sent = await attempt(server, first, call, args, options);
  if ('task' in sent || !sent.again) return sent;
  const second = await reach(server, call, signal);
  return 'isError' in second ? sent : attempt(server, second, call, args, options);
}

async function reach(server: Server, call: RemoteCall, signal: AbortSignal): Promise<Connection | ToolOutcome> {
  try {
    return await server.connection(signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof UnavailableError)) throw error;
    return failure(`${call.id} was not called: ${error.message}`);
  }
}

async function attempt(
  server: Server,
  connection: Connection,
  call: RemoteCall,
  args: JsonObject,
  { signal, onProgress }: ToolCallOptions,
): Promise<Attempt | { task: RemoteTask }> {
  signal.throwIfAborted();
  const hard = server.options.hardTimeout ?? bounds.hardTimeout;
  const idle = Math.min(server.options.idleTimeout ?? bounds.idleTimeout, hard);
  const stop = new AbortController();
  // A task has to be known before it can be cancelled (2025: never by `notifications/cancelled`).
  const patience = call.isTask(connection) ? server.timings.cancelGrace : 0;
  let timer: NodeJS.Timeout | undefined;
  const stopIn = (ms: number, why: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(why), ms);
  };
  let isOverHard = false;
  const hardTimer = setTimeout(() => {
    isOverHard = true;
    stop.abort('the call took too long');
  }, hard);
  const onAbort = (): void => {
    if (patience > 0) stopIn(patience, 'the call was cancelled');
    else stop.abort('the call was cancelled');
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const linesBefore = connection.linesRead;
  try {
    const answer = await call.send(connection, args, {
      signal: stop.signal,
      timeout: idle,
      resetTimeoutOnProgress: true,
      onprogress: ({ progress, total, message }) => {
        if (signal.aborted) return;
        const said = message === undefined ? {} : { message: capped(withoutInvisible(message.slice(0, 1_000)), 500) };
        onProgress({ progress, ...(total !== undefined && { total }), ...said });
      },
    });
    const task = taskIn(answer);
    if (typeof task === 'string') {
      const why = `the server made a task of it that cannot be followed: ${task}`;
      return final(uncertain(call, `${call.id} was called, but ${why}`, why));
    }
    return task === undefined ? final(call.read(answer)) : { task };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isOverHard) {
      const why = `it took longer than ${seconds(hard)} and was cancelled`;
      return final(
        uncertain(call, `${call.id} took longer than ${seconds(hard)} and was cancelled (hard time-out)`, why),
      );
    }
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
      await server.examine(connection, linesBefore);
      const why = `gave no sign of life for ${seconds(idle)} and was cancelled`;
      return final(uncertain(call, `${call.id} ${why} (idle time-out)`, `it ${why}`));
    }
    return readFault(server, connection, call, error);
  } finally {
    clearTimeout(timer);
    clearTimeout(hardTimer);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Follows a task that another server made of our call, to its end.
 *
 * Invariants:
 *   1. The task is polled, at the interval that its server wishes (within bounds), until it is terminal, forgotten, over
 *      its time, or without a usable answer for too long. What the server tells unasked only makes that quicker.
 *   2. A broken connection, a restart of the server or a senseless answer is no end: the next poll may be better.
 *   3. Whoever stops following before the end cancels the task, and waits a moment for the acknowledgement; only where
 *      our process ends (`UnavailableError`) the task is left to the next one.
 */
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { text } from '../task/content.ts';
import { askAbout, cancelTask, look, type Seen } from './ask-task.ts';
import { type CallClock, callClock } from './call-clock.ts';
import { type Attempt, final, safeText, seconds, uncertain } from './call-fault.ts';
import { bounds, mayAsk } from './options.ts';
import { failure } from './outcome.ts';
import type { RemoteCall } from './remote-call.ts';
import { askedFor, isTerminal, type RemoteTask } from './remote-task.ts';
import { listenToTask } from './sdk-seams.ts';
import type { Server } from './server.ts';
import { openEar } from './task-news.ts';
import { openTaskQuestions, type TaskQuestions } from './task-questions.ts';

/** The task as far as it is known: no more than its id where a process of ours died meanwhile. */
export type KnownTask = Pick<RemoteTask, 'id'> & Partial<RemoteTask>;

/** @throws the signal's reason. `again` where the server forgot the task of a call that may be repeated. */
export async function followTask(
  server: Server,
  call: RemoteCall,
  known: KnownTask,
  options: ToolCallOptions,
): Promise<Attempt> {
  const { signal } = options;
  const limit = server.options.hardTimeout ?? bounds.taskTimeout;
  const clock = callClock({ hard: limit });
  const either = AbortSignal.any([signal, clock.signal]);
  try {
    return await followUntil(server, call, known, { ...options, signal: either }, clock);
  } catch (error) {
    if (!either.aborted) throw error;
    // Not the end of the call but of our process: another one goes on by the task's id.
    if (signal.reason instanceof UnavailableError) throw signal.reason;
    const isCancelled = await cancelTask(server, known.id);
    if (signal.aborted) throw signal.reason;
    const why = `took longer than ${seconds(limit)} as a task and ${isCancelled ? 'was' : 'could not be'} cancelled`;
    return final(uncertain(call, `${call.id} ${why} (hard time-out)`, `it ${why}`));
  } finally {
    // Also what listens in the background ends with it.
    clock.stop('the task is followed no longer');
    clock.close();
  }
}

/** @throws the signal's reason */
async function followUntil(
  server: Server,
  call: RemoteCall,
  known: KnownTask,
  options: ToolCallOptions,
  clock: CallClock,
): Promise<Attempt> {
  const { signal } = options;
  const { id } = known;
  const { taskSilence } = server.timings;
  const ear = openEar(server.news, id);
  const questions = mayAsk(server.options)
    ? openTaskQuestions(server, call, id, options, { pause: () => clock.pause(), onNews: () => ear.poke() })
    : undefined;
  const tellProgress = progressOf(options.onProgress);
  let task = known;
  let silentSince: number | undefined;
  let wait = known.status === 'working' ? pollWait(server, known, false) : 0;
  // Who does not tell is polled.
  void listen(server, id, signal).catch(() => {});
  try {
    for (;;) {
      const told = await ear.next(wait, signal);
      signal.throwIfAborted();
      if (questions?.end !== undefined) return await endedBy(server, id, questions.end);
      const seen = told === undefined ? await look(server, id, signal) : { kind: 'task' as const, task: told };
      if (seen.kind === 'lost') return forgotten(call);
      if (seen.kind === 'task') {
        ({ task } = seen);
        tellProgress(task.message);
        questions?.seen(seen.task, await eraOf(server, signal));
        if (questions?.end !== undefined) continue;
        const end = await endOf(server, call, seen.task, signal);
        if (end !== undefined) return end;
      }
      const fault = faultOfSeen(seen);
      silentSince = fault === undefined ? undefined : (silentSince ?? performance.now());
      if (fault !== undefined && performance.now() - (silentSince ?? 0) >= taskSilence)
        return final(givenUp(server, call, fault, taskSilence));
      wait = fault === undefined ? pollWait(server, task, ear.hasHeard) : retryWait(server, task);
    }
  } finally {
    questions?.close();
    ear.close();
  }
}

async function endedBy(server: Server, id: string, end: NonNullable<TaskQuestions['end']>): Promise<Attempt> {
  if (end.isOver) return final(end.outcome);
  const isCancelled = await cancelTask(server, id);
  const rest = isCancelled ? 'It was cancelled.' : 'What it does may go on.';
  return final({ ...end.outcome, content: [...end.outcome.content, text(`\n${rest}`)] });
}

/** Why an answer is of no use; undefined for that of a task which goes on. */
function faultOfSeen(seen: Exclude<Seen, { kind: 'lost' }>): string | undefined {
  if (seen.kind === 'silent') return seen.why;
  return isTerminal(seen.task.status) ? 'its result cannot be had' : undefined;
}

/** Milliseconds until the next poll. A server that tells by itself is asked less often, lest its news get lost. */
function pollWait({ timings }: Server, { pollMs = timings.poll }: Partial<RemoteTask>, isTold: boolean): number {
  const wished = Math.min(Math.max(pollMs, timings.pollLeast), timings.pollMost);
  return isTold ? Math.max(wished, timings.pollTold) : wished;
}

/** After a poll without a usable answer: not so late that one fault would use up all patience. */
const retryWait = (server: Server, task: Partial<RemoteTask>): number =>
  Math.min(pollWait(server, task, false), server.timings.pollTold);

async function listen(server: Server, id: string, signal: AbortSignal): Promise<void> {
  const { client } = await server.connection(signal);
  await listenToTask(client, id, { signal, timeout: server.timings.list });
}

/** What the task came to, where it goes no further; undefined while it works, and where its end cannot be read yet. */
async function endOf(
  server: Server,
  call: RemoteCall,
  task: RemoteTask,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  const safe = safeText(server);
  const message = task.message === undefined ? '' : `: ${task.message}`;
  switch (task.status) {
    case 'working':
      return undefined;
    case 'input_required':
      return mayAsk(server.options) ? undefined : final(await refuseQuestions(server, call, task, signal));
    case 'cancelled':
      return final(safe(`${call.id} was cancelled by its server${message}`));
    case 'completed':
    case 'failed':
      if (task.result !== undefined) return final(call.read(task.result));
      if (task.error !== undefined) return final(safe(`${call.id} failed: ${errorText(task.error)}`));
      if ((await eraOf(server, signal)) === 'legacy') return resultOf(server, call, task.id, signal);
      return task.status === 'failed' ? final(safe(`${call.id} failed${message}`)) : undefined;
  }
}

/** 2025: what a terminal task came to; undefined where that cannot be had yet. */
async function resultOf(
  server: Server,
  call: RemoteCall,
  id: string,
  signal: AbortSignal,
): Promise<Attempt | undefined> {
  const answer = await askAbout(server, 'tasks/result', id, signal, bounds.idleTimeout);
  if (answer.kind === 'answer') return final(call.read(answer.answer));
  if (answer.kind === 'lost') return forgotten(call);
  return answer.kind === 'refused' ? final(`${call.id} failed: ${answer.why}`) : undefined;
}

/** Undefined where it cannot be reached. */
async function eraOf(server: Server, signal: AbortSignal): Promise<'legacy' | 'modern' | undefined> {
  const connection = await server.connection(signal).catch(() => undefined);
  signal.throwIfAborted();
  return connection?.client.getProtocolEra();
}

const errorText = ({ message, code }: JsonObject): string =>
  `${typeof message === 'string' ? message : 'without a reason'} (JSON-RPC error ${JSON.stringify(code ?? null)})`;

function forgotten(call: RemoteCall): Attempt {
  const why = 'the server made a task of it and no longer knows that task';
  return { outcome: uncertain(call, `${call.id} was called, but ${why}`, why), again: call.effect !== 'unsafe' };
}

function givenUp(server: Server, call: RemoteCall, fault: string, ms: number): ToolOutcome {
  const why = `the server "${server.name}" said nothing of use about its task for ${seconds(ms)} (${fault})`;
  return uncertain(call, `${call.id} was called, but ${why}`, why);
}

/**
 * A task of a server that may ask nothing waits for somebody. A server of 2025 asks on the stream of `tasks/result`
 * (seam 6 of the protocol notes): its question is refused there, and the tool may go on without.
 */
async function refuseQuestions(
  server: Server,
  call: RemoteCall,
  task: RemoteTask,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  if ((await eraOf(server, signal)) === 'legacy') {
    const answer = await askAbout(server, 'tasks/result', task.id, signal, server.timings.cancelGrace);
    if (answer.kind === 'answer') return call.read(answer.answer);
    if (answer.kind === 'refused') return failure(`${call.id} failed: ${answer.why}`);
  }
  const isCancelled = await cancelTask(server, task.id);
  const asked = task.asked ?? {};
  const said = Object.keys(asked).length === 0 && task.message !== undefined ? ` (${task.message})` : '';
  const ended = isCancelled ? 'it was cancelled' : 'what it does may go on';
  return failure(
    `${call.id} asks for ${askedFor(asked)}${said} before it goes on. Nobody could be asked: nothing was answered, and ${ended}.`,
  );
}

/** A text of the server's that is new is a step. */
function progressOf(onProgress: ToolCallOptions['onProgress']): (message: string | undefined) => void {
  let last: string | undefined;
  let progress = 0;
  return (message) => {
    if (message === undefined || message === last) return;
    last = message;
    progress += 1;
    onProgress({ progress, message });
  };
}

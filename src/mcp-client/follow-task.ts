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
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { text } from '../task/content.ts';
import { askAbout, cancelTask, look, type Seen } from './ask-task.ts';
import { type CallClock, callClock } from './call-clock.ts';
import { type Attempt, final, isRefusal, safeText, seconds, unavailable, uncertain } from './call-fault.ts';
import { bounds, mayAsk } from './options.ts';
import { failure } from './outcome.ts';
import { type RemoteCall, silenceOf, timeOf } from './remote-call.ts';
import { pollPace } from './poll-pace.ts';
import { askedFor, isTerminal, type RemoteTask } from './remote-task.ts';
import { listenToTask } from './sdk-seams.ts';
import type { Server } from './server.ts';
import { type Ear, openEar } from './task-news.ts';
import { taskProgress } from './task-progress.ts';
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
  const limit = timeOf(server, call);
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
  const patience = silenceOf(server, call);
  const pace = pollPace(server.timings, call.isAgent === true);
  const ear = openEar(server.news, id);
  const questions = mayAsk(server.options)
    ? openTaskQuestions(server, call, id, options, { pause: () => clock.pause(), onNews: () => ear.poke() })
    : undefined;
  const progress = taskProgress(server, options.onProgress);
  let task = known;
  let silentSince: number | undefined;
  let wait = known.status === 'working' ? pace.after(known, false) : 0;
  // Who does not tell is polled.
  listen(server, call, id, ear, signal).catch(() => {});
  try {
    for (;;) {
      const told = await ear.next(wait, signal);
      signal.throwIfAborted();
      if (questions?.end !== undefined) return await endedBy(server, id, questions.end);
      const seen = told === undefined ? await look(server, id, signal) : { kind: 'task' as const, task: told };
      if (seen.kind === 'lost') return forgotten(call);
      if (seen.kind === 'task') {
        ({ task } = seen);
        progress.seen(task);
        questions?.seen(seen.task, await eraOf(server, signal));
        if (questions?.end !== undefined) continue;
        const end = await endOf(server, call, seen.task, signal);
        if (end !== undefined) return end;
      }
      const fault = faultOfSeen(seen);
      if (fault === undefined) {
        silentSince = undefined;
        wait = pace.after(task, ear.hasHeard);
        continue;
      }
      silentSince ??= performance.now();
      if (performance.now() - silentSince >= patience) return final(givenUp(server, call, fault, patience));
      // What it told by itself it tells no more, once it is back.
      ear.forget();
      if (call.isAgent === true) progress.silent(fault);
      wait = pace.afterSilence(task);
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

/** An agent may work for days, and its server be started again meanwhile. */
async function listen(server: Server, call: RemoteCall, id: string, ear: Ear, signal: AbortSignal): Promise<void> {
  const { list: timeout, pollTold, poll } = server.timings;
  for (;;) {
    const isOffered = await server
      .connection(signal)
      .then(({ client }) => listenToTask(client, id, { signal, timeout }))
      .catch((error: unknown) => (isRefusal(error) && error.code !== unavailable ? false : undefined));
    if (isOffered === false || call.isAgent !== true) return;
    ear.forget();
    if (isOffered === true) ear.poke();
    await sleep(isOffered === true ? poll : pollTold, undefined, { signal, ref: false });
  }
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
  // A Deputy that forgot a task forgot its key as well: another call would be another task.
  const isAnew = call.isAgent === true && call.effect === 'keyed';
  return {
    outcome: uncertain(call, `${call.id} was called, but ${why}`, why),
    again: call.effect !== 'unsafe' && !isAnew,
  };
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

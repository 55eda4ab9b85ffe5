/**
 * The face of a plain call on the 2026-07-28 wire. The task is one, the call is made in rounds: a reply that is not yet
 * the answer carries what is asked and a state, and the caller calls again with answers and that state.
 *
 *   - Between two rounds the task is parked or works on; nothing of the call is held here.
 *   - An answer is consumed once: the engine takes it for a question that is open. A round that is sent again (its reply
 *     was lost) finds its questions answered, and waits for the same task.
 *   - A state without questions means "wait on". Clients stop after some ten rounds: by the eighth the caller gets the
 *     task's handle; so it does where this server shuts down.
 *   - A question that was dismissed without a choice is not asked again by this call: the caller gets the handle.
 */
import type { InputRequiredResult } from '@modelcontextprotocol/server';
import type { InputRequest } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { givenIn, takeAnswers, type Given } from './answers.ts';
import type { Face } from './call-agent.ts';
import type { Call, Looking, Waiting } from './call.ts';
import { asksMoreThan, defaultWaitMs, followTask, type FollowOptions, gathered, isAsking } from './follow-task.ts';
import { handleResult } from './handle.ts';
import { openState, sealState } from './round-state.ts';
import { OtherResult } from './sdk-seams.ts';
import { startTask } from './start-task.ts';
import { createdTask } from './task-2026.ts';
import { answerOf, openQuestions, taskOf } from './task-wire.ts';
import { errorResult } from './tool.ts';
import { viaMcp } from './via.ts';
import { canAsk, wireRequest } from './wire-question.ts';

const mostRounds = 8;

/** Answered with the agent's answer. */
export const call2026: Face = async (call) => {
  const leg = await beginLeg(call);
  if (leg.refused !== undefined) return errorResult(leg.refused);
  const { options } = call;
  const { task, reason } = await attend(call, leg, { forMs: timeFor(call) });
  if (isTerminal(task)) return answerOf(options, task);
  const asked = openQuestions(task).filter(([, request]) => canAsk(call.asks, request));
  const isNextRound = reason === 'goes on' ? canGoOn(call) : reason === 'asks' && asked.length > 0;
  if (!isNextRound || isLast(call, leg)) return handleResult(call, task);
  return nextRound(call, leg, task, asked);
};

/** Answered with a task, as soon as what the agent asks first has been answered. */
export const askThenTask2026: Face = async (call) => {
  const leg = await beginLeg(call);
  if (leg.refused !== undefined) return errorResult(leg.refused);
  const { task, reason } = await attend(call, leg, { forMs: timeFor(call), endsWhenAnswered: true });
  const asked = openQuestions(task).filter(([, request]) => canAsk(call.asks, request));
  if (reason !== 'asks' || asked.length === 0 || isLast(call, leg)) return new OtherResult(createdTask(task));
  return nextRound(call, leg, task, asked);
};

/**
 * A look at a task asks what nobody but its caller's software can answer, by rounds of its own: a task that thinks with
 * its caller's model does so more often than a call has rounds. What people are asked is news, and is not asked again
 * with every look of a model.
 */
export async function look2026(call: Looking, task: Task, forMs: number): Promise<Task | InputRequiredResult> {
  const text = call.context.mcpReq.requestState<string>();
  const { round } = text === undefined ? { round: 0 } : await openState(call, text);
  const leg: Leg = { task, round: round + 1, given: givenIn(call.context) };
  const left = countdown(forMs);
  const { task: now, reason } = await attend(call, leg, { forMs, leaves: true });
  if (reason !== 'asks') return now;
  const asked = openQuestions(now).filter(([, request]) => isForSoftware(request) && canAsk(call.asks, request));
  if (asked.length > 0) return isLast(call, leg) ? now : nextRound(call, leg, now, asked);
  return followTask(call, now, { forMs: left(), leaves: true, enough: asksMoreThan(now) });
}

interface Leg {
  refused?: undefined;
  task: Task;
  round: number;
  given: Given;
}

/**
 * The task of this round. Without a state it is a new one, and answers count only where the agent's author made its first
 * questions part of its input: nobody has seen the questions of a task that did not exist.
 */
async function beginLeg(call: Call): Promise<Leg | { refused: string }> {
  const { options, caller, agent, context } = call;
  const given = givenIn(context);
  const text = context.mcpReq.requestState<string>();
  if (text !== undefined) {
    const state = await openState(call, text);
    return { task: await taskOf(options, caller, state.task), round: state.round + 1, given };
  }
  const started = await startTask(call);
  if (started.refused !== undefined) return started;
  return { task: started.task, round: 1, given: agent.asksFirst === true ? given : new Map() };
}

interface Attended {
  task: Task;
  reason: 'over' | 'asks' | 'dismissed' | 'answered' | 'goes on';
}

interface AttendOptions extends Pick<FollowOptions, 'forMs' | 'leaves'> {
  endsWhenAnswered?: boolean;
}

/** Waits, and hands over the answers that came with this round. */
async function attend(call: Waiting, { task, given }: Leg, how: AttendOptions): Promise<Attended> {
  const { options, caller, client } = call;
  const { leaves = false, endsWhenAnswered = false } = how;
  const left = countdown(how.forMs);
  let current = task;
  let isDismissed = false;
  for (;;) {
    current = await followTask(call, current, { forMs: left(), leaves, enough: isAsking });
    if (isAsking(current)) current = await gathered(call, current, leaves);
    else if (!isTerminal(current)) return { task: current, reason: 'goes on' };
    if (isTerminal(current)) return { task: current, reason: 'over' };
    // Answered elsewhere meanwhile.
    if (!isAsking(current)) continue;
    const answers = takeAnswers(current, given);
    if (Object.keys(answers).length === 0) return { task: current, reason: isDismissed ? 'dismissed' : 'asks' };
    isDismissed ||= Object.values(answers).some(({ action }) => action === 'cancel');
    current = await options.engine.respond(current.id, caller.owner, answers, viaMcp('tools/call', client));
    if (endsWhenAnswered && !isAsking(current)) return { task: current, reason: 'answered' };
  }
}

async function nextRound(
  call: Looking,
  { round }: Leg,
  task: Task,
  asked: [string, InputRequest][],
): Promise<InputRequiredResult> {
  const requests = asked.map(([key, request]) => [key, wireRequest(task, request, call.asks, '2026')] as const);
  return {
    resultType: 'input_required',
    ...(requests.length > 0 && { inputRequests: Object.fromEntries(requests) as InputRequiredResult['inputRequests'] }),
    requestState: await sealState(call, { task: task.id, round }),
  } as InputRequiredResult;
}

const isForSoftware = ({ kind }: InputRequest): boolean => kind === 'sampling' || kind === 'roots';

/** A server that shuts down takes no next round. */
const isLast = ({ caller }: Waiting, { round }: Leg): boolean => round >= mostRounds || caller.calls.isDraining;

/** Who declares that it can be asked anything knows rounds; others may know nothing of them. */
const canGoOn = ({ asks: { form, url, sampling, roots } }: Call): boolean => form || url || sampling || roots;

const timeFor = ({ options: { waitMs = defaultWaitMs } }: Waiting): number | null => waitMs;

function countdown(ms: number | null): () => number | null {
  if (ms === null) return () => null;
  const until = Date.now() + ms;
  return () => Math.max(0, until - Date.now());
}

/** A call leaves: when it is its owner's turn, unless its server is left alone, and with its intent written first. */
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { cancelTask } from './ask-task.ts';
import type { Attempted } from './attempt-call.ts';
import { notRun, seconds } from './call-fault.ts';
import type { KnownTask } from './follow-task.ts';
import { type Leg, type OpenRound, writeRound } from './open-round.ts';
import { mayAsk } from './options.ts';
import { isAskedOver, type RemoteCall } from './remote-call.ts';
import { type InTurn, sendUntilKnown } from './send-until-known.ts';
import type { Server } from './server.ts';

/** A task and a round of questions are gone on with without a slot: they may take days. */
export type Sent = { outcome: ToolOutcome } | { task: KnownTask } | { round: OpenRound };

/** @param leg with what the call is made again, after its server broke it off to ask */
export async function sendCall(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
  leg?: Leg,
): Promise<Sent> {
  const { signal } = options;
  const inTurn: InTurn = (attempt) => attemptInTurn(server, call, options, attempt);
  const sent = await sendUntilKnown(server, call, args, options, inTurn, leg);
  if ('outcome' in sent) return sent;
  const isOver = signal.aborted && !(signal.reason instanceof UnavailableError);
  // Cancelled meanwhile: then it is not gone on with, and following a task is cancelling it.
  if (!isOver) await keep(server, sent, options);
  return sent;
}

/** One try, in a slot of the server, and told to the breaker: neither is held between two. */
async function attemptInTurn(
  server: Server,
  call: RemoteCall,
  { owner, signal }: ToolCallOptions,
  attempt: Parameters<InTurn>[0],
): Promise<Attempted> {
  const notCalled = (why: string, isAway = false): Attempted => ({
    outcome: notRun(call, `${call.id} was not called: the server "${server.name}" ${why}`),
    again: false,
    isUnsent: true,
    ...(isAway && { isAway }),
  });
  const isAlone = needsFloor(server, call);
  const slots = isAlone ? server.floor : server.slots;
  const refusal = slots.refusal(owner);
  if (refusal !== undefined) return notCalled(`has no room: ${refusal}.`);
  const inSlot = async (): Promise<Attempted> => {
    const ticket = server.breaker.admit();
    if (typeof ticket === 'number') {
      const wait = seconds(Math.ceil(ticket / 1_000) * 1_000);
      return notCalled(`failed again and again and is left alone; it is tried again in ${wait}.`, true);
    }
    let how: Parameters<typeof ticket>[0] = 'untold';
    try {
      const sent = await attempt(isAlone);
      const fault = 'outcome' in sent ? sent.fault : undefined;
      how = fault === undefined ? 'well' : fault ? 'badly' : 'untold';
      return sent;
    } finally {
      ticket(how);
    }
  };
  return slots.run(owner, inSlot, signal);
}

/** Also where our process ends: the next one goes on by it. */
async function keep(
  server: Server,
  sent: Exclude<Sent, { outcome: ToolOutcome }>,
  { commit, signal }: ToolCallOptions,
): Promise<void> {
  try {
    await commit.reference('task' in sent ? sent.task.id : writeRound(sent.round));
  } catch (error) {
    const goesOn = [error, signal.reason].some((why) => why instanceof UnavailableError);
    // Nobody would hear of it again.
    if ('task' in sent && !goesOn) await cancelTask(server, sent.task.id);
    throw error;
  }
}

/**
 * One plain call at a time where a server of 2025 may ask: it could not be told which of several asks. A server that is
 * not connected may turn out to be one.
 */
function needsFloor({ options, connected }: Server, call: RemoteCall): boolean {
  return mayAsk(options) && (connected === undefined || isAskedOver(call, connected));
}

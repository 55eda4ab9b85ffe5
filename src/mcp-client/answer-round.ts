/**
 * The questions for which a call was broken off, asked side by side, without a slot: it may take days. One that cannot
 * be put ends the call, which is known not to have gone on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { safeText } from './call-fault.ts';
import type { Leg, OpenRound } from './open-round.ts';
import { failure } from './outcome.ts';
import { type Asked, openRelay, Refusal, type Relay, shortKey } from './relay.ts';
import type { RemoteCall } from './remote-call.ts';
import type { Server } from './server.ts';

/** @throws the signal's reason */
export async function answerRound(
  server: Server,
  call: RemoteCall,
  round: OpenRound,
  options: ToolCallOptions,
): Promise<Leg | { outcome: ToolOutcome }> {
  const { signal } = options;
  signal.throwIfAborted();
  const { requests, state, isPages, ...before } = round;
  const asked = Object.entries(requests);
  const echo = state === undefined ? {} : { state };
  if (asked.length === 0) {
    await sleep(server.timings.poll, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
    return { before, ...echo };
  }
  const relay = openRelay(server, options, { pause: () => () => {}, onTooMuch: () => {} });
  try {
    const one = ([key, request]: [string, Asked]): Promise<JsonObject> => {
      const name = `round ${before.rounds}: ${shortKey(key)}`;
      return isPages === true ? page(server, relay, name, request, signal) : relay.answer(name, request, signal);
    };
    const answers = await Promise.all(asked.map(async (each) => [each[0], await one(each)] as const));
    signal.throwIfAborted();
    if (isPages !== true) return { before, answers: Object.fromEntries(answers), ...echo };
    if (answers.every(([, { action }]) => action === 'accept')) return { before };
    return { outcome: failure(`${call.id} did not run: it wants a person to open a page first, and nobody did.`) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Refusal)) throw error;
    const why = safeText(server)(error.message);
    return { outcome: failure(`${call.id} asks for something before it goes on, and the call has ended: ${why}`) };
  } finally {
    relay.close();
  }
}

/**
 * A person who opened a page may still be at it: the call is made again when the server says that it was seen to, or
 * after a while. Where it says so before the person does, nobody need answer.
 */
async function page(
  server: Server,
  relay: Relay,
  name: string,
  request: Asked,
  signal: AbortSignal,
): Promise<JsonObject> {
  const { params } = request;
  const id = isJsonObject(params) ? params['elicitationId'] : undefined;
  const seenTo = new AbortController();
  const stop = server.pages.hear(typeof id === 'string' ? id : '', () => seenTo.abort());
  try {
    const answer = await relay.answer(name, request, AbortSignal.any([signal, seenTo.signal]));
    if (seenTo.signal.aborted) return { action: 'accept' };
    if (answer['action'] === 'accept') {
      const either = AbortSignal.any([signal, seenTo.signal]);
      await sleep(server.timings.pageDone, undefined, { signal: either }).catch(() => {});
    }
    return answer;
  } finally {
    stop();
  }
}

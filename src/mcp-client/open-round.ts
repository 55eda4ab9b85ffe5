/**
 * A call that its server broke off to ask something, and that is to be made again with the answers: `input_required` of
 * 2026-07-28 (basic, patterns, MRTR), and of 2025-11-25 the error -32042, which asks to open pages first.
 *
 * It is stored where the id of a task would be, so that a process that dies while people think loses nothing: the next
 * one asks on and makes the call again. Once that has left, the stored round is gone, and the call is unknown like any.
 */
import { UrlElicitationRequiredError } from '@modelcontextprotocol/client';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { isDeep } from './bounded-schema.ts';
import { bounds } from './options.ts';
import type { Asked } from './relay.ts';

export interface OpenRound {
  /** Rounds with questions and those without, this one included. */
  rounds: number;
  waits: number;
  /** By the server's keys. */
  requests: Record<string, Asked>;
  /** To be echoed exactly. */
  state?: string;
  /** Of pages to be opened first: the call is made again as it was. */
  isPages?: true;
}

/** How often the call was broken off so far. */
export type RoundsBefore = Pick<OpenRound, 'rounds' | 'waits'>;

/** With what the call is made again. */
export interface Leg {
  before: RoundsBefore;
  answers?: JsonObject;
  state?: string;
}

/** @returns the round that `answer` opens, or what is wrong with it; undefined where the call is answered. */
export function roundIn(answer: JsonObject, before: RoundsBefore | undefined): OpenRound | string | undefined {
  if (answer['resultType'] !== 'input_required') return undefined;
  const { inputRequests = {}, requestState } = answer;
  if (!isJsonObject(inputRequests)) return 'its questions are no map';
  if (requestState !== undefined && typeof requestState !== 'string') return 'its state is no text';
  return bounded(inputRequests, before, requestState === undefined ? {} : { state: requestState });
}

/** The same for an error of 2025; undefined where it is another one. */
export function pagesIn(error: unknown, before: RoundsBefore | undefined): OpenRound | string | undefined {
  if (!(error instanceof UrlElicitationRequiredError)) return undefined;
  // As it came: nothing has looked at it.
  const pages: unknown = error.elicitations;
  if (!Array.isArray(pages) || pages.length === 0) return 'its list of pages is none';
  if (pages.length > bounds.openQuestions) return tooMany(pages.length);
  const requests = pages.map((page: Json, nth): [string, Json] => [
    String(nth),
    { method: 'elicitation/create', params: isJsonObject(page) ? { ...page, mode: 'url' } : null },
  ]);
  return bounded(Object.fromEntries(requests), before, { isPages: true });
}

function bounded(
  asked: JsonObject,
  { rounds = 0, waits = 0 }: Partial<RoundsBefore> = {},
  rest: Pick<OpenRound, 'state' | 'isPages'>,
): OpenRound | string {
  const keys = Object.keys(asked);
  if (keys.length > bounds.openQuestions) return tooMany(keys.length);
  if (isDeep(asked, deepest)) return `what it asks is over ${deepest} levels deep`;
  const requests: Record<string, Asked> = {};
  for (const [key, request] of Object.entries(asked)) {
    if (!isJsonObject(request) || typeof request['method'] !== 'string') return 'one of its questions is no request';
    const { method, params = {} } = request;
    if (!isJsonObject(params)) return 'one of its questions has no params';
    Object.defineProperty(requests, key, { value: { method, params }, enumerable: true });
  }
  const isWait = keys.length === 0;
  if (isWait && rest.state === undefined) return 'it asks nothing';
  const round: OpenRound = { rounds: rounds + (isWait ? 0 : 1), waits: waits + (isWait ? 1 : 0), requests, ...rest };
  if (round.rounds > bounds.rounds) return `it asked again after ${bounds.rounds} rounds of answers`;
  if (round.waits > bounds.waits) return `it made us wait ${bounds.waits} times`;
  return writeRound(round).length <= bounds.round
    ? round
    : `what it asks, with its state, is over ${bounds.round / 1024} KiB`;
}

const deepest = 100;

const tooMany = (count: number): string =>
  `it asks ${count} questions at once, over the ${bounds.openQuestions} there may be`;

/** No id of a task begins so: see `remote-task.ts`. */
export const roundMark = 'deputy-round:';

export const writeRound = (round: OpenRound): string => roundMark + JSON.stringify(round);

/** The round that a stored reference is; undefined where it is the id of a task. */
export const storedRound = (reference: string): OpenRound | undefined =>
  reference.startsWith(roundMark) ? (JSON.parse(reference.slice(roundMark.length)) as OpenRound) : undefined;

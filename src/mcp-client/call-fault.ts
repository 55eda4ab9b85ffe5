/** What went wrong with a call, told so that the model and people know whether it may have happened. */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import type { ToolOutcome } from '../agent/tool.ts';
import { messageOf } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import type { EffectClass } from '../task/effect.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import { type Connection, networkCode, networkFault } from './connection.ts';
import { streamEnded } from './http-transport.ts';
import { failure } from './outcome.ts';
import { isFoundAgain } from './remote-call.ts';
import type { Server } from './server.ts';
import { nothingUsed } from './settlement.ts';
import { withoutCredentials } from './without-credentials.ts';

interface Called {
  id: string;
  effect: EffectClass;
  isAgent?: boolean;
}

/**
 * `again` where one more try is safe, and has a chance; `fault`, for the breaker: true where the server failed, not the
 * call, false where that is not known or seen to elsewhere. `isUnsent` where it is known not to have left, `isAway` where
 * that is because the server was not there.
 */
export type Attempt = { outcome: ToolOutcome; again: boolean; fault?: boolean; isUnsent?: true; isAway?: true };

export const final = (outcome: ToolOutcome | string): Attempt => ({
  outcome: typeof outcome === 'string' ? failure(outcome) : outcome,
  again: false,
});

/** It is known not to have run. */
export const notRun = ({ isAgent }: Called, said: string): ToolOutcome =>
  isAgent === true ? { ...failure(said), ...nothingUsed } : failure(said);

const unsent = (call: Called, said: string): Attempt => ({ ...final(notRun(call, said)), isUnsent: true });

/**
 * Nobody knows whether the call happened. One that may be repeated is a failure that says so; for any other a person
 * decides: also for a keyed one, since a call that the model makes anew has another key.
 * @param why a clause for people, without a full stop
 * @param rest what else is known
 */
export function uncertain({ effect }: Called, said: string, why: string, rest = ''): ToolOutcome {
  if (effect === 'read' || effect === 'idempotent') return failure(`${said}. It may be called again.${rest}`);
  return { ...failure(`${said}. Whether it happened is unknown.${rest}`), unknown: why };
}

/** @param error what the SDK threw for a call that may have been sent */
export function readFault(server: Server, connection: Connection, call: Called, error: unknown): Attempt {
  const { options } = server;
  const safe = safeText(server);
  const refused = refusalIn(error);
  // A Deputy that is about to end: whoever may ask again and again finds the next one.
  const isAskedAgain = error instanceof SdkHttpError && error.status >= 500 && isFoundAgain(call);
  if (refused?.code === unavailable && !isAskedAgain)
    return unsent(call, safe(`${call.id} was not called: ${refused.message}`));
  if (isRefusal(error)) {
    const said = safe(`${call.id} failed: ${error.message} (JSON-RPC error ${error.code})`);
    return final(error.code === internalError ? said : notRun(call, said));
  }
  if (isUnreadable(error))
    return final(safe(`${call.id} was called, but its answer cannot be used: ${messageOf(error)}`));
  if (options.kind === 'stdio') return readDeath(server, connection, call, error);
  const why = faultOf(error);
  if (sessionIsLost(error, connection)) {
    server.drop(connection, why);
    return {
      outcome: notRun(call, `${call.id} was not called: the session with the server "${server.name}" was lost.`),
      again: true,
      isUnsent: true,
      fault: false,
    };
  }
  if (wasNotSent(error)) {
    server.drop(connection, why);
    return {
      outcome: notRun(call, safe(`${call.id} was not called: the server "${server.name}" cannot be reached: ${why}`)),
      again: true,
      isUnsent: true,
      fault: true,
    };
  }
  if (error instanceof SdkHttpError && error.status < 500)
    return unsent(call, safe(`${call.id} was not called: ${refused?.message ?? error.message} (${why})`));
  const said = `the server "${server.name}" broke off while ${call.id} ran: ${why}`;
  return {
    outcome: uncertain(call, safe(said), safe(`the connection to the server "${server.name}" broke off: ${why}`)),
    again: call.effect !== 'unsafe',
    fault: true,
  };
}

function readDeath(server: Server, connection: Connection, call: Called, error: unknown): Attempt {
  const safe = safeText(server);
  const why = connection.whyClosed;
  if (why === undefined) return unsent(call, safe(`${call.id} was not called: ${messageOf(error)}`));
  const stderr = connection.stderr(2).join('\n').slice(0, 500);
  const rest = stderr === '' ? '' : `\nThe last it said on stderr: ${stderr}`;
  const said = safe(`the server died while ${call.id} ran: ${why}`);
  return {
    outcome: uncertain(call, said, safe(`the server "${server.name}" died: ${why}`), safe(rest)),
    // The same key: only here can it be made again as the same call.
    again: call.effect === 'keyed',
    fault: false,
  };
}

/** Nothing that nobody can see, nothing that we sent to prove who we are, and not too long. */
export const safeText =
  ({ options }: Server) =>
  (said: string): string =>
    withoutCredentials(capped(withoutInvisible(said), 1_000), options);

/** What a Deputy says that is about to end, or has no room: it may be asked again. */
export const unavailable = 503;

/** Of a server that failed at it, and may have begun. */
const internalError = -32_603;

/** The server itself said no. */
export const isRefusal = (error: unknown): error is ProtocolError =>
  error instanceof ProtocolError && error.data !== streamEnded;

interface Refusal {
  code: unknown;
  message: string;
}

/** Why the server said no, also where it said so by the status of HTTP. */
function refusalIn(error: unknown): Refusal | undefined {
  if (isRefusal(error)) return error;
  const text = error instanceof SdkHttpError ? error.data['text'] : undefined;
  if (typeof text !== 'string' || text.length > longestRefusal) return undefined;
  try {
    const said: unknown = JSON.parse(text);
    const refused = isJsonObject(said) ? said['error'] : undefined;
    if (!isJsonObject(refused) || typeof refused['message'] !== 'string') return undefined;
    return { code: refused['code'], message: refused['message'] };
  } catch {
    return undefined;
  }
}

/** Characters: what is longer was not written for people. */
const longestRefusal = 64 * 1024;

export const faultOf = (error: unknown): string =>
  error instanceof SdkHttpError ? `HTTP ${error.status}` : networkFault(error);

/** A session that is lost, or an address where nothing listens any more: the next one connects anew. */
export function dropIfGone(server: Server, connection: Connection, error: unknown): void {
  if (server.options.kind === 'http' && (sessionIsLost(error, connection) || wasNotSent(error)))
    server.drop(connection, faultOf(error));
}

/** The answer came, and was none. */
const isUnreadable = (error: unknown): boolean =>
  (error instanceof SdkError &&
    (error.code === SdkErrorCode.InvalidResult ||
      error.code === SdkErrorCode.UnsupportedResultType ||
      error.code === SdkErrorCode.ClientHttpUnexpectedContent)) ||
  (error instanceof TypeError && error.cause === undefined) ||
  error instanceof SyntaxError ||
  (error instanceof Error && error.name === 'ZodError');

/** A 2025 server that forgot the session never looked at the call. Some say so with 400 instead of 404. */
function sessionIsLost(error: unknown, connection: Connection): boolean {
  if (!(error instanceof SdkHttpError) || connection.client.transport?.sessionId === undefined) return false;
  return error.status === 404 || (error.status === 400 && /session/i.test(error.message));
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const wasNotSent = (error: unknown): boolean => neverSent.has(networkCode(error) ?? '');

export const seconds = (ms: number): string =>
  ms >= 7_200_000
    ? `${Math.round(ms / 3_600_000)} h`
    : ms >= 120_000
      ? `${Math.round(ms / 60_000)} min`
      : `${ms / 1000} s`;

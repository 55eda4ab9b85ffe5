/**
 * One call of a tool of another server: a slot, the intent, the call, an outcome.
 *
 * Invariants:
 *   1. Nothing leaves before `commit` was called with the exact arguments, and it is called once.
 *   2. A call that the server may have received is sent again only where its effect allows a repeat.
 *   3. Every failure of the server is an outcome. It throws only the signal's reason, or what `commit` throws.
 */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, type RequestOptions } from '@modelcontextprotocol/client';
import type { ToolCallOptions, ToolOutcome } from '../agent/tool.ts';
import { messageOf, UnavailableError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Check } from '../json-schema.ts';
import type { EffectClass } from '../task/effect.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import { type Connection, networkCode, networkFault } from './connection.ts';
import { streamEnded } from './http-transport.ts';
import { bounds } from './options.ts';
import { failure, readOutcome } from './outcome.ts';
import { askTool, type CallTarget } from './sdk-seams.ts';
import type { Server } from './server.ts';
import { withoutCredentials } from './without-credentials.ts';

export interface RemoteCall {
  /** `server/tool`, for people. */
  id: string;
  effect: EffectClass;
  /** Asks the server; the answer is read by `read`. */
  send(connection: Connection, args: JsonObject, options: RequestOptions): Promise<JsonObject>;
  read(answer: JsonObject): ToolOutcome;
}

export const toolCall = (
  id: string,
  effect: EffectClass,
  tool: CallTarget,
  checkOutput: Check | undefined,
): RemoteCall => ({
  id,
  effect,
  send: ({ client }, args, options) => askTool(client, tool, args, options),
  read: (answer) => readOutcome(id, answer, checkOutput),
});

export async function callTool(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  options: ToolCallOptions,
): Promise<ToolOutcome> {
  const { signal } = options;
  signal.throwIfAborted();
  if (server.slots.size >= bounds.waitingCalls) {
    return failure(
      `${call.id} was not called: ${bounds.waitingCalls} calls already wait for the server "${server.name}".`,
    );
  }
  return server.slots.add(() => callInSlot(server, call, args, options), { signal });
}

async function callInSlot(
  server: Server,
  call: RemoteCall,
  args: JsonObject,
  { signal, commit, onProgress }: ToolCallOptions,
): Promise<ToolOutcome> {
  const first = await reach(server, call, signal);
  if ('isError' in first) return first;
  await commit(JSON.stringify(args), call.effect);
  const { outcome, again } = await attempt(server, first, call, args, signal, onProgress);
  if (!again) return outcome;
  const second = await reach(server, call, signal);
  if ('isError' in second) return outcome;
  return (await attempt(server, second, call, args, signal, onProgress)).outcome;
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

/** `again` where one more try is safe, and has a chance. */
type Attempt = { outcome: ToolOutcome; again: boolean };

async function attempt(
  server: Server,
  connection: Connection,
  call: RemoteCall,
  args: JsonObject,
  signal: AbortSignal,
  onProgress: ToolCallOptions['onProgress'],
): Promise<Attempt> {
  signal.throwIfAborted();
  const hard = server.options.hardTimeout ?? bounds.hardTimeout;
  const idle = Math.min(server.options.idleTimeout ?? bounds.idleTimeout, hard);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort('the call was cancelled');
  signal.addEventListener('abort', onAbort, { once: true });
  let isOverHard = false;
  const timer = setTimeout(() => {
    isOverHard = true;
    stop.abort('the call took too long');
  }, hard);
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
    return { outcome: call.read(answer), again: false };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (isOverHard)
      return final(`${call.id} took longer than ${seconds(hard)} and was cancelled (hard time-out). ${unknown(call)}`);
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
      await server.examine(connection, linesBefore);
      return final(
        `${call.id} gave no sign of life for ${seconds(idle)} and was cancelled (idle time-out). ${unknown(call)}`,
      );
    }
    return readFault(server, connection, call, error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** What went wrong, told so that the model knows whether the call may have happened. */
function readFault(server: Server, connection: Connection, call: RemoteCall, error: unknown): Attempt {
  const { options } = server;
  const safe = (said: string): string => withoutCredentials(capped(withoutInvisible(said), 1_000), options);
  if (error instanceof ProtocolError && error.data !== streamEnded) {
    return final(safe(`${call.id} failed: ${error.message} (JSON-RPC error ${error.code})`));
  }
  if (isUnreadable(error))
    return final(safe(`${call.id} was called, but its answer cannot be used: ${messageOf(error)}`));
  if (options.kind === 'stdio') return readDeath(connection, call, error, safe);
  const why = error instanceof SdkHttpError ? `HTTP ${error.status}` : networkFault(error);
  if (sessionIsLost(error, connection)) {
    server.drop(connection, why);
    return {
      outcome: failure(`${call.id} was not called: the session with the server "${server.name}" was lost.`),
      again: true,
    };
  }
  if (wasNotSent(error)) {
    server.drop(connection, why);
    return {
      outcome: failure(safe(`${call.id} was not called: the server "${server.name}" cannot be reached: ${why}`)),
      again: true,
    };
  }
  if (error instanceof SdkHttpError && error.status < 500)
    return final(safe(`${call.id} failed: ${error.message} (${why})`));
  const said = `the server "${server.name}" broke off while ${call.id} ran: ${why}. ${unknown(call)}`;
  return { outcome: failure(safe(said)), again: call.effect !== 'unsafe' };
}

function readDeath(connection: Connection, call: RemoteCall, error: unknown, safe: (said: string) => string): Attempt {
  const why = connection.whyClosed;
  if (why === undefined) return final(safe(`${call.id} was not called: ${messageOf(error)}`));
  const stderr = connection.stderr(2).join('\n').slice(0, 500);
  const said = stderr === '' ? '' : `\nThe last it said on stderr: ${stderr}`;
  return final(safe(`the server died while ${call.id} ran: ${why}. ${unknown(call)}${said}`));
}

const final = (said: string): Attempt => ({ outcome: failure(said), again: false });

const unknown = ({ effect }: RemoteCall): string =>
  effect === 'unsafe' ? 'Whether it happened is unknown.' : 'It may be called again.';

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

const seconds = (ms: number): string => (ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${ms / 1000} s`);

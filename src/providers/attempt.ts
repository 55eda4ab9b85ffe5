/**
 * One request on the wire: its time limits, its abort, and the one place where whatever goes wrong becomes a
 * `ModelError`.
 *
 * Invariants: every timer and listener is gone when the promise settles; the caller's abort wins over every error.
 */
import { ModelError } from '../agent/model.ts';
import { leanFetch } from '../lean-fetch.ts';
import { toModelError, type Endpoint } from './wire-error.ts';

/** Milliseconds. */
export interface Timeouts {
  /** From asking to the first byte of a streamed reply. Default 60 s; 5 min on loopback, where models load slowly. */
  firstByte: number;
  /** Between two pieces of a streamed reply; keep-alives count. Default 60 s. */
  idle: number;
  /** For a reply fetched in one piece. Default 290 s: proxies between give up on a silent server after 300 s. */
  whole: number;
  /** For any reply. Default 10 min. */
  total: number;
}

const standard: Timeouts = { firstByte: 60_000, idle: 60_000, whole: 290_000, total: 600_000 };

export function timeoutsFor(url: string, given: Partial<Timeouts> = {}): Timeouts {
  const host = URL.parse(url)?.hostname ?? '';
  const isLoopback = host === 'localhost' || host === '[::1]' || host.startsWith('127.');
  return { ...standard, ...(isLoopback && { firstByte: 300_000 }), ...given };
}

/** For the vendors' SDKs. The longest replies, with all their reasoning, have less than a megabyte. */
export const fetchReply = leanFetch(64 * 1024 * 1024);

export interface Attempt {
  /** Aborts with the caller's signal and when a time limit passes. */
  readonly signal: AbortSignal;
  /** A response whose every chunk counts as a sign of life; comments and pings too, which SDKs swallow. */
  readonly watched: (response: Response) => Response;
}

/** @throws ModelError, or the signal's reason; nothing else. */
export async function attempt<T>(
  endpoint: Endpoint,
  request: { signal: AbortSignal; streamed: boolean; timeouts: Timeouts },
  body: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { signal, streamed, timeouts } = request;
  signal.throwIfAborted();
  const controller = new AbortController();
  let expired: string | undefined;
  const limit = (ms: number, what: string): NodeJS.Timeout =>
    setTimeout(() => {
      expired = `${what} within ${ms / 1000} s`;
      controller.abort();
    }, ms);
  const onAbort = (): void => controller.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  const total = streamed
    ? limit(timeouts.total, 'the reply did not end')
    : limit(Math.min(timeouts.whole, timeouts.total), 'no reply came');
  let quiet = streamed ? limit(timeouts.firstByte, 'no reply began') : undefined;
  let begun = false;
  const alive = (): void => {
    if (begun) {
      quiet?.refresh();
      return;
    }
    begun = true;
    clearTimeout(quiet);
    quiet = limit(timeouts.idle, 'nothing more came');
  };
  const watched = (response: Response): Response => {
    alive();
    if (response.body === null) return response;
    return new Response(ReadableStream.from(ticking(response.body, alive)), { headers: response.headers });
  };

  try {
    const value = await body({ signal: controller.signal, watched });
    signal.throwIfAborted();
    if (expired !== undefined) throw new ModelError('unavailable', `${endpoint.name}: ${expired}`);
    return value;
  } catch (error) {
    signal.throwIfAborted();
    if (expired !== undefined) throw new ModelError('unavailable', `${endpoint.name}: ${expired}`, { cause: error });
    throw toModelError(error, endpoint);
  } finally {
    clearTimeout(total);
    clearTimeout(quiet);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The JSON of a reply in one piece, whatever type it claims to be. The SDKs hand on text as if it were a reply where
 * the type is wrong.
 */
export async function readJson<T>(response: Response, endpoint: Endpoint): Promise<T> {
  const body = await response.text();
  try {
    return JSON.parse(body) as T;
  } catch (error) {
    const [kind, what] = body.trimStart().startsWith('<')
      ? (['rejected', 'the answer is a web page. Check base_url.'] as const)
      : (['unavailable', 'the answer is broken JSON'] as const);
    throw new ModelError(kind, `${endpoint.name}: ${what}`, { cause: error });
  }
}

async function* ticking(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    alive();
    yield chunk;
  }
}

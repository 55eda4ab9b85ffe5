/**
 * Waits a while for a Deputy that cannot be reached and was never listed: after a crash of several it may be started a
 * little later than we are, and calls that we left there are to be gone on with.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';
import type { Server } from './server.ts';

/** @throws the last error of `list`, or the signal's reason */
export async function patiently<T>(server: Server, signal: AbortSignal, list: () => Promise<T>): Promise<T> {
  const { options, timings, log } = server;
  const until = performance.now() + timings.restartWait;
  for (let wait = timings.backoff; ; wait = Math.min(2 * wait, timings.backoffMax)) {
    try {
      return await list();
    } catch (error) {
      const mayComeBack = options.deputy === true && options.kind === 'http' && error instanceof UnavailableError;
      if (!mayComeBack || performance.now() + wait > until) throw error;
      if (wait === timings.backoff) log.warn('it cannot be reached, and is waited for');
      await sleep(wait, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }
}

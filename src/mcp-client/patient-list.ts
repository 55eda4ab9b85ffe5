/**
 * Waits for a server that cannot be reached and was never listed. After a crash of several a Deputy may be started a little
 * later than we are; and where a call was left at a server, nothing is to be decided before that is there again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';
import { silenceOf } from './remote-call.ts';
import type { Server } from './server.ts';

/**
 * @param isLeft a call was left there: then it is waited for as long as that would be followed.
 * @throws the last error of `list`, or the signal's reason
 */
export async function patiently<T>(
  server: Server,
  signal: AbortSignal,
  isLeft: boolean,
  list: () => Promise<T>,
): Promise<T> {
  const { options, timings, log } = server;
  const isDeputy = options.deputy === true;
  const patience = isLeft ? silenceOf(server, { isAgent: isDeputy }) : isDeputy ? timings.restartWait : 0;
  const until = performance.now() + patience;
  for (let wait = timings.backoff; ; wait = Math.min(2 * wait, timings.backoffMax)) {
    try {
      return await list();
    } catch (error) {
      // Another one that we start ourselves is started again in its own time, or not at all.
      const mayComeBack = (options.kind === 'http' || isDeputy) && error instanceof UnavailableError;
      if (!mayComeBack || performance.now() + wait > until) throw error;
      if (wait === timings.backoff) log.warn('it cannot be reached, and is waited for');
      await sleep(wait, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }
}

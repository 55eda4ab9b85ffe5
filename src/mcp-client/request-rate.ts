/** How many requests a server sends us: each costs an answer, also where that is no. */
import { bounds, type ServerOptions } from './options.ts';

export interface RequestRate {
  /** Counts one more. */
  isTooMany(): boolean;
}

export function requestRate({ deputy }: Pick<ServerOptions, 'deputy'>): RequestRate {
  const most = deputy === true ? bounds.requestsOfAgents : bounds.requests;
  let since = performance.now();
  let count = 0;
  return {
    isTooMany() {
      if (performance.now() - since > bounds.requestsTime) [since, count] = [performance.now(), 0];
      count += 1;
      return count > most;
    },
  };
}

/** How many requests a server sends us: each costs an answer, also where that is no. */
import { bounds } from './options.ts';

export interface RequestRate {
  /** Counts one more. */
  isTooMany(): boolean;
}

export function requestRate(): RequestRate {
  let since = performance.now();
  let count = 0;
  return {
    isTooMany() {
      if (performance.now() - since > bounds.requestsTime) [since, count] = [performance.now(), 0];
      count += 1;
      return count > bounds.requests;
    },
  };
}

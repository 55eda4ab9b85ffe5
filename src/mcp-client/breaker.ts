/**
 * Leaves a server alone that keeps failing: after five failures within half a minute, with no success between, it is
 * not called for a while; then one call tries it, and its end decides.
 */
export interface Breaker {
  /** @returns the ticket of a call that may be made now, or milliseconds until the next try. */
  admit(): Ticket | number;
}

/** To be told, once, how the call ended; `untold` where that says nothing about the server. */
export type Ticket = (how: 'well' | 'badly' | 'untold') => void;

export interface BreakerBounds {
  failures: number;
  /** Milliseconds. */
  window: number;
  pause: number;
  now: () => number;
}

export const breakerBounds = { failures: 5, window: 30_000, pause: 15_000 } as const;

export function breaker({ failures: most, window, pause, now }: BreakerBounds): Breaker {
  let failures: number[] = [];
  let openUntil: number | undefined;
  let isProbed = false;

  const ticket =
    (isProbe: boolean): Ticket =>
    (how) => {
      if (isProbe) isProbed = false;
      if (how === 'well') {
        failures = [];
        openUntil = undefined;
      }
      // What began before it was left alone says nothing new.
      if (how !== 'badly' || (openUntil !== undefined && !isProbe)) return;
      failures = [...failures.filter((at) => at > now() - window), now()];
      if (!isProbe && failures.length < most) return;
      openUntil = now() + pause;
      failures = [];
    };

  return {
    admit() {
      if (openUntil === undefined) return ticket(false);
      const wait = openUntil - now();
      if (wait > 0) return wait;
      // Its end is not far: whoever comes meanwhile is told to come back in a second.
      if (isProbed) return 1_000;
      isProbed = true;
      return ticket(true);
    },
  };
}

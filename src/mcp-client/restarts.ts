/** How often a server may be started again, and how long to wait before. The first start is free. */
export interface Restarts {
  /** Takes one restart. @returns milliseconds to wait before it, or undefined where there is none left. */
  take(): number | undefined;
  /** When there will be one again; milliseconds from now. */
  readonly waitForNext: number;
}

export interface RestartBounds {
  most: number;
  /** Milliseconds. */
  window: number;
  backoff: number;
  backoffMax: number;
  now: () => number;
}

export function countRestarts({ most, window, backoff, backoffMax, now }: RestartBounds): Restarts {
  let taken: number[] = [];
  const recent = (): number[] => (taken = taken.filter((at) => at > now() - window));
  return {
    take() {
      const before = recent().length;
      if (before >= most) return undefined;
      taken.push(now());
      // Half of it is chance, so that servers that died together do not start together.
      const wait = Math.min(backoff * 2 ** before, backoffMax);
      return wait / 2 + (Math.random() * wait) / 2;
    },
    get waitForNext() {
      const oldest = recent()[0];
      return oldest === undefined || taken.length < most ? 0 : oldest + window - now();
    },
  };
}

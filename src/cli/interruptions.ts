/** Ctrl-C, a polite kill and a time-out: the first asks the command to stop, the second signal ends the process. */
import { exitCodeOfInterruption, type Interruption } from './exit.ts';

export interface Interruptions {
  /** What came first, if anything did. */
  readonly first: Interruption | undefined;
  /** Resolves with what came first. */
  readonly came: Promise<Interruption>;
  stop(): void;
}

/** @param timeoutMs None where undefined. */
export function watchInterruptions(timeoutMs?: number): Interruptions {
  const { promise, resolve } = Promise.withResolvers<Interruption>();
  let first: Interruption | undefined;
  const interrupt = (why: Interruption) => {
    first ??= why;
    resolve(first);
  };
  const onSignal = (signal: Interruption) => {
    if (first !== undefined && first !== 'timeout') process.exit(exitCodeOfInterruption(signal));
    interrupt(signal);
  };
  const onInt = () => onSignal('SIGINT');
  const onTerm = () => onSignal('SIGTERM');
  process.on('SIGINT', onInt);
  process.on('SIGTERM', onTerm);
  const timer = timeoutMs === undefined ? undefined : setTimeout(interrupt, timeoutMs, 'timeout');
  return {
    get first() {
      return first;
    },
    came: promise,
    stop() {
      clearTimeout(timer);
      process.off('SIGINT', onInt);
      process.off('SIGTERM', onTerm);
    },
  };
}

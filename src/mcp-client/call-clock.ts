/**
 * The time that a call may take: without a sign of life, and in all. It stands still while the server waits for a person
 * or a model of ours.
 */
import { longestTimer } from '../agent/limits.ts';

export interface CallClock {
  /** Aborts when a time is over, or by `stop`. */
  readonly signal: AbortSignal;
  readonly over: 'idle' | 'hard' | undefined;
  signOfLife(): void;
  /** @returns how to go on. */
  pause(): () => void;
  stop(why: string): void;
  /** Stops later, where it has not ended by then. */
  stopIn(ms: number, why: string): void;
  close(): void;
}

export interface ClockTimes {
  /** Milliseconds. */
  hard: number;
  idle?: number;
}

export function callClock({ hard, idle }: ClockTimes): CallClock {
  const controller = new AbortController();
  let over: CallClock['over'];
  let left = hard;
  let startedAt = performance.now();
  let pauses = 0;
  let hardTimer: NodeJS.Timeout | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let stopTimer: NodeJS.Timeout | undefined;

  const end = (how: 'idle' | 'hard') => (): void => {
    over ??= how;
    controller.abort(how === 'hard' ? 'the call took too long' : 'the call gave no sign of life');
  };
  const startIdle = (): void => {
    clearTimeout(idleTimer);
    if (idle !== undefined && idle < longestTimer && pauses === 0) idleTimer = setTimeout(end('idle'), idle);
  };
  const start = (): void => {
    startedAt = performance.now();
    if (left < longestTimer) hardTimer = setTimeout(end('hard'), Math.max(0, left));
    startIdle();
  };
  const halt = (): void => {
    left -= performance.now() - startedAt;
    clearTimeout(hardTimer);
    clearTimeout(idleTimer);
  };

  start();
  return {
    signal: controller.signal,
    get over() {
      return over;
    },
    signOfLife: startIdle,
    pause() {
      if (pauses === 0) halt();
      pauses += 1;
      let isPaused = true;
      return () => {
        if (!isPaused) return;
        isPaused = false;
        pauses -= 1;
        if (pauses === 0) start();
      };
    },
    stop: (why) => controller.abort(why),
    stopIn(ms, why) {
      clearTimeout(stopTimer);
      stopTimer = setTimeout(() => controller.abort(why), ms);
    },
    close() {
      // Nothing starts again behind a pause that ends later.
      pauses = Number.POSITIVE_INFINITY;
      for (const timer of [hardTimer, idleTimer, stopTimer]) clearTimeout(timer);
    },
  };
}

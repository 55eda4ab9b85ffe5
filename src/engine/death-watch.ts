/**
 * Which other processes are dead: those of this machine that are gone, and those that have been silent while we
 * listened. Silence is measured by our own steady clock: what the clocks of two machines say of each other, and a night
 * in which this one slept, prove nothing.
 */
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { OtherInstance } from './store.ts';

/** @param deathMs after so much silence a process is dead. */
export function deathWatch(
  deathMs: number,
  clock: () => number = () => performance.now(),
): (others: readonly OtherInstance[]) => string[] {
  let heard = new Map<string, { seenAt: number | undefined; since: number }>();
  return (others) => {
    const now = clock();
    const before = heard;
    heard = new Map();
    for (const { id, seenAt } of others) {
      const last = before.get(id);
      heard.set(id, last !== undefined && last.seenAt === seenAt ? last : { seenAt, since: now });
    }
    const isSilent = (id: string): boolean => now - (heard.get(id)?.since ?? now) >= deathMs;
    return others.filter((other) => isGone(other) || isSilent(other.id)).map(({ id }) => id);
  };
}

function isGone({ pid, host }: OtherInstance): boolean {
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

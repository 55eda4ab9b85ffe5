/** What one owner may start: so that one caller's zeal, or loop, does not take the server from the others. */
import type { TaskEngine } from '../task/engine.ts';

export interface OwnerLimits {
  /**
   * Tasks at work, an owner; what waits for people does not count. Always bounded: agents that call each other in a circle
   * through somebody who passes nothing on are at work on every level, and it ends there. Default 1000.
   */
  workingTasks?: number;
  /** Tasks at work or waiting, an owner. Default: no bound. */
  openTasks?: number;
  /** Starts a second, an owner; short bursts up to the same number. Default: no bound. */
  startsPerSecond?: number;
}

export interface TooMuch {
  message: string;
  retryAfterSeconds: number;
}

interface Account {
  /** Starts that may still be made at `at`. */
  tokens: number;
  at: number;
  /** At most so many of the owner's tasks are at work, and are open: those counted last, and those started since. */
  working: number;
  open: number;
  /** They are not counted again before. */
  countedUntil: number;
  /** For all who wait for it: a count for each of many starts at once would let all of them in. */
  counting?: Promise<void>;
}

/** An owner that was not heard of for as long starts afresh. */
const forgottenMs = 60_000;

/** Of the time, where there are so many tasks to count that it takes longer than `quickMs`. */
const shareOfCounting = 1 / 20;
const quickMs = 5;

/** Counts a start where it may be made; otherwise says why not. */
export function ownerLimits(
  engine: Pick<TaskEngine, 'list'>,
  { workingTasks = 1000, openTasks = Infinity, startsPerSecond = Infinity }: OwnerLimits,
  now: () => number = Date.now,
): (owner: string) => Promise<TooMuch | undefined> {
  const accounts = new Map<string, Account>();
  let sweptAt = now();

  const count = async (owner: string, account: Account): Promise<void> => {
    const begun = now();
    try {
      // Where one of them is reached, no more need be known.
      const most = Math.min(workingTasks, openTasks);
      account.working = (await engine.list({ owner, status: 'working', limit: most })).length;
      const waiting =
        openTasks === Infinity ? [] : await engine.list({ owner, status: 'input_required', limit: openTasks });
      account.open = account.working + waiting.length;
    } finally {
      const took = now() - begun;
      // Where there is much room, many starts pay for the next count; a few that ended long ago must not be refused for.
      const isNearlyFull = account.working > workingTasks / 2 || account.open > openTasks / 2;
      account.countedUntil = took > quickMs && isNearlyFull ? now() + took / shareOfCounting : 0;
      delete account.counting;
    }
  };

  const accountOf = (owner: string, at: number): Account => {
    if (at - sweptAt > forgottenMs) {
      for (const [other, account] of accounts) if (at - account.at > forgottenMs) accounts.delete(other);
      sweptAt = at;
    }
    let account = accounts.get(owner);
    // Its tasks of earlier are not known yet: they are counted first.
    if (account === undefined) {
      account = { tokens: startsPerSecond, at, working: workingTasks, open: openTasks, countedUntil: 0 };
      accounts.set(owner, account);
    }
    if (at > account.at) account.tokens += ((at - account.at) / 1000) * startsPerSecond;
    account.tokens = Math.min(startsPerSecond, account.tokens);
    account.at = at;
    return account;
  };

  return async (owner) => {
    const account = accountOf(owner, now());
    if (account.tokens < 1) {
      return { message: `At most ${startsPerSecond} tasks a second may be started`, retryAfterSeconds: 1 };
    }
    account.tokens -= 1;
    const isFull = (): boolean => account.working >= workingTasks || account.open >= openTasks;
    // Counting reads the store: it is done only where the tasks started here could have reached a limit.
    if (isFull() && now() >= account.countedUntil) await (account.counting ??= count(owner, account));
    if (account.working >= workingTasks) {
      return {
        message: `You have ${account.working} tasks at work: cancel or await some first`,
        retryAfterSeconds: 10,
      };
    }
    if (account.open >= openTasks) {
      return {
        message: `You have ${account.open} open tasks: answer, cancel or await some of them first`,
        retryAfterSeconds: 10,
      };
    }
    account.working += 1;
    account.open += 1;
    return undefined;
  };
}

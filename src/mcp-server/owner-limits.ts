/** What one owner may start: so that one caller's zeal, or loop, does not take the server from the others. */
import type { TaskEngine } from '../task/engine.ts';

export interface OwnerLimits {
  /** Tasks at work or waiting, an owner. */
  openTasks: number;
  /** Starts a second, an owner; short bursts up to the same number. */
  startsPerSecond: number;
}

export interface TooMuch {
  message: string;
  retryAfterSeconds: number;
}

interface Account {
  /** Starts that may still be made at `at`. */
  tokens: number;
  at: number;
  /** At most so many of the owner's tasks are open: those counted last, and those started since. */
  open: number;
  /** For all who wait for it: a count for each of many starts at once would let all of them in. */
  counting?: Promise<void>;
}

/** An owner that was not heard of for as long starts afresh. */
const forgottenMs = 60_000;

/** Counts a start where it may be made; otherwise says why not. */
export function ownerLimits(
  engine: Pick<TaskEngine, 'list'>,
  { openTasks, startsPerSecond }: OwnerLimits,
  now: () => number = Date.now,
): (owner: string) => Promise<TooMuch | undefined> {
  const accounts = new Map<string, Account>();
  let sweptAt = now();

  const countOpen = async (owner: string, account: Account): Promise<void> => {
    try {
      const [working, waiting] = await Promise.all([
        engine.list({ owner, status: 'working', limit: openTasks }),
        engine.list({ owner, status: 'input_required', limit: openTasks }),
      ]);
      account.open = working.length + waiting.length;
    } finally {
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
      account = { tokens: startsPerSecond, at, open: openTasks };
      accounts.set(owner, account);
    }
    account.tokens = Math.min(startsPerSecond, account.tokens + ((at - account.at) / 1000) * startsPerSecond);
    account.at = at;
    return account;
  };

  return async (owner) => {
    const account = accountOf(owner, now());
    if (account.tokens < 1) {
      return { message: `At most ${startsPerSecond} tasks a second may be started`, retryAfterSeconds: 1 };
    }
    account.tokens -= 1;
    // Counting reads the store: it is done only where the tasks started here could have reached the limit.
    if (account.open >= openTasks) await (account.counting ??= countOpen(owner, account));
    if (account.open >= openTasks) {
      return {
        message: `You have ${account.open} open tasks: answer, cancel or await some of them first`,
        retryAfterSeconds: 10,
      };
    }
    account.open += 1;
    return undefined;
  };
}

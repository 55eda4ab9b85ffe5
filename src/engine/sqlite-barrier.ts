/**
 * The barrier: a sync of the write-ahead log by the thread pool, so that a slow disk delays those who asked for it and
 * nobody else. It covers what SQLite's own `synchronous = full` covers: every commit before it is in that file, and a
 * checkpoint (under `normal`) syncs the log before it moves pages and the database after it did.
 */
import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { StoreError } from './store.ts';

const syncFile = promisify(fdatasync);

/**
 * One sync at a time; all who ask while one runs share the next.
 * After a sync that failed there is none any more: what it was to save may be gone although the next one succeeds.
 */
export function barrierOn(log: number | undefined): () => Promise<void> {
  if (log === undefined) return async () => {};
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let failed: StoreError | undefined;
  const sync = async (): Promise<void> => {
    if (failed !== undefined) throw failed;
    try {
      await syncFile(log);
    } catch (cause) {
      failed = new StoreError(
        `The task store could not be synced: ${messageOf(cause)}. Nothing more is acknowledged until Deputy is restarted.`,
        { cause },
      );
      throw failed;
    }
  };
  return () => {
    next ??= current
      .catch(() => {})
      .then(() => {
        next = undefined;
        return (current = sync());
      });
    return next;
  };
}

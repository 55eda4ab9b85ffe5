/**
 * The barrier: a sync of the write-ahead log by the thread pool, so that a slow disk delays those who asked for it and
 * nobody else. It covers what SQLite's own `synchronous = full` covers: every commit before it is in that file, and a
 * checkpoint (under `normal`) syncs the log before it moves pages and the database after it did.
 */
import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';
import type { Database } from './open.ts';
import { StoreError } from '../store.ts';

const syncFile = promisify(fdatasync);

/**
 * One sync at a time; all who ask while one runs share the next, and none is made where nothing was written since the
 * last: who only reads does not wait for the disk.
 * After a sync that failed there is none any more: what it was to save may be gone although the next one succeeds.
 * @param written another one after every commit, of whatever process.
 */
export function barrierOn(log: number | undefined, written: () => string): () => Promise<void> {
  if (log === undefined) return async () => {};
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let failed: StoreError | undefined;
  /** As `written` was when the last sync began that has ended. */
  let synced: string | undefined;
  const sync = async (): Promise<void> => {
    if (failed !== undefined) throw failed;
    const covered = written();
    try {
      await syncFile(log);
      synced = covered;
    } catch (cause) {
      failed = new StoreError(
        `The task store could not be synced: ${messageOf(cause)}. Nothing more is acknowledged until Deputy is restarted.`,
        { cause },
      );
      throw failed;
    }
  };
  return async () => {
    if (failed === undefined && written() === synced) return;
    next ??= current
      .catch(() => {})
      .then(() => {
        next = undefined;
        return (current = sync());
      });
    await next;
  };
}

/** Another text after every commit: of this connection, or of another one, which SQLite counts. */
export const writtenTo = ({ sql, run }: Pick<Database, 'sql' | 'run'>): string =>
  run(() => {
    const own = sql('select total_changes() as changes').get();
    const others = sql('pragma data_version').get();
    return `${String(own?.['changes'])} ${String(others?.['data_version'])}`;
  });

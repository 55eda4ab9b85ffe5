import { closeSync, openSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { backup, DatabaseSync } from 'node:sqlite';
import { messageOf, UsageError } from '../../errors.ts';

/** More pages than any database has: the copy is made in one step, of one moment, whoever writes meanwhile. */
const allPages = 2 ** 31 - 1;

/**
 * Copies the database at `path` into the new file `target`. The copy is made beside the event loop, through a
 * connection of its own: writers are not kept waiting.
 * @throws UsageError
 */
export async function backUp(path: string, target: string): Promise<void> {
  try {
    closeSync(openSync(target, 'wx', 0o600));
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new UsageError(
      isThere
        ? `There is a file ${target} already: choose another name for the backup.`
        : `The backup cannot be written to ${target}: ${messageOf(error)}`,
    );
  }
  try {
    const source = new DatabaseSync(path, { readOnly: true });
    try {
      await backup(source, target, { rate: allPages });
    } finally {
      source.close();
    }
    const file = await open(target, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await unlink(target).catch(() => {});
    throw new UsageError(`The backup to ${target} failed: ${messageOf(error)}`);
  }
}

/** Where tasks are kept. */
import { resolve } from 'node:path';
import type { StoreConfig } from './config.ts';
import { valueOf, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { FileEntry } from './schema.ts';

const defaultFile = '.deputy/deputy.db';

const defaultKeep = 7 * 86_400_000;

export function resolveStore(main: Declared<FileEntry>, root: string, problems: Problems): StoreConfig {
  const { sqlite = defaultFile, keep, keep_journal: keepJournal } = main.value.store ?? {};
  if (keepJournal !== undefined && length(keepJournal) < length(keep ?? defaultKeep)) {
    problems.error(
      'E_VALUE',
      valueOf(main, 'store', 'keep_journal'),
      'store.keep_journal must be at least as long as store.keep',
      { help: 'a task that is remembered has its journal; write a longer time, or forever' },
    );
  }
  return {
    sqlite: sqlite === ':memory:' ? sqlite : resolve(root, sqlite),
    ...(keep !== undefined && { keep: keep === 'forever' ? null : keep }),
    ...(keepJournal !== undefined && { keepJournal: keepJournal === 'forever' ? null : keepJournal }),
  };
}

const length = (keep: number | 'forever'): number => (keep === 'forever' ? Infinity : keep);

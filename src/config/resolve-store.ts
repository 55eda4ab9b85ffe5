/** Where tasks are kept. */
import { resolve } from 'node:path';
import type { StoreConfig } from './config.ts';
import { valueOf, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { FileEntry } from './schema.ts';

const defaultFile = '.deputy/deputy.db';

const defaultKeep = 7 * 86_400_000;

export function resolveStore(main: Declared<FileEntry>, root: string, problems: Problems): StoreConfig {
  const { sqlite, postgres, keep, keep_journal: keepJournal } = main.value.store ?? {};
  if (sqlite !== undefined && postgres !== undefined)
    problems.error('E_VALUE', valueOf(main, 'store', 'postgres'), 'store names two places', {
      help: 'keep `sqlite` for one process on one machine, or `postgres` for many',
    });
  if (postgres !== undefined && !/^postgres(ql)?:\/\//.test(postgres))
    problems.error('E_VALUE', valueOf(main, 'store', 'postgres'), 'store.postgres is no URL of a database', {
      help: 'write postgres: "${env:DATABASE_URL}", with postgresql://USER:PASSWORD@HOST/DATABASE in the environment',
    });
  if (keepJournal !== undefined && length(keepJournal) < length(keep ?? defaultKeep)) {
    problems.error(
      'E_VALUE',
      valueOf(main, 'store', 'keep_journal'),
      'store.keep_journal must be at least as long as store.keep',
      { help: 'a task that is remembered has its journal; write a longer time, or forever' },
    );
  }
  return {
    ...(postgres === undefined ? { sqlite: fileIn(root, sqlite) } : { postgres }),
    ...(keep !== undefined && { keep: keep === 'forever' ? null : keep }),
    ...(keepJournal !== undefined && { keepJournal: keepJournal === 'forever' ? null : keepJournal }),
  };
}

const fileIn = (root: string, file = defaultFile): string => (file === ':memory:' ? file : resolve(root, file));

const length = (keep: number | 'forever'): number => (keep === 'forever' ? Infinity : keep);

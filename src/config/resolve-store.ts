/** Where tasks are kept. */
import { resolve } from 'node:path';
import type { StoreConfig } from './config.ts';
import type { Declared } from './declarations.ts';
import type { FileEntry } from './schema.ts';

const defaultFile = '.deputy/deputy.db';

export function resolveStore({ value: { store = {} } }: Declared<FileEntry>, root: string): StoreConfig {
  const { sqlite = defaultFile, keep } = store;
  return {
    sqlite: sqlite === ':memory:' ? sqlite : resolve(root, sqlite),
    ...(keep !== undefined && { keep: keep === 'forever' ? null : keep }),
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openSqliteStore } from '../../src/engine/sqlite-store.ts';
import { claimContract } from './store-claim.ts';
import { storeContract } from './store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-store-'));
let files = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const [name, open] of [
  ['SQLite in memory', () => openSqliteStore(':memory:')],
  ['a SQLite file', () => openSqliteStore(join(folder, `${(files += 1)}.db`))],
] as const)
  describe(name, () => {
    storeContract(open);
    claimContract(open);
  });

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { claimContract } from './store-claim.ts';
import { storeContract } from './store-contract.ts';
import { networkStoreContract } from './store-networks.ts';
import { questionStoreContract } from './store-questions.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-store-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that was prepared while the suites below ran. */
const statements = new Set<string>();
const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
afterEach(() => {
  for (const [sql] of prepare.mock.calls) statements.add(sql);
  prepare.mockClear();
});
afterAll(() => prepare.mockRestore());

for (const [name, open] of [
  ['SQLite in memory', () => openSqliteStore(':memory:')],
  ['a SQLite file', () => openSqliteStore(newFile())],
] as const)
  describe(name, () => {
    storeContract(open);
    questionStoreContract(open);
    claimContract(open);
    networkStoreContract(open);
  });

test('no statement reads a whole table: what others left there costs nothing', async () => {
  const path = newFile();
  await openSqliteStore(path).close();
  const db = new DatabaseSync(path);
  const asked = [...statements].filter((sql) => /^\s*(select|insert|update|delete)/.test(sql));
  expect(asked.length).toBeGreaterThan(40);
  const scans = asked.flatMap((sql) =>
    planOf(db, sql)
      .filter((step) => step.startsWith('SCAN'))
      .map((step) => `${step}: ${sql}`),
  );
  db.close();
  const allowed = [
    'SCAN json_each', // what was asked for
    'SCAN CONSTANT ROW', // no table
    'SCAN audit: select seq, hash from audit order by seq desc limit 1', // its last row
    'SCAN definition', // a row for each change of the agents file, and only where something was dropped
  ];
  expect(scans.filter((scan) => !allowed.some((start) => scan.startsWith(start)))).toEqual([]);
});

test.each([
  ['task_called', /^select .* where mandate is not null/],
  ['intent_left_behind', /^select .*\s+where left_behind = 1/],
  ['intent_referenced', /^update intent set left_behind = 1/],
])('%s has the few that are looked for, and no others are read', async (index, statement) => {
  const path = newFile();
  await openSqliteStore(path).close();
  const db = new DatabaseSync(path);
  const asked = [...statements].filter((sql) => statement.test(sql));
  expect(asked).toHaveLength(1);
  for (const sql of asked) expect(planOf(db, sql).join()).toContain(`INDEX ${index} `);
  db.close();
});

function planOf(db: DatabaseSync, sql: string): string[] {
  const values = sql
    .split('?')
    .slice(1)
    .map(() => null);
  const plan = db.prepare(`explain query plan ${sql}`).all(...values);
  return plan.map(({ detail }) => String(detail));
}

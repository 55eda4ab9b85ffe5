/** Who makes the checkpoints: SQLite by itself, or a thread where the disk is slow. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { checkpointsOf, worthALook } from '../../src/engine/sqlite/checkpoints.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-checkpoints-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const slow = 26;
const alone = 1_000;
const beside = 16_000;

function opened(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal; pragma synchronous = normal; create table text (of text)');
  return db;
}
/** From how many pages on this connection makes a checkpoint. */
const boundOf = (db: DatabaseSync): unknown => db.prepare('pragma wal_autocheckpoint').get()?.['wal_autocheckpoint'];
/** Pages in the log that are not in the database yet. */
const leftIn = (db: DatabaseSync): number => {
  const { log, checkpointed } = db.prepare('pragma wal_checkpoint(noop)').get() ?? {};
  return Number(log) - Number(checkpointed);
};
/** Each needs a page of its own. */
const fill = (db: DatabaseSync, pages: number): void =>
  db.exec(
    `with recursive page (n) as (select 1 union all select n + 1 from page where n < ${pages})
     insert into text select hex(zeroblob(1900)) from page`,
  );
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(5);
};

test('after a few slow commits a thread makes the checkpoints, and has gone when it is closed', async () => {
  const path = newFile();
  const db = opened(path);
  const checkpoints = checkpointsOf(db, path);
  for (let commit = 1; commit <= 3; commit += 1) checkpoints.committed(slow);
  await until(() => boundOf(db) === beside);
  fill(db, 3 * alone);
  expect(leftIn(db)).toBeGreaterThan(3 * alone);
  checkpoints.wrote(worthALook);
  await until(() => leftIn(db) === 0);
  await checkpoints.close();
  expect(boundOf(db)).toBe(alone);
  // It goes on by itself.
  fill(db, 3 * alone);
  expect(leftIn(db)).toBe(0);
  db.close();
  const again = new DatabaseSync(path);
  expect(again.prepare('select count(*) as texts from text').get()).toEqual({ texts: 6 * alone });
  expect(again.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
  again.close();
});

test('a little in the log is not worth the syncs', async () => {
  const path = newFile();
  const db = opened(path);
  const checkpoints = checkpointsOf(db, path);
  for (let commit = 1; commit <= 3; commit += 1) checkpoints.committed(slow);
  await until(() => boundOf(db) === beside);
  fill(db, 100);
  const left = leftIn(db);
  checkpoints.wrote(worthALook);
  // What was said to it before its end, it has done.
  await checkpoints.close();
  expect(leftIn(db)).toBe(left);
  db.close();
});

test('while commits are quick, or few were slow, there is no thread, whatever is written', async () => {
  const path = newFile();
  const db = opened(path);
  const checkpoints = checkpointsOf(db, path);
  for (let commit = 1; commit <= 1_000; commit += 1) checkpoints.committed(commit <= 2 ? slow : 1);
  checkpoints.wrote(1_000 * worthALook);
  let isClosed = false;
  void checkpoints.close().then(() => (isClosed = true));
  // One that had begun takes longer to end than a microtask.
  await Promise.resolve();
  expect(isClosed).toBe(true);
  expect(boundOf(db)).toBe(alone);
  db.close();
});

test('where the thread cannot work, checkpoints are made as before, and nobody is harmed', async () => {
  const db = opened(newFile());
  const checkpoints = checkpointsOf(db, join(folder, 'no such folder', 'x.db'));
  db.exec(`pragma wal_autocheckpoint = ${beside}`);
  for (let commit = 1; commit <= 3; commit += 1) checkpoints.committed(slow);
  await until(() => boundOf(db) === alone);
  checkpoints.wrote(worthALook);
  await checkpoints.close();
  fill(db, 3 * alone);
  expect(leftIn(db)).toBe(0);
  db.close();
});

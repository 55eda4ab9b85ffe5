/**
 * Opens the file, and runs what is asked of it: prepared statements and transactions.
 *
 * Invariant: a database that cannot be read or written now (full, locked, ill) is told as `StoreError`, so that the
 * engine knows it from a write that is wrong.
 */
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, UsageError } from '../../errors.ts';
import { type Checkpoints, checkpointsOf, noCheckpoints, pagesOf } from './checkpoints.ts';
import { migrate } from './schema.ts';
import { StoreError } from '../store.ts';

export interface Database {
  /** Prepared once. */
  sql: (text: string) => StatementSync;
  /** One statement, or several that only read. @throws StoreError */
  run: <T>(work: () => T) => T;
  /** All of `work` or nothing. @throws StoreError */
  transact: <T>(work: () => T) => T;
  close(): void;
}

/**
 * @returns the database and, where it is a file, its write-ahead log.
 * @throws UsageError it cannot be opened, or is no database of ours.
 */
export function openDatabase(path: string): { db: Database; checkpoints: Checkpoints; log?: number } {
  try {
    if (path === ':memory:') return { db: databaseOn(opened(path), noCheckpoints), checkpoints: noCheckpoints };
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    keepPrivate(path);
    const db = opened(path);
    // The log exists from the first write on; that it exists must survive a power cut as well.
    db.exec('create table if not exists opened (at integer) strict; drop table opened');
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    const checkpoints = checkpointsOf(db, path);
    return { db: databaseOn(db, checkpoints), checkpoints, log: openSync(`${path}-wal`, 'r') };
  } catch (error) {
    throw new UsageError(`The task store ${path} cannot be opened: ${messageOf(error)}`);
  }
}

/** SQLite gives its other files the mode of this one. A file that is there is not opened: that would drop its locks. */
function keepPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(path, 0o600);
  }
}

function opened(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec('pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = normal');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function databaseOn(db: DatabaseSync, checkpoints: Checkpoints): Database {
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (statement === undefined) statements.set(text, (statement = db.prepare(text)));
    return statement;
  };
  return {
    sql,
    run(work) {
      try {
        return work();
      } catch (error) {
        throw told(error);
      }
    },
    transact(work) {
      try {
        sql('begin immediate').run();
        const value = work();
        const before = performance.now();
        sql('commit').run();
        checkpoints.committed(performance.now() - before);
        checkpoints.wrote(pagesOf([]));
        return value;
      } catch (error) {
        // A full disk rolls back by itself.
        if (db.isTransaction) sql('rollback').run();
        throw told(error);
      }
    },
    close: () => db.close(),
  };
}

/** SQLite's result codes for a database that cannot be used now (sqlite.org/rescode.html). */
const unusable: ReadonlyMap<number, string> = new Map([
  [5, 'another process has locked it for too long'],
  [7, 'there is no memory left'],
  [8, 'it may not be written'],
  [10, 'its disk has failed'],
  [11, 'its file is damaged'],
  [13, 'its disk is full'],
  [14, 'its files cannot be opened'],
]);

function told(error: unknown): unknown {
  const why = unusable.get(sqliteCode(error) & 0xff);
  return why === undefined ? error : new StoreError(`The task store cannot be used: ${why}.`, { cause: error });
}

/** SQLite's extended result code; 0 for what is no error of SQLite. */
export function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
}

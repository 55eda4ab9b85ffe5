/**
 * The connections to the database, and what is asked of them: statements and transactions.
 *
 * Invariants:
 *   - a database that cannot be used now (gone, restarting, full, too many connections) is told as `StoreError`, so that
 *     the engine knows it from a write that is wrong, and tries again;
 *   - two transactions that are in each other's way are no fault of either: the one that was ended is made again, so
 *     `work` may be run several times;
 *   - a commit has reached the disk when it is answered: `synchronous_commit` is on in every session, whatever the
 *     database's default.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError, Pool, types } from 'pg';
import { messageOf, UsageError } from '../../errors.ts';
import type { Row } from '../rows.ts';
import { StoreError } from '../store.ts';
import { migrate } from './schema.ts';

export type Value = string | number | null | readonly string[] | Uint8Array;

/** One statement: its rows, and how many it has touched. */
export type Query = (text: string, ...values: readonly Value[]) => Promise<{ rows: Row[]; changes: number }>;

export interface Database {
  /**
   * A statement alone, which is a transaction of its own. What no text of the database can be (NUL) is nowhere in it.
   * @throws StoreError
   */
  query: Query;
  /** All of `work` or nothing. @throws StoreError */
  transact: <T>(work: (query: Query) => Promise<T>) => Promise<T>;
  /** A session of its own, in nobody's way; whoever asks ends it. */
  session(): Client;
  close(): Promise<void>;
}

const mostConnections = 8;
const connectMs = 5_000;
const mostTries = 10;

/** @throws UsageError it cannot be reached, or is no database of ours. */
export async function openDatabase(url: string): Promise<Database> {
  const config = {
    connectionString: url,
    application_name: 'deputy',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    options: '-c search_path=deputy -c synchronous_commit=on -c default_transaction_isolation=read\\ committed',
    types: { getTypeParser: typeParser },
  };
  const first = new Client(config);
  // What fails is told by what was asked; a connection that is lost while nobody asks is not worth a crash.
  first.on('error', () => {});
  try {
    await first.connect();
    await migrate(first);
  } catch (error) {
    throw new UsageError(`The task store ${withoutSecrets(url)} cannot be opened: ${messageOf(error)}`);
  } finally {
    await first.end().catch(() => {});
  }
  const pool = new Pool({ ...config, max: mostConnections });
  pool.on('error', () => {});
  return databaseOn(pool, () => new Client(config));
}

function databaseOn(pool: Pool, session: () => Client): Database {
  return {
    async query(text, ...values) {
      try {
        const { rows, rowCount } = await pool.query<Row>(text, [...values]);
        return { rows, changes: rowCount ?? 0 };
      } catch (error) {
        if (isNoText(error)) return { rows: [], changes: 0 };
        throw told(error);
      }
    },
    async transact(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await transactOn(pool, work);
        } catch (error) {
          if (!isCollision(error) || attempt === mostTries) throw told(error);
          await sleep(Math.random() * 10 * attempt);
        }
      }
    },
    session,
    close: () => pool.end(),
  };
}

async function transactOn<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let isLost = false;
  try {
    await client.query('begin');
    const value = await work(async (text, ...values) => {
      const { rows, rowCount } = await client.query<Row>(text, [...values]);
      return { rows, changes: rowCount ?? 0 };
    });
    await client.query('commit');
    return value;
  } catch (error) {
    await client.query('rollback').catch(() => (isLost = true));
    throw error;
  } finally {
    client.release(isLost);
  }
}

const int8 = 20;

/** What we keep in 64 bits, moments and counts, fits a double. */
const typeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === int8 && format !== 'binary' ? Number : types.getTypeParser(oid, format);

/** Serialization failure, deadlock (postgresql.org/docs/current/errcodes-appendix.html). */
const isCollision = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01');

/** Classes of conditions in which it cannot be used now: no connection, no resources, somebody's order, its system. */
const unusable = new Set(['08', '53', '57', '58', 'XX']);

function told(error: unknown): unknown {
  if (error instanceof DatabaseError) {
    if (!isCollision(error) && !unusable.has(error.code?.slice(0, 2) ?? '') && error.code !== '25006') return error;
  } else if (!isConnectionFault(error)) return error;
  return new StoreError(`The task store cannot be used: ${messageOf(error)}`, { cause: error });
}

/** What `pg` and the network say of a connection; its errors have no class. */
const isConnectionFault = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && typeof error.code === 'string' && /^(E[A-Z]+|EAI_.*)$/.test(error.code)) ||
    /connection|timeout exceeded|client was closed|client has encountered/i.test(error.message));

/** character_not_in_repertoire: a text with NUL. */
const isNoText = (error: unknown): boolean => error instanceof DatabaseError && error.code === '22021';

/** SQLSTATE of what must be there only once and is there already. */
export const isTaken = (error: unknown): boolean => error instanceof DatabaseError && error.code === '23505';

function withoutSecrets(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'of `store.postgres`';
  }
}

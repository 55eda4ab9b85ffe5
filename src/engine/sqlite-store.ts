/**
 * The store on SQLite. `node:sqlite` is synchronous: a group of writes is one short transaction, without a sync.
 *
 * The barrier is a sync of the write-ahead log by the thread pool, so that a slow disk delays those who asked for it
 * and nobody else. It covers what SQLite's own `synchronous = full` covers: every commit before it is in that file, and
 * a checkpoint (under `normal`) syncs the log before it moves pages and the database after it did.
 */
import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { messageOf, UsageError } from '../errors.ts';
import type { Question } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { intentFrom, questionFrom, type Row, stepFrom, taskFrom } from './sqlite-rows.ts';
import { migrate } from './sqlite-schema.ts';
import { FencedError, type Store, type Write } from './store.ts';

const syncFile = promisify(fdatasync);

/**
 * @param path a file, which only its owner may read, or `:memory:`.
 * @throws UsageError it cannot be opened, or is no database of ours.
 */
export function openSqliteStore(path: string): Store {
  const { db, log } = openDatabase(path);
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (statement === undefined) statements.set(text, (statement = db.prepare(text)));
    return statement;
  };
  const transact = <T>(work: () => T): T => {
    sql('begin immediate').run();
    try {
      const value = work();
      sql('commit').run();
      return value;
    } catch (error) {
      // A full disk rolls back by itself.
      if (db.isTransaction) sql('rollback').run();
      throw error;
    }
  };

  /** One statement that writes only under the newest fence (E3). */
  const fenced = (statement: StatementSync, ...values: SQLInputValue[]): void => {
    if (statement.run(...values).changes === 0) throw new FencedError('the task belongs to somebody else now');
  };
  const owned = 'where exists (select 1 from task where id = ? and fence = ?)';

  const insertTask = ({ task, instance, startKey }: Extract<Write, { kind: 'task' }>): void => {
    sql(
      `insert into task (id, agent, owner, input, conversation, predecessor, start_key, status, ttl_ms, created_at,
        updated_at, instance, fence) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    ).run(
      ...[task.id, task.agent, task.owner, JSON.stringify(task.input), task.conversation, task.predecessor ?? null],
      ...[startKey ?? null, task.status, task.ttlMs, task.createdAt, task.updatedAt, instance],
    );
  };

  const apply = (write: Write): void => {
    if (write.kind === 'task') return insertTask(write);
    const { id, fence, at } = write;
    switch (write.kind) {
      case 'intent':
        return fenced(
          sql(`insert or replace into intent (task, key, bytes, effect, at) select ?, ?, ?, ?, ? ${owned}`),
          ...[id, write.key, write.bytes, write.effect, at, id, fence],
        );
      case 'reference':
        return fenced(
          sql(
            'update intent set reference = ? where task = ? and key = ? and (select fence from task where id = ?) = ?',
          ),
          ...[write.reference, id, write.key, id, fence],
        );
      case 'step':
        return fenced(sql(`insert into step select ?, ?, ?, ? ${owned}`), id, write.key, write.value, at, id, fence);
      case 'question': {
        const { key, wireKey, request } = write.question;
        fenced(
          sql(`insert into question (task, key, wire_key, request, asked_at) select ?, ?, ?, ?, ? ${owned}`),
          ...[id, key, wireKey, JSON.stringify(request), at, id, fence],
        );
        sql(`update task set status = 'input_required', updated_at = ? where id = ?`).run(at, id);
        return;
      }
      case 'end': {
        const { status, ...outcome } = write.state;
        return fenced(
          sql(
            `update task set status = ?, outcome = ?, updated_at = ?, instance = null, wants_to_run = 0,
               fence = fence + 1 where id = ? and fence = ?`,
          ),
          ...[status, JSON.stringify(outcome), at, id, fence],
        );
      }
      case 'park':
        return fenced(sql('update task set instance = null where id = ? and fence = ?'), id, fence);
    }
  };

  const questions = (id: string): Question[] =>
    sql('select * from question where task = ? order by rowid').all(id).map(questionFrom);
  const taskOf = (row: Row): Task =>
    taskFrom(row, row['status'] === 'input_required' ? questions(String(row['id'])) : []);
  const steps = (id: string) =>
    sql('select key, value, at from step where task = ? order by rowid').all(id).map(stepFrom);
  const stillOpen = `exists (select 1 from question where task = task.id and answer is null)`;

  return {
    async write(writes) {
      const [only] = writes;
      // A statement alone is a transaction of its own, at a third of the price.
      if (only !== undefined && writes.length === 1 && only.kind !== 'question') return apply(only);
      transact(() => {
        for (const write of writes) apply(write);
      });
    },
    sync: syncing(log),

    async task(id) {
      const row = sql('select * from task where id = ?').get(id);
      return row === undefined ? undefined : taskOf(row);
    },
    async tasks({ limit = 100, ...filter }) {
      const given = Object.entries(filter).filter(([, value]) => value !== undefined);
      const where = given.map(([column]) => `${column} = ?`).join(' and ') || 'true';
      const select = sql(`select * from task where ${where} order by created_at desc, rowid desc limit ?`);
      return select.all(...given.map(([, value]) => value), limit).map(taskOf);
    },
    async started(owner, agent, startKey) {
      const row = sql('select * from task where owner = ? and agent = ? and start_key = ?').get(owner, agent, startKey);
      return row === undefined ? undefined : taskOf(row);
    },
    async load(id) {
      const row = sql('select * from task where id = ?').get(id);
      if (row === undefined) return undefined;
      const intents = sql('select * from intent where task = ?').all(id);
      return {
        task: taskOf(row),
        fence: Number(row['fence']),
        steps: steps(id),
        intents: new Map(intents.map((intent) => [String(intent['key']), intentFrom(intent)])),
        questions: questions(id),
      };
    },
    steps: async (id) => steps(id),

    answer: async (id, wireKey, answer) =>
      transact(() => {
        const open = sql(`select 1 from task where id = ? and status = 'input_required'`).get(id);
        if (open === undefined) return false;
        const taken = sql('update question set answer = ? where task = ? and wire_key = ? and answer is null').run(
          ...[JSON.stringify(answer), id, wireKey],
        );
        if (taken.changes === 0) return false;
        sql(
          `update task set status = iif(${stillOpen}, 'input_required', 'working'), updated_at = ?, wants_to_run = 1
           where id = ?`,
        ).run(answer.at, id);
        return true;
      }),
    rename: async (id, wireKey, newWireKey, at) =>
      transact(() => {
        const renamed = sql('update question set wire_key = ? where task = ? and wire_key = ? and answer is null').run(
          ...[newWireKey, id, wireKey],
        );
        if (renamed.changes > 0) sql('update task set updated_at = ? where id = ?').run(at, id);
        return renamed.changes > 0;
      }),
    cancel: async (id, at) =>
      sql(
        `update task set status = 'cancelled', outcome = '{}', updated_at = ?, instance = null, wants_to_run = 0,
           fence = fence + 1 where id = ? and status in ('working', 'input_required')`,
      ).run(at, id).changes > 0,

    claim: async (instance, most, among) =>
      sql(
        `update task set instance = ?, fence = fence + 1, wants_to_run = 0 where id in (
           select id from task where wants_to_run = 1 and instance is null
             ${among === undefined ? '' : 'and id in (select value from json_each(?))'} order by updated_at limit ?
         ) returning id, fence`,
      )
        .all(instance, ...(among === undefined ? [] : [JSON.stringify(among)]), most)
        .map((row) => ({ id: String(row['id']), fence: Number(row['fence']) })),
    async owned(instance) {
      return new Set(
        sql('select id from task where instance = ?')
          .all(instance)
          .map((row) => String(row['id'])),
      );
    },

    async beat(instance, at) {
      sql('insert into instance values (?, ?, ?, ?) on conflict (id) do update set seen_at = excluded.seen_at').run(
        instance,
        process.pid,
        hostname(),
        at,
      );
    },
    async dead(instance, before) {
      const others = sql(
        `select instance.*, task.instance as running from task left join instance on instance.id = task.instance
         where task.instance is not null and task.instance <> ? group by task.instance`,
      ).all(instance);
      return others.filter((row) => isDead(row, before)).map((row) => String(row['running']));
    },
    async bury(instance, most, at) {
      const failed = JSON.stringify({
        error: { code: -32603, message: `It was set aside: its process died ${most} times at the same place.` },
      });
      transact(() => {
        const count = '(select count(*) from step where task = task.id)';
        sql(
          `update task set deaths = iif(${count} > steps_at_death, 1, deaths + 1), steps_at_death = ${count},
             instance = null, wants_to_run = 1, fence = fence + 1 where instance = ?`,
        ).run(instance);
        sql(
          `update task set status = 'failed', outcome = ?, wants_to_run = 0, updated_at = ?
           where wants_to_run = 1 and deaths >= ?`,
        ).run(failed, at, most);
        sql('delete from instance where id = ?').run(instance);
      });
    },
    async leave(instance) {
      transact(() => {
        sql('update task set instance = null, wants_to_run = 1, fence = fence + 1 where instance = ?').run(instance);
        sql('delete from instance where id = ?').run(instance);
      });
    },
    hasNews: newsOf(db),
    async prune(now) {
      return transact(() => {
        const over = `select id from task where status not in ('working', 'input_required')
          and ttl_ms is not null and created_at + ttl_ms < ?`;
        for (const table of ['step', 'intent', 'question']) {
          sql(`delete from ${table} where task in (${over})`).run(now);
        }
        return Number(sql(`delete from task where id in (${over})`).run(now).changes);
      });
    },
    async close() {
      db.close();
      if (log !== undefined) closeSync(log);
    },
  };
}

function openDatabase(path: string): { db: DatabaseSync; log?: number } {
  try {
    const isFile = path !== ':memory:';
    if (isFile) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // SQLite gives its other files the mode of this one.
      closeSync(openSync(path, 'a', 0o600));
    }
    const db = new DatabaseSync(path);
    db.exec('pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = normal');
    migrate(db);
    if (!isFile) return { db };
    // The log exists from the first write on; that it exists must survive a power cut as well.
    db.exec('create table if not exists opened (at integer) strict; drop table opened');
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    return { db, log: openSync(`${path}-wal`, 'r') };
  } catch (error) {
    throw new UsageError(`The task store ${path} cannot be opened: ${messageOf(error)}`);
  }
}

/** One sync at a time; all who ask while one runs share the next. */
function syncing(log: number | undefined): () => Promise<void> {
  if (log === undefined) return async () => {};
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= current
      .catch(() => {})
      .then(() => {
        next = undefined;
        return (current = syncFile(log));
      });
    return next;
  };
}

/** SQLite counts the commits of other connections. */
function newsOf(db: DatabaseSync): () => boolean {
  const version = db.prepare('pragma data_version');
  let last = version.get()?.['data_version'];
  return () => {
    const now = version.get()?.['data_version'];
    const isNews = now !== last;
    last = now;
    return isNews;
  };
}

/** A row without an instance lost it; on this machine a process can be asked for. */
function isDead(row: Row, before: number): boolean {
  if (row['id'] === null || Number(row['seen_at']) < before) return true;
  if (row['host'] !== hostname()) return false;
  try {
    process.kill(Number(row['pid']), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

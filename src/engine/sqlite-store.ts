/** The store on SQLite. `node:sqlite` is synchronous: a group of writes is one short transaction. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { messageOf, UsageError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { StepRecord, Task, TaskState } from '../task/task.ts';
import type { Store, Write } from './store.ts';

/**
 * Steps and intents are keyed by the number of their task, not by its random id: rows of the same time then lie together,
 * and a group of writes touches a few pages instead of one or two each.
 */
const schema = `
  create table if not exists task (
    number integer primary key, id text not null unique, agent text not null, owner text not null, input text not null,
    conversation text not null, predecessor text, status text not null, outcome text,
    created_at integer not null, updated_at integer not null
  ) strict;
  create index if not exists task_by_owner on task (owner, created_at);
  create index if not exists task_by_conversation on task (owner, conversation, created_at);
  create table if not exists step (
    task integer not null, key text not null, value text not null, at integer not null, primary key (task, key)
  ) strict;
  create table if not exists intent (
    task integer not null, key text not null, bytes text not null, at integer not null, primary key (task, key)
  ) strict;
`;

const numberOf = '(select number from task where id = ?)';

/**
 * @param path a file, which only its owner may read, or `:memory:`.
 * @throws UsageError it cannot be opened, or is no database of ours.
 */
export function openSqliteStore(path: string): Store {
  const db = openDatabase(path);
  const begin = db.prepare('begin immediate');
  const commit = db.prepare('commit');
  const rollback = db.prepare('rollback');
  const insertTask = db.prepare(
    'insert into task values (null, :id, :agent, :owner, :input, :conversation, :predecessor, :status, null, :createdAt, :createdAt)',
  );
  const updateState = db.prepare(
    `update task set status = :status, outcome = :outcome, updated_at = :at where id = :id and status = 'working'`,
  );
  const insertStep = db.prepare(`insert into step values (${numberOf}, ?, ?, ?)`);
  const insertIntent = db.prepare(`insert into intent values (${numberOf}, ?, ?, ?)`);
  const selectTask = db.prepare('select * from task where id = ?');
  const selectSteps = db.prepare(`select key, value, at from step where task = ${numberOf} order by rowid`);
  const selectTasks = new Map<string, StatementSync>();

  const apply = (write: Write): void => {
    switch (write.kind) {
      case 'task': {
        const { id, agent, owner, input, conversation, predecessor = null, status, createdAt } = write.task;
        insertTask.run({
          id,
          agent,
          owner,
          input: JSON.stringify(input),
          conversation,
          predecessor,
          status,
          createdAt,
        });
        break;
      }
      case 'state': {
        const { status, ...outcome } = write.state;
        updateState.run({ id: write.id, status, outcome: JSON.stringify(outcome), at: write.at });
        break;
      }
      case 'intent':
        insertIntent.run(write.id, write.key, write.bytes, write.at);
        break;
      case 'step':
        insertStep.run(write.id, write.key, write.value, write.at);
        break;
    }
  };

  return {
    async write(writes) {
      const [only] = writes;
      // A statement alone is a transaction of its own, at a third of the price.
      if (only !== undefined && writes.length === 1) return apply(only);
      begin.run();
      try {
        for (const write of writes) apply(write);
        commit.run();
      } catch (error) {
        // A full disk rolls back by itself.
        if (db.isTransaction) rollback.run();
        throw error;
      }
    },
    async task(id) {
      const row = selectTask.get(id);
      return row === undefined ? undefined : taskFrom(row);
    },
    async tasks({ limit = 100, ...filter }) {
      const given = Object.entries(filter).filter(([, value]) => value !== undefined);
      const where = given.map(([column]) => `${column} = ?`).join(' and ');
      const select =
        selectTasks.get(where) ??
        db.prepare(`select * from task where ${where} order by created_at desc, rowid desc limit ?`);
      selectTasks.set(where, select);
      return select.all(...given.map(([, value]) => value), limit).map(taskFrom);
    },
    async steps(id) {
      return selectSteps.all(id).map((row): StepRecord => ({
        key: String(row['key']),
        value: JSON.parse(String(row['value'])),
        at: Number(row['at']),
      }));
    },
    async close() {
      db.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    // SQLite gives its other files the mode of this one.
    if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
    const db = new DatabaseSync(path);
    db.exec('pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = normal');
    db.exec(schema);
    return db;
  } catch (error) {
    throw new UsageError(`The task store ${path} cannot be opened: ${messageOf(error)}`);
  }
}

function taskFrom(row: Record<string, SQLOutputValue>): Task {
  const state = {
    status: row['status'],
    ...(row['outcome'] !== null && (JSON.parse(String(row['outcome'])) as JsonObject)),
  } as TaskState;
  return {
    id: String(row['id']),
    agent: String(row['agent']),
    owner: String(row['owner']),
    input: JSON.parse(String(row['input'])),
    conversation: String(row['conversation']),
    ...(row['predecessor'] !== null && { predecessor: String(row['predecessor']) }),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    ...state,
  };
}

/** The store on SQLite. `node:sqlite` is synchronous: a group of writes is one short transaction, without a sync. */
import { closeSync } from 'node:fs';
import { barrierOn } from './sqlite-barrier.ts';
import type { Question } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { type Database, openDatabase } from './sqlite-open.ts';
import { intentFrom, otherFrom, questionFrom, type Row, stepFrom, taskFrom } from './sqlite-rows.ts';
import { applyWrite, waited } from './sqlite-writes.ts';
import type { Store } from './store.ts';

/**
 * @param path a file, which only its owner may read, or `:memory:`.
 * @throws UsageError it cannot be opened, or is no database of ours.
 */
export function openSqliteStore(path: string): Store {
  const { db, log } = openDatabase(path);
  const { sql, run, transact } = db;

  const questions = (id: string): Question[] =>
    sql('select * from question where task = ? order by rowid').all(id).map(questionFrom);
  const taskOf = (row: Row): Task =>
    taskFrom(row, row['status'] === 'input_required' ? questions(String(row['id'])) : []);
  const taskIn = (row: Row | undefined): Task | undefined => (row === undefined ? undefined : taskOf(row));
  const steps = (id: string) =>
    sql('select key, value, at from step where task = ? order by rowid').all(id).map(stepFrom);

  return {
    async write(writes) {
      const [only] = writes;
      // A statement alone is a transaction of its own, at a third of the price.
      if (only !== undefined && writes.length === 1 && only.kind !== 'question') return run(() => applyWrite(db, only));
      transact(() => {
        for (const write of writes) applyWrite(db, write);
      });
    },
    sync: barrierOn(log),

    task: async (id) => run(() => taskIn(sql('select * from task where id = ?').get(id))),
    tasks: async ({ owner, agent, status, conversation, after, limit = 100 }) =>
      run(() => {
        const given = Object.entries({ owner, agent, status, conversation }).filter(([, value]) => value !== undefined);
        const conditions = given.map(([column]) => `${column} = ?`);
        if (after !== undefined) {
          conditions.push('rowid < (select rowid from task where id = ?)');
          given.push(['after', after]);
        }
        const where = conditions.join(' and ');
        const select = sql(
          `select * from task where ${where} and ifnull(forget_at > ?, true) order by rowid desc limit ?`,
        );
        return select.all(...given.map(([, value]) => String(value)), Date.now(), limit).map(taskOf);
      }),
    lastOf: async (owner, conversation) =>
      run(() =>
        taskIn(
          sql('select * from task where owner = ? and conversation = ? order by rowid desc limit 1').get(
            owner,
            conversation,
          ),
        ),
      ),
    started: async (owner, agent, startKey) =>
      run(() =>
        taskIn(sql('select * from task where owner = ? and agent = ? and start_key = ?').get(owner, agent, startKey)),
      ),
    load: async (id) =>
      run(() => {
        const row = sql('select * from task where id = ?').get(id);
        if (row === undefined) return undefined;
        const intents = sql('select * from intent where task = ? order by rowid').all(id);
        return {
          task: taskOf(row),
          fence: Number(row['fence']),
          deaths: Number(row['deaths']),
          steps: steps(id),
          intents: new Map(intents.map((intent) => [String(intent['key']), intentFrom(intent)])),
          questions: questions(id),
        };
      }),
    steps: async (id) => run(() => steps(id)),
    questions: async (id) => run(() => questions(id)),

    ...fromOutside(db),
    ...betweenInstances(db),

    prune: async (now, most) =>
      transact(() => {
        const over = sql('select id from task where forget_at <= ? limit ?').all(now, most);
        for (const { id } of over) {
          for (const table of ['step', 'intent', 'question'])
            sql(`delete from ${table} where task = ?`).run(String(id));
          sql('delete from task where id = ?').run(String(id));
        }
        return over.length;
      }),
    async close() {
      db.close();
      if (log !== undefined) closeSync(log);
    },
  };
}

/** What is done to a task by others than its run, each in one transaction. */
function fromOutside({ sql, run, transact }: Database): Pick<Store, 'answer' | 'rename' | 'cancel'> {
  const isOpen = `exists (select 1 from task where id = ? and status = 'input_required')`;
  const asksMore = `exists (select 1 from question where task = task.id and answer is null)`;
  return {
    answer: async (id, wireKey, answer) =>
      transact(() => {
        const taken = sql(
          `update question set answer = ? where task = ? and wire_key = ? and answer is null and ${isOpen}`,
        ).run(JSON.stringify(answer), id, wireKey, id);
        if (taken.changes === 0) return false;
        sql('update task set updated_at = ?, wants_to_run = 1 where id = ?').run(answer.at, id);
        sql(
          `update task set status = 'working', ttl_ms = ttl_ms + ${waited}, waiting_since = null
           where id = ? and not ${asksMore}`,
        ).run(answer.at, id);
        return true;
      }),
    rename: async (id, wireKey, newWireKey, at) =>
      transact(() => {
        const renamed = sql(
          `update question set wire_key = ? where task = ? and wire_key = ? and answer is null and ${isOpen}`,
        ).run(newWireKey, id, wireKey, id);
        if (renamed.changes > 0) sql('update task set updated_at = ? where id = ?').run(at, id);
        return renamed.changes > 0;
      }),
    cancel: async (id, at) =>
      run(
        () =>
          sql(
            `update task set status = 'cancelled', outcome = '{}', updated_at = ?, instance = null, wants_to_run = 0,
               ttl_ms = ttl_ms + ${waited}, forget_at = created_at + ttl_ms + ${waited}, waiting_since = null,
               fence = fence + 1 where id = ? and status in ('working', 'input_required')`,
          ).run(at, at, at, id).changes > 0,
      ),
  };
}

type Between = 'claim' | 'acquit' | 'owned' | 'beat' | 'others' | 'bury' | 'leave' | 'hasNews';

/** Which process runs which task. */
function betweenInstances({ sql, run, transact }: Database): Pick<Store, Between> {
  const records =
    '((select count(*) from step where task = task.id) + (select count(*) from question where task = task.id))';
  const take = `update task set instance = ?, fence = fence + 1, wants_to_run = 0, claimed_at = ?,
    records_at_claim = ${records} where id in`;
  const version = sql('pragma data_version');
  let lastVersion = version.get()?.['data_version'];

  return {
    claim: async (instance, most, suspicious, among) => {
      const waiting = sql('select 1 from task where wants_to_run = 1 and instance is null limit 1');
      // Most of the time nobody wants to run: that needs no right to write.
      if (run(() => waiting.get()) === undefined) return [];
      return transact(() => {
        const at = Date.now();
        const some = among === undefined ? '' : 'and id in (select value from json_each(?))';
        const these = among === undefined ? [] : [JSON.stringify(among)];
        const free = sql(
          `${take} (select id from task where wants_to_run = 1 and instance is null and deaths < ? ${some}
             order by updated_at limit ?) returning id, fence`,
        ).all(instance, at, suspicious, ...these, most);
        const suspect = sql(
          `${take} (select id from task where wants_to_run = 1 and instance is null and deaths >= ? ${some}
             and not exists (select 1 from task where instance is not null and deaths >= ?)
             order by updated_at limit 1) returning id, fence`,
        ).all(instance, at, suspicious, ...these, suspicious);
        return [...free, ...suspect].map((row) => ({ id: String(row['id']), fence: Number(row['fence']) }));
      });
    },
    acquit: async (id) => run(() => void sql('update task set deaths = 0 where id = ?').run(id)),
    owned: async (instance) =>
      run(() => {
        const rows = sql('select id from task where instance = ?').all(instance);
        return new Set(rows.map((row) => String(row['id'])));
      }),

    beat: async ({ id, pid, host }, at) =>
      run(
        () =>
          void sql(
            'insert into instance values (?, ?, ?, ?) on conflict (id) do update set seen_at = excluded.seen_at',
          ).run(id, pid, host, at),
      ),
    others: async (instance) =>
      run(() =>
        sql(
          `select distinct task.instance as id, pid, host, seen_at from task
           left join instance on instance.id = task.instance
           where task.instance is not null and task.instance <> ?`,
        )
          .all(instance)
          .map(otherFrom),
      ),
    bury: async (instance, { withinMs, most }, at) => {
      const error = { code: -32603, message: `It was set aside: ${most} times its process died right after it began.` };
      transact(() => {
        const lastSeen = 'ifnull((select seen_at from instance where instance.id = task.instance), claimed_at)';
        sql(
          `update task set instance = null, wants_to_run = 1, fence = fence + 1,
             deaths = iif(${records} = records_at_claim and ${lastSeen} - claimed_at < ?, deaths + 1, 0)
           where instance = ?`,
        ).run(withinMs, instance);
        sql(
          `update task set status = 'failed', outcome = ?, wants_to_run = 0, updated_at = ?,
             forget_at = created_at + ttl_ms, waiting_since = null where wants_to_run = 1 and deaths >= ?`,
        ).run(JSON.stringify({ error }), at, most);
        sql('delete from instance where id = ?').run(instance);
      });
    },
    leave: async (instance) =>
      transact(() => {
        sql('update task set instance = null, wants_to_run = 1, fence = fence + 1 where instance = ?').run(instance);
        sql('delete from instance where id = ?').run(instance);
      }),
    hasNews: () => {
      // SQLite counts the commits of other connections.
      const now = run(() => version.get())?.['data_version'];
      const isNews = now !== lastVersion;
      lastVersion = now;
      return isNews;
    },
  };
}

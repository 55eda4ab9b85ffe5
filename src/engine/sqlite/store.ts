/** The store on SQLite. `node:sqlite` is synchronous: a group of writes is one short transaction, without a sync. */
import { closeSync } from 'node:fs';
import { UsageError } from '../../errors.ts';
import type { Question, Sent } from '../../task/question.ts';
import type { StepRecord, Task } from '../../task/task.ts';
import { auditAnchor } from './audit-anchor.ts';
import { auditLog } from './audit.ts';
import { backUp } from './backup.ts';
import { barrierOn, writtenTo } from './barrier.ts';
import { pagesOf, worthALook } from './checkpoints.ts';
import { forget } from './forget.ts';
import { betweenInstances } from './instances.ts';
import { remoteTasks } from './left-behind.ts';
import { type Database, openDatabase } from './open.ts';
import { fromOutside } from './outside.ts';
import { openQuestions } from './questions.ts';
import { artifactFrom, intentFrom, questionFrom, type Row, sentFrom, stepFrom, taskFrom } from '../rows.ts';
import { applyWrite, goesOn, isAlone } from './writes.ts';
import type { Store } from '../store.ts';

/**
 * @param path a file, which only its owner may read, or `:memory:`.
 * @throws UsageError it cannot be opened, or is no database of ours.
 */
export function openSqliteStore(path: string): Store {
  const { db, log, checkpoints } = openDatabase(path);
  const audit = auditLog(db);
  const anchor = auditAnchor(log === undefined ? undefined : `${path}.audit-head`, audit.hashOf);
  const barrier = barrierOn(log, () => writtenTo(db));
  const sync = async (): Promise<void> => {
    const newest = audit.newest();
    await barrier();
    anchor.reached(newest);
  };

  return {
    async write(writes) {
      checkpoints.wrote(pagesOf(writes));
      const [only] = writes;
      // A statement alone is a transaction of its own, at a third of the price.
      if (only !== undefined && writes.length === 1 && db.run(() => isAlone(db, only))) {
        db.run(() => applyWrite(db, only, nothing));
        return [];
      }
      return audit.recording((append) =>
        writes.filter((write) => {
          const isTooEarly = goesOn(db, write);
          if (!isTooEarly) applyWrite(db, write, append);
          return isTooEarly;
        }),
      );
    },
    sync,
    ...reading(db),
    ...fromOutside(db, audit),
    ...remoteTasks(db),
    ...betweenInstances(db, audit),

    async prune(before, most) {
      const forgotten = forget(db, before, most);
      if (forgotten > 0) checkpoints.wrote(worthALook);
      return forgotten;
    },
    audit: async (seq, most) => audit.read(seq, most),
    anchor: () => anchor.read(),
    async backup(file) {
      if (log === undefined) throw new UsageError('The store is in memory: there is nothing to back up.');
      await backUp(path, file);
    },
    async close() {
      // What was appended last is worth an anchor too; if it cannot be synced, it has none.
      if (audit.newest() !== undefined) await sync().catch(() => {});
      await anchor.close();
      await checkpoints.close();
      db.close();
      if (log !== undefined) closeSync(log);
    },
  };
}

/** A statement alone has nothing for the audit log. */
const nothing = (): void => {};

type Reading =
  | 'task'
  | 'tasks'
  | 'lastOf'
  | 'started'
  | 'called'
  | 'load'
  | 'steps'
  | 'questions'
  | 'sent'
  | 'artifact'
  | 'artifacts'
  | 'definition';

function reading({ sql, run }: Database): Pick<Store, Reading> {
  const taskOf = (row: Row): Task =>
    taskFrom(row, row['waiting_since'] === null ? [] : openQuestions({ sql }, String(row['id'])).map(questionFrom));
  const taskIn = (row: Row | undefined): Task | undefined => (row === undefined ? undefined : taskOf(row));
  const steps = (id: string): StepRecord[] =>
    sql('select key, value, at from step where task = ? order by rowid').all(id).map(stepFrom);
  const questions = (id: string): Question[] =>
    sql('select * from question where task = ? order by rowid').all(id).map(questionFrom);
  const sent = (id: string): Sent[] => sql('select * from sent where task = ? order by seq').all(id).map(sentFrom);

  return {
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
    called: async () =>
      run(() =>
        sql(
          `select id, owner, heard_at from task where mandate is not null and status in ('working', 'input_required')`,
        )
          .all()
          .map((row) => ({
            id: String(row['id']),
            owner: String(row['owner']),
            ...(row['heard_at'] !== null && { heardAt: Number(row['heard_at']) }),
          })),
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
          sent: sent(id),
        };
      }),
    steps: async (id) => run(() => steps(id)),
    questions: async (id) => run(() => questions(id)),
    sent: async (id) => run(() => sent(id)),
    artifact: async (id, artifact, { offset, length }) =>
      run(() => {
        const row = sql('select text, total from artifact where task = ? and id = ?').get(id, artifact);
        if (row === undefined) return undefined;
        const text = JSON.parse(String(row['text'])) as string;
        return { text: text.slice(offset, offset + length), total: Number(row['total']) };
      }),
    artifacts: async (id) =>
      run(() =>
        sql('select id, name, total, at from artifact where task = ? order by rowid').all(id).map(artifactFrom),
      ),
    definition: async (hash) =>
      run(() => {
        const row = sql('select text from definition where hash = ?').get(hash);
        return row === undefined ? undefined : String(row['text']);
      }),
  };
}

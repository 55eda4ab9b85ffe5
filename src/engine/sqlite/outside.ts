/** What is done to a task by others than its run, each in one transaction. */
import type { Answer, Sent } from '../../task/question.ts';
import { answeredNote, byNote, sentNote } from '../audit-notes.ts';
import type { AuditLog } from './audit.ts';
import { leaveBehind } from './left-behind.ts';
import type { Database } from './open.ts';
import { close, openQuestions, settle, waited } from './questions.ts';
import { questionFrom } from '../rows.ts';
import type { Store } from '../store.ts';

type Outside = 'answer' | 'rename' | 'cancel' | 'send' | 'retry' | 'expire' | 'heard';

export function fromOutside(db: Database, { recording }: AuditLog): Pick<Store, Outside> {
  const { sql, run, transact } = db;
  const isAtWork = `exists (select 1 from task where id = ? and status in ('working', 'input_required'))`;
  const isAsked = `task = ? and wire_key = ? and answer is null and asks = 1 and ${isAtWork}`;

  const due = (now: number, most: number) =>
    sql('select * from question where answer is null and expires_at <= ? order by expires_at limit ?').all(now, most);

  return {
    answer: async (id, wireKey, answer: Answer) =>
      recording((append) => {
        const row = sql(`update question set answer = ? where ${isAsked} returning *`).get(
          JSON.stringify(answer),
          id,
          wireKey,
          id,
        );
        if (row === undefined) return false;
        settle(db, id, answer.at, true);
        const question = questionFrom(row);
        append({ at: answer.at, task: id, step: question.key, ...answeredNote(question, answer) });
        return true;
      }),
    rename: async (id, wireKey, newWireKey, at) =>
      transact(() => {
        const renamed = sql(`update question set wire_key = ? where ${isAsked}`).run(newWireKey, id, wireKey, id);
        if (renamed.changes > 0) sql('update task set updated_at = max(updated_at, ?) where id = ?').run(at, id);
        return renamed.changes > 0;
      }),
    cancel: async (id, by, at) =>
      recording((append) => {
        const ended = sql(
          `update task set status = 'cancelled', outcome = '{}', updated_at = max(updated_at, ?), instance = null, wants_to_run = 0,
             ttl_ms = ttl_ms + ${waited}, forget_at = created_at + ttl_ms + ${waited}, waiting_since = null,
             fence = fence + 1 where id = ? and status in ('working', 'input_required')`,
        ).run(at, at, at, id);
        if (ended.changes === 0) return false;
        append({ at, task: id, ...byNote('cancelled', by) });
        close(db, append, openQuestions(db, id), 'withdrawn', at);
        leaveBehind(db, id);
        return true;
      }),
    heard: async (ids, at) =>
      transact(() => {
        for (const id of ids) sql('update task set heard_at = max(ifnull(heard_at, 0), ?) where id = ?').run(at, id);
      }),
    send: async (id, text, by, at) =>
      recording((append) => {
        const row = sql(
          `insert into sent select ?, (select ifnull(max(seq), 0) + 1 from sent where task = ?), ?, ?, ?
           where ${isAtWork} returning seq`,
        ).get(id, id, JSON.stringify(text), JSON.stringify(by), at, id);
        if (row === undefined) return undefined;
        const sent: Sent = { seq: Number(row['seq']), text, by, at };
        append({ at, task: id, ...sentNote(sent) });
        return sent;
      }),
    retry: async (id, by, at) =>
      recording((append) => {
        const timers = openQuestions(db, id).filter((row) => row['asks'] === 0);
        if (timers.length === 0) return false;
        close(db, append, timers, 'expired', at);
        settle(db, id, at, true);
        append({ at, task: id, ...byNote('retried', by) });
        return true;
      }),
    expire: async (now, most) => {
      // Most of the time nothing is due: that needs no right to write.
      if (run(() => due(now, 1)).length === 0) return [];
      return recording((append) => {
        const rows = due(now, most);
        close(db, append, rows, 'expired', now);
        const tasks = [...new Set(rows.map((row) => String(row['task'])))];
        for (const id of tasks) settle(db, id, now, true);
        return tasks;
      });
    },
  };
}

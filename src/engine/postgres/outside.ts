/** What is done to a task by others than its run, each in one transaction that holds the task's row. */
import type { Sent } from '../../task/question.ts';
import { answeredNote, byNote, sentNote } from '../audit-notes.ts';
import { questionFrom } from '../rows.ts';
import type { Store } from '../store.ts';
import type { AuditLog } from './audit.ts';
import { leaveBehind } from './left-behind.ts';
import type { Database, Query } from './open.ts';
import { changed, close, openQuestions, settle, waited } from './questions.ts';

type Outside = 'answer' | 'rename' | 'cancel' | 'send' | 'retry' | 'expire' | 'heard';

const atWork = `status in ('working', 'input_required')`;
const isAsked = 'task = $1 and wire_key = $2 and answer is null and asks = 1';

export function fromOutside(db: Database, { recording }: AuditLog): Pick<Store, Outside> {
  return {
    answer: (id, wireKey, answer) =>
      recording(async (query, append) => {
        if (!(await holdOpen(query, id))) return false;
        const { rows } = await query(
          `update question set answer = $3 where ${isAsked} returning *`,
          id,
          wireKey,
          JSON.stringify(answer),
        );
        const [row] = rows;
        if (row === undefined) return false;
        await settle(query, id, answer.at, true);
        const question = questionFrom(row);
        append({ at: answer.at, task: id, step: question.key, ...answeredNote(question, answer) });
        return true;
      }),
    rename: (id, wireKey, newWireKey, at) =>
      db.transact(async (query) => {
        if (!(await holdOpen(query, id))) return false;
        const renamed = await query(`update question set wire_key = $3 where ${isAsked}`, id, wireKey, newWireKey);
        if (renamed.changes === 0) return false;
        await query('update task set updated_at = greatest(updated_at, $2) where id = $1', id, at);
        await changed(query, id);
        return true;
      }),
    cancel: (id, by, at) =>
      recording(async (query, append) => {
        const ended = await query(
          `update task set status = 'cancelled', outcome = '{}', updated_at = greatest(updated_at, $2), instance = null,
             wants_to_run = 0, ttl_ms = ttl_ms + ${waited('$2')}, forget_at = created_at + ttl_ms + ${waited('$2')},
             waiting_since = null, fence = fence + 1 where id = $1 and ${atWork}`,
          id,
          at,
        );
        if (ended.changes === 0) return false;
        append({ at, task: id, ...byNote('cancelled', by) });
        await close(query, append, await openQuestions(query, id), 'withdrawn', at);
        await leaveBehind(query, id);
        await changed(query, id);
        return true;
      }),
    async heard(ids, at) {
      await db.query('update task set heard_at = greatest(heard_at, $2) where id = any($1)', ids, at);
    },
    send: (id, text, by, at) =>
      recording(async (query, append) => {
        if (!(await holdOpen(query, id))) return undefined;
        const { rows } = await query(
          `insert into sent select $1, coalesce(max(seq), 0) + 1, $2, $3, $4::bigint from sent where task = $1
           returning seq`,
          id,
          JSON.stringify(text),
          JSON.stringify(by),
          at,
        );
        const sent: Sent = { seq: Number(rows[0]?.['seq']), text, by, at };
        append({ at, task: id, ...sentNote(sent) });
        await changed(query, id);
        return sent;
      }),
    retry: (id, by, at) =>
      recording(async (query, append) => {
        if (!(await holdOpen(query, id))) return false;
        const timers = (await openQuestions(query, id)).filter((row) => row['asks'] === 0);
        if (timers.length === 0) return false;
        await close(query, append, timers, 'expired', at);
        await settle(query, id, at, true);
        append({ at, task: id, ...byNote('retried', by) });
        return true;
      }),
    async expire(now, most) {
      const due = 'from question where answer is null and expires_at <= $1 order by expires_at limit $2';
      // Most of the time nothing is due: that needs no transaction.
      const ids = (await db.query(`select distinct task from (select task ${due}) as overdue`, now, most)).rows;
      if (ids.length === 0) return [];
      const tasks = ids.map((row) => String(row['task']));
      return recording(async (query, append) => {
        // Always in the same order: two processes that expire at once do not stop each other.
        const { rows: held } = await query(
          `select id from task where id = any($1) and ${atWork} order by id for no key update`,
          tasks,
        );
        const expired: string[] = [];
        for (const { id } of held) {
          const task = String(id);
          const over = (await openQuestions(query, task)).filter(
            (row) => row['expires_at'] !== null && Number(row['expires_at']) <= now,
          );
          if (over.length === 0) continue;
          await close(query, append, over, 'expired', now);
          await settle(query, task, now, true);
          expired.push(task);
        }
        return expired;
      });
    },
  };
}

/** The task's row, if it has not ended. */
const holdOpen = async (query: Query, id: string): Promise<boolean> =>
  (await query(`select 1 from task where id = $1 and ${atWork} for no key update`, id)).rows.length > 0;

/**
 * What becomes of open questions, and of a task's status with them; always inside a transaction that holds the task's
 * row. The invariants are those of `../sqlite/questions.ts`.
 */
import type { Answer } from '../../task/question.ts';
import { overNote } from '../audit-notes.ts';
import { wants } from '../lines.ts';
import { questionFrom, type Row } from '../rows.ts';
import { byItself } from '../store.ts';
import type { Append } from './audit.ts';
import type { Query } from './open.ts';

const isOpen = 'exists (select 1 from question where task = task.id and answer is null)';
const asksSomebody = 'exists (select 1 from question where task = task.id and answer is null and asks = 1)';

/** To be added when a wait ends: what is remembered is remembered longer by the time that it waited. `at` is `$n`. */
export const waited = (at: string): string => `coalesce(${at}::bigint - waiting_since, 0)`;

/** Oldest first. */
export const openQuestions = async (query: Query, id: string): Promise<Row[]> =>
  (await query('select * from question where task = $1 and answer is null order by row', id)).rows;

/** Questions of one task are answered by us; the task's own row is left to the caller. */
export async function close(
  query: Query,
  append: Append,
  rows: readonly Row[],
  action: 'expired' | 'withdrawn',
  at: number,
): Promise<void> {
  const answer = JSON.stringify({ response: { action }, by: byItself, at } satisfies Answer);
  for (const row of rows) {
    const task = String(row['task']);
    const question = questionFrom(row);
    await query('update question set answer = $1 where task = $2 and key = $3', answer, task, question.key);
    if (row['asks'] === 1) append({ at, task, step: question.key, ...overNote(action, question) });
  }
}

/** Questions of the task were closed: its status says so. `isWoken`: it wants to run for it. */
export async function settle(query: Query, id: string, at: number, isWoken: boolean): Promise<void> {
  await query(
    `update task set updated_at = greatest(updated_at, $2),
       status = case when ${asksSomebody} then 'input_required' else 'working' end,
       ttl_ms = ttl_ms + case when ${isOpen} then 0 else ${waited('$2')} end,
       waiting_since = case when ${isOpen} then waiting_since end,
       wants_to_run = case when $3 = 1 then ${wants.asWoken} else wants_to_run end
     where id = $1 and status in ('working', 'input_required')`,
    id,
    at,
    isWoken ? 1 : 0,
  );
  await changed(query, id);
}

/** Other processes hear of the task when the transaction is committed. */
export const changed = (query: Query, id: string): Promise<unknown> => query(`select pg_notify('deputy', $1)`, id);

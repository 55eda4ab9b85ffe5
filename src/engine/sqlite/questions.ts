/**
 * What becomes of open questions, and of a task's status with them; always inside a transaction.
 *
 * Invariants:
 *   - a task is `input_required` exactly while a question is open that asks somebody: a timer does not;
 *   - while any is open, `waiting_since` says since when; when none is, the time that was waited is added to `ttl_ms`;
 *   - a task that has ended has no open question;
 *   - `updated_at` never goes back, whatever the order in which moments are stored and whosever clock they are of: who
 *     watches takes an older state for one that was told.
 */
import type { Answer } from '../../task/question.ts';
import { overNote } from '../audit-notes.ts';
import type { Append } from './audit.ts';
import type { Database } from './open.ts';
import { questionFrom, type Row } from '../rows.ts';
import { wants } from '../lines.ts';
import { byItself } from '../store.ts';

type Sql = Pick<Database, 'sql'>;

const isOpen = 'exists (select 1 from question where task = task.id and answer is null)';
const asksSomebody = 'exists (select 1 from question where task = task.id and answer is null and asks = 1)';

/** To be added when a wait ends: what is remembered is remembered longer by the time that it waited. */
export const waited = 'ifnull(? - waiting_since, 0)';

/** Oldest first. */
export const openQuestions = ({ sql }: Sql, id: string): Row[] =>
  sql('select * from question where task = ? and answer is null order by rowid').all(id);

/** Questions of one task are answered by us; the task's own row is left to the caller. */
export function close(
  { sql }: Sql,
  append: Append,
  rows: readonly Row[],
  action: 'expired' | 'withdrawn',
  at: number,
): void {
  const answer = JSON.stringify({ response: { action }, by: byItself, at } satisfies Answer);
  for (const row of rows) {
    const task = String(row['task']);
    const question = questionFrom(row);
    sql('update question set answer = ? where task = ? and key = ?').run(answer, task, question.key);
    if (row['asks'] === 1) append({ at, task, step: question.key, ...overNote(action, question) });
  }
}

/** Questions of the task were closed: its status says so. `isWoken`: it wants to run for it. */
export function settle({ sql }: Sql, id: string, at: number, isWoken: boolean): void {
  sql(
    `update task set updated_at = max(updated_at, ?), status = iif(${asksSomebody}, 'input_required', 'working'),
       ttl_ms = ttl_ms + iif(${isOpen}, 0, ${waited}), waiting_since = iif(${isOpen}, waiting_since, null),
       wants_to_run = iif(?, ${wants.asWoken}, wants_to_run)
     where id = ? and status in ('working', 'input_required')`,
  ).run(at, at, isWoken ? 1 : 0, id);
}

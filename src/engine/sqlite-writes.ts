/** The writes of runs, each one statement (a question: two) that writes only under the newest fence (E3). */
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { type Database, sqliteCode } from './sqlite-open.ts';
import { ConflictError, FencedError, type Write } from './store.ts';

/** To be added when a wait for a person ends: what is remembered is remembered longer by the time that it waited. */
export const waited = 'ifnull(? - waiting_since, 0)';

const uniqueConstraint = 2067;
const owned = 'where exists (select 1 from task where id = ? and fence = ?)';

export function applyWrite({ sql }: Pick<Database, 'sql'>, write: Write): void {
  if (write.kind === 'task') return insertTask({ sql }, write);
  const { id, fence, at } = write;
  switch (write.kind) {
    case 'intent':
      return fenced(
        sql(`insert or replace into intent (task, key, bytes, effect, at) select ?, ?, ?, ?, ? ${owned}`),
        id,
        write.key,
        write.bytes,
        write.effect,
        at,
        id,
        fence,
      );
    case 'reference':
      return fenced(
        sql('update intent set reference = ? where task = ? and key = ? and (select fence from task where id = ?) = ?'),
        write.reference,
        id,
        write.key,
        id,
        fence,
      );
    case 'step':
      return fenced(sql(`insert into step select ?, ?, ?, ? ${owned}`), id, write.key, write.value, at, id, fence);
    case 'question': {
      const { key, wireKey, request } = write.question;
      fenced(
        sql(`insert into question (task, key, wire_key, request, asked_at) select ?, ?, ?, ?, ? ${owned}`),
        id,
        key,
        wireKey,
        JSON.stringify(request),
        at,
        id,
        fence,
      );
      sql(
        `update task set status = 'input_required', updated_at = ?, waiting_since = ifnull(waiting_since, ?)
         where id = ?`,
      ).run(at, at, id);
      return;
    }
    case 'end':
      return fenced(
        sql(
          `update task set status = ?, outcome = ?, updated_at = ?, instance = null, wants_to_run = 0,
             ttl_ms = ttl_ms + ${waited}, forget_at = created_at + ttl_ms + ${waited}, waiting_since = null,
             fence = fence + 1 where id = ? and fence = ?`,
        ),
        write.status,
        write.outcome,
        at,
        at,
        at,
        id,
        fence,
      );
    case 'park':
      return fenced(
        sql(
          `update task set instance = null,
             wants_to_run = (select count(*) from question where task = task.id and answer is null) < ?
           where id = ? and fence = ?`,
        ),
        write.open,
        id,
        fence,
      );
  }
}

function insertTask({ sql }: Pick<Database, 'sql'>, write: Extract<Write, { kind: 'task' }>): void {
  const { task, instance, startKey } = write;
  try {
    sql(
      `insert into task (id, agent, owner, input, conversation, predecessor, start_key, status, ttl_ms, created_at,
         updated_at, claimed_at, instance, fence) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    ).run(
      task.id,
      task.agent,
      task.owner,
      JSON.stringify(task.input),
      task.conversation,
      task.predecessor ?? null,
      startKey ?? null,
      task.status,
      task.ttlMs,
      task.createdAt,
      task.updatedAt,
      task.createdAt,
      instance,
    );
  } catch (error) {
    if (sqliteCode(error) !== uniqueConstraint) throw error;
    throw new ConflictError('the start key, the conversation or the predecessor is taken', { cause: error });
  }
}

function fenced(statement: StatementSync, ...values: SQLInputValue[]): void {
  if (statement.run(...values).changes === 0) throw new FencedError('the task belongs to somebody else now');
}

/** The writes of runs. Each writes only under the newest fence (E3), and puts on the audit log what belongs there. */
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import type { AuditNote } from '../../task/audit.ts';
import { askedNote, calledNote, endedNote, isTimer, startedNote } from '../audit-notes.ts';
import type { Append } from './audit.ts';
import { leaveBehind } from './left-behind.ts';
import { type Database, sqliteCode } from './open.ts';
import { close, openQuestions, settle, waited } from './questions.ts';
import { wants } from '../lines.ts';
import type { Row } from '../rows.ts';
import { ApprovalUsedError, ConflictError, FencedError, type Write } from '../store.ts';

type Sql = Pick<Database, 'sql'>;
type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

const uniqueConstraint = 2067;
const owned = 'where exists (select 1 from task where id = ? and fence = ?)';

/** Whether it is one statement and nothing for the audit log: that needs no transaction of its own. */
export function isAlone({ sql }: Sql, write: Write): boolean {
  switch (write.kind) {
    case 'reference':
    case 'park':
      return true;
    case 'intent':
      return write.effect === 'read';
    case 'step':
      return (write.notes ?? []).length === 0 && relayed({ sql }, write.id, write.key).length === 0;
    case 'task':
    case 'question':
    case 'withdraw':
    case 'artifact':
    case 'end':
      return false;
  }
}

export function applyWrite(db: Sql, write: Write, append: Append): void {
  switch (write.kind) {
    case 'task':
      return insertTask(db, write, append);
    case 'intent':
      return keepIntent(db, write, append);
    case 'reference':
      return keepReference(db, write);
    case 'step':
      return keepStep(db, write, append);
    case 'question':
      return ask(db, write, append);
    case 'withdraw':
      return withdraw(db, write, append);
    case 'artifact':
      return keepArtifact(db, write);
    case 'end':
      return end(db, write, append);
    case 'park':
      return park(db, write);
  }
}

function insertTask({ sql }: Sql, { task, instance, startKey, definition }: Of<'task'>, append: Append): void {
  const { id, createdAt } = task;
  if (definition !== undefined && task.definition !== undefined)
    sql('insert or ignore into definition values (?, ?)').run(task.definition, definition);
  if (startKey !== undefined)
    sql('update task set start_key = null where owner = ? and agent = ? and start_key = ? and forget_at <= ?').run(
      task.owner,
      task.agent,
      startKey,
      createdAt,
    );
  unlessTaken(
    () =>
      sql(
        `insert into task (id, agent, owner, input, conversation, predecessor, definition, mandate, trace, start_key,
           status, message, ttl_ms, created_at, updated_at, claimed_at, instance, wants_to_run, fence)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
      ).run(
        id,
        task.agent,
        task.owner,
        JSON.stringify(task.input),
        task.conversation,
        task.predecessor ?? null,
        task.definition ?? null,
        task.mandate === undefined ? null : JSON.stringify(task.mandate),
        task.trace ?? null,
        startKey ?? null,
        task.status,
        task.statusMessage ?? null,
        task.ttlMs,
        createdAt,
        task.updatedAt,
        createdAt,
        instance ?? null,
        instance === undefined ? wants.asNew : wants.nothing,
      ),
    (cause) => new ConflictError('the start key, the conversation or the predecessor is taken', { cause }),
  );
  append({ at: createdAt, task: id, ...startedNote(task) });
}

/** The intent of the same step again is the same call, by the same right. */
function keepIntent({ sql }: Sql, { id, fence, at, key, bytes, effect, grant }: Of<'intent'>, append: Append): void {
  unlessTaken(
    () =>
      fenced(
        sql(
          `insert into intent (task, key, bytes, effect, at, approval, tool) select ?, ?, ?, ?, ?, ?, ? ${owned}
           on conflict (task, key) do update set bytes = excluded.bytes, effect = excluded.effect, at = excluded.at,
             reference = null, approval = ifnull(excluded.approval, approval), tool = ifnull(excluded.tool, tool)`,
        ),
        id,
        key,
        bytes,
        effect,
        at,
        grant?.approval ?? null,
        grant?.tool ?? null,
        id,
        fence,
      ),
    () => new ApprovalUsedError(),
  );
  if (effect !== 'read') append({ at, task: id, step: key, ...calledNote(bytes, effect, grant) });
}

const keepReference = ({ sql }: Sql, { id, fence, key, reference }: Of<'reference'>): void =>
  fenced(
    sql('update intent set reference = ? where task = ? and key = ? and (select fence from task where id = ?) = ?'),
    reference,
    id,
    key,
    id,
    fence,
  );

function keepStep(db: Sql, { id, fence, at, key, value, notes }: Of<'step'>, append: Append): void {
  fenced(db.sql(`insert into step select ?, ?, ?, ? ${owned}`), id, key, value, at, id, fence);
  const open = relayed(db, id, key);
  if (open.length > 0) {
    close(db, append, open, 'withdrawn', at);
    settle(db, id, at, false);
  }
  appendAll(notes, { at, task: id, step: key }, append);
}

function ask({ sql }: Sql, { id, fence, at, question }: Of<'question'>, append: Append): void {
  const { key, wireKey, request, expiresAt, relayedBy } = question;
  const asks = !isTimer(request);
  fenced(
    sql(
      `insert into question (task, key, wire_key, request, asked_at, asks, expires_at, relayed_by)
       select ?, ?, ?, ?, ?, ?, ?, ? ${owned}`,
    ),
    id,
    key,
    wireKey,
    JSON.stringify(request),
    at,
    asks ? 1 : 0,
    expiresAt ?? null,
    relayedBy ?? null,
    id,
    fence,
  );
  sql(
    `update task set status = iif(?, 'input_required', status), updated_at = max(updated_at, ?),
       waiting_since = ifnull(waiting_since, ?) where id = ?`,
  ).run(asks ? 1 : 0, at, at, id);
  if (asks) append({ at, task: id, step: key, ...askedNote(question) });
}

function withdraw(db: Sql, { id, fence, at, keys }: Of<'withdraw'>, append: Append): void {
  checkFence(db, id, fence);
  const open = openQuestions(db, id).filter((row) => keys.includes(String(row['key'])));
  if (open.length === 0) return;
  close(db, append, open, 'withdrawn', at);
  settle(db, id, at, false);
}

function keepArtifact(db: Sql, { id, fence, at, artifact, name, text }: Of<'artifact'>): void {
  checkFence(db, id, fence);
  // As JSON: Node 22 reads a text up to its first NUL.
  const json = JSON.stringify(text);
  db.sql('insert or ignore into artifact values (?, ?, ?, ?, ?, ?)').run(id, artifact, name, json, text.length, at);
}

function end(db: Sql, { id, fence, at, status, outcome, notes }: Of<'end'>, append: Append): void {
  fenced(
    db.sql(
      `update task set status = ?, outcome = ?, updated_at = max(updated_at, ?), instance = null, wants_to_run = 0,
         ttl_ms = ttl_ms + ${waited}, forget_at = created_at + ttl_ms + ${waited}, waiting_since = null,
         fence = fence + 1 where id = ? and fence = ?`,
    ),
    status,
    outcome,
    at,
    at,
    at,
    id,
    fence,
  );
  close(db, append, openQuestions(db, id), 'withdrawn', at);
  leaveBehind(db, id);
  appendAll(notes, { at, task: id }, append);
  append({ at, task: id, ...endedNote(status, outcome) });
}

/** Instead of its end: it was sent more than its run has seen. @returns whether it goes on. */
export function goesOn({ sql }: Sql, write: Write): boolean {
  if (write.kind !== 'end' || write.heard === undefined) return false;
  const { id, fence, heard } = write;
  const more = 'exists (select 1 from sent where task = task.id and seq > ?)';
  const woken = sql(
    `update task set instance = null, wants_to_run = ${wants.asWoken} where id = ? and fence = ? and ${more}`,
  );
  return woken.run(id, fence, heard).changes > 0;
}

const park = ({ sql }: Sql, { id, fence, open }: Of<'park'>): void =>
  fenced(
    sql(
      `update task set instance = null, wants_to_run =
         iif((select count(*) from question where task = task.id and answer is null) < ?, ${wants.asWoken}, 0)
       where id = ? and fence = ?`,
    ),
    open,
    id,
    fence,
  );

/** Open questions that the step asked while it was at work. */
const relayed = ({ sql }: Sql, id: string, step: string): Row[] =>
  sql('select * from question where task = ? and relayed_by = ? and answer is null order by rowid').all(id, step);

function appendAll(
  notes: readonly AuditNote[] | undefined,
  about: { at: number; task: string; step?: string },
  append: Append,
): void {
  for (const note of notes ?? []) append({ ...about, ...note });
}

function unlessTaken(write: () => void, taken: (cause: unknown) => Error): void {
  try {
    write();
  } catch (error) {
    if (sqliteCode(error) !== uniqueConstraint) throw error;
    throw taken(error);
  }
}

function checkFence({ sql }: Sql, id: string, fence: number): void {
  if (sql('select 1 from task where id = ? and fence = ?').get(id, fence) === undefined) throw lost();
}

function fenced(statement: StatementSync, ...values: SQLInputValue[]): void {
  if (statement.run(...values).changes === 0) throw lost();
}

const lost = (): FencedError => new FencedError('the task belongs to somebody else now');

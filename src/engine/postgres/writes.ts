/**
 * The writes of runs. Each writes only under the newest fence (E3), and puts on the audit log what belongs there.
 *
 * Invariant: who writes for a task holds its row until the commit: whoever raises the fence waits for that, or is waited
 * for and seen. A check without the lock would be true only when it was made.
 */
import type { AuditNote } from '../../task/audit.ts';
import { askedNote, calledNote, endedNote, isTimer, startedNote } from '../audit-notes.ts';
import type { Row } from '../rows.ts';
import { ApprovalUsedError, ConflictError, FencedError, type Write } from '../store.ts';
import type { Append } from './audit.ts';
import { leaveBehind } from './left-behind.ts';
import { isTaken, type Query } from './open.ts';
import { wants } from '../lines.ts';
import { changed, close, openQuestions, settle, waited } from './questions.ts';
import { textIn } from './text.ts';

type Of<K extends Write['kind']> = Extract<Write, { kind: K }>;

export function applyWrite(query: Query, write: Write, append: Append): Promise<void> {
  switch (write.kind) {
    case 'task':
      return insertTask(query, write, append);
    case 'intent':
      return keepIntent(query, write, append);
    case 'reference':
      return keepReference(query, write);
    case 'step':
      return keepStep(query, write, append);
    case 'question':
      return ask(query, write, append);
    case 'withdraw':
      return withdraw(query, write, append);
    case 'artifact':
      return keepArtifact(query, write);
    case 'end':
      return end(query, write, append);
    case 'park':
      return park(query, write);
  }
}

async function insertTask(
  query: Query,
  { task, instance, startKey, definition }: Of<'task'>,
  append: Append,
): Promise<void> {
  const { id, createdAt } = task;
  const owner = textIn(task.owner);
  const key = startKey === undefined ? null : textIn(startKey);
  if (definition !== undefined && task.definition !== undefined)
    await query(
      `insert into definition select $1, $2 from pg_advisory_xact_lock_shared(hashtext('deputy definition'))
       on conflict do nothing`,
      task.definition,
      definition,
    );
  if (key !== null)
    await query(
      'update task set start_key = null where owner = $1 and agent = $2 and start_key = $3 and forget_at <= $4',
      owner,
      task.agent,
      key,
      createdAt,
    );
  await unlessTaken(
    query(
      `insert into task (id, agent, owner, input, conversation, predecessor, definition, mandate, trace, start_key,
         status, message, ttl_ms, created_at, updated_at, claimed_at, instance, wants_to_run, fence)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 1)`,
      id,
      task.agent,
      owner,
      JSON.stringify(task.input),
      textIn(task.conversation),
      task.predecessor ?? null,
      task.definition ?? null,
      task.mandate === undefined ? null : JSON.stringify(task.mandate),
      task.trace ?? null,
      key,
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
  if (instance === undefined) await changed(query, id);
}

/** The intent of the same step again is the same call, by the same right. */
async function keepIntent(
  query: Query,
  { id, fence, at, key, bytes, effect, grant }: Of<'intent'>,
  append: Append,
): Promise<void> {
  await holdFence(query, id, fence);
  await unlessTaken(
    query(
      `insert into intent (task, key, bytes, effect, at, approval, tool) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (task, key) do update set bytes = excluded.bytes, effect = excluded.effect, at = excluded.at,
         reference = null, approval = coalesce(excluded.approval, intent.approval),
         tool = coalesce(excluded.tool, intent.tool)`,
      id,
      key,
      bytes,
      effect,
      at,
      grant?.approval ?? null,
      grant?.tool ?? null,
    ),
    () => new ApprovalUsedError(),
  );
  if (effect !== 'read') append({ at, task: id, step: key, ...calledNote(bytes, effect, grant) });
}

async function keepReference(query: Query, { id, fence, key, reference }: Of<'reference'>): Promise<void> {
  await holdFence(query, id, fence);
  const kept = await query('update intent set reference = $1 where task = $2 and key = $3', reference, id, key);
  if (kept.changes === 0) throw lost();
}

async function keepStep(query: Query, { id, fence, at, key, value, notes }: Of<'step'>, append: Append): Promise<void> {
  await holdFence(query, id, fence);
  await query('insert into step (task, key, value, at) values ($1, $2, $3, $4)', id, key, value, at);
  const { rows } = await query(
    'select * from question where task = $1 and relayed_by = $2 and answer is null order by row',
    id,
    key,
  );
  if (rows.length > 0) await withdrawn(query, id, rows, at, append);
  appendAll(notes, { at, task: id, step: key }, append);
}

async function ask(query: Query, { id, fence, at, question }: Of<'question'>, append: Append): Promise<void> {
  const { key, wireKey, request, expiresAt, relayedBy } = question;
  const asks = !isTimer(request);
  const held = await query(
    `update task set status = case when $3 = 1 then 'input_required' else status end,
       updated_at = greatest(updated_at, $4), waiting_since = coalesce(waiting_since, $4)
     where id = $1 and fence = $2`,
    id,
    fence,
    asks ? 1 : 0,
    at,
  );
  if (held.changes === 0) throw lost();
  await query(
    `insert into question (task, key, wire_key, request, asked_at, asks, expires_at, relayed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    id,
    key,
    wireKey,
    JSON.stringify(request),
    at,
    asks ? 1 : 0,
    expiresAt ?? null,
    relayedBy ?? null,
  );
  if (asks) append({ at, task: id, step: key, ...askedNote(question) });
  await changed(query, id);
}

async function withdraw(query: Query, { id, fence, at, keys }: Of<'withdraw'>, append: Append): Promise<void> {
  await holdFence(query, id, fence);
  const open = (await openQuestions(query, id)).filter((row) => keys.includes(String(row['key'])));
  if (open.length > 0) await withdrawn(query, id, open, at, append);
}

async function withdrawn(query: Query, id: string, open: readonly Row[], at: number, append: Append): Promise<void> {
  await close(query, append, open, 'withdrawn', at);
  await settle(query, id, at, false);
}

async function keepArtifact(query: Query, { id, fence, at, artifact, name, text }: Of<'artifact'>): Promise<void> {
  await holdFence(query, id, fence);
  await query(
    `insert into artifact (task, id, name, text, total, at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    id,
    artifact,
    name,
    // PostgreSQL's text has no NUL.
    JSON.stringify(text),
    text.length,
    at,
  );
}

async function end(query: Query, write: Of<'end'>, append: Append): Promise<void> {
  const { id, fence, at, status, outcome, notes } = write;
  const ended = await query(
    `update task set status = $3, outcome = $4, updated_at = greatest(updated_at, $5), instance = null,
       wants_to_run = 0, ttl_ms = ttl_ms + ${waited('$5')}, forget_at = created_at + ttl_ms + ${waited('$5')},
       waiting_since = null, fence = fence + 1 where id = $1 and fence = $2`,
    id,
    fence,
    status,
    outcome,
    at,
  );
  if (ended.changes === 0) throw lost();
  await close(query, append, await openQuestions(query, id), 'withdrawn', at);
  await leaveBehind(query, id);
  appendAll(notes, { at, task: id }, append);
  append({ at, task: id, ...endedNote(status, outcome) });
  await changed(query, id);
}

/** Instead of its end: it was sent more than its run has seen. @returns whether it goes on. */
export async function goesOn(query: Query, write: Write): Promise<boolean> {
  if (write.kind !== 'end' || write.heard === undefined) return false;
  const { id, fence, heard } = write;
  // Who sends holds the row: so nothing is sent between this look and the end.
  await query('select 1 from task where id = $1 for no key update', id);
  const woken = await query(
    `update task set instance = null, wants_to_run = ${wants.asWoken}
     where id = $1 and fence = $2 and exists (select 1 from sent where task = task.id and seq > $3)`,
    id,
    fence,
    heard,
  );
  if (woken.changes > 0) await changed(query, id);
  return woken.changes > 0;
}

async function park(query: Query, { id, fence, open }: Of<'park'>): Promise<void> {
  // Who answers holds the row: an answer is seen here, or finds a task that is parked.
  await query('select 1 from task where id = $1 for no key update', id);
  const parked = await query(
    `update task set instance = null, wants_to_run =
       case when (select count(*) from question where task = task.id and answer is null) < $3 then ${wants.asWoken} else 0 end
     where id = $1 and fence = $2`,
    id,
    fence,
    open,
  );
  if (parked.changes === 0) throw lost();
  await changed(query, id);
}

function appendAll(
  notes: readonly AuditNote[] | undefined,
  about: { at: number; task: string; step?: string },
  append: Append,
): void {
  for (const note of notes ?? []) append({ ...about, ...note });
}

async function unlessTaken(written: Promise<unknown>, taken: (cause: unknown) => Error): Promise<void> {
  try {
    await written;
  } catch (error) {
    if (!isTaken(error)) throw error;
    throw taken(error);
  }
}

async function holdFence(query: Query, id: string, fence: number): Promise<void> {
  const held = await query('select 1 from task where id = $1 and fence = $2 for no key update', id, fence);
  if (held.rows.length === 0) throw lost();
}

const lost = (): FencedError => new FencedError('the task belongs to somebody else now');

/**
 * The tables, and how a database of an earlier version becomes one of this: each entry lifts it by one version.
 *
 * Invariant: processes of the version before go on beside those of this one while they are replaced. So an entry adds,
 * and takes away only what the version before does not use any more.
 */
import type { Client } from 'pg';
import { UsageError } from '../../errors.ts';

/** Ours alone: a database may have others. */
const schema = 'deputy';

const migrations = [
  `
  create table task (
    row bigint generated always as identity,
    id text primary key, agent text collate "C" not null, owner text collate "C" not null, input text not null,
    conversation text not null, predecessor text, start_key text, definition text, mandate text, trace text,
    heard_at bigint, status text not null, outcome text,
    -- Why it waits to be begun.
    message text,
    created_at bigint not null, updated_at bigint not null,
    -- What is remembered for how long: the time spent waiting for a person is added to ttl_ms when the waiting ends.
    ttl_ms bigint, waiting_since bigint, forget_at bigint,
    -- Who runs it, by which right; whether somebody should (1 as new, 2 as one that was at work before); how often a
    -- process died of it.
    instance text, fence bigint not null, wants_to_run smallint not null default 0,
    claimed_at bigint not null, deaths integer not null default 0, records_at_claim integer not null default 0
  );
  create index task_by_row on task (owner, row);
  create index task_by_status on task (owner, status, row);
  create index task_by_conversation on task (owner, conversation, row);
  create index task_by_instance on task (instance, owner) where instance is not null;
  create index task_waiting on task (wants_to_run, owner, agent, row) where wants_to_run > 0 and instance is null;
  create index task_suspect on task (deaths) where deaths > 0;
  create index task_by_forgetting on task (forget_at) where forget_at is not null;
  create index task_by_definition on task (definition) where definition is not null;
  create index task_called on task (id) where mandate is not null and status in ('working', 'input_required');
  create unique index task_by_start_key on task (owner, agent, start_key) where start_key is not null;
  -- A conversation is a chain with at most one open task, whichever processes start them.
  create unique index task_open on task (owner, conversation) where status in ('working', 'input_required');
  create unique index task_by_predecessor on task (predecessor) where predecessor is not null;

  create table step (
    row bigint generated always as identity,
    task text not null, key text not null, value text not null, at bigint not null, primary key (task, key)
  );
  create table intent (
    row bigint generated always as identity,
    task text not null, key text not null, bytes text not null, effect text not null, reference text,
    approval text, tool text, left_behind smallint not null default 0, at bigint not null, primary key (task, key)
  );
  -- An approval is consumed by the intent of one step.
  create unique index intent_by_approval on intent (task, approval) where approval is not null;
  create index intent_left_behind on intent (row) where left_behind = 1;

  create table question (
    row bigint generated always as identity,
    task text not null, key text not null, wire_key text not null, request text not null, asked_at bigint not null,
    asks smallint not null, expires_at bigint, relayed_by text, answer text, primary key (task, key)
  );
  create unique index question_by_wire_key on question (task, wire_key);
  create index question_due on question (expires_at) where answer is null and expires_at is not null;

  create table sent (
    task text not null, seq integer not null, text text not null, by text not null, at bigint not null,
    primary key (task, seq)
  );
  create table artifact (
    row bigint generated always as identity,
    task text not null, id text not null, name text not null, text text not null, total integer not null,
    at bigint not null, primary key (task, id)
  );
  create table definition (hash text primary key, text text not null);
  create table instance (id text primary key, pid integer not null, host text not null, seen_at bigint not null);
  -- Outlives the tasks that it speaks of.
  create table audit (seq bigint primary key, entry text not null, hash text not null);
  -- What all processes of this store share, and no caller may know.
  create table secret (name text primary key, value bytea not null);
  `,
];

/** @throws UsageError the database is of a newer version of Deputy. */
export async function migrate(db: Pick<Client, 'query'>): Promise<void> {
  await db.query('begin');
  try {
    // One process at a time: those that begin together find the work done.
    await db.query(`select pg_advisory_xact_lock(hashtext('deputy schema'))`);
    await db.query(`create schema if not exists ${schema}`);
    await db.query(`set local search_path to ${schema}`);
    await db.query('create table if not exists version (number integer not null)');
    const { rows } = await db.query<{ number: number }>('select number from version');
    const found = rows[0]?.number ?? 0;
    if (found > migrations.length)
      throw new UsageError(
        `it was written by a newer version of Deputy (${found} > ${migrations.length}); update this one`,
      );
    for (const migration of migrations.slice(found)) await db.query(migration);
    if (found === 0) await db.query('insert into version values ($1)', [migrations.length]);
    else await db.query('update version set number = $1', [migrations.length]);
    await db.query('commit');
  } catch (error) {
    await db.query('rollback');
    throw error;
  }
}

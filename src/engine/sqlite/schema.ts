/** The tables, and how a file of an earlier version becomes one of this: each entry lifts it by one version. */
import type { DatabaseSync } from 'node:sqlite';
import { UsageError } from '../../errors.ts';

const migrations = [
  `
  create table task (
    id text primary key, agent text not null, owner text not null, input text not null,
    conversation text not null, predecessor text, start_key text,
    status text not null, outcome text, created_at integer not null, updated_at integer not null,
    -- What is remembered for how long: the time spent waiting for a person is added to ttl_ms when the waiting ends.
    ttl_ms integer, waiting_since integer, forget_at integer,
    -- Who runs it, by which right; whether somebody should; how often a process died of it.
    instance text, fence integer not null, wants_to_run integer not null default 0,
    claimed_at integer not null, deaths integer not null default 0, records_at_claim integer not null default 0
  ) strict;
  create index task_by_owner on task (owner);
  create index task_by_conversation on task (owner, conversation);
  create index task_by_instance on task (instance) where instance is not null;
  create index task_waiting on task (updated_at) where wants_to_run = 1;
  create index task_by_forgetting on task (forget_at) where forget_at is not null;
  create unique index task_by_start_key on task (owner, agent, start_key) where start_key is not null;
  -- A conversation is a chain with at most one open task, whichever processes start them.
  create unique index task_open on task (owner, conversation) where status in ('working', 'input_required');
  create unique index task_by_predecessor on task (predecessor) where predecessor is not null;

  create table step (
    task text not null, key text not null, value text not null, at integer not null, primary key (task, key)
  ) strict;
  create table intent (
    task text not null, key text not null, bytes text not null, effect text not null, reference text,
    at integer not null, primary key (task, key)
  ) strict;
  create table question (
    task text not null, key text not null, wire_key text not null, request text not null, asked_at integer not null,
    answer text, primary key (task, key)
  ) strict;
  create unique index question_by_wire_key on question (task, wire_key);

  create table instance (id text primary key, pid integer not null, host text not null, seen_at integer not null) strict;
  `,
  // Who asks for the few that work must not read the many that wait.
  'create index task_by_status on task (owner, status)',
  `
  -- Texts that tasks are pinned to, by their hash.
  create table definition (hash text primary key, text text not null) strict;
  alter table task add column definition text;
  create index task_by_definition on task (definition) where definition is not null;
  -- Why it waits to be begun.
  alter table task add column message text;

  -- What asks nobody is a timer. Many questions are open and few are due; a task has many and few are open.
  alter table question add column asks integer not null default 1;
  alter table question add column expires_at integer;
  alter table question add column relayed_by text;
  create index question_open on question (task) where answer is null;
  create index question_due on question (expires_at) where answer is null and expires_at is not null;
  create index question_relayed on question (task, relayed_by) where answer is null and relayed_by is not null;

  -- An approval is consumed by the intent of one step.
  alter table intent add column approval text;
  create unique index intent_by_approval on intent (task, approval) where approval is not null;

  create table sent (
    task text not null, seq integer not null, text text not null, by text not null, at integer not null,
    primary key (task, seq)
  ) strict;
  create table artifact (
    task text not null, id text not null, name text not null, text text not null, total integer not null,
    at integer not null, primary key (task, id)
  ) strict;
  -- Outlives the tasks that it speaks of.
  create table audit (seq integer primary key, entry text not null, hash text not null) strict;

  -- wants_to_run: 1 as new, 2 as one that was at work before. Who waits is called by turns, the oldest of each first.
  drop index task_waiting;
  create index task_waiting on task (wants_to_run, owner, agent) where wants_to_run > 0 and instance is null;
  drop index task_by_instance;
  create index task_by_instance on task (instance, owner) where instance is not null;
  -- Those that are to blame are few.
  create index task_suspect on task (deaths) where deaths > 0;
  `,
  `
  -- What an agent of another Deputy left to the task that it called, and the trace that came with the call. JSON.
  alter table task add column mandate text;
  alter table task add column trace text;
  -- When its caller was heard of.
  alter table task add column heard_at integer;
  create index task_called on task (status, id, owner, heard_at)
    where mandate is not null and status in ('working', 'input_required');

  -- Which tool was called; whether the task ended before the one that the call became elsewhere. Such are few.
  alter table intent add column tool text;
  alter table intent add column left_behind integer not null default 0;
  create index intent_referenced on intent (task) where reference is not null;
  create index intent_left_behind on intent (left_behind) where left_behind = 1;
  `,
];

/** @throws UsageError the file is of a newer version of Deputy. */
export function migrate(db: DatabaseSync): void {
  const { user_version: found } = db.prepare('pragma user_version').get() as { user_version: number };
  if (found > migrations.length)
    throw new UsageError(
      `it was written by a newer version of Deputy (${found} > ${migrations.length}); update this one`,
    );
  for (let version = found; version < migrations.length; version++) {
    db.exec(`begin immediate; ${migrations[version] ?? ''}; pragma user_version = ${version + 1}; commit`);
  }
}

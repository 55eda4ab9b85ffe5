/** Stores on PostgreSQL for tests, each in a database of its own. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, inject } from 'vitest';
import { openPostgresStore } from '../../src/engine/postgres/store.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { Store } from '../../src/engine/store.ts';

export const postgres = inject('postgres');

/** Has the verbs of every store. */
const memory = openSqliteStore(':memory:');

const made: string[] = [];

/** A new, empty database; dropped after the tests of the file. */
async function newDatabase(): Promise<string> {
  const name = `deputy_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`create database ${name}`);
  made.push(name);
  const url = new URL(postgres ?? '');
  url.pathname = name;
  return url.href;
}

afterAll(async () => {
  await memory.close();
  for (const name of made.splice(0)) await asAdmin(`drop database if exists ${name} with (force)`);
});

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: postgres });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** On a database of its own: for suites that want a store at once. */
export const openEmpty = (): Store => lazily(newDatabase().then(openPostgresStore));

/** Each verb waits until it is open. */
function lazily(opening: Promise<Store>): Store {
  let opened: Store | undefined;
  const store = opening.then((value) => (opened = value));
  store.catch(() => {});
  const verbs = Object.keys(memory).map((verb) => [
    verb,
    async (...args: unknown[]) => {
      const method = (await store)[verb as keyof Store] as (...given: unknown[]) => unknown;
      return method(...args);
    },
  ]);
  return { ...(Object.fromEntries(verbs) as Store), news: () => opened?.news() ?? 'none' };
}

/** What a store says of its tasks, read beside the Deputy that writes it: a bench takes nobody's word for it. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Deputy } from './deputy.ts';
import type { Plan } from './plan.ts';

export interface StoredTask {
  id: string;
  agent: string;
  status: string;
  /** `Plan.say`. */
  name: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  updatedAt: number;
  /** When its calls left, or may have. */
  intents: readonly number[];
}

export function storedTasks({ store }: Pick<Deputy, 'store'>): StoredTask[] {
  if (!existsSync(store)) return [];
  const db = new DatabaseSync(store, { readOnly: true, timeout: 10_000 });
  try {
    if (db.prepare(`select 1 from sqlite_master where name = 'intent'`).get() === undefined) return [];
    const intents = new Map<string, number[]>();
    for (const { task, at } of db.prepare('select task, at from intent').all()) {
      const list = intents.get(String(task)) ?? [];
      list.push(Number(at));
      intents.set(String(task), list);
    }
    return db
      .prepare('select id, agent, status, input, created_at, updated_at from task')
      .all()
      .map((row) => ({
        id: String(row['id']),
        agent: String(row['agent']),
        status: String(row['status']),
        name: nameIn(String(row['input'])),
        createdAt: Number(row['created_at']),
        updatedAt: Number(row['updated_at']),
        intents: intents.get(String(row['id'])) ?? [],
      }));
  } finally {
    db.close();
  }
}

const nameIn = (input: string): string => (JSON.parse((JSON.parse(input) as { message: string }).message) as Plan).say;

/** Opens what was found after a power cut, with the real store, and looks for what was acknowledged before it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { messageOf } from '../../src/errors.ts';
import { type Acknowledged, isKept } from './acknowledged.ts';

export interface Found {
  lost: Acknowledged[];
  /** Why it is no whole database. */
  damage?: string;
}

export const database = 'deputy.db';

export function writeImage(folder: string, files: ReadonlyMap<string, Buffer>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

export async function openImage(folder: string, acknowledged: readonly Acknowledged[]): Promise<Found> {
  const path = join(folder, database);
  try {
    const store = openSqliteStore(path);
    try {
      const damage = damageIn(path);
      const lost: Acknowledged[] = [];
      for (const [task, acks] of Map.groupBy(acknowledged, ({ task }) => task)) {
        const loaded = await store.load(task);
        lost.push(...acks.filter((ack) => !isKept(loaded, ack)));
      }
      return damage === undefined ? { lost } : { lost, damage };
    } finally {
      await store.close();
    }
  } catch (error) {
    return { lost: [...acknowledged], damage: messageOf(error) };
  }
}

/** What SQLite says, and rows that only the half of a transaction can have left. */
function damageIn(path: string): string | undefined {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const said = db.prepare('pragma integrity_check').all();
    const text = said.map((row) => String(row['integrity_check'])).join('; ');
    if (text !== 'ok') return text;
    for (const table of ['step', 'intent', 'question'])
      if (db.prepare(`select 1 from ${table} where task not in (select id from task)`).get() !== undefined)
        return `a row of ${table} has no task`;
    return undefined;
  } finally {
    db.close();
  }
}

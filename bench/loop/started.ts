/** How many tasks a store knows. */
import { DatabaseSync } from 'node:sqlite';
import type { Deputy } from '../networks/deputy.ts';

export function startedTasks({ store }: Deputy): { started: number; open: number } {
  const db = new DatabaseSync(store, { readOnly: true, timeout: 10_000 });
  try {
    const count = (where: string): number =>
      Number(db.prepare(`select count(*) as count from task ${where}`).get()?.['count']);
    return { started: count(''), open: count(`where status in ('working', 'input_required')`) };
  } finally {
    db.close();
  }
}

import type { Database } from './open.ts';

const ofTask = ['step', 'intent', 'question', 'sent', 'artifact'] as const;

/** Drops what is to be forgotten, and the definitions that no task names any more. The audit log stays. */
export function forget({ sql, transact }: Database, before: number, most: number): number {
  return transact(() => {
    const over = sql('select id from task where forget_at <= ? limit ?').all(before, most);
    for (const { id } of over) {
      for (const table of ofTask) sql(`delete from ${table} where task = ?`).run(String(id));
      sql('delete from task where id = ?').run(String(id));
    }
    if (over.length > 0)
      sql('delete from definition where not exists (select 1 from task where definition = hash)').run();
    return over.length;
  });
}

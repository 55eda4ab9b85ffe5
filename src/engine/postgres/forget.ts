import type { Database } from './open.ts';

const ofTask = ['step', 'intent', 'question', 'sent', 'artifact'] as const;

/** Drops what is to be forgotten, and the definitions that no task names any more. The audit log stays. */
export function forget({ transact }: Database, before: number, most: number): Promise<number> {
  return transact(async (query) => {
    const { rows } = await query(
      'select id from task where forget_at <= $1 limit $2 for update skip locked',
      before,
      most,
    );
    if (rows.length === 0) return 0;
    const ids = rows.map(({ id }) => String(id));
    for (const table of ofTask) await query(`delete from ${table} where task = any($1)`, ids);
    await query('delete from task where id = any($1)', ids);
    // Who starts a task with a definition holds this lock shared: none is dropped that a task is about to name.
    await query(`select pg_advisory_xact_lock(hashtext('deputy definition'))`);
    await query('delete from definition where not exists (select 1 from task where definition = hash)');
    return ids.length;
  });
}

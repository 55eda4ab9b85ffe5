/**
 * Calls that became tasks elsewhere, and whose own task ended before them.
 *
 * Invariant: a call is marked in the transaction that ends its task, and only there: so none is missed, whoever ends
 * the task, and those who look read the marked ones alone.
 */
import type { Database } from './open.ts';
import { leftBehindFrom } from '../rows.ts';
import type { Store } from '../store.ts';

/** The task has ended. What it called before tools were stored with calls cannot be found, and is not marked. */
export function leaveBehind({ sql }: Pick<Database, 'sql'>, id: string): void {
  sql(
    `update intent set left_behind = 1
     where task = ? and reference is not null and tool is not null
       and not exists (select 1 from step where step.task = intent.task and step.key = intent.key)`,
  ).run(id);
}

export function remoteTasks({ sql, run }: Database): Pick<Store, 'leftBehind' | 'letGo'> {
  return {
    leftBehind: async () =>
      run(() =>
        sql(
          `select intent.task, key, tool, reference, definition from intent join task on task.id = intent.task
           where left_behind = 1 order by intent.rowid`,
        )
          .all()
          .map(leftBehindFrom),
      ),
    letGo: async ({ task, key }) =>
      run(() => void sql('update intent set left_behind = 0 where task = ? and key = ?').run(task, key)),
  };
}

/** Calls that became tasks elsewhere, and whose own task ended before them; see `../sqlite/left-behind.ts`. */
import { leftBehindFrom } from '../rows.ts';
import type { Store } from '../store.ts';
import type { Database, Query } from './open.ts';

/** The task has ended. */
export async function leaveBehind(query: Query, id: string): Promise<void> {
  await query(
    `update intent set left_behind = 1
     where task = $1 and reference is not null and tool is not null
       and not exists (select 1 from step where step.task = intent.task and step.key = intent.key)`,
    id,
  );
}

export function remoteTasks({ query }: Pick<Database, 'query'>): Pick<Store, 'leftBehind' | 'letGo'> {
  return {
    async leftBehind() {
      const { rows } = await query(
        `select intent.task, key, tool, reference, definition from intent join task on task.id = intent.task
         where left_behind = 1 order by intent.row`,
      );
      return rows.map(leftBehindFrom);
    },
    async letGo({ task, key }) {
      await query('update intent set left_behind = 0 where task = $1 and key = $2', task, key);
    },
  };
}

/** Which process runs which task. */
import { endedNote } from '../audit-notes.ts';
import { wants } from '../lines.ts';
import { otherFrom } from '../rows.ts';
import type { Store } from '../store.ts';
import type { AuditLog } from './audit.ts';
import { claims } from './claim.ts';
import { leaveBehind } from './left-behind.ts';
import type { Database } from './open.ts';
import { changed, close, openQuestions } from './questions.ts';

type Between = 'claim' | 'acquit' | 'owned' | 'beat' | 'others' | 'bury' | 'leave';

const records =
  '((select count(*) from step where step.task = task.id) + (select count(*) from question where question.task = task.id))';
const take = `update task set instance = $1, fence = fence + 1, wants_to_run = 0, message = null, claimed_at = $2,
  records_at_claim = ${records} where id in`;

export function betweenInstances(db: Database, { recording }: AuditLog): Pick<Store, Between> {
  const { query, transact } = db;
  return {
    claim: claims(db, take),
    async acquit(id) {
      await query('update task set deaths = 0 where id = $1', id);
    },
    async owned(instance) {
      const { rows } = await query('select id from task where instance = $1', instance);
      return new Set(rows.map((row) => String(row['id'])));
    },
    async beat({ id, pid, host }, at) {
      await query(
        'insert into instance values ($1, $2, $3, $4) on conflict (id) do update set seen_at = excluded.seen_at',
        id,
        pid,
        host,
        at,
      );
    },
    async others(instance) {
      const { rows } = await query(
        `select running.id, pid, host, seen_at from
           (select distinct instance as id from task where instance is not null and instance <> $1) as running
         left join instance on instance.id = running.id`,
        instance,
      );
      return rows.map(otherFrom);
    },
    async bury(instance, { withinMs, most }, at) {
      const error = { code: -32603, message: `It was set aside: ${most} times its process died right after it began.` };
      const outcome = JSON.stringify({ error });
      await recording(async (ask, append) => {
        const lastSeen = 'coalesce((select seen_at from instance where instance.id = task.instance), claimed_at)';
        const { rows: left } = await ask(
          `update task set instance = null, wants_to_run = ${wants.asNew}, fence = fence + 1,
             deaths = case when ${records} = records_at_claim and ${lastSeen} - claimed_at < $2 then deaths + 1 else 0 end
           where id in (select id from task where instance = $1 order by id for no key update) returning id`,
          instance,
          withinMs,
        );
        const { rows: blamed } = await ask(
          `update task set status = 'failed', outcome = $1, wants_to_run = 0, updated_at = greatest(updated_at, $2),
             forget_at = created_at + ttl_ms, waiting_since = null
           where wants_to_run > 0 and instance is null and deaths > 0 and deaths >= $3 returning id`,
          outcome,
          at,
          most,
        );
        for (const row of blamed) {
          const id = String(row['id']);
          await close(ask, append, await openQuestions(ask, id), 'withdrawn', at);
          await leaveBehind(ask, id);
          append({ at, task: id, ...endedNote('failed', outcome) });
        }
        await ask('delete from instance where id = $1', instance);
        for (const { id } of [...left, ...blamed]) await changed(ask, String(id));
      });
    },
    async leave(instance) {
      await transact(async (ask) => {
        const { rows } = await ask(
          `update task set instance = null, wants_to_run = ${wants.asNew}, fence = fence + 1
           where id in (select id from task where instance = $1 order by id for no key update) returning id`,
          instance,
        );
        await ask('delete from instance where id = $1', instance);
        for (const { id } of rows) await changed(ask, String(id));
      });
    },
  };
}

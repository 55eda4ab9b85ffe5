/** Which process runs which task. */
import { endedNote } from '../audit-notes.ts';
import type { AuditLog } from './audit.ts';
import { claims } from './claim.ts';
import { leaveBehind } from './left-behind.ts';
import type { Database } from './open.ts';
import { close, openQuestions } from './questions.ts';
import { wants } from '../lines.ts';
import { otherFrom } from '../rows.ts';
import type { Store } from '../store.ts';

type Between = 'claim' | 'acquit' | 'owned' | 'beat' | 'others' | 'bury' | 'leave' | 'news';

export function betweenInstances(db: Database, { recording }: AuditLog): Pick<Store, Between> {
  const { sql, run, transact } = db;
  const records =
    '((select count(*) from step where task = task.id) + (select count(*) from question where task = task.id))';
  const take = `update task set instance = ?, fence = fence + 1, wants_to_run = 0, message = null, claimed_at = ?,
    records_at_claim = ${records} where id in`;
  const version = sql('pragma data_version');
  let lastVersion = version.get()?.['data_version'];

  return {
    claim: claims(db, take),
    acquit: async (id) => run(() => void sql('update task set deaths = 0 where id = ?').run(id)),
    owned: async (instance) =>
      run(() => {
        const rows = sql('select id from task where instance = ?').all(instance);
        return new Set(rows.map((row) => String(row['id'])));
      }),

    beat: async ({ id, pid, host }, at) =>
      run(
        () =>
          void sql(
            'insert into instance values (?, ?, ?, ?) on conflict (id) do update set seen_at = excluded.seen_at',
          ).run(id, pid, host, at),
      ),
    others: async (instance) =>
      run(() =>
        sql(
          `select distinct task.instance as id, pid, host, seen_at from task
           left join instance on instance.id = task.instance
           where task.instance is not null and task.instance <> ?`,
        )
          .all(instance)
          .map(otherFrom),
      ),
    bury: async (instance, { withinMs, most }, at) => {
      const error = { code: -32603, message: `It was set aside: ${most} times its process died right after it began.` };
      const outcome = JSON.stringify({ error });
      recording((append) => {
        const lastSeen = 'ifnull((select seen_at from instance where instance.id = task.instance), claimed_at)';
        sql(
          `update task set instance = null, wants_to_run = ${wants.asNew}, fence = fence + 1,
             deaths = iif(${records} = records_at_claim and ${lastSeen} - claimed_at < ?, deaths + 1, 0)
           where instance = ?`,
        ).run(withinMs, instance);
        const blamed = sql(
          `update task set status = 'failed', outcome = ?, wants_to_run = 0, updated_at = max(updated_at, ?),
             forget_at = created_at + ttl_ms, waiting_since = null
           where wants_to_run > 0 and instance is null and deaths > 0 and deaths >= ? returning id`,
        ).all(outcome, at, most);
        for (const row of blamed) {
          const id = String(row['id']);
          close(db, append, openQuestions(db, id), 'withdrawn', at);
          leaveBehind(db, id);
          append({ at, task: id, ...endedNote('failed', outcome) });
        }
        sql('delete from instance where id = ?').run(instance);
      });
    },
    leave: async (instance) =>
      transact(() => {
        sql(`update task set instance = null, wants_to_run = ${wants.asNew}, fence = fence + 1 where instance = ?`).run(
          instance,
        );
        sql('delete from instance where id = ?').run(instance);
      }),
    news: () => {
      // SQLite counts the commits of other connections.
      const now = run(() => version.get())?.['data_version'];
      const isSame = now === lastVersion;
      lastVersion = now;
      return isSame ? 'none' : 'some';
    },
  };
}

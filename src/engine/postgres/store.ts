/** The store on PostgreSQL: for many processes, on one machine or several. A commit is a barrier. */
import { UsageError } from '../../errors.ts';
import type { Store } from '../store.ts';
import { auditLog } from './audit.ts';
import { forget } from './forget.ts';
import { betweenInstances } from './instances.ts';
import { remoteTasks } from './left-behind.ts';
import { listen } from './news.ts';
import { openDatabase } from './open.ts';
import { fromOutside } from './outside.ts';
import { reading } from './reading.ts';
import { applyWrite, goesOn } from './writes.ts';

/**
 * @param url postgresql://USER:PASSWORD@HOST/DATABASE
 * @throws UsageError it cannot be reached, or is no database of ours.
 */
export async function openPostgresStore(url: string): Promise<Store> {
  const db = await openDatabase(url);
  const audit = auditLog(db);
  const desk = listen(db);

  return {
    write: (writes) =>
      audit.recording(async (query, append) => {
        const tooEarly = [];
        for (const write of writes)
          if (await goesOn(query, write)) tooEarly.push(write);
          else await applyWrite(query, write, append);
        return tooEarly;
      }),
    async sync() {
      // Whatever was committed was synced.
    },
    ...reading(db),
    ...fromOutside(db, audit),
    ...remoteTasks(db),
    ...betweenInstances(db, audit),
    news: () => desk.news(),
    prune: (before, most) => forget(db, before, most),
    audit: (seq, most) => audit.read(seq, most),
    // Nothing of it lies outside the database.
    anchor: () => Promise.resolve(undefined),
    backup: () =>
      Promise.reject(new UsageError('The store is a PostgreSQL database: back it up with pg_dump (schema deputy).')),
    async close() {
      await desk.close();
      await db.close();
    },
  };
}

/** What the store says about calls, read beside the server: the bench takes nobody's word for it. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Unsafe calls that have left, or may have, and whose outcome is not recorded: `task key`. */
export const unknownCalls = (store: string): string[] =>
  read(store, `select i.task || ' ' || i.key as name ${unknown}`);

/** The orders of these, by their names. */
export function unknownOrders(store: string): Map<string, string> {
  const rows = read(store, `select i.task || ' ' || i.key || char(10) || i.bytes as name ${unknown}`);
  return new Map(
    rows.map((row): [string, string] => {
      const [name = '', bytes = '{}'] = row.split('\n');
      return [name, String((JSON.parse(bytes) as { order?: unknown }).order)];
    }),
  );
}

const unknown = `from intent i join task t on t.id = i.task
  where i.effect = 'unsafe' and t.status in ('working', 'input_required')
    and not exists (select 1 from step s where s.task = i.task and s.key = i.key)`;

/** Calls that were asked about: `task key-of-the-call`. */
export const questionsAsked = (store: string): string[] =>
  read(store, `select task || ' ' || key as name from question`).map((name) => {
    // `.../unknown 1` asks about the first attempt, `call`; `.../unknown 2` about the next one, `call 2`.
    const round = Number(/unknown (\d+)$/.exec(name)?.[1] ?? Number.NaN);
    return name.replace(/unknown \d+$/, round === 1 ? 'call' : `call ${round}`);
  });

export const openTasks = (store: string): number =>
  read(store, `select id as name from task where status in ('working', 'input_required')`).length;

export const tasksStored = (store: string): string[] => read(store, 'select id as name from task');

function read(store: string, sql: string): string[] {
  if (!existsSync(store)) return [];
  const db = new DatabaseSync(store, { readOnly: true, timeout: 10_000 });
  try {
    // Killed before it had made its tables.
    if (db.prepare(`select 1 from sqlite_master where name = 'intent'`).get() === undefined) return [];
    return db
      .prepare(sql)
      .all()
      .map((row) => String(row['name']));
  } finally {
    db.close();
  }
}

/**
 * Who is called next; by the same turns as on SQLite (`../lines.ts`).
 *
 * Invariant: a task is taken by the statement that finds it still waiting and locks its row; what another process is
 * taking at that moment is passed over, not waited for.
 */
import { count, type Free, hasRoom, type Line, nextLine, type Waiting, waitingFrom, wants } from '../lines.ts';
import type { Row } from '../rows.ts';
import type { Places, Store } from '../store.ts';
import type { Database, Query } from './open.ts';

/** Lines that are looked at. */
const inView = 64;
/** Suspects that are looked at. */
const atOnce = 16;
/** Behind every name of an owner. */
const end = '\u{10ffff}';

const waits = 'wants_to_run > 0 and instance is null';
const columns = 'task.id, task.row, task.owner, task.agent, task.wants_to_run, task.deaths';

/**
 * The first `$6` of each line of one kind (`$1`) whose owner is behind `$2` and not behind `$3`, of at most `$4` lines;
 * those of which `$5` processes or more died stand aside. From one line to the next it seeks: a line may be long.
 */
const fronts = `
  with recursive line (owner, agent, place) as (
    (select owner, agent, 1 from task where ${waits} and wants_to_run = $1 and owner > $2
     order by owner, agent limit 1)
    union all
    select next.owner, next.agent, place + 1 from line, lateral (
      select owner, agent from task
      where ${waits} and wants_to_run = $1 and (owner, agent) > (line.owner, line.agent)
      order by owner, agent limit 1) as next
    where place < $4 and line.owner <= $3
  )
  select ${columns} from line, lateral (
    select * from task where ${waits} and wants_to_run = $1 and owner = line.owner and agent = line.agent
      and deaths < $5 order by row limit $6) as task
  where line.owner <= $3 and place <= $4 order by place, task.row`;

/** @param take the beginning of the statement that makes tasks an instance's own (`$1`, at `$2`). */
export function claims({ query, transact }: Database, take: string): Store['claim'] {
  /** Who was called last. */
  let lastOwner = '';

  /** From the owner behind the last one on, all round. */
  const linesInView = async (ask: Query, kind: number, suspicious: number, most: number): Promise<Line[]> => {
    const behind = linesOf((await ask(fronts, kind, lastOwner, end, inView, suspicious, most)).rows);
    const room = inView - behind.length;
    if (room === 0 || lastOwner === '') return behind;
    return [...behind, ...linesOf((await ask(fronts, kind, '', lastOwner, room, suspicious, most)).rows)];
  };

  /** By turns, of one kind. */
  const call = async (ask: Query, kind: number, suspicious: number, free: Free): Promise<Waiting[]> => {
    if (free.places <= 0) return [];
    const called: Waiting[] = [];
    const lines = await linesInView(ask, kind, suspicious, free.places);
    while (called.length < free.places) {
      const next = nextLine(lines, free)?.front.shift();
      if (next === undefined) break;
      called.push(next);
      count(next, free);
    }
    lastOwner = called.at(-1)?.owner ?? lines.at(-1)?.owner ?? lastOwner;
    return called;
  };

  /** One that may be to blame for the death of its processes, while no other such is run. */
  const suspect = async (
    ask: Query,
    suspicious: number,
    among: readonly string[] | undefined,
    free: Free,
  ): Promise<Waiting[]> => {
    const some = among === undefined ? '' : 'and id = any($2)';
    const these = among === undefined ? [] : [among];
    const waiting = `select ${columns} from task where ${waits} and deaths > 0 and deaths >= $1 ${some}`;
    if ((await ask(`${waiting} limit 1`, suspicious, ...these)).rows.length === 0) return [];
    // One process at a time looks whether another such is run.
    await ask(`select pg_advisory_xact_lock(hashtext('deputy suspect'))`);
    const { rows } = await ask(
      `${waiting} and not exists (select 1 from task as other
         where other.instance is not null and other.deaths > 0 and other.deaths >= $1) order by row limit ${atOnce}`,
      suspicious,
      ...these,
    );
    return rows
      .map(waitingFrom)
      .filter(({ agent }) => hasRoom(agent, free))
      .slice(0, 1);
  };

  /** Of those that are named. */
  const named = async (
    ask: Query,
    ids: readonly string[],
    suspicious: number,
    { fresh, woken }: Places,
    ofAgent: Free['ofAgent'],
  ): Promise<Waiting[]> => {
    const left = { fresh, woken };
    const { rows } = await ask(
      `select ${columns} from task where id = any($1) and ${waits} and deaths < $2 order by wants_to_run desc, row`,
      ids,
      suspicious,
    );
    return rows.map(waitingFrom).filter((next) => {
      const kind = next.isWoken ? 'woken' : 'fresh';
      const free: Free = { places: left[kind], atWork: new Map(), ofAgent };
      if (left[kind] <= 0 || !hasRoom(next.agent, free)) return false;
      left[kind] -= 1;
      count(next, free);
      return true;
    });
  };

  const atWorkOf = async (ask: Query, instance: string): Promise<Free['atWork']> => {
    const { rows } = await ask(
      'select owner, count(*) as tasks from task where instance = $1 group by owner',
      instance,
    );
    return new Map(rows.map((row) => [String(row['owner']), Number(row['tasks'])]));
  };

  return async (instance, places, suspicious, among) => {
    // Most of the time nobody waits: that needs no transaction.
    if ((await query(`select 1 from task where ${waits} limit 1`)).rows.length === 0) return [];
    return transact(async (ask) => {
      const atWork = among === undefined ? await atWorkOf(ask, instance) : new Map<string, number>();
      const ofAgent = new Map(places.ofAgent);
      const free = (most: number): Free => ({ places: most, atWork, ofAgent });
      const called =
        among === undefined
          ? [
              ...(await call(ask, wants.asWoken, suspicious, free(places.woken))),
              ...(await call(ask, wants.asNew, suspicious, free(places.fresh))),
            ]
          : await named(ask, among, suspicious, places, ofAgent);
      called.push(...(await suspect(ask, suspicious, among, free(1))));
      if (called.length === 0) return [];
      const { rows } = await ask(
        `${take} (select id from task where id = any($3) and ${waits} order by id for no key update skip locked)
         returning id, fence`,
        instance,
        Date.now(),
        called.map(({ id }) => id),
      );
      const fences = new Map(rows.map((row) => [String(row['id']), Number(row['fence'])]));
      return called.flatMap(({ id, agent, isWoken }) => {
        const fence = fences.get(id);
        return fence === undefined ? [] : [{ id, fence, agent, isWoken }];
      });
    });
  };
}

function linesOf(rows: readonly Row[]): Line[] {
  const lines: Line[] = [];
  for (const next of rows.map(waitingFrom)) {
    const last = lines.at(-1);
    if (last !== undefined && last.owner === next.owner && last.agent === next.agent) last.front.push(next);
    else lines.push({ owner: next.owner, agent: next.agent, front: [next] });
  }
  return lines;
}

/**
 * Who is called next. Those that wait stand in lines, one for each owner and agent, the oldest in front.
 *
 * The next is from the line whose owner has fewest at work here; among equals by turns, beginning behind the owner who
 * was called last. So that the price does not grow with those that wait, only so many lines are looked at, from there
 * on: where there are more, each is looked at in its turn.
 */
import { count, type Free, hasRoom, type Line, nextLine, type Waiting, waitingFrom, wants } from '../lines.ts';
import type { Database } from './open.ts';
import type { Places, Store } from '../store.ts';

/** Lines that are looked at. */
const inView = 64;
/** Tasks of a line that are read at once, at most. */
const atOnce = 16;
const waits = 'wants_to_run > 0 and instance is null';
const columns = 'id, rowid as row, owner, agent, wants_to_run, deaths';

/**
 * The fronts of the lines of one kind whose owners are behind one and not behind another, at most so many. From one
 * to the next it seeks: a line may be long. Node 22 does not bind `?1` by its place: so they have names.
 */
const fronts = `
  with recursive front (line, owner, agent, place) as (
    select rowid, owner, agent, 1 from
      (select rowid, owner, agent from task where ${waits} and wants_to_run = $kind and owner > $behind
       order by owner, agent, rowid limit 1)
    union all
    select next.rowid, next.owner, next.agent, place + 1 from front join task as next on next.rowid = ifnull(
      (select rowid from task where ${waits} and wants_to_run = $kind and owner = front.owner and agent > front.agent
       order by agent, rowid limit 1),
      (select rowid from task where ${waits} and wants_to_run = $kind and owner > front.owner
       order by owner, agent, rowid limit 1)
    ) where place < $most and front.owner <= $upTo
  )
  select ${columns} from front join task using (owner, agent) where task.rowid = front.line and owner <= $upTo
  order by place limit $most`;

/** The next of one line. */
const following = `
  select ${columns} from task where ${waits} and wants_to_run = ? and owner = ? and agent = ? and rowid > ? and deaths < ?
  order by rowid limit ?`;

/** Behind every name of an owner. */
const end = '\u{10ffff}';

/** @param take the beginning of the statement that makes tasks an instance's own (`?`, at `?`). */
export function claims({ sql, run, transact }: Database, take: string): Store['claim'] {
  /** Who was called last. */
  let lastOwner = '';

  /** From the owner behind the last one on, all round. */
  const linesInView = (kind: number, suspicious: number): Line[] => {
    const behind = sql(fronts).all({ kind, behind: lastOwner, upTo: end, most: inView });
    const room = inView - behind.length;
    const before =
      room === 0 || lastOwner === '' ? [] : sql(fronts).all({ kind, behind: '', upTo: lastOwner, most: room });
    return [...behind, ...before].map((row) => {
      const first = waitingFrom(row);
      const line: Line = { owner: first.owner, agent: first.agent, front: [first] };
      if (Number(row['deaths']) >= suspicious) line.front = readOn(kind, line, first.row, suspicious, 1);
      return line;
    });
  };

  const readOn = (kind: number, { owner, agent }: Line, after: number, suspicious: number, most: number): Waiting[] =>
    sql(following).all(kind, owner, agent, after, suspicious, most).map(waitingFrom);

  /** By turns, of one kind. */
  const call = (kind: number, suspicious: number, free: Free): Waiting[] => {
    if (free.places <= 0) return [];
    const called: Waiting[] = [];
    const lines = linesInView(kind, suspicious);
    const share = Math.min(atOnce, Math.ceil(free.places / lines.length));
    while (called.length < free.places) {
      const line = nextLine(lines, free);
      const next = line?.front.shift();
      if (line === undefined || next === undefined) break;
      called.push(next);
      count(next, free);
      if (line.front.length === 0) line.front = readOn(kind, line, next.row, suspicious, share);
    }
    lastOwner = called.at(-1)?.owner ?? lines.at(-1)?.owner ?? lastOwner;
    return called;
  };

  /** One that may be to blame for the death of its processes, while no other such is run. */
  const suspect = (suspicious: number, some: string, these: readonly string[], free: Free): Waiting[] =>
    sql(
      `select ${columns} from task where ${waits} and deaths > 0 and deaths >= ? ${some} and not exists
         (select 1 from task where instance is not null and deaths > 0 and deaths >= ?) order by rowid limit ${atOnce}`,
    )
      .all(suspicious, ...these, suspicious)
      .map(waitingFrom)
      .filter(({ agent }) => hasRoom(agent, free))
      .slice(0, 1);

  /** Of those that are named. */
  const named = (ids: string, suspicious: number, { fresh, woken }: Places, ofAgent: Free['ofAgent']): Waiting[] => {
    const left = { fresh, woken };
    return sql(
      `select ${columns} from task where id in (select value from json_each(?)) and ${waits} and deaths < ?
       order by wants_to_run desc, rowid`,
    )
      .all(ids, suspicious)
      .map(waitingFrom)
      .filter((next) => {
        const kind = next.isWoken ? 'woken' : 'fresh';
        const free: Free = { places: left[kind], atWork: new Map(), ofAgent };
        if (left[kind] <= 0 || !hasRoom(next.agent, free)) return false;
        left[kind] -= 1;
        count(next, free);
        return true;
      });
  };

  const atWorkOf = (instance: string): Free['atWork'] =>
    new Map(
      sql('select owner, count(*) as tasks from task where instance = ? group by owner')
        .all(instance)
        .map((row) => [String(row['owner']), Number(row['tasks'])]),
    );

  return async (instance, places, suspicious, among) => {
    // Most of the time nobody waits: that needs no right to write.
    if (run(() => sql(`select 1 from task where ${waits} limit 1`).get()) === undefined) return [];
    return transact(() => {
      const ids = JSON.stringify(among ?? []);
      const some = among === undefined ? '' : 'and id in (select value from json_each(?))';
      const atWork = among === undefined ? atWorkOf(instance) : new Map<string, number>();
      const ofAgent = new Map(places.ofAgent);
      const free = (count: number): Free => ({ places: count, atWork, ofAgent });
      const called =
        among === undefined
          ? [
              ...call(wants.asWoken, suspicious, free(places.woken)),
              ...call(wants.asNew, suspicious, free(places.fresh)),
            ]
          : named(ids, suspicious, places, ofAgent);
      called.push(...suspect(suspicious, some, among === undefined ? [] : [ids], free(1)));
      if (called.length === 0) return [];
      const taken = JSON.stringify(called.map(({ id }) => id));
      const fences = sql(`${take} (select value from json_each(?)) returning id, fence`).all(
        instance,
        Date.now(),
        taken,
      );
      const fenceOf = new Map(fences.map((row) => [String(row['id']), Number(row['fence'])]));
      return called.map(({ id, agent, isWoken }) => ({ id, fence: fenceOf.get(id) ?? 0, agent, isWoken }));
    });
  };
}

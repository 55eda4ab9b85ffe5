/**
 * Those that wait stand in lines, one for each owner and agent, the oldest in front: who of them is called next. The
 * stores read the lines; the turns are taken here.
 */
import type { Row } from './rows.ts';

/** How a task wants to run: not at all, as a new one, or as one that was at work before. */
export const wants = { nothing: 0, asNew: 1, asWoken: 2 } as const;

/** One that waits. */
export interface Waiting {
  id: string;
  row: number;
  owner: string;
  agent: string;
  isWoken: boolean;
}

/** Those that waited longest of one owner for one agent. */
export interface Line {
  owner: string;
  agent: string;
  front: Waiting[];
}

/** Those that may be called still. */
export interface Free {
  places: number;
  /** How many are at work here, by owner. */
  atWork: Map<string, number>;
  /** How many more may be, by agent; those that are not here have no bound. */
  ofAgent: Map<string, number>;
}

/** Whose owner has fewest at work; the first of equals; of one owner's, the one that waits longest. */
export function nextLine(lines: readonly Line[], free: Free): Line | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line.front[0] === undefined || !hasRoom(line.agent, free)) continue;
    if (best === undefined || isBefore(line, best, free)) best = line;
  }
  return best;
}

function isBefore(line: Line, best: Line, { atWork }: Free): boolean {
  if (line.owner === best.owner) return (line.front[0]?.row ?? Infinity) < (best.front[0]?.row ?? Infinity);
  return (atWork.get(line.owner) ?? 0) < (atWork.get(best.owner) ?? 0);
}

export const hasRoom = (agent: string, { ofAgent }: Pick<Free, 'ofAgent'>): boolean => (ofAgent.get(agent) ?? 1) > 0;

export function count({ owner, agent }: Waiting, { atWork, ofAgent }: Free): void {
  atWork.set(owner, (atWork.get(owner) ?? 0) + 1);
  const room = ofAgent.get(agent);
  if (room !== undefined) ofAgent.set(agent, room - 1);
}

export const waitingFrom = (row: Row): Waiting => ({
  id: String(row['id']),
  row: Number(row['row']),
  owner: String(row['owner']),
  agent: String(row['agent']),
  isWoken: row['wants_to_run'] === wants.asWoken,
});

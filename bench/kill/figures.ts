/** What the kills came to, by what the caller saw, what is stored, and what really happened. */
import type { Driver, Started } from './driver.ts';
import { countEffects } from './effects.ts';

export interface Figures {
  kills: number;
  killsBeforeServing: number;
  /** Processes by their place, where there are several; and how often more than one died at the same moment. */
  killed?: Record<string, number>;
  tasks: number;
  lost: number;
  unended: number;
  /** Ended otherwise than with the right answer. */
  wrong: string[];
  /** By our own doing its process died three times right after it was woken: it looks as if it were to blame. */
  setAside: number;
  startedTwice: number;
  unsafeCalls: number;
  doubled: number;
  leftOut: number;
  /** Unsafe calls that the kills left without an outcome. */
  unknown: number;
  unasked: number;
  unaskedOf?: string[];
  /** Questions about calls that could have been found again without a person. */
  needless: string[];
  /** Tasks of any Deputy that are open after all has ended. */
  orphans: number;
  answered: { happened: number; run: number };
  repeated: { idempotent: number; read: number };
}

export function taskFigures(driver: Driver, stored: readonly string[]) {
  const acknowledged = driver.tasks.filter(({ id }) => id !== undefined);
  return {
    tasks: acknowledged.length,
    lost: acknowledged.filter(({ id = '' }) => driver.lost.has(id) || !stored.includes(id)).length,
    unended: driver.open.length,
    wrong: acknowledged.filter((task) => isWrong(task) && !isSetAside(task)).map(told),
    setAside: acknowledged.filter(isSetAside).length,
    startedTwice: stored.length - driver.tasks.length,
  };
}

const isWrong = ({ right, end }: Started): boolean => end !== undefined && end.answer !== right;
/** Itself, or an agent below it. */
export const isSetAside = ({ end }: Started): boolean => end?.answer.includes('It was set aside') === true;
const told = ({ order, end }: Started): string => `${order} ${end?.status}: ${end?.answer.slice(0, 300)}`;

/** @param unsafe the letters of the unsafe calls of each task. */
export function effectFigures(driver: Driver, file: string, unsafe: readonly string[]) {
  const { pay, put, look } = countEffects(file);
  const due = driver.tasks
    .filter((task) => task.end !== undefined && !isSetAside(task))
    .flatMap(({ order }) => unsafe.map((one) => order + one));
  const more = (counts: Map<string, number>) => [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  return {
    unsafeCalls: due.length,
    doubled: more(pay),
    leftOut: due.filter((order) => !pay.has(order)).length,
    repeated: { idempotent: more(put), read: more(look) },
  };
}

/**
 * Agents that call each other for ever, over three Deputies: round in a circle, to themselves, one below the other, and
 * in breadth, with and without a proxy that strips our `_meta`.
 *
 * To be shown: each stops at the bound that the configuration sets, by the count of the tasks that were started, and ends
 * with a reason that its caller can read. There is no control: without the bounds it would not end.
 */
import { parseArgs } from 'node:util';
import { callerOf, isEnded, textOf } from '../networks/caller.ts';
import { wholeNumber } from '../networks/options.ts';
import type { Circling } from './circling.ts';
import { bounds, type Network, openNetwork } from './network.ts';
import { startedTasks } from './started.ts';

const usage = `npm run bench -- loop [options]

  --rounds N    how often each loop is begun (default 10; 1 in CI)
`;

interface Loop {
  what: string;
  agent: string;
  circling: Circling;
  /** At most so many tasks: at one Deputy, and in all. Absent: only how many are at work at once is bounded. */
  each?: number;
  all?: number;
}

/** A task, and all that may run below it. */
const family = bounds.agents + 1;
const { workingTasks } = bounds;
const once: Circling = { width: 1, tries: 1 };
const stubborn: Circling = { width: 1, tries: 3 };
const loops: readonly Loop[] = [
  // The ring closes at the Deputy where it began: each has had one.
  { what: 'a circle', agent: 'ring', circling: once, each: 1, all: 3 },
  { what: 'a circle that tries three times', agent: 'ring', circling: stubborn, each: 1, all: 3 },
  { what: 'itself, three times', agent: 'self', circling: stubborn, each: 1, all: 1 },
  { what: 'one below the other', agent: 'row-0', circling: stubborn, each: 2, all: bounds.depth + 1 },
  { what: 'six of each, four levels', agent: 'fan-0', circling: { width: 6, tries: 1 }, each: family, all: family },
  { what: 'two ways, four of each', agent: 'wide-ring', circling: { width: 4, tries: 2 }, each: family, all: family },
  { what: 'a circle, stripped', agent: 'bare-ring', circling: once, each: workingTasks, all: 3 * workingTasks },
  { what: 'itself, stripped', agent: 'bare-self', circling: once, each: workingTasks, all: workingTasks },
  { what: 'a circle of two each, stripped', agent: 'bare-ring', circling: { width: 2, tries: 1 } },
];

export async function loop(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '10' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const rounds = wholeNumber('--rounds', values.rounds);
  const network = await openNetwork();
  const faults: string[] = [];
  try {
    for (const one of loops) faults.push(...(await playLoop(network, one, rounds)));
    process.stdout.write(`${network.stripped()} messages were stripped on the way\n`);
    if (network.stripped() === 0) faults.push('nothing was stripped: the loops without _meta show nothing');
  } finally {
    await network.close();
  }
  for (const fault of faults) process.stderr.write(`FAILED: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

/** @returns faults, in words. */
async function playLoop({ deputies }: Network, one: Loop, rounds: number): Promise<string[]> {
  const [first] = deputies;
  if (first === undefined) throw new Error('never');
  const caller = callerOf(first.url);
  const faults: string[] = [];
  const most = deputies.map(() => 0);
  let mostInAll = 0;
  let reason = '';
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    const before = deputies.map((deputy) => startedTasks(deputy).started);
    const end = await caller.awaited(await caller.start(one.agent, JSON.stringify(one.circling)), isEnded);
    reason = textOf(end);
    if (!isReason.test(reason)) faults.push(`${one.what}: ${end.status} without a reason: "${reason.slice(0, 300)}"`);
    const after = deputies.map((deputy) => startedTasks(deputy));
    const started = after.map((count, index) => count.started - (before[index] ?? 0));
    const all = started.reduce((sum, count) => sum + count, 0);
    for (const [index, count] of started.entries()) most[index] = Math.max(most[index] ?? 0, count);
    mostInAll = Math.max(mostInAll, all);
    if (all > (one.all ?? all)) faults.push(`${one.what}: ${all} tasks were started, at most ${one.all} may be`);
    for (const [index, count] of started.entries())
      if (count > (one.each ?? count))
        faults.push(`${one.what}: ${count} at ${deputies[index]?.name}, at most ${one.each} may be`);
    const open = after.reduce((sum, count) => sum + count.open, 0);
    if (open > 0) faults.push(`${one.what}: ${open} tasks are still open after its end`);
  }
  const seconds = (performance.now() - begun) / 1000 / rounds;
  const allowed = one.all === undefined ? 'no bound but on those at work' : `${one.all} allowed`;
  process.stdout.write(
    `${one.what}: ${most.join(' + ')} tasks, ${mostInAll} in all at most (${allowed}), ${seconds.toFixed(1)} s; ` +
      `the end: ${reason.slice(-reasonShown).replaceAll(/\s+/g, ' ')}\n`,
  );
  return faults;
}

const reasonShown = 140;
/** What a bound says, whoever it was. */
const isReason = /go round in a circle|nested deeper|limits\.|tasks at work/;

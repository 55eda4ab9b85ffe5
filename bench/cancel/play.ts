import { setTimeout as wait } from 'node:timers/promises';
import { type Random, randomOf } from '../random.ts';
import { type Caller, callerOf } from '../networks/caller.ts';
import { messageOf } from '../networks/plan.ts';
import { sideBySide } from '../overhead/side-by-side.ts';
import { storedTasks, type StoredTask } from '../networks/stored.ts';
import { type Network, openNetwork, planOf, works } from './network.ts';

export interface Options {
  cancels: number;
  seed: number;
  isControl: boolean;
}

export interface Figures {
  cancels: number;
  /** Tasks that the leaf knew. */
  leaves: number;
  /** Milliseconds from the word at the root to the leaf's own record of it. */
  told: { p50: number; p99: number; most: number };
  calls: number;
  /** Milliseconds by which the latest call came after its leaf had acknowledged. */
  lastCall: number;
  /** What was told, or done, more than a second after the word, and when each level had begun and ended; in words. */
  late: readonly string[];
  /** In words. */
  faults: readonly string[];
}

interface Cancelled {
  name: string;
  /** Milliseconds since the epoch: when the root was told, and when it had acknowledged. */
  saidAt: number;
  acknowledgedAt: number;
}

/** Tasks side by side. */
const lanes = 8;
/** Whatever comes later than this is late. Milliseconds. */
const grace = 1_000;
/** How long anything may be left open before it is left open for good. Milliseconds. */
const patience = { measured: 60_000, control: 4_000 };

export async function playCancels({ cancels, seed, isControl }: Options): Promise<Figures> {
  const network = await openNetwork(isControl);
  try {
    const random = randomOf(seed);
    const caller = callerOf(network.deputies[0]?.url ?? '');
    const moments = Array.from({ length: cancels }, (_, index) => momentOf(index, random, isControl));
    const done = await sideBySide(cancels, Math.min(lanes, cancels), (index) =>
      cancelOne(network, caller, moments[index] as Moment),
    );
    const open = await leftOpen(network, isControl ? patience.control : patience.measured);
    return figuresOf(network, done, open);
  } finally {
    await network.close();
  }
}

interface Moment {
  name: string;
  work: (typeof works)[number];
  /** Milliseconds after its start, or after the leaf has begun with it. */
  afterMs: number;
  isEarly: boolean;
}

const momentOf = (index: number, random: Random, isControl: boolean): Moment => {
  const isEarly = !isControl && random.isOneIn(3);
  return {
    name: `c${index}`,
    work: isControl ? 'busy' : random.of(works),
    afterMs: random.below(isEarly ? 1_500 : 500),
    isEarly,
  };
};

async function cancelOne(network: Network, caller: Caller, moment: Moment): Promise<Cancelled> {
  const { name, work, afterMs, isEarly } = moment;
  const id = await caller.start('worker', messageOf(planOf(name, work, network.deputies.length)));
  if (!isEarly) await begun(network, caller, id, moment);
  await wait(afterMs);
  const saidAt = Date.now();
  await caller.cancel(id);
  return { name, saidAt, acknowledgedAt: Date.now() };
}

/** The leaf is in the middle of it. */
async function begun(network: Network, caller: Caller, id: string, { name, work }: Moment): Promise<void> {
  if (work === 'asking') {
    await caller.awaited(id, ({ status }) => status !== 'working');
    return;
  }
  await caller.awaited(id, ({ status }) => status !== 'working' || hasCalled(network, name));
}

const hasCalled = ({ counting }: Network, name: string): boolean =>
  counting.calls.some(({ order }) => order.startsWith(`${name} `));

const isOpen = ({ status }: StoredTask): boolean => status === 'working' || status === 'input_required';

/** What is still open when nothing more ends. */
async function leftOpen({ deputies }: Network, patienceMs: number): Promise<string[]> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const open = deputies.flatMap((deputy) =>
      storedTasks(deputy)
        .filter(isOpen)
        .map((task) => `${task.name} is ${task.status} at ${deputy.name}`),
    );
    if (open.length === 0 || Date.now() > until) return open;
    await wait(250);
  }
}

function figuresOf({ deputies, counting }: Network, done: readonly Cancelled[], open: readonly string[]): Figures {
  const faults = [...open];
  const levels = deputies.map((deputy) => storedTasks(deputy));
  const told: number[] = [];
  const late: string[] = [];
  let lastCall = Number.NEGATIVE_INFINITY;
  for (const { name, saidAt, acknowledgedAt } of done) {
    for (const [level, tasks] of levels.entries()) {
      const own = tasks.filter((task) => task.name === name);
      if (own.length === 0 && level === 0) faults.push(`${name} is lost`);
      if (own.length > 1) faults.push(`${name} was started ${own.length} times at level ${level + 1}`);
      for (const task of own.filter((one) => !isOpen(one) && one.status !== 'cancelled'))
        faults.push(`${name} is ${task.status} at level ${level + 1}`);
    }
    const calls = counting.calls.filter(({ order }) => order.startsWith(`${name} `));
    const after = calls.filter(({ at }) => at > acknowledgedAt + grace).length;
    const way = wayOf(levels, name, saidAt);
    if (after > 0) late.push(`${after} calls of ${name} more than a second after the root's word (${way})`);
    const leaf = levels.at(-1)?.find((task) => task.name === name);
    if (leaf === undefined || leaf.status !== 'cancelled') continue;
    const heardAfter = leaf.updatedAt - Math.max(saidAt, leaf.createdAt);
    told.push(heardAfter);
    if (heardAfter > grace) late.push(`the leaf of ${name} was told after ${heardAfter} ms (${way})`);
    for (const { at } of calls) lastCall = Math.max(lastCall, at - leaf.updatedAt);
    const left = leaf.intents.filter((at) => at > leaf.updatedAt).length;
    if (left > 0) faults.push(`${left} calls of ${name} left its leaf after that had acknowledged`);
  }
  const sorted = told.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return {
    cancels: done.length,
    leaves: told.length,
    told: { p50: at(0.5), p99: at(0.99), most: at(1) },
    calls: counting.calls.length,
    lastCall,
    late,
    faults,
  };
}

/** When each level began with it and when it ended, in milliseconds after the word at the root. */
const wayOf = (levels: readonly (readonly StoredTask[])[], name: string, saidAt: number): string =>
  levels
    .flatMap((tasks) => tasks.filter((task) => task.name === name))
    .map(({ createdAt, updatedAt }) => `${createdAt - saidAt} to ${updatedAt - saidAt}`)
    .join(', ');

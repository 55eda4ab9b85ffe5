import { setTimeout as wait } from 'node:timers/promises';
import { callerOf, isEnded, type TaskSeen } from '../networks/caller.ts';
import { pidOf } from '../networks/deputy.ts';
import { messageOf } from '../networks/plan.ts';
import { sideBySide } from '../overhead/side-by-side.ts';
import { type Random, randomOf } from '../random.ts';
import type { Asked } from './endpoint.ts';
import { type Network, openNetwork } from './network.ts';
import { dearest, randomPlan, slotsOf } from './plans.ts';

export interface Options {
  seed: number;
  plans: number;
  /** The leaf is killed in the middle of each round of plans. */
  isKilled: boolean;
  /** The control: nobody below the root knows of its budget. */
  isBare?: boolean;
}

export interface Figures {
  plans: number;
  asked: number;
  /** Plans that the budget kept from their end. */
  stopped: number;
  /** By how many of the dearest calls a slot a budget was overstepped, at most. */
  overstepped: number;
  kills: number;
  /** In words. */
  faults: readonly string[];
}

/** Plans side by side. */
const lanes = 5;
const taskKey = 'dev.deputy-mcp/task';

interface Played {
  name: string;
  budget: number;
  slots: number;
  end: TaskSeen;
}

export async function playBudgets({ seed, plans, isKilled, isBare = false }: Options): Promise<Figures> {
  const random = randomOf(seed);
  const network = await openNetwork(random, isBare);
  const over = new AbortController();
  try {
    const killing = isKilled ? killAgainAndAgain(network, over.signal) : Promise.resolve(0);
    const chosen = Array.from({ length: plans }, (_, index) => choose(network, random, `p${index}`));
    const played = await sideBySide(plans, lanes, (index) => play(network, chosen[index] as Chosen));
    over.abort();
    return { ...figuresOf(network, played, isKilled), kills: await killing };
  } finally {
    over.abort();
    await network.close();
  }
}

/** Not more often than a server may be started again. */
const mostKills = 4;
/** Questions to the model from one kill to the next. */
const between = 20;

/** @returns how often the leaf was killed before all was over. */
async function killAgainAndAgain(network: Network, over: AbortSignal): Promise<number> {
  const { asked } = network.endpoint;
  let kills = 0;
  for (let next = between; kills < mostKills && !over.aborted; await wait(20)) {
    if (asked.length < next || !killLeaf(network)) continue;
    kills += 1;
    next = asked.length + between;
  }
  return kills;
}

function killLeaf({ leaf }: Network): boolean {
  const pid = pidOf(leaf);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid !== undefined;
}

interface Chosen extends Omit<Played, 'end'> {
  agent: string;
  message: string;
}

function choose({ budgets }: Network, random: Random, name: string): Chosen {
  const [agent, budget] = random.of([...budgets]);
  const plan = randomPlan(random, name);
  return { name, agent, budget, slots: slotsOf(plan), message: messageOf(plan) };
}

async function play({ root }: Network, { agent, message, ...chosen }: Chosen): Promise<Played> {
  const caller = callerOf(root.url);
  const id = await caller.start(agent, message);
  return { ...chosen, end: await caller.awaited(id, isEnded) };
}

function figuresOf({ endpoint }: Network, played: readonly Played[], isKilled: boolean): Omit<Figures, 'kills'> {
  const faults: string[] = [];
  let overstepped = 0;
  let stopped = 0;
  for (const { name, budget, slots, end } of played) {
    const asked = endpoint.asked.filter((one) => one.name === name || one.name.startsWith(`${name}.`));
    const given = sum(asked);
    // A question that was under way at a crash is asked again, and nobody knows what its first try cost.
    const known = given - sum(repeated(asked));
    overstepped = Math.max(overstepped, (known - budget) / dearest / slots);
    if (known > budget + slots * dearest)
      faults.push(`${name}: ${known} tokens of ${budget}, with ${slots} slots of at most ${dearest}`);
    const used = usageIn(end);
    if (used === undefined)
      faults.push(`${name} is ${end.status} and says no usage: ${JSON.stringify(end).slice(0, 500)}`);
    else if (isKilled ? used < known : used !== given)
      faults.push(`${name}: the root says ${used} tokens, the endpoint gave ${isKilled ? `${known} at least` : given}`);
    if (stopOf(end) === 'limit') stopped += 1;
  }
  return { plans: played.length, asked: endpoint.asked.length, stopped, overstepped, faults };
}

const sum = (asked: readonly Asked[]): number => asked.reduce((total, { tokens }) => total + tokens, 0);

/** The first tries of questions that were asked again. */
function repeated(asked: readonly Asked[]): Asked[] {
  const seen = new Set<string>();
  return asked.filter(({ name, turn }) => {
    const isRepeat = seen.has(`${name} ${turn}`);
    seen.add(`${name} ${turn}`);
    return isRepeat;
  });
}

interface TaskMeta {
  stop?: string;
  usage?: { inputTokens: number; outputTokens: number };
}

const metaIn = ({ result }: TaskSeen): TaskMeta | undefined => result?._meta?.[taskKey] as TaskMeta | undefined;
const stopOf = (task: TaskSeen): string | undefined => metaIn(task)?.stop;

function usageIn(task: TaskSeen): number | undefined {
  const usage = metaIn(task)?.usage;
  return usage === undefined ? undefined : usage.inputTokens + usage.outputTokens;
}

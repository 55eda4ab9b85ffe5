/**
 * Limits as values: what an agent may still spend, and which limit it has reached.
 * Time comes from records (`TaskContext.now`), so that a replay decides the same. It is *work time*: a clock that
 * stands still while a person is waited for, so that thinking uses up no limit.
 *
 * Invariants:
 *   B1. What is spent is the sum of what is recorded, so that a crash refunds nothing that was recorded. A question to
 *       a model that was under way at a crash is asked again, and its first try is not counted: its price is known to
 *       nobody, and a task that crashes its process three times is set aside.
 *   B2. A limit is looked at before each question to a model, and agents side by side share what is left beforehand. So
 *       an agent oversteps by at most its last question, and a tree of agents by one for each slot in it. Servers that
 *       think with an agent's model spend what it has not lent to agents below.
 *   B3. Nothing that an agent or a person says widens what its caller left to it.
 *   B4. Agents are counted as tokens are: shared beforehand, settled afterwards. So no tree has more than its root may.
 */
import type { TaskContext } from '../task/engine.ts';
import type { Link } from '../task/mandate.ts';
import type { LimitName } from '../task/task.ts';
import { noUsage, type Usage } from '../task/usage.ts';
import type { Model } from './model.ts';
import type { Policy } from './policy.ts';
import type { Slots } from './slots.ts';

/** What ends an agent's work early. Every one that always applies has a default, and defaults count as limits. */
export interface Limits {
  /** Model replies a task. Default 50. */
  turns: number;
  /** Tool calls a task, of this agent. Default 200. */
  toolCalls: number;
  /** Tool calls side by side. Default 8. */
  parallelTools: number;
  /** Agents under agents. Default 5. */
  depth: number;
  /** Agents run below it, all levels together. Default 200. */
  agents: number;
  /** Input and output tokens a task, nested agents included. */
  tokens?: number;
  /** US dollars a task, nested agents included. */
  cost?: number;
  /** Milliseconds a task. */
  time?: number;
  /** How often the same call with the same arguments may be made. Default 3. */
  sameCall: number;
  /** At a limit: end with a result that says so (the default), or ask a person whether to go on. */
  onLimit: 'stop' | 'ask';
}

/** Milliseconds since the epoch, without those that were spent waiting for people. */
export const workTime = ({ now, waited }: Pick<TaskContext, 'now' | 'waited'>): number => now - waited;

export const defaultLimits: Limits = {
  turns: 50,
  toolCalls: 200,
  parallelTools: 8,
  depth: 5,
  agents: 200,
  sameCall: 3,
  onLimit: 'stop',
};

/** What a caller leaves to the agents below it. Authority only ever shrinks on the way down. */
export interface Allowance {
  tokens?: number;
  cost?: number;
  /** By work time. */
  deadline?: number;
  /** How many levels of agents may still open below. */
  depth: number;
  /** How many agents may run: the one that gets this, and all below it. */
  agents: number;
  /** Who called from other Deputies, from the first task's own agent down to the one that called this task. */
  above: readonly Link[];
  /** The names of those who called, from the task's own agent down, and their policies, which hold below them too. */
  chain: readonly string[];
  callers: readonly Policy[];
  /** What people allowed for the rest of this task: one set for all agents in it, added to as they answer. */
  grants: Set<string>;
  /** The caller's own model, for agents that have none (`model: client`). Absent: the task's caller is asked for one. */
  model?: Model;
  /** The caller's, of `parallel_tools`: its agents ask their models in them. */
  slots?: Pick<Slots, 'run'>;
}

export interface Spent {
  turns: number;
  toolCalls: number;
  /** How many agents ran below it, all levels together. */
  agents: number;
  usage: Usage;
}

/** What one agent may spend in all: its own limits, narrowed by what its caller has left. */
export interface Budget extends Allowance {
  /** How many may run below it. */
  agents: number;
  turns: number;
  toolCalls: number;
  sameCall: number;
}

export function budgetOf(limits: Limits, startedAt: number, allowance?: Allowance): Budget {
  const tokens = least(limits.tokens, allowance?.tokens);
  const cost = least(limits.cost, allowance?.cost);
  const deadline = least(limits.time === undefined ? undefined : startedAt + limits.time, allowance?.deadline);
  return {
    turns: limits.turns,
    toolCalls: limits.toolCalls,
    sameCall: limits.sameCall,
    depth: Math.min(limits.depth, allowance?.depth ?? limits.depth),
    agents: Math.min(limits.agents, (allowance?.agents ?? Infinity) - 1),
    above: allowance?.above ?? [],
    chain: allowance?.chain ?? [],
    callers: allowance?.callers ?? [],
    grants: allowance?.grants ?? new Set(),
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    ...(deadline !== undefined && { deadline }),
  };
}

/**
 * What each of the agents that one turn calls may spend, in their order: an equal part of what is left, so that together
 * they cannot spend it twice. Where there are more calls than agents may still run, the last of them get none.
 */
export function allowancesOf(
  { name, policy }: { name: string; policy: Policy },
  budget: Budget,
  spent: Spent,
  calls: number,
): Allowance[] {
  const agents = agentsLeft(budget, spent);
  const run = Math.min(calls, agents);
  const among = Math.max(1, run);
  const tokens = budget.tokens && Math.max(0, budget.tokens - tokensOf(spent.usage)) / among;
  const cost = budget.cost && Math.max(0, budget.cost - (spent.usage.cost ?? budget.cost)) / among;
  const each: Allowance = {
    depth: budget.depth - 1,
    agents: Math.floor(agents / among),
    above: budget.above,
    chain: [...budget.chain, name],
    callers: [...budget.callers, policy],
    grants: budget.grants,
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    ...(budget.deadline !== undefined && { deadline: budget.deadline }),
  };
  const none: Allowance = {
    ...each,
    agents: 0,
    ...(tokens !== undefined && { tokens: 0 }),
    ...(cost !== undefined && { cost: 0 }),
  };
  const over = agents % among;
  return Array.from({ length: calls }, (_, index) => {
    if (index >= run) return none;
    return index < over ? { ...each, agents: each.agents + 1 } : each;
  });
}

/** Why no agent may run with what is left to it, for the model; undefined where one may. */
export function refusalOf({ depth, agents }: Allowance, budget: Budget): string | undefined {
  if (depth < 0) return 'Not run: agents may not be nested deeper than this (limits.depth).';
  if (agents >= 1) return undefined;
  if (budget.agents < 1) return 'Not run: no agents may run below you (limits.agents).';
  return `Not run: no more agents may run below you than ${budget.agents}, and each of them is taken (limits.agents).`;
}

/** How many more agents may run below. */
export const agentsLeft = (budget: Pick<Budget, 'agents'>, spent: Pick<Spent, 'agents'>): number =>
  Math.max(0, Math.floor(budget.agents - spent.agents));

/** What an agent is taken to have used where nobody can tell any more: all that it was left (B1). */
export function allSpent({ tokens, cost, agents }: Allowance): { usage?: Usage; agents: number } {
  if (tokens === undefined && cost === undefined) return { agents };
  return { agents, usage: { ...noUsage, inputTokens: Math.ceil(tokens ?? 0), cost: cost ?? null } };
}

/** A limit, with its sentence for people and models, which goes on from "it stopped: ". */
export interface Reached {
  limit: LimitName;
  message: string;
}

/** The first limit that forbids another turn. */
export function limitReached(
  budget: Budget,
  spent: Pick<Spent, 'turns' | 'toolCalls' | 'usage'>,
  now: number,
): Reached | undefined {
  if (budget.deadline !== undefined && now >= budget.deadline) return { limit: 'time', message: 'its time is up' };
  if (spent.turns >= budget.turns) return { limit: 'turns', message: `it has used its ${budget.turns} turns` };
  // An agent that used exactly its calls may still answer; `spent` counts what it asked for.
  if (spent.toolCalls > budget.toolCalls)
    return { limit: 'tool_calls', message: `it asked for more than its ${budget.toolCalls} tool calls` };
  if (budget.tokens !== undefined && tokensOf(spent.usage) >= budget.tokens)
    return {
      limit: 'tokens',
      message: `it has used ${tokensOf(spent.usage)} of its ${Math.floor(budget.tokens)} tokens`,
    };
  if (budget.cost !== undefined && spent.usage.cost === null)
    return { limit: 'cost', message: 'its cost limit cannot be kept, because the price of a model is unknown' };
  if (budget.cost !== undefined && (spent.usage.cost ?? 0) >= budget.cost)
    return { limit: 'cost', message: `it has spent ${usd(spent.usage.cost ?? 0)} of its ${usd(budget.cost)} USD` };
  return undefined;
}

/** Milliseconds. Longer than this no timer can wait, nearly 25 days: it would end at once. */
export const longestTimer = 2 ** 31 - 1;

/** Time does not run while `wait` does: for who waits for a person in the middle of an effect. */
export type Paused = <T>(wait: () => Promise<T>) => Promise<T>;

/** The clock of one effect. */
export interface Clock {
  paused: Paused;
  /** Milliseconds until the deadline; undefined where there is none. */
  left(): number | undefined;
}

const noClock: Clock = { paused: (wait) => wait(), left: () => undefined };

/**
 * Runs `effect` with `signal`, cut at the deadline as well. For use inside a step, where clocks are allowed.
 * The timer and the listener go with the effect: a task's signal outlives thousands of calls.
 */
export async function withinDeadline<T>(
  deadline: number | undefined,
  { waited }: Pick<TaskContext, 'waited'>,
  signal: AbortSignal,
  effect: (cut: AbortSignal, clock: Clock) => Promise<T>,
): Promise<T> {
  if (deadline === undefined) return effect(signal, noClock);
  const cut = new AbortController();
  const onAbort = (): void => cut.abort(signal.reason);
  const clock = stoppableClock(deadline + waited - Date.now(), () => cut.abort());
  if (signal.aborted) onAbort();
  else clock.run();
  signal.addEventListener('abort', onAbort);
  try {
    return await effect(cut.signal, clock);
  } finally {
    clock.end();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Calls `onEnd` once it has run for `left` milliseconds. */
function stoppableClock(left: number, onEnd: () => void): Clock & { run(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  let since = 0;
  let pauses = 0;
  let isOver = false;
  const run = (): void => {
    if (isOver) return;
    since = Date.now();
    if (left <= 0) onEnd();
    // A timer may fire a millisecond early; by the clock of the records the time must be up.
    else if (left < longestTimer) timer = setTimeout(onEnd, Math.ceil(left) + 1);
  };
  const stop = (): void => {
    clearTimeout(timer);
    left -= Date.now() - since;
  };
  return {
    run,
    left: () => Math.max(0, pauses > 0 || since === 0 ? left : left - (Date.now() - since)),
    async paused(wait) {
      if ((pauses += 1) === 1) stop();
      try {
        return await wait();
      } finally {
        if ((pauses -= 1) === 0) run();
      }
    },
    end() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

/** Without the dust of binary fractions. */
export const usd = (value: number): number => Number(value.toFixed(6));

export const tokensOf = (usage: Usage): number => usage.inputTokens + usage.outputTokens;

export const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);

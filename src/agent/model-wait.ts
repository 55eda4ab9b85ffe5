/**
 * A model that cannot be had does not end a task: what its turns have cost is not thrown away. The task parks, and the
 * question is asked again: as `turn 3: model`, `turn 3: model 2`, …, each after its `turn 3: wait 1`, ….
 */
import type { StopReason } from '../task/task.ts';
import { addUsage, type Usage } from '../task/usage.ts';
import { durationText } from './duration-text.ts';
import type { Run } from './run.ts';

/** Milliseconds. */
const firstWait = 30_000;
const longestWait = 15 * 60_000;
/** All waits of one question together. Afterwards the task ends as one whose model is not available. */
const patience = 24 * 3_600_000;

/** Nobody was there to answer; later there may be. */
export type Unavailable = {
  kind: 'unavailable';
  stop: Extract<StopReason, 'model_unavailable' | 'server_unavailable'>;
  message: string;
  /** The provider's wish, in milliseconds. */
  retryAfterMs?: number;
  /** What the try has cost all the same, where the provider told it. */
  usage?: Usage;
};

export type GivenUp = { kind: 'stopped'; stop: Unavailable['stop']; message: string };

/**
 * Asks until there is an answer, or patience ends. `ask` is the effect of each step; work time stands still between
 * them. The first question of an agent waits for no server: nothing is lost yet, and a server that was never there
 * is more often declared wrong than down.
 */
export async function askPatiently<Said extends { kind: string }>(
  run: Run,
  what: 'model' | 'question' | 'compact' | 'compact question',
  ask: (signal: AbortSignal) => Promise<Said | Unavailable>,
): Promise<Said | GivenUp> {
  const { context, spent } = run;
  const turn = `turn ${spent.turns}`;
  let waited = 0;
  for (let round = 1; ; round += 1) {
    const said = await context.step(round === 1 ? `${turn}: ${what}` : `${turn}: ${what} ${round}`, ask);
    if (!isUnavailable(said)) return said;

    if (said.usage !== undefined) spent.usage = addUsage(spent.usage, said.usage);
    const { stop, message, retryAfterMs = 0 } = said;
    const isWorthIt = stop === 'model_unavailable' || spent.turns > 1;
    if (!isWorthIt || waited >= patience) return { kind: 'stopped', stop, message };
    const backoff = Math.min(longestWait, firstWait * 2 ** (round - 1));
    const wait = Math.min(Math.max(backoff, retryAfterMs), patience - waited);
    await context.sleep(
      `${turn}: ${what.startsWith('compact') ? 'compact ' : ''}wait ${round}`,
      wait,
      whyOf(run, message, wait),
    );
    waited += wait;
  }
}

const isUnavailable = (said: { kind: string }): said is Unavailable => said.kind === 'unavailable';

const whyOf = ({ agent, context }: Run, message: string, ms: number): string =>
  `${agent.name} waits ${durationText(ms)} and asks again: ${message} ` +
  `Now: deputy tasks retry ${context.task}. Not at all: deputy tasks cancel ${context.task}.`;

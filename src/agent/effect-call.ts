/**
 * Calls a tool of a server. All of it is one step: finding the tool, checking the arguments, the hooks, the verdict, the
 * call itself. What the model got wrong and what wants a person are values of that step, like a result.
 */
import { ApprovalUsedError, UnavailableError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { textOf } from '../task/content.ts';
import type { Commit } from '../task/engine.ts';
import type { EffectClass } from '../task/effect.ts';
import { askPersonSpec } from './ask-person.ts';
import { callStep, settledStep } from './call-steps.ts';
import { type Allowance, allSpent, type Clock, type Paused, refusalOf, withinDeadline } from './limits.ts';
import { mandateOf, notHandedOn } from './mandate.ts';
import { type Calling, cutOff, failed, prepareCall, type Prepared, type Right, waitsFor } from './prepare-call.ts';
import { relayQuestion } from './relay-question.ts';
import { fitted } from './result-size.ts';
import { hooksAt } from './run-hooks.ts';
import { openSampling, type Sampling } from './sampling.ts';
import { settleCall } from './settle-call.ts';
import type { Slots } from './slots.ts';
import type { EffectTool, ToolCallOptions, ToolOutcome } from './tool.ts';
import { traceOf } from './trace.ts';

export async function callEffect(calling: Calling, slots: Slots): Promise<ToolOutcome> {
  const { outcome, wasAsked, note } = await settleCall(calling, {
    name: callStep,
    make: (step, right) => attempt(calling, slots, step, right),
    effect: (signal) => effectNow(calling, signal),
    lost: lostBy(calling),
  });
  if (!wasAsked) return outcome;
  const { branch } = calling;
  return branch.step(settledStep, async () => {
    if (note !== undefined) branch.note(note);
    return outcome;
  });
}

/** The class that a call has now. A tool that is gone can no longer say that it is harmless. */
function effectNow({ run, call, branch }: Calling, signal: AbortSignal): Promise<EffectClass> {
  return withinDeadline(run.budget.deadline, branch, signal, async (cut) => {
    try {
      const tools = await run.agent.tools(cut, call.name);
      return tools.find(({ name }) => name === call.name)?.effect ?? 'unsafe';
    } catch (error) {
      signal.throwIfAborted();
      // Its time is up: it is not made again, whatever it is.
      if (cut.aborted) return 'read';
      if (error instanceof UnavailableError) return 'unsafe';
      throw error;
    }
  });
}

function attempt(calling: Calling, slots: Slots, step: string, right: Right): Promise<ToolOutcome> {
  const { run, branch } = calling;
  return branch.step(step, (signal, commit) =>
    withinDeadline(run.budget.deadline, branch, signal, async (cut, clock) => {
      const fate: Fate = { hasLeft: hasLeft(right), isUsed: false, total: (said) => said };
      try {
        cut.throwIfAborted();
        return await findAndCall(calling, { slots, step, right, signal: cut, commit, clock, fate });
      } catch (error) {
        if (signal.aborted) throw error;
        if (cut.aborted) return cutShort(calling, fate);
        // A server that went away since the model was told of its tools: something that it can work around.
        if (error instanceof UnavailableError) return unreached(calling, right, error.message);
        throw error;
      }
    }),
  );
}

/** What an agent of another Deputy is taken to have used that nobody hears of any more. */
const lostBy = ({ lent }: Calling): Pick<ToolOutcome, 'usage' | 'agents'> => (lent === undefined ? {} : allSpent(lent));

const hasLeft = (right: Right): right is Right & { kind: 'repeat' | 'follow' } =>
  right.kind === 'repeat' || right.kind === 'follow';

/** Its time was up. What it had used by then is known, but for what an agent of another Deputy did. */
function cutShort(calling: Calling, fate: Fate): ToolOutcome {
  const lost = fate.hasLeft ? lostBy(calling) : {};
  const usage = fate.total(lost.usage);
  return { ...failed(cutOff), ...lost, ...(usage !== undefined && { usage }) };
}

/** It cannot be called. Of a call that left before, that does not say that it failed. */
function unreached({ call }: Calling, right: Right, why: string): ToolOutcome {
  if (!hasLeft(right)) return failed(why);
  const { bytes } = right;
  return { ...failed(why), unknown: `it left before, and now: ${why}`, made: { tool: call.name, bytes } };
}

interface Effect {
  slots: Slots;
  step: string;
  right: Right;
  signal: AbortSignal;
  commit: Commit;
  clock: Clock;
  fate: Fate;
}

interface Fate {
  /** It may have left. */
  hasLeft: boolean;
  /** It did not, because another call had used up its approval. */
  isUsed: boolean;
  /** What it has used in all, from what is said of it. */
  total: Sampling['total'];
}

async function findAndCall(calling: Calling, effect: Effect): Promise<ToolOutcome> {
  const { agent } = calling.run;
  const { call } = calling;
  const tools = await agent.tools(effect.signal, hasLeft(effect.right) ? call.name : undefined);
  const tool = tools.find(({ name }) => name === call.name);
  if (tool === undefined) {
    const others = agent.mayAskPeople ? [...agent.agents, askPersonSpec] : agent.agents;
    return unreached(calling, effect.right, unknownTool(call.name, [...others, ...tools]));
  }
  const refusal = tool.isAgent === true && effect.right.kind !== 'follow' ? notLent(calling) : undefined;
  if (refusal !== undefined) return unreached(calling, effect.right, refusal);
  const prepared = await prepareCall(calling, tool, effect.step, effect.right, effect.signal);
  switch (prepared.kind) {
    case 'no':
      return effect.right.kind === 'repeat'
        ? unreached(calling, effect.right, textOf(prepared.outcome.content))
        : prepared.outcome;
    case 'ask':
      return waitsFor(prepared.ask);
    case 'go':
      return callTool(calling, tool, prepared, effect);
  }
}

/** Why an agent of another Deputy cannot be called. */
function notLent({ run, call, lent }: Calling): string | undefined {
  if (lent === undefined) return `Not run: ${call.name} was no agent when you asked for it. Ask again.`;
  return refusalOf(lent, run.budget) ?? notHandedOn(lent);
}

async function callTool(
  calling: Calling,
  tool: EffectTool,
  { args, grant }: Prepared & { kind: 'go' },
  { slots, step, right, signal, commit, clock, fate }: Effect,
): Promise<ToolOutcome> {
  const { run, call, branch, lent } = calling;
  const { agent } = run;
  const reference = branch.unfinished(step)?.reference;
  const away: Paused = (wait) => clock.paused(() => slots.lend(wait));
  const sampling = openSampling(calling, { step, isAgent: tool.isAgent === true, away });
  fate.total = (said) => sampling.total(said);
  const options: ToolCallOptions = {
    signal,
    owner: branch.owner,
    callKey: sha256(`${branch.task}\n${branch.path}`),
    ...(tool.isAgent === true && lent !== undefined && { mandate: () => mandateOf(lent, clock.left()) }),
    trace: traceOf(branch),
    grant,
    commit: committing(commit, grant, fate),
    isRepeat: right.kind === 'repeat',
    ...(reference !== undefined && { reference }),
    ask: (key, request, gone) =>
      away(() => relayQuestion(calling, { step, tool: tool.id, key, request, signal: gone })),
    sample: (params, gone) => sampling.sample(params, gone),
    onProgress: (progress) =>
      branch.emit({ type: 'tool_progress', agent: agent.name, callId: call.id, tool: call.name, ...progress }),
  };

  let outcome: ToolOutcome;
  try {
    outcome = await slots.run(() => {
      // It may have waited for its turn: nothing begins once the task or its time has ended.
      signal.throwIfAborted();
      return tool.call(args, options);
    });
  } catch (error) {
    if (!fate.isUsed) throw error;
    outcome = failed('Not run: its approval was used by another call.');
  }
  if (fate.isUsed && right.kind === 'approved')
    return waitsFor({ ...right.ask, again: 'its approval was used by another call' });

  const isLookedAt = outcome.unknown !== undefined || hooksAt(agent.hooks, 'after_tool', tool.id).length > 0;
  const usage = sampling.total(outcome.usage);
  const whole = {
    ...outcome,
    ...(tool.isAgent === true && agentsIn(outcome, lent, fate)),
    ...(usage !== undefined && { usage }),
    ...(isLookedAt && { made: { tool: tool.id, bytes: JSON.stringify(args) } }),
  };
  return fitted(whole, (words) => branch.keep(step, words));
}

/**
 * Who was called or used anything ran, unless it is told otherwise, and no more ran than were let. Where nobody knows, that
 * is told later (`lostBy`).
 */
function agentsIn(
  { usage, agents, unknown }: ToolOutcome,
  lent: Allowance | undefined,
  { hasLeft, isUsed }: Fate,
): Pick<ToolOutcome, 'agents'> {
  const wasCalled = hasLeft && !isUsed && unknown === undefined;
  if (agents === undefined && usage === undefined && !wasCalled) return {};
  return { agents: Math.min(agents ?? 1, lent?.agents ?? 1) };
}

/** No call leaves without saying by which right, whatever its adapter does. */
function committing(commit: Commit, grant: ToolCallOptions['grant'], fate: Fate): Commit {
  const committed = async (bytes: string, effect: EffectClass): Promise<void> => {
    fate.hasLeft = true;
    try {
      await commit(bytes, effect, grant);
    } catch (error) {
      if (error instanceof ApprovalUsedError) fate.isUsed = true;
      throw error;
    }
  };
  return Object.assign(committed, { reference: (id: string) => commit.reference(id) });
}

const unknownTool = (name: string, tools: readonly { name: string }[]): string =>
  tools.length === 0
    ? `There is no tool "${name}": you have no tools.`
    : `There is no tool "${name}". You have: ${tools.map((tool) => tool.name).join(', ')}.`;

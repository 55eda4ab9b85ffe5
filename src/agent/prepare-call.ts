/**
 * Decides whether a call may be made now, with which arguments and by which right. To be run inside a step: what comes
 * of it is recorded, so that a replay decides the same.
 */
import { messageOf } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { text } from '../task/content.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Grant, TaskContext } from '../task/engine.ts';
import { type Bound, bindingOf, differenceOf } from './approval.ts';
import type { Allowance } from './limits.ts';
import type { ToolCall } from './model.ts';
import { type ToolUse, type Verdict, verdictOf } from './policy.ts';
import type { Run } from './run.ts';
import { hooksAt, runHooks } from './run-hooks.ts';
import type { Ask, DefinitionChange, ToolOutcome } from './tool.ts';

/** A call of a model, and the branch in which it is made. */
export interface Calling {
  readonly run: Run;
  readonly call: ToolCall;
  readonly branch: TaskContext;
  /** What it leaves to the agent that it calls, where it calls one. */
  readonly lent?: Allowance | undefined;
}

/** What may be called: a tool of a server, or another agent. */
export interface Callable {
  readonly id: string;
  readonly name: string;
  readonly effect: EffectClass;
  readonly pin: string;
  readonly change?: DefinitionChange;
  check(args: Json): string | undefined;
}

/** Why a call might be made. */
export type Right =
  /** The model wants it: the rules decide. */
  | { kind: 'rules' }
  /** A person approved `ask`; `bytes` are other than its own where they edited the arguments. */
  | { kind: 'approved'; ask: Ask; bytes: string }
  /** It left before, by some right, and may be made again with the same arguments. `approval`: what it used up then. */
  | { kind: 'repeat'; bytes: string; approval?: string }
  /** A person looked, and said that it did not happen. */
  | { kind: 'rerun'; bytes: string }
  /** It left before and is a task of the other server: nothing is called, its end is waited for. */
  | { kind: 'follow'; bytes: string };

export type Prepared =
  | { kind: 'go'; args: JsonObject; grant: Grant }
  | { kind: 'ask'; ask: Ask }
  | { kind: 'no'; outcome: ToolOutcome };

export const failed = (message: string): ToolOutcome => ({ content: [text(message)], isError: true });

export const cutOff = 'Cut off: the time of the agent is up.';

/** An outcome that is none yet. Its text is for a model of later, where the task ended before a person had answered. */
export const waitsFor = (asks: Ask): ToolOutcome => ({
  ...failed('Not run: a person was asked first, and had not answered when the task ended.'),
  asks,
});

/** From the task's own agent down to the one that calls. */
export const chainOf = ({ agent, budget }: Run): readonly string[] => [...budget.chain, agent.name];

/** `step` is the name of the step that makes the call. */
export async function prepareCall(
  calling: Calling,
  tool: Callable,
  step: string,
  right: Right,
  signal: AbortSignal,
): Promise<Prepared> {
  const { run } = calling;
  // It happens already: what would forbid it now comes too late, and must not make us look away.
  if (right.kind === 'follow') return go(tool, argsOf(calling, right), { rule: 'it left before' });
  const given = givenArgs(calling, tool, right);
  if ('fault' in given) return refused(calling, tool, right, given);
  const hooked = isNew(right) ? await hookedArgs(calling, tool, given.args, signal) : given;
  if ('fault' in hooked) return refused(calling, tool, right, hooked);

  const { args } = hooked;
  const verdict = verdictOf(useOf(calling, tool, args), run.agent.policy, run.budget.callers);
  if (verdict.decision === 'deny')
    return refused(calling, tool, right, { args, fault: `${verdict.rule} forbids ${tool.id}`, rule: verdict.rule });

  switch (right.kind) {
    case 'rules': {
      const rule = standingRule(calling, tool, verdict);
      return rule === undefined ? asking(calling, tool, args, verdict, signal) : go(tool, args, { rule });
    }
    case 'repeat':
    case 'rerun': {
      if (tool.change !== undefined) return asking(calling, tool, args, verdict, signal);
      if (right.kind === 'rerun') return go(tool, args, { rule: 'a person: it did not happen, run it' });
      return go(tool, args, {
        rule: verdict.rule,
        ...(right.approval !== undefined && { approval: right.approval }),
      });
    }
    case 'approved':
      return approved(calling, tool, step, right, args, verdict, signal);
  }
}

export const useOf = (
  { run, branch }: Calling,
  { id, effect }: Pick<Callable, 'id' | 'effect'>,
  args: JsonObject,
): ToolUse => ({
  tool: id,
  args,
  effect,
  agent: run.agent.name,
  owner: branch.owner,
});

/** What went through the hooks once does not again: not what was approved as it was asked, nor what left before. */
const isNew = (right: Right): boolean => right.kind === 'rules' || isEdited(right);

const isEdited = (right: Right): right is Right & { kind: 'approved' } =>
  right.kind === 'approved' && right.bytes !== right.ask.bytes;

type Given = { args: JsonObject } | Fault;
/** `rule` where it was forbidden: then it goes on record. */
interface Fault {
  fault: string;
  args?: JsonObject;
  rule?: string;
}

export function givenArgs(calling: Calling, tool: Callable, right: Right): Given {
  const { malformed } = calling.call;
  if (right.kind === 'rules' && malformed !== undefined)
    return { fault: `The arguments for ${tool.name} are not JSON: ${malformed.slice(0, 500)}` };
  return fitting(tool, right.kind === 'rules' ? calling.call.args : argsOf(calling, right));
}

/** From bytes that we made ourselves. What left may carry a key of its adapter's in a `_meta`, which it puts there anew. */
function argsOf({ call }: Calling, { kind, bytes }: Exclude<Right, { kind: 'rules' }>): JsonObject {
  const args = JSON.parse(bytes) as JsonObject;
  if (kind === 'approved' || (isJsonObject(call.args) && '_meta' in call.args)) return args;
  const { _meta: _, ...plain } = args;
  return plain;
}

function fitting(tool: Callable, args: Json): Given {
  const fault = tool.check(args) ?? (isJsonObject(args) ? undefined : 'the value must be an object');
  if (fault === undefined && isJsonObject(args)) return { args };
  return { fault: `The arguments for ${tool.name} do not fit its input schema:\n${fault}` };
}

async function hookedArgs(calling: Calling, tool: Callable, args: JsonObject, signal: AbortSignal): Promise<Given> {
  const { id, effect } = tool;
  const said = await askHooks(calling, tool, 'before_tool', { args, effect }, signal);
  if (said.kind === 'pass') return { args };
  if (said.kind === 'deny') return { args, fault: `a hook forbids ${id}: ${said.reason}`, rule: 'before_tool' };
  const changed = fitting(tool, said.value);
  if ('args' in changed) return changed;
  return { args, fault: `a hook changed the arguments. ${changed.fault}`, rule: 'before_tool' };
}

function askHooks(
  { run, branch }: Calling,
  { id }: Callable,
  place: 'before_tool' | 'on_approval',
  detail: JsonObject,
  signal: AbortSignal,
): ReturnType<typeof runHooks> {
  const hooks = hooksAt(run.agent.hooks, place, id);
  const input = { place, agent: run.agent.name, task: branch.task, owner: branch.owner, tool: id, ...detail };
  return hooks.length === 0 ? Promise.resolve({ kind: 'pass' }) : runHooks(hooks, input, signal);
}

/** What a person edited wrongly, they are told, and nothing is used up; of the rest the model reads. */
function refused({ run, branch }: Calling, { id }: Callable, right: Right, { fault, args, rule }: Fault): Prepared {
  if (isEdited(right))
    return { kind: 'ask', ask: { ...right.ask, again: `the other arguments were not taken: ${fault}` } };
  if (rule === undefined) return { kind: 'no', outcome: failed(fault) };
  const bytes = args === undefined ? {} : { args: sha256(JSON.stringify(args)) };
  branch.note({ action: 'denied', agent: run.agent.name, tool: id, ...bytes, rule, detail: fault });
  return { kind: 'no', outcome: failed(`Not run: ${fault}.`) };
}

/** The rule that lets it run without a question: the policy's, or one that a person made for the rest of the task. */
function standingRule({ run }: Calling, tool: Callable, { decision, rule }: Verdict): string | undefined {
  if (tool.change !== undefined) return undefined;
  if (decision === 'allow') return rule;
  const grant = grantOf({ chain: chainOf(run), tool: tool.id, pin: tool.pin, policy: policyOf(run) });
  return run.budget.grants.has(grant) ? `approved for the rest of the task (${rule})` : undefined;
}

/**
 * What "for the rest of this task" covers: this tool as it is defined now, for this agent called by these, under the
 * same policies.
 */
export const grantOf = ({ chain, tool, pin, policy }: Pick<Ask, 'chain' | 'tool' | 'pin' | 'policy'>): string =>
  JSON.stringify([chain, tool, pin, policy]);

const policyOf = ({ agent, budget }: Run): string =>
  JSON.stringify([agent.policy, ...budget.callers].map(({ version }) => version));

/** A person is to decide, unless a hook does. */
async function asking(
  calling: Calling,
  tool: Callable,
  args: JsonObject,
  verdict: Verdict,
  signal: AbortSignal,
  again?: string,
): Promise<Prepared> {
  const ask = askFor(calling, tool, args, verdict);
  const said = await askHooks(calling, tool, 'on_approval', { args, rule: ask.rule }, signal);
  if (said.kind === 'deny') {
    const fault = { args, fault: `a hook forbids ${tool.id}: ${said.reason}`, rule: 'on_approval' };
    return refused(calling, tool, { kind: 'rules' }, fault);
  }
  return { kind: 'ask', ask: { ...ask, ...(again !== undefined && { again }) } };
}

const day = 86_400_000;

function askFor({ run }: Calling, tool: Callable, args: JsonObject, verdict: Verdict): Ask {
  const { change } = tool;
  const changed = 'its definition is another one than was pinned';
  return {
    chain: chainOf(run),
    tool: tool.id,
    bytes: JSON.stringify(args),
    effect: tool.effect,
    rule: change === undefined ? verdict.rule : verdict.decision === 'ask' ? `${changed}; ${verdict.rule}` : changed,
    pin: tool.pin,
    policy: policyOf(run),
    ...(change !== undefined && { change: change.diff }),
    expiresInMs: verdict.expiresInMs ?? day,
  };
}

/** To which call an approval of `ask` is bound, where the step of that name makes it. */
export const boundOf = ({ branch }: Calling, step: string, ask: Ask): Bound => ({
  task: branch.task,
  step: branch.path === '' ? step : `${branch.path}/${step}`,
  chain: ask.chain,
  tool: ask.tool,
  pin: ask.pin,
  effect: ask.effect,
  bytes: ask.bytes,
  policy: ask.policy,
});

/** All that the approval is bound to is taken anew: what was approved is called, or nothing (A1). */
async function approved(
  calling: Calling,
  tool: Callable,
  step: string,
  { ask, bytes }: Right & { kind: 'approved' },
  args: JsonObject,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<Prepared> {
  const then = boundOf(calling, step, { ...ask, bytes });
  const now = boundOf(calling, step, askFor(calling, tool, args, verdict));
  const approval = bindingOf(then);
  if (bindingOf(now) !== approval) return asking(calling, tool, args, verdict, signal, differenceOf(then, now));
  if (tool.change !== undefined && tool.change.diff !== ask.change)
    return asking(calling, tool, args, verdict, signal, 'the definition that was pinned changed since it was approved');
  try {
    await tool.change?.accept();
  } catch (error) {
    const outcome = failed(`Not run: the new definition of ${tool.id} could not be pinned: ${messageOf(error)}`);
    return { kind: 'no', outcome };
  }
  return go(tool, args, { rule: ask.rule, approval });
}

const go = ({ id }: Callable, args: JsonObject, grant: Omit<Grant, 'tool'>): Prepared => ({
  kind: 'go',
  args,
  grant: { tool: id, ...grant },
});

/**
 * A call that a person is asked about, round by round, until it has run or is not to run: because it wants an approval,
 * or because nobody knows whether it happened. Each round has a question and, where the answer lets it run, one step
 * that makes the attempt; both are recorded, so every process takes the same path.
 */
import type { AuditNote } from '../task/audit.ts';
import { sha256 } from '../hash.ts';
import { text } from '../task/content.ts';
import type { EffectClass } from '../task/effect.ts';
import { addUsage, noUsage, type Usage } from '../task/usage.ts';
import { approvalForm, decisionOf } from './approval.ts';
import { nameOfRound } from './call-steps.ts';
import { boundOf, type Calling, chainOf, failed, grantOf, type Right } from './prepare-call.ts';
import type { Ask, ToolOutcome } from './tool.ts';
import { diedWhileCalling, mayRepeat, saidOfUnknown, unknownForm } from './unknown-call.ts';

/** How one attempt at a call is made. */
export interface Attempts<O extends ToolOutcome> {
  /** The name of the first attempt's step; the next ones are numbered. */
  readonly name: string;
  /** Makes the attempt as the step of that name. */
  make: (step: string, right: Right) => Promise<O>;
  /** The class that the call has now. */
  effect: (signal: AbortSignal) => Promise<EffectClass>;
  /** What it is taken to have used where it left and nobody knows what became of it. Default: nothing. */
  readonly lost?: Used;
}

type Used = Pick<ToolOutcome, 'usage' | 'agents'>;

export interface Settled<O extends ToolOutcome> {
  outcome: O | ToolOutcome;
  /** A person was asked: the outcome is to be recorded, with what goes on record. */
  wasAsked: boolean;
  note?: AuditNote;
}

type Waiting = { kind: 'approval'; ask: Ask } | { kind: 'unknown'; bytes: string; why: string; used: Used };

/** What else a person said who approved: it holds once the call is over. */
interface Consent {
  /** For the model. */
  remarks: readonly string[];
  /** The tool may be called for the rest of the task. */
  grants?: Ask;
}

/** What a person's answer comes to: another attempt, an end, or the question again. */
type Next =
  | { kind: 'attempt'; right: Right; consent?: Consent }
  | { kind: 'end'; outcome: ToolOutcome; note?: AuditNote }
  | { kind: 'again'; waiting: Waiting };

export async function settleCall<O extends ToolOutcome>(calling: Calling, attempts: Attempts<O>): Promise<Settled<O>> {
  const first = await attempted(calling, attempts, 1, { kind: 'rules' });
  if ('outcome' in first) return { outcome: first.outcome, wasAsked: false };
  let { waiting } = first;
  let consent: Consent | undefined;
  /** Of attempts of which it is said that they did not happen: what their servers had our model write was written. */
  let before = noUsage;
  const settled = <Last extends ToolOutcome>(outcome: Last): Last =>
    withUsage(consented(calling, outcome, consent), before);
  for (let round = 1; ; round += 1) {
    // Who is asked anew says it anew.
    if (waiting.kind === 'approval') consent = undefined;
    const next = await asked(calling, attempts, waiting, round);
    if (next.kind === 'end') return { ...next, outcome: settled(next.outcome), wasAsked: true };
    if (next.kind === 'again') {
      waiting = next.waiting;
      continue;
    }
    consent = next.consent ?? consent;
    if (waiting.kind === 'unknown' && calling.lent === undefined)
      before = addUsage(before, waiting.used.usage ?? noUsage);
    const tried = await attempted(calling, attempts, round + 1, next.right);
    if ('outcome' in tried) return { outcome: settled(tried.outcome), wasAsked: true };
    waiting = tried.waiting;
  }
}

function consented<O extends ToolOutcome>({ run }: Calling, outcome: O, consent: Consent | undefined): O {
  if (consent === undefined) return outcome;
  const { remarks, grants } = consent;
  if (grants !== undefined) run.budget.grants.add(grantOf(grants));
  return { ...outcome, content: [...outcome.content, ...remarks.map(text)] };
}

const withUsage = <O extends ToolOutcome>(outcome: O, before: Usage): O =>
  before === noUsage ? outcome : { ...outcome, usage: addUsage(before, outcome.usage ?? noUsage) };

/** An attempt that an earlier process left with an intent is gone on with or repeated, where that is harmless. */
async function attempted<O extends ToolOutcome>(
  calling: Calling,
  attempts: Attempts<O>,
  round: number,
  right: Right,
): Promise<{ outcome: O } | { waiting: Waiting }> {
  const { branch, call } = calling;
  const { lost = {} } = attempts;
  const step = nameOfRound(attempts.name, round);
  const left = branch.unfinished(step);
  if (left === undefined) return readOutcome(call, await attempts.make(step, right), lost);
  const { bytes, approval } = left;
  if (!(await mayRepeat(left, branch, nameOfRound('effect', round), attempts.effect))) {
    await branch.withdraw(step);
    return { waiting: { kind: 'unknown', bytes, why: diedWhileCalling, used: lost } };
  }
  const again: Right =
    left.reference === undefined
      ? { kind: 'repeat', bytes, ...(approval !== undefined && { approval }) }
      : { kind: 'follow', bytes };
  return readOutcome(call, await attempts.make(step, again), lost);
}

function readOutcome<O extends ToolOutcome>(
  call: Calling['call'],
  outcome: O,
  lost: Used,
): { outcome: O } | { waiting: Waiting } {
  const { asks, unknown, made, usage, agents } = outcome;
  if (asks !== undefined) return { waiting: { kind: 'approval', ask: asks } };
  if (unknown === undefined) return { outcome };
  const used = { ...lost, ...(usage !== undefined && { usage }), ...(agents !== undefined && { agents }) };
  return { waiting: { kind: 'unknown', bytes: made?.bytes ?? JSON.stringify(call.args), why: unknown, used } };
}

function asked(calling: Calling, { name }: { name: string }, waiting: Waiting, round: number): Promise<Next> {
  const step = nameOfRound(name, round + 1);
  return waiting.kind === 'approval'
    ? askedToApprove(calling, waiting.ask, step, round)
    : askedOfUnknown(calling, waiting, round);
}

async function askedToApprove(calling: Calling, ask: Ask, step: string, round: number): Promise<Next> {
  const { run, branch } = calling;
  const form = approvalForm(ask, boundOf(calling, step, ask), run.spent);
  const decision = decisionOf(await branch.requestInput(`approval ${round}`, form, ask.expiresInMs), ask);
  switch (decision.kind) {
    case 'none': {
      const { again: _, ...plain } = ask;
      const why = decision.why === undefined ? {} : { again: decision.why };
      return { kind: 'again', waiting: { kind: 'approval', ask: { ...plain, ...why } } };
    }
    case 'deny': {
      const note: AuditNote = {
        action: 'denied',
        agent: run.agent.name,
        tool: ask.tool,
        args: sha256(ask.bytes),
        rule: ask.rule,
        ...(form.approval !== undefined && { approval: form.approval.hash }),
        detail: { reason: decision.reason, ...(decision.note !== undefined && { note: decision.note }) },
      };
      return { kind: 'end', outcome: failed(decision.message), note };
    }
    case 'approve': {
      const { bytes, note, isForTask } = decision;
      const remarks = [
        ...(bytes === ask.bytes ? [] : [`A person changed the arguments before they approved: ${bytes}`]),
        ...(note === undefined ? [] : [`Note of the person who approved it: ${note}`]),
      ];
      const consent: Consent = { remarks, ...(isForTask && { grants: ask }) };
      return { kind: 'attempt', right: { kind: 'approved', ask, bytes }, consent };
    }
  }
}

async function askedOfUnknown(
  { run, call, branch }: Calling,
  waiting: Waiting & { kind: 'unknown' },
  round: number,
): Promise<Next> {
  const { bytes, why, used } = waiting;
  const form = unknownForm({ chain: chainOf(run), tool: call.name, bytes, why });
  const said = saidOfUnknown(await branch.requestInput(`unknown ${round}`, form));
  if (said.kind === 'none') return { kind: 'again', waiting };
  // Who says that it did not happen says that an agent of another Deputy used nothing.
  if (said.kind !== 'run') return { kind: 'end', outcome: { ...used, ...said.outcome } };
  return { kind: 'attempt', right: { kind: 'rerun', bytes } };
}

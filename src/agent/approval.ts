/**
 * The question whether one tool call may be made: made by us from the exact bytes, never in the words of a model.
 *
 * Invariants:
 *   A1. An approval is for one step of one task, one agent, one definition of one tool, one class, one text of arguments
 *       and one policy: whatever of these is another one at the call, it is not approved.
 *   A2. Only an accepted form with a decision decides. What is declined, late or withdrawn approves nothing.
 */
import { messageOf } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Approval, InputRequest, InputResponse } from '../task/question.ts';
import { durationText } from './duration-text.ts';
import type { Spent } from './limits.ts';
import type { Ask } from './tool.ts';
import { shownChain, shownName, visible } from './visible.ts';

/** What an approval is bound to. */
export type Bound = Pick<Ask, 'tool' | 'pin' | 'effect' | 'bytes' | 'policy'> & {
  task: string;
  /** The path of the step in which the call is made. */
  step: string;
  /** From the task's own agent down to the one that calls. */
  chain: readonly string[];
};

/** sha256 in hex: `Approval.hash`. */
export const bindingOf = ({ task, step, chain, tool, pin, effect, bytes, policy }: Bound): string =>
  sha256(JSON.stringify({ task, step, chain, tool, pin, effect, bytes, policy }));

/** What of two bindings differs, for people. */
export function differenceOf(before: Bound, now: Bound): string {
  const differ = (Object.keys(names) as (keyof typeof names)[]).filter(
    (part) => JSON.stringify(before[part]) !== JSON.stringify(now[part]),
  );
  return `${differ.map((part) => names[part]).join(' and ')} changed since it was approved`;
}

const names = {
  task: 'the task',
  step: 'the step',
  chain: 'the agents that ask',
  tool: 'the tool',
  pin: "the tool's definition",
  effect: "the tool's effect class",
  bytes: 'the arguments',
  policy: 'the policy',
} as const satisfies Record<keyof Bound, string>;

/** Arguments longer than this are shown by their beginning; `Approval.bytes` has them whole. Characters. */
const shownArguments = 1_000;
const shownText = 300;

export function approvalForm(ask: Ask, bound: Bound, spent: Spent): InputRequest & { kind: 'form' } {
  const { tool, bytes, effect, rule, change, again } = ask;
  const approval: Approval = {
    hash: bindingOf(bound),
    chain: bound.chain,
    tool,
    bytes,
    effect,
    rule,
    ...(change !== undefined && { change }),
  };
  return formOf(approval, again, spent);
}

/**
 * The same question for an agent of another Deputy: made by us from what it asks about. What are words of the other side is
 * said to be. Whoever answers it decides there: it is bound, used up and remembered there.
 * @param approval its chain from our task's own agent down.
 */
export const approvalFormOfOther = (approval: Approval, again?: string): InputRequest & { kind: 'form' } =>
  formOf(approval, again);

const formOf = (approval: Approval, again?: string, spent?: Spent): InputRequest & { kind: 'form' } => ({
  kind: 'form',
  message: textOf(approval, again, spent),
  schema: form,
  approval,
  ...(again !== undefined && { words: again }),
});

/** At most six lines: hosts show no more. @param spent undefined where another Deputy asks. */
function textOf({ hash, chain, tool, bytes, effect, rule, change }: Approval, again?: string, spent?: Spent): string {
  const whose = spent === undefined ? ', in its words' : '';
  return [
    `${shownChain(chain)} wants to call ${shownName(tool)} (${effect}).`,
    `Arguments: ${visible(cut(bytes, shownArguments))}`,
    `Why${whose}: ${visible(inline(rule))}`,
    ...(change === undefined ? [] : [`Its definition${whose}: ${visible(inline(change))}`]),
    ...(again === undefined ? [] : [`Asked again${whose}: ${visible(inline(again))}`]),
    `${spent === undefined ? '' : `Spent: ${spentText(spent)}. `}Answer here, or: deputy approvals approve ${hash.slice(0, 10)}`,
  ].join('\n');
}

const inline = (value: string): string => cut(value.trim().replaceAll(/\s*\n\s*/g, ' | '), shownText);

const cut = (value: string, most: number): string =>
  value.length <= most
    ? value
    : `${value.slice(0, most)}… (${value.length} characters, sha256 ${sha256(value).slice(0, 12)})`;

function spentText({ turns, toolCalls, usage }: Spent): string {
  const cost = usage.cost === null ? '' : `, ${Number(usage.cost.toFixed(4))} USD`;
  const tokens = usage.inputTokens + usage.outputTokens;
  return `${count(turns, 'turn')}, ${count(toolCalls, 'call')}, ${count(tokens, 'token')}${cost}`;
}

const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

/** `deny` comes first: hosts choose the first by themselves. No default. */
const form = {
  type: 'object',
  properties: {
    decision: {
      type: 'string',
      title: 'May it be called?',
      oneOf: [
        { const: 'deny', title: 'Deny' },
        { const: 'approve', title: 'Approve once' },
        { const: 'approve_task', title: 'Approve this tool for the rest of this task' },
      ],
    },
    note: { type: 'string', title: 'Note', description: 'The model reads this.' },
    args: {
      type: 'string',
      title: 'Other arguments (JSON)',
      description: 'Leave it empty to call it with the arguments above.',
    },
  },
  required: ['decision'],
};

export type Decision =
  /** `bytes`: the arguments that were approved; others than were asked about where they were edited. */
  | { kind: 'approve'; bytes: string; isForTask: boolean; note?: string }
  /** `message` is for the model. */
  | { kind: 'deny'; message: string; reason: string; note?: string }
  /** Nothing was decided. `why` is what was wrong. */
  | { kind: 'none'; why?: string };

export function decisionOf(response: InputResponse, { tool, bytes, expiresInMs }: Ask): Decision {
  const no = (reason: string): Decision => ({ kind: 'deny', message: `Not run: ${tool}: ${reason}.`, reason });
  switch (response.action) {
    case 'cancel':
      return { kind: 'none' };
    case 'decline':
      return no('the question was declined by the host that showed it, perhaps without a person');
    case 'expired':
      return no(`nobody answered within ${durationText(expiresInMs)}`);
    case 'withdrawn':
      return no('the question was withdrawn');
    case 'accept':
      break;
  }
  const { decision, note: said, args } = isJsonObject(response.content) ? response.content : {};
  const note = typeof said === 'string' && said.trim() !== '' ? { note: said.trim() } : {};
  if (decision === 'deny') {
    const message = note.note === undefined ? 'Denied by a person.' : `Denied by a person: ${note.note}`;
    return { kind: 'deny', message, reason: 'denied by a person', ...note };
  }
  if (decision !== 'approve' && decision !== 'approve_task') return { kind: 'none' };
  const edited = editedBytes(args);
  if ('fault' in edited) return { kind: 'none', why: edited.fault };
  return { kind: 'approve', bytes: edited.bytes ?? bytes, isForTask: decision === 'approve_task', ...note };
}

/** The text that would be called with, as it would leave; none where nothing was edited. */
function editedBytes(args: Json | undefined): { bytes?: string } | { fault: string } {
  if (typeof args !== 'string' || args.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(args, exact);
    if (isJsonObject(value)) return { bytes: JSON.stringify(value) };
    return { fault: 'the other arguments must be a JSON object' };
  } catch (error) {
    return { fault: `the other arguments are not JSON: ${messageOf(error)}` };
  }
}

/** What would not leave as it was written was not approved. */
function exact(_: string, value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new RangeError('it has a number of more than 15 digits, which cannot be kept exactly');
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('it has a number without end');
  return value;
}

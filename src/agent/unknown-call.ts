/**
 * A call of which nobody knows whether it happened: its process died after it may have left, or it was given up on.
 * What may be repeated is repeated; for the rest a person decides, who can look. The model never does.
 */
import { isJsonObject } from '../json.ts';
import { text } from '../task/content.ts';
import { type EffectClass, stricter } from '../task/effect.ts';
import type { TaskContext } from '../task/engine.ts';
import type { InputRequest, InputResponse, Intent } from '../task/question.ts';
import type { ToolOutcome } from './tool.ts';
import { shownChain, visible } from './visible.ts';

/** The question of one unknown call. It does not expire. */
export interface UnknownCall {
  /** Who called, from the task's own agent down. */
  chain: readonly string[];
  tool: string;
  /** The exact JSON text of the arguments. */
  bytes: string;
  /** Why nobody knows. */
  why: string;
}

export const diedWhileCalling = 'the process died after the call may have left';

/**
 * Whether a call that was left by a dead process may simply be made again: by the stricter of the class that was
 * stored with it and the one that holds now. `step` is the name under which that one is recorded.
 */
export async function mayRepeat(
  { effect, reference }: Intent,
  branch: TaskContext,
  step: string,
  current: (signal: AbortSignal) => Promise<EffectClass>,
): Promise<boolean> {
  if (reference !== undefined) return true;
  if (effect === 'unsafe') return false;
  return stricter(effect, await branch.step(step, current)) !== 'unsafe';
}

export type SaidOfUnknown =
  | { kind: 'happened'; outcome: ToolOutcome }
  | { kind: 'run' }
  | { kind: 'stop'; outcome: ToolOutcome }
  | { kind: 'none' };

/** Arguments longer than this are shown by their beginning; the journal has them whole. */
const shownArguments = 1_500;

export function unknownForm({ chain, tool, bytes, why }: UnknownCall): InputRequest {
  const shown =
    bytes.length <= shownArguments ? bytes : `${bytes.slice(0, shownArguments)}… (${bytes.length} characters)`;
  return {
    kind: 'form',
    mustDecide: true,
    message: [
      `${shownChain(chain)} called ${visible(tool)}, and nobody knows whether it happened: ${visible(oneLine(why))}.`,
      `Arguments: ${visible(shown)}`,
      'Look for yourself before you decide: it is not called again unless you say so.',
    ].join('\n'),
    schema: unknownSchema,
    chain,
  };
}

export const unknownSchema = {
  type: 'object',
  properties: {
    decision: {
      type: 'string',
      title: 'Did it happen?',
      oneOf: [
        { const: 'stop', title: 'Stop the task' },
        { const: 'happened', title: 'It happened: go on' },
        { const: 'run', title: 'It did not happen: run it' },
      ],
    },
    result: { type: 'string', title: 'What it returned, if it happened', description: 'The model reads this.' },
    note: { type: 'string', title: 'Note', description: 'The model reads this.' },
  },
  required: ['decision'],
};

const oneLine = (words: string): string =>
  words
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');

export function saidOfUnknown(response: InputResponse): SaidOfUnknown {
  if (response.action !== 'accept' || !isJsonObject(response.content)) return { kind: 'none' };
  const { decision, result, note } = response.content;
  const said = typeof note === 'string' && note.trim() !== '' ? `\nNote of the person: ${note}` : '';
  if (decision === 'run') return { kind: 'run' };
  if (decision === 'happened') {
    const returned =
      typeof result === 'string' && result.trim() !== '' ? result : 'It happened; what it returned is not known.';
    return { kind: 'happened', outcome: { content: [text(`${returned}${said}`)], isError: false } };
  }
  if (decision === 'stop')
    return { kind: 'stop', outcome: { content: [text(`Stopped by a person.${said}`)], isError: true, stops: true } };
  return { kind: 'none' };
}

/** What a hook's answer means: `{}` or nothing passes, `{ change }` and `{ deny }` say so, anything else is a fault. */
import type { HookSaid } from '../agent/hooks.ts';
import { isJsonObject } from '../json.ts';

export function readSaid(name: string, answer: unknown): HookSaid {
  if (answer === undefined || answer === null) return { kind: 'pass' };
  if (!isJsonObject(answer)) return failed(name, 'its answer is no object');
  const other = Object.keys(answer).find((key) => key !== 'change' && key !== 'deny');
  if (other !== undefined) return failed(name, `its answer has the unknown key "${other}"`);
  const { change, deny } = answer;
  if (deny !== undefined)
    return typeof deny === 'string' && deny.trim() !== ''
      ? { kind: 'deny', reason: deny }
      : failed(name, 'its "deny" says no reason');
  return change === undefined ? { kind: 'pass' } : { kind: 'change', value: change };
}

/** What cannot be judged is not let through. */
export const failed = (name: string, why: string): HookSaid => ({
  kind: 'deny',
  reason: `the hook ${name} failed: ${why}`,
});

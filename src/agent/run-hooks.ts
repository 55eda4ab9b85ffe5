/** The hooks of one place, one after the other: a change is what the next one sees, a denial ends the row. */
import { isJsonObject, type Json } from '../json.ts';
import type { Hook, HookInput, HookPlace, Hooks, HookSaid } from './hooks.ts';

/** What a change replaces at a place: this field of the input. Where there is none, hooks observe or deny. */
const changes: Partial<Record<HookPlace, { field: string; fits(value: Json): boolean; is: string }>> = {
  task_start: { field: 'message', fits: isText, is: 'a text' },
  task_end: { field: 'result', fits: isText, is: 'a text' },
  before_tool: { field: 'args', fits: isJsonObject, is: 'an object' },
  after_tool: { field: 'content', fits: isText, is: 'a text' },
};

function isText(value: Json): boolean {
  return typeof value === 'string';
}

/** The hooks that want this place, and around a tool (`server/tool`) this one. None: nothing is to be recorded. */
export function hooksAt(hooks: Hooks, place: HookPlace, tool?: string): readonly Hook[] {
  const all = hooks[place] ?? [];
  return tool === undefined ? all : all.filter((hook) => hook.matches(tool));
}

/**
 * To be run inside a step, whose value is what they said. `change` holds the last change; a denial names its hook.
 * A change that does not fit its place denies, as everything does that a hook gets wrong.
 */
export async function runHooks(hooks: readonly Hook[], input: HookInput, signal: AbortSignal): Promise<HookSaid> {
  const change = changes[input.place];
  let seen = input;
  let said: HookSaid = { kind: 'pass' };
  for (const hook of hooks) {
    const now = await hook.run(seen, signal);
    if (now.kind === 'deny') return { kind: 'deny', reason: `${hook.name}: ${now.reason}` };
    if (now.kind === 'pass') continue;
    if (change === undefined) return misfit(hook, `${input.place} cannot change anything`);
    if (!change.fits(now.value)) return misfit(hook, `its change at ${input.place} must be ${change.is}`);
    seen = { ...seen, [change.field]: now.value };
    said = now;
  }
  return said;
}

const misfit = (hook: Hook, why: string): HookSaid => ({ kind: 'deny', reason: `${hook.name}: ${why}` });

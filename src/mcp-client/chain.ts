/** Who does something in another Deputy, from the called agent down, as that Deputy says it: read at the door. */
import type { Json } from '../json.ts';
import { mandateBounds } from '../task/mandate.ts';
import { oneLine } from './clean-text.ts';

/** @returns the chain below us: its first is `server/agent`. Undefined where it is none. */
export function chainBelow(server: string, value: Json | undefined): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > mandateBounds.links) return undefined;
  const names = value.map((name) => (typeof name === 'string' ? oneLine(name, mandateBounds.text) : ''));
  return names.includes('') ? undefined : names.map((name, at) => (at === 0 ? `${server}/${name}` : name));
}

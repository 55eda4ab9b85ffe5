/** Who does something in another Deputy, from the called agent down, as that Deputy says it: read at the door. */
import type { Json } from '../json.ts';
import { oneLine } from './clean-text.ts';

/** Links of a chain, and characters of a name. */
const most = { links: 32, name: 200 } as const;

/** @returns the chain below us: its first is `server/agent`. Undefined where it is none. */
export function chainBelow(server: string, value: Json | undefined): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > most.links) return undefined;
  const names = value.map((name) => (typeof name === 'string' ? oneLine(name, most.name) : ''));
  return names.includes('') ? undefined : names.map((name, at) => (at === 0 ? `${server}/${name}` : name));
}

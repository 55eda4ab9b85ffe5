/** Where a value came from: one spot a value, a tree of the same shape as the value. */
import type { Place, Source, Span } from './source.ts';

export interface Spot {
  source: Source;
  /** Of its key, where it has one. */
  key?: Span;
  value: Span;
  children: Map<string | number, Spot>;
  /** The value could not be had: it names this environment variable, which is not set. */
  unset?: string;
}

export type Path = readonly (string | number)[];

/** The spot at `path`, or of its nearest ancestor that was written; then `missing` is the step that was not. */
export function spotAt(root: Spot, path: Path): { spot: Spot; missing?: string | number } {
  let spot = root;
  for (const step of path) {
    const next = spot.children.get(step);
    if (next === undefined) return { spot, missing: step };
    spot = next;
  }
  return { spot };
}

/** Its value, or its key where it has one; what has no extent (an empty value) is shown at its key. */
export function placeOf(spot: Spot, part: 'value' | 'key' = 'value'): Place {
  const span = part === 'key' || spot.value[0] === spot.value[1] ? (spot.key ?? spot.value) : spot.value;
  return { source: spot.source, span };
}

/** The place at `path`; where nothing was written there, the key that should hold it, or the text that stands for a list. */
export function placeAt(root: Spot, path: Path, part: 'value' | 'key' = 'value'): Place {
  const { spot, missing } = spotAt(root, path);
  return placeOf(spot, missing === undefined ? part : typeof missing === 'number' ? 'value' : 'key');
}

/** `agents.triage.tools[0]`. */
export function pathName(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

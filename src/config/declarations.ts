/** Everything that the files declare, by name, each entry with its place. A name belongs to one file. */
import type { AgentEntry, ModelEntry, ServerEntry } from './schema.ts';
import type { Problems } from './problem.ts';
import { placeAt, placeOf, spotAt, type Path, type Spot } from './spot.ts';
import type { Place } from './source.ts';

export interface Declared<T> {
  value: T;
  spot: Spot;
}

/** An agent's entry with what its card says in the words of Claude Code already translated. */
export type DeclaredAgent = Declared<AgentEntry> & {
  /** Globs of tools that it must not have, though `tools` reach them. */
  withoutTools: string[];
};

export interface Declarations {
  models: Map<string, Declared<ModelEntry>>;
  servers: Map<string, Declared<ServerEntry>>;
  agents: Map<string, DeclaredAgent>;
  /** Names whose entries could not be read: whoever refers to them is not at fault. */
  broken: Set<string>;
}

export const noDeclarations = (): Declarations => ({
  models: new Map(),
  servers: new Map(),
  agents: new Map(),
  broken: new Set(),
});

export function declare<T extends Declared<unknown>>(
  into: Map<string, T>,
  kind: 'model' | 'server' | 'agent',
  name: string,
  declared: T,
  problems: Problems,
): void {
  const first = into.get(name);
  if (first === undefined) {
    into.set(name, declared);
    return;
  }
  problems.error('E_DUPLICATE', placeOf(declared.spot, 'key'), `the ${kind} "${name}" is declared twice`, {
    help: 'rename one of them, or remove it',
    related: [{ message: 'first declared here', place: placeOf(first.spot, 'key') }],
  });
}

export const valueOf = (declared: Declared<unknown>, ...path: Path): Place => placeAt(declared.spot, path);
export const keyOf = (declared: Declared<unknown>, ...path: Path): Place => placeAt(declared.spot, path, 'key');
export const isWritten = (declared: Declared<unknown>, ...path: Path): boolean =>
  spotAt(declared.spot, path).missing === undefined;

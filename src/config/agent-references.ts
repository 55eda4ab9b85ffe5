import type { Declared } from './declarations.ts';
import type { AgentEntry } from './schema.ts';
import type { Path } from './spot.ts';

/** The name of an agent, where an agent's entry says it: in its `agents`, or in its `steps`. */
export interface AgentReference {
  name: string;
  path: Path;
}

export function agentReferences({ value }: Declared<Pick<AgentEntry, 'agents' | 'steps'>>): AgentReference[] {
  const { agents = [], steps = [] } = value;
  const ofSteps = steps.flatMap((step, index): AgentReference[] => {
    if (typeof step === 'string') return [{ name: step, path: ['steps', index] }];
    const { parallel = [], map } = step;
    return [
      ...parallel.map((name, at) => ({ name, path: ['steps', index, 'parallel', at] })),
      ...(map === undefined ? [] : [{ name: map, path: ['steps', index, 'map'] }]),
    ];
  });
  return [...agents.map((name, index) => ({ name, path: ['agents', index] })), ...ofSteps];
}

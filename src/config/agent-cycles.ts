/** Agents that reach themselves through `agents:` or `steps:` need a bound on how deep they go. */
import { valueOf, type Declarations } from './declarations.ts';
import { agentReferences } from './agent-references.ts';
import type { Problems } from './problem.ts';

/** Reports every circle in which no agent has a `limits.depth` of its own, once, at the reference that closes it. */
export function refuseCycles({ agents }: Declarations, problems: Problems): void {
  const done = new Set<string>();
  for (const start of agents.keys()) visit(start, []);

  function visit(name: string, path: string[]): void {
    const declared = agents.get(name);
    // A circle through a bounded agent ends there.
    if (declared === undefined || done.has(name) || declared.value.limits?.depth !== undefined) return;
    for (const { name: next, path: reference } of agentReferences(declared)) {
      const at = [...path, name].indexOf(next);
      if (at === -1) {
        visit(next, [...path, name]);
        continue;
      }
      const circle = [...path, name].slice(at);
      problems.error(
        'E_CYCLE',
        valueOf(declared, ...reference),
        `agents call each other in a circle: ${[...circle, next].join(' -> ')}`,
        {
          help: `give one of them a depth, for example agents.${next}.limits: { depth: 3 }; or remove this reference`,
        },
      );
    }
    done.add(name);
  }
}

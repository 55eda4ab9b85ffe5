/** Composed agents that other people may call, and that run an agent for each item of a list of any length. */
import type { AgentConfig, ServeConfig } from './config.ts';
import { valueOf, type Declarations } from './declarations.ts';
import type { Problems } from './problem.ts';

/** So many runs are a bound still; the defaults are far below. */
const mostRuns = 1000;

/** The list comes from a model or a caller. What bounds its length are the agents and calls that a task may make. */
export function warnUnboundedFanOut(
  { agents, serve }: { agents: AgentConfig[]; serve: ServeConfig },
  declarations: Declarations,
  problems: Problems,
): void {
  for (const { name, model, limits } of agents) {
    const declared = declarations.agents.get(name);
    if (declared === undefined || model.provider !== 'plan' || !serve.expose.includes(name)) continue;
    const isBounded =
      (limits.agents ?? 0) <= mostRuns ||
      (limits.toolCalls ?? 0) <= mostRuns ||
      limits.tokens !== undefined ||
      limits.cost !== undefined ||
      limits.time !== undefined;
    const at = model.steps.findIndex((step) => 'map' in step);
    if (isBounded || at === -1) continue;
    problems.warn(
      'W_FANOUT',
      valueOf(declared, 'steps', at),
      `agents.${name} may run as many agents as whoever makes the list likes, up to ${Math.min(limits.agents ?? 0, limits.toolCalls ?? 0)}`,
      { help: `bound what they cost, for example agents.${name}.limits: { tokens: 2M }; or lower \`agents\`` },
    );
  }
}

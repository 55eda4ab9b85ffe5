/** `steps`: an agent that is composed of others, and has no model. */
import { defaultLimits } from '../agent/limits.ts';
import type { PlanStep } from '../agent/plan.ts';
import { isWritten, keyOf, valueOf, type DeclaredAgent } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { StepEntry } from './schema-steps.ts';
import { type Path, spotAt } from './spot.ts';

/** Keys that only a model could make use of: what to do with what they hold. */
const ofModels: readonly (readonly [path: Path, help: string])[] = [
  [['model'], 'remove it: the agents of its steps think'],
  [['instructions'], 'remove it, nobody would read it: tell the agents of its steps'],
  [['tools'], 'remove it: give the tools to the agents of its steps'],
  [['agents'], 'remove it: what it calls are the agents of its steps'],
  [['hooks', 'before_model'], 'remove it, or give it to the agents of its steps'],
  [['hooks', 'after_model'], 'remove it, or give it to the agents of its steps'],
];

/** @returns undefined after a fault, which has been reported. */
export function readSteps(name: string, declared: DeclaredAgent, problems: Problems): PlanStep[] | undefined {
  for (const [path, help] of ofModels) {
    if (!isWritten(declared, ...path)) continue;
    problems.error(
      'E_VALUE',
      keyOf(declared, ...path),
      `agents.${name} has \`steps\`, so no model thinks for it, and \`${path.join('.')}\` means nothing`,
      { help },
    );
  }
  const steps = declared.value.steps?.map((step, index) => readStep(name, step, index, declared, problems));
  if (steps?.every((step) => step !== undefined) !== true) return undefined;
  refuseTooLow(name, steps, declared, problems);
  return steps;
}

/** Limits that the steps could not hold, whatever the agents answer. A `map` may have nothing to run. */
function refuseTooLow(name: string, steps: readonly PlanStep[], declared: DeclaredAgent, problems: Problems): void {
  const sure = steps.filter((step) => !('map' in step));
  const calls = sure.reduce((sum, step) => sum + ('parallel' in step ? step.parallel.length : 1), 0);
  const { limits = {} } = declared.value;
  const least: [key: 'turns' | 'tool_calls' | 'agents' | 'depth', needed: number, usual: number][] = [
    ['turns', sure.length + 1, defaultLimits.turns],
    ['tool_calls', calls, defaultLimits.toolCalls],
    ['agents', calls, defaultLimits.agents],
    ['depth', Math.min(calls, 1), defaultLimits.depth],
  ];
  for (const [key, needed, usual] of least) {
    if ((limits[key] ?? usual) >= needed) continue;
    const place = isWritten(declared, 'limits', key) ? valueOf(declared, 'limits', key) : keyOf(declared, 'steps');
    problems.error('E_VALUE', place, `agents.${name}.limits.${key} must be at least ${needed} for its steps`, {
      help: `write agents.${name}.limits: { ${key}: ${needed} }`,
    });
  }
}

function readStep(
  name: string,
  step: StepEntry,
  index: number,
  declared: DeclaredAgent,
  problems: Problems,
): PlanStep | undefined {
  if (typeof step === 'string') return { run: step };
  const { parallel, map, over } = step;
  if (parallel !== undefined && map === undefined && over === undefined) return { parallel };
  if (parallel === undefined && map !== undefined && over !== undefined) return { map, over };
  // An unknown key may be the one that is missing: it has been reported.
  const written = [...spotAt(declared.spot, ['steps', index]).spot.children.keys()];
  if (written.some((key) => !Object.hasOwn(step, key))) return undefined;
  const [at, fault, help] =
    parallel !== undefined
      ? ([map === undefined ? 'over' : 'map', 'does two things', 'write one step after the other'] as const)
      : map !== undefined
        ? (['map', 'does not say over which list', `add the key that holds it: { map: ${map}, over: KEY }`] as const)
        : ([
            'over',
            'does not say what runs',
            'write { map: AGENT, over: KEY } or { parallel: [AGENT, AGENT] }',
          ] as const);
  const isThere = isWritten(declared, 'steps', index, at);
  const place = isThere ? keyOf(declared, 'steps', index, at) : valueOf(declared, 'steps', index);
  problems.error('E_VALUE', place, `agents.${name}.steps[${index}] ${fault}`, { help });
  return undefined;
}

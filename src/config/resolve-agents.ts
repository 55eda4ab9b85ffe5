/** Turns declared agents into agents whose every reference leads somewhere. */
import type { HookPlace } from '../agent/hooks.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { schemaFault } from '../json-schema.ts';
import { refuseCycles } from './agent-cycles.ts';
import { suggestion } from './closest.ts';
import type { AgentConfig, LimitsConfig, ModelConfig } from './config.ts';
import { isWritten, keyOf, valueOf, type Declarations, type Declared, type DeclaredAgent } from './declarations.ts';
import type { Problems } from './problem.ts';
import { readHooks } from './resolve-hooks.ts';
import { clientModel, type ModelFor } from './resolve-models.ts';
import { readSteps } from './resolve-steps.ts';
import { agentReferences } from './agent-references.ts';
import { modelsOf } from './models-of.ts';
import { resolvePermissions } from './resolve-permissions.ts';
import { readTools } from './resolve-tools.ts';
import type { AgentEntry, FileEntry } from './schema.ts';
import type { Place } from './source.ts';
import { askPerson } from './tool-globs.ts';

export interface AgentNeeds {
  main: Declared<FileEntry>;
  modelFor: ModelFor;
  /** Whether it is known what a model costs. Undefined: nobody asks. */
  knownPrice?: ((model: ModelConfig) => boolean) | undefined;
  /** The folder of the configuration. */
  root: string;
  problems: Problems;
}

const agentName = /^[a-zA-Z0-9_-]{1,64}$/;
/** Tools of Deputy's own that callers see beside the agents. */
const reservedNames = ['task_get', 'task_answer', 'task_send', 'task_cancel', askPerson, 'read_result'];

export async function resolveAgents(declarations: Declarations, needs: AgentNeeds): Promise<AgentConfig[]> {
  const { main, root, problems } = needs;
  const policyFor = await resolvePermissions({ main, declarations, root, problems });
  const hooksOfFile = readHooks('', main, { declarations, root, problems });
  const agents: AgentConfig[] = [];
  for (const [name, declared] of declarations.agents) {
    checkName(name, declared, declarations, problems);
    const policy = await policyFor(name, declared);
    const agent = readAgent(name, declared, declarations, needs);
    const own = readHooks(`agents.${name}.`, declared, { declarations, root, problems });
    const hooks = [...hooksOfFile, ...own].filter(({ place }) => agent?.model.provider !== 'plan' || !isOfModel(place));
    // Whom no rule lets ask is not even offered to.
    const isMuted = policy.rules.some(
      (rule) => rule.decision === 'deny' && rule.when === undefined && rule.matches(askPerson),
    );
    if (agent !== undefined) agents.push({ ...agent, mayAskPeople: agent.mayAskPeople && !isMuted, policy, hooks });
  }
  refuseCycles(declarations, problems);
  if (declarations.agents.size === 0 && !problems.hasErrors()) {
    problems.error('E_MISSING', keyOf(needs.main, 'agents'), 'no agent is declared', {
      help: 'declare one under `agents:`, or put a card into agents/; `deputy init` makes an example',
    });
  }
  return agents;
}

/** A composed agent asks no model: hooks of the file around models are not about it. */
const isOfModel = (place: HookPlace): boolean => place === 'before_model' || place === 'after_model';

function checkName(name: string, declared: DeclaredAgent, { servers }: Declarations, problems: Problems): void {
  const server = [...servers.keys()].find((server) => name.startsWith(`${server}__`));
  if (!agentName.test(name)) {
    problems.error('E_NAME', keyOf(declared), `${JSON.stringify(name)} cannot be an agent's name`, {
      help: 'use up to 64 letters, digits, "_" and "-": it is a tool name for callers',
    });
  } else if (reservedNames.includes(name)) {
    problems.error('E_NAME', keyOf(declared), `"${name}" is the name of a tool of Deputy's own`, {
      help: 'call the agent something else',
    });
  } else if (server !== undefined) {
    problems.error('E_NAME', keyOf(declared), `"${name}" could be taken for a tool of the server "${server}"`, {
      help: `names that begin with ${server}__ belong to that server`,
    });
  }
}

function readAgent(
  name: string,
  declared: DeclaredAgent,
  declarations: Declarations,
  needs: AgentNeeds,
): Omit<AgentConfig, 'policy' | 'hooks'> | undefined {
  const { value: entry } = declared;
  const { problems } = needs;
  const limits = readLimits(entry.limits ?? {});
  const model = readModel(name, declared, needs);
  if (entry.description === undefined && !isWritten(declared, 'description')) {
    problems.error('E_MISSING', keyOf(declared), `agents.${name} needs the key "description"`, {
      help: 'say what callers can use it for: it is all that they see',
    });
  }
  checkPrice(name, declared, model, needs);
  checkReferences(name, declared, declarations, problems);
  const input = readSchema(name, 'input', declared, problems);
  const output = readSchema(name, 'output', declared, problems);
  const tools = readTools(name, declared, declarations, problems);
  const tasksAtWork = entry.limits?.tasks;
  if (model === undefined || entry.description === undefined) return undefined;
  return {
    name,
    description: entry.description,
    instructions: entry.instructions ?? '',
    model,
    ...tools,
    agents: [...new Set(agentReferences(declared).map((reference) => reference.name))],
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    limits,
    ...(tasksAtWork === undefined ? {} : { tasksAtWork }),
  };
}

function readModel(
  name: string,
  declared: DeclaredAgent,
  { main, modelFor, problems }: AgentNeeds,
): AgentConfig['model'] | undefined {
  if (isWritten(declared, 'steps')) {
    const steps = readSteps(name, declared, problems);
    return steps === undefined ? undefined : { provider: 'plan', steps };
  }
  const referred = (reference: string, place: Place) =>
    reference === clientModel ? ({ provider: clientModel } as const) : modelFor(reference, place);
  if (declared.value.model !== undefined) return referred(declared.value.model, valueOf(declared, 'model'));
  if (isWritten(declared, 'model')) return undefined;
  if (main.value.model !== undefined) return referred(main.value.model, valueOf(main, 'model'));
  if (!isWritten(main, 'model')) {
    problems.error('E_MISSING', keyOf(declared), `agents.${name} needs the key "model"`, {
      help: 'write provider/model, for example model: anthropic/claude-opus-5-5; or a top-level `model:` for all agents',
    });
  }
  return undefined;
}

function checkPrice(
  name: string,
  declared: DeclaredAgent,
  model: AgentConfig['model'] | undefined,
  { knownPrice, problems }: AgentNeeds,
): void {
  if (model === undefined || knownPrice === undefined) return;
  const free = modelsOf({ model }).find(
    (one) => one.provider !== 'scripted' && one.price === undefined && !knownPrice(one),
  );
  if (free === undefined) return;
  const help = `give it a price in \`models\`: price: { input: ..., output: ... } (USD per million tokens)`;
  if (declared.value.limits?.cost !== undefined) {
    problems.error(
      'E_PRICE',
      valueOf(declared, 'limits', 'cost'),
      `agents.${name}.limits.cost cannot hold: what ${free.provider}/${free.model} costs is not known`,
      { help },
    );
  } else {
    const place = isWritten(declared, 'model') ? valueOf(declared, 'model') : keyOf(declared);
    problems.warn(
      'W_PRICE',
      place,
      `what ${free.provider}/${free.model} costs is not known, so its cost is shown as unknown`,
      { help },
    );
  }
}

function checkReferences(
  name: string,
  declared: DeclaredAgent,
  { agents, broken }: Declarations,
  problems: Problems,
): void {
  for (const { name: other, path } of agentReferences(declared)) {
    if (agents.has(other) || broken.has(`agents.${other}`)) continue;
    const names = [...agents.keys()].filter((known) => known !== name);
    problems.error(
      'E_REFERENCE',
      valueOf(declared, ...path),
      `unknown agent ${JSON.stringify(other)} in agents.${name}.${path[0] === 'steps' ? 'steps' : 'agents'}`,
      {
        help: suggestion(other, names, 'declared agents'),
      },
    );
  }
}

function readSchema(
  name: string,
  key: 'input' | 'output',
  declared: DeclaredAgent,
  problems: Problems,
): JsonObject | undefined {
  // YAML was read into plain values, and the check of the format has seen that this is a map.
  const schema = declared.value[key] as JsonObject | undefined;
  if (schema === undefined) return undefined;
  if (schema['type'] !== 'object') {
    const place = isWritten(declared, key, 'type') ? valueOf(declared, key, 'type') : keyOf(declared, key);
    problems.error('E_SCHEMA', place, `agents.${name}.${key} must be a JSON Schema with type: object`, {
      help: 'MCP tools take and give objects',
    });
    return undefined;
  }
  const fault = schemaFault(schema);
  if (fault === undefined) return schema;
  const [, pointer, why] = /^schema is invalid: data\/?(\S*) (.*)$/.exec(fault) ?? [undefined, '', fault];
  const path = (pointer ?? '').split('/').filter((step) => step !== '');
  problems.error(
    'E_SCHEMA',
    valueOf(declared, key, ...indexed(path, schema)),
    `agents.${name}.${[key, ...path].join('.')} is no JSON Schema: ${why}`,
  );
  return undefined;
}

/** A JSON pointer's steps, with those into lists as numbers. */
function indexed(path: string[], schema: JsonObject): (string | number)[] {
  let at: unknown = schema;
  return path.map((step) => {
    const isIndex = Array.isArray(at);
    at = isIndex ? (at as unknown[])[Number(step)] : isJsonObject(at) ? at[step] : undefined;
    return isIndex ? Number(step) : step;
  });
}

function readLimits(entry: NonNullable<AgentEntry['limits']>): LimitsConfig {
  const { tool_calls: toolCalls, parallel_tools: parallelTools, same_call: sameCall, on_limit: onLimit } = entry;
  const { turns, depth, agents, tokens, cost, time } = entry;
  return Object.fromEntries(
    Object.entries({ turns, toolCalls, parallelTools, depth, agents, tokens, cost, time, sameCall, onLimit }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

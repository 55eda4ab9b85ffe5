/** Agents: the entries of `agents`, and cards. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { hooksSchema, permissionsSchema } from './schema-permissions.ts';
import { stepsSchema } from './schema-steps.ts';
import { duration, money, number, size, texts } from './schema-values.ts';

const jsonSchema = () => z.record(z.string(), z.unknown());

const limits = z
  .strictObject({
    turns: number(1, 10_000).optional().describe('Model replies a task. Default 50.'),
    tool_calls: number(0, 100_000).optional().describe('Tool calls a task. Default 200.'),
    parallel_tools: number(1, 1000).optional().describe('Tool calls side by side. Default 8.'),
    depth: number(0, 100).optional().describe('Agents under agents. Default 5.'),
    agents: number(0, 1_000_000).optional().describe('Agents run below it, all levels together. Default 200.'),
    tokens: size().optional().describe('Input and output tokens a task, nested agents included: 400k.'),
    cost: money().optional().describe('Money a task, nested agents included: 2 USD.'),
    time: duration().optional().describe('Time a task, without that of waiting for people: 20m.'),
    same_call: number(1, 1000)
      .optional()
      .describe('How often a task may make the same call with the same arguments. Default 3.'),
    tasks: number(1, 1_000_000).optional().describe('Tasks of this agent at work at once; the others wait their turn.'),
    on_limit: z
      .enum(['stop', 'ask'])
      .optional()
      .describe('At a limit: `stop` with a result that names it (the default), or `ask` a person whether to go on.'),
  })
  .register(keyRules, otherKeys.limits);

const agentKeys = {
  description: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .describe('What callers see: when to use this agent, and for what. Required, here or in its card.'),
  model: z
    .string()
    .optional()
    .describe(
      'A name from `models`, `provider/model`, or `client`: the model of whoever calls. Default: the top-level `model`.',
    ),
  instructions: z.string().optional().describe('What the agent is told. A card in agents/NAME.md may hold it instead.'),
  tools: texts()
    .optional()
    .describe(
      '`server/tool` globs, files/read_*, github/*; and `ask_person`, to put questions to people. Nothing is implied.',
    ),
  agents: texts().optional().describe('Other agents that this one has as tools.'),
  steps: stepsSchema
    .optional()
    .describe(
      'Instead of a model: the agents that it runs, one after the other, each with the answer of the one before.',
    ),
  input: jsonSchema().optional().describe('JSON Schema of what callers send. Default: { message, conversation? }.'),
  output: jsonSchema().optional().describe('JSON Schema of the answer, where it is not free text.'),
  permissions: permissionsSchema
    .optional()
    .describe('Which calls of its tools need a person, which are refused. They hold for agents that it calls as well.'),
  hooks: hooksSchema.optional().describe('Code of yours at fixed places of its work, after that of the file.'),
  limits: limits.optional().describe('What ends a task early. Every limit has a default or is open.'),
};

export const agentSchema = z.strictObject(agentKeys).register(keyRules, otherKeys.agent);

/** The front matter of agents/NAME.md: our keys, and those of Claude Code's agent files that mean something here. */
export const cardSchema = z
  .strictObject({
    ...agentKeys,
    name: z.string().optional(),
    tools: z.union([z.string(), texts()], { error: 'must be a list, or text with commas' }).optional(),
    disallowedTools: z.union([z.string(), texts()], { error: 'must be a list, or text with commas' }).optional(),
    maxTurns: number(1, 10_000).optional(),
  })
  .register(keyRules, otherKeys.card);

/** agents/NAME.yaml. */
export const yamlCardSchema = z
  .strictObject({ ...agentKeys, name: z.string().optional() })
  .register(keyRules, otherKeys.card);

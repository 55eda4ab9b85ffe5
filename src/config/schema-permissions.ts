/** `permissions` and `hooks`: what agents may do, and the operator's own code around what they do. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { duration, texts } from './schema-values.ts';

const ruleKeys = {
  tool: z.string().describe('A `server/tool` glob, the name of an agent, `ask_person`, or `*` for all of them.'),
  when: z
    .string()
    .optional()
    .describe(
      "Only where this holds: CEL over `args`, `tool`, `server`, `effect`, `agent` and `owner`, such as args.path.startsWith('drafts/').",
    ),
};
/** Schemas with an id stand once in the JSON Schema, wherever they are used. */
const rule = z.strictObject(ruleKeys).meta({ id: 'rule' }).register(keyRules, otherKeys.rule);
const askRule = z
  .strictObject({
    ...ruleKeys,
    expires: duration().optional().describe('How long it waits for a person; then it is a denial. Default 24h.'),
  })
  .meta({ id: 'askRule' })
  .register(keyRules, otherKeys.askRule);

const rules = <T extends z.ZodType>(rule: T) =>
  z.array(z.union([z.string(), rule], { error: 'must be a server/tool glob, or { tool, when }' }));

export const permissionsSchema = z
  .strictObject({
    allow: rules(rule).optional().describe('Calls that need nobody. Without any rule only tools of `effect: read` do.'),
    ask: rules(askRule).optional().describe('Calls that a person approves first. Stronger than `allow`.'),
    deny: rules(rule).optional().describe('Calls that are refused. Stronger than `ask` and `allow`.'),
  })
  .meta({ id: 'permissions' })
  .register(keyRules, otherKeys.permissions);

const hookObject = z
  .strictObject({
    module: z
      .string()
      .optional()
      .describe(
        'A JavaScript or TypeScript file that exports a function a place: export default { before_tool(input) { ... } }.',
      ),
    command: texts()
      .min(1, 'must name a program')
      .optional()
      .describe('A program and its arguments: JSON comes on stdin, its answer goes to stdout. No shell is involved.'),
    match: z
      .union([z.string(), texts()], { error: 'must be a server/tool glob or a list of them' })
      .optional()
      .describe('Of the places around a tool: only these tools, as `server/tool` globs. Default: all.'),
    timeout: duration().optional().describe('How long it may take; then the call is denied. Default 10s.'),
  })
  .meta({ id: 'hook' })
  .register(keyRules, otherKeys.hook);

const oneHook = z.union([z.string(), hookObject], { error: 'must be a file, or { module } or { command }' });
const hook = () => z.union([z.string(), hookObject, z.array(oneHook)], { error: 'must be a file, a hook or a list' });

/** A place each; what it may do there stands at its description. */
export const hooksSchema = z
  .strictObject({
    task_start: hook().optional().describe('When a task begins. May change the message.'),
    task_end: hook().optional().describe('When there is an answer. May change its text.'),
    before_model: hook().optional().describe('Before the model is asked. May deny.'),
    after_model: hook().optional().describe('After the model replied. May deny.'),
    before_tool: hook().optional().describe('Before a tool is called. May change its arguments, or deny.'),
    after_tool: hook().optional().describe('After a tool was called. May change the text of its result.'),
    on_approval: hook().optional().describe('Before a person is asked about a call. May deny it at once.'),
  })
  .meta({ id: 'hooks' })
  .register(keyRules, otherKeys.hooks);

export type PermissionsEntry = z.output<typeof permissionsSchema>;
export type HooksEntry = z.output<typeof hooksSchema>;

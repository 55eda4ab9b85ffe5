/**
 * The format of agents.yaml: one zod schema, from which the check, the types and the editors' JSON Schema come.
 * Every key has a description. Whatever one file cannot decide alone (references, what a card holds) is checked later.
 */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { agentSchema } from './schema-agents.ts';
import { modelSchema } from './schema-models.ts';
import { hooksSchema, permissionsSchema } from './schema-permissions.ts';
import { serverSchema } from './schema-servers.ts';
import { serveSchema } from './schema-serve.ts';
import { duration, texts } from './schema-values.ts';

const store = z
  .strictObject({
    sqlite: z
      .string()
      .min(1, 'must name a file, or :memory:')
      .optional()
      .describe('A file, relative to the folder of agents.yaml, or `:memory:`. Default ./.deputy/deputy.db.'),
    postgres: z
      .string()
      .optional()
      .describe(
        'A PostgreSQL database that several processes share, on one machine or many: "${env:DATABASE_URL}". Deputy keeps its tables in the schema `deputy`.',
      ),
    keep: z
      .union([duration(), z.literal('forever')], { error: 'must be a duration like 7d, or forever' })
      .optional()
      .describe('How long a task is remembered, from its start. Default 7d.'),
    keep_journal: z
      .union([duration(), z.literal('forever')], { error: 'must be a duration like 14d, or forever' })
      .optional()
      .describe(
        'How long the record of what it did is kept, from its start, for you alone. Default: as long as `keep`.',
      ),
  })
  .register(keyRules, otherKeys.store);

const shared = {
  models: z.record(z.string(), modelSchema).optional().describe('Names for models and their settings.'),
  mcpServers: z
    .record(z.string(), serverSchema)
    .optional()
    .describe('The MCP servers whose tools agents may use; entries of a .mcp.json can be pasted in.'),
  agents: z.record(z.string(), agentSchema).optional().describe('The agents, by name. Cards in agents/ add to them.'),
  include: z
    .union([z.string(), texts()], { error: 'must be a file name or a list of them' })
    .optional()
    .describe('Other files of this format whose models, servers and agents belong to this one, relative to this file.'),
};

export const fileSchema = z
  .strictObject({
    version: z.literal(1, { error: 'must be 1' }).describe('The version of this format: 1.'),
    ...shared,
    model: z
      .string()
      .optional()
      .describe('The model of agents that name none: a name from `models`, `provider/model`, or `client`.'),
    permissions: permissionsSchema
      .optional()
      .describe('For every agent, beside its own: among all rules that match, deny beats ask beats allow.'),
    hooks: hooksSchema.optional().describe('For every agent: code of yours at fixed places of its work.'),
    serve: serveSchema.optional().describe('How the network is served over MCP.'),
    store: store.optional().describe('Where tasks are kept.'),
  })
  .register(keyRules, otherKeys.file);

/** A file that `include` brings in. */
export const includedSchema = z
  .strictObject({ version: z.literal(1, { error: 'must be 1' }).optional(), ...shared })
  .register(keyRules, otherKeys.included);

export type FileEntry = z.output<typeof fileSchema>;
export type ModelEntry = z.output<typeof modelSchema>;
export type ServerEntry = z.output<typeof serverSchema>;
export type AgentEntry = z.output<typeof agentSchema>;

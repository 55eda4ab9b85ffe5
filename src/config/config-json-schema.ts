/** The JSON Schema of agents.yaml, for editors: generated from the schema that `loadConfig` checks with. */
import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { fileSchema } from './schema.ts';

/** Draft 7, which every YAML extension reads. */
export function configJsonSchema(): JsonObject {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' });
  const head = { $schema, title: 'agents.yaml', description: 'A network of agents that Deputy serves as MCP tools.' };
  // Through JSON: zod hangs a validator of its own on the object.
  return JSON.parse(JSON.stringify({ ...head, ...schema })) as JsonObject;
}

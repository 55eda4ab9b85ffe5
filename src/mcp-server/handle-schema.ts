/** How a task's handle is declared, beside what an agent answers. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

type ObjectSchema = JsonObject & { type: 'object' };

/** Of a `Handle`, and of what the handle tools answer. */
export const handleSchema: ObjectSchema = {
  type: 'object',
  properties: {
    task: { type: 'string', description: 'The id of a task that is not over yet: see the tool task_get.' },
    status: { type: 'string', enum: ['working', 'input_required', 'completed', 'failed', 'cancelled'] },
    message: { type: 'string' },
    questions: { type: 'array', items: { type: 'object' } },
    result: { type: 'object', description: 'The answer, once there is one.' },
  },
  required: ['task', 'status', 'message'],
};

/**
 * What a call of an agent may be answered with: its output, or the handle of its task. The root must be an object schema
 * (2025-11-25, tools, "Output Schema"); references into the output's own schema follow it to its new place.
 */
export function orHandle(output: JsonObject): ObjectSchema {
  const { $schema, ...nested } = output;
  return {
    ...($schema !== undefined && { $schema }),
    type: 'object',
    anyOf: [output['$id'] === undefined ? moved(nested) : nested, handleSchema],
  };
}

/** Keywords whose value is data, not a schema. */
const data = new Set(['const', 'enum', 'default', 'examples']);

function moved(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (keyword === '$ref' && typeof value === 'string') return [keyword, value.replace(/^#(?=$|\/)/, '#/anyOf/0')];
      return [keyword, data.has(keyword) ? value : movedIn(value)];
    }),
  );
}

function movedIn(value: Json): Json {
  if (Array.isArray(value)) return value.map(movedIn);
  return isJsonObject(value) ? moved(value) : value;
}

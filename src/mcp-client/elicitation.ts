/**
 * `elicitation/create` from a server, read at the door: what is not a flat form or a page on an allowed host goes no
 * further. Of a schema only what the specification knows of is taken over (2025-11-25 and 2026-07-28, elicitation,
 * "Requested Schema"), so that nothing in it can cost time or hide.
 */
import { specTypeSchemas } from '@modelcontextprotocol/client';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { InputRequest } from '../task/question.ts';
import { isDeep } from './bounded-schema.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import type { ServerOptions } from './options.ts';
import { allowedPage } from './url-hosts.ts';

export type Elicitation =
  | { kind: 'question'; request: InputRequest }
  /** It may not be asked; nobody is. */
  | { kind: 'refused'; why: string }
  /** It is no question. */
  | { kind: 'malformed'; why: string };

export function readElicitation(
  { mode = 'form', ...params }: JsonObject,
  { urlHosts = [] }: Pick<ServerOptions, 'urlHosts'>,
): Elicitation {
  const message = params['message'];
  if (typeof message !== 'string') return malformed('a question without a message');
  const said = capped(withoutInvisible(message.slice(0, 4 * most.message)), most.message);
  if (mode === 'form') return readForm(said, params['requestedSchema']);
  if (mode !== 'url') return malformed(`a question of the unknown mode ${JSON.stringify(mode).slice(0, 100)}`);
  const page = allowedPage(params['url'], urlHosts);
  if ('fault' in page) return { kind: 'refused', why: page.fault };
  const id = params['elicitationId'];
  const elicitationId = typeof id === 'string' ? id.slice(0, most.id) : '';
  return { kind: 'question', request: { kind: 'url', message: said, url: page.href, elicitationId } };
}

/** Characters, levels, fields. */
const most = { message: 4_000, id: 1_024, schema: 64 * 1024, levels: 8, fields: 50, text: 1_000 } as const;

function readForm(message: string, schema: Json | undefined): Elicitation {
  if (!isJsonObject(schema) || schema['type'] !== 'object' || !isJsonObject(schema['properties']))
    return malformed('a form whose schema is no object with properties');
  if (isDeep(schema, most.levels)) return malformed(`a form whose schema is over ${most.levels} levels deep`);
  if (JSON.stringify(schema).length > most.schema)
    return malformed(`a form whose schema is over ${most.schema / 1024} KiB`);
  const fields = Object.entries(schema['properties']);
  if (fields.length > most.fields) return malformed(`a form with over ${most.fields} fields`);
  const properties: [string, JsonObject][] = [];
  for (const [name, field] of fields) {
    const read = readField(field);
    if (read === undefined || withoutInvisible(name) !== name)
      return malformed(`a form whose field ${JSON.stringify(name).slice(0, 100)} is of no kind that there is`);
    properties.push([name, read]);
  }
  const required = Array.isArray(schema['required'])
    ? schema['required'].filter((name) => fields.some(([known]) => known === name))
    : [];
  return {
    kind: 'question',
    request: {
      kind: 'form',
      message,
      schema: { type: 'object', properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) },
    },
  };
}

/** With the keywords of its kind alone. */
function readField(field: Json): JsonObject | undefined {
  const read = specTypeSchemas.PrimitiveSchemaDefinition['~standard'].validate(field);
  return read.issues === undefined ? (readable(read.value as Json) as JsonObject) : undefined;
}

/** Titles and descriptions without what nobody can see. What an answer must be equal to stays as it is. */
function readable(value: Json): Json {
  if (Array.isArray(value)) return value.map(readable);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      (key === 'title' || key === 'description') && typeof part === 'string'
        ? capped(withoutInvisible(part), most.text)
        : readable(part),
    ]),
  );
}

const malformed = (why: string): Elicitation => ({ kind: 'malformed', why });

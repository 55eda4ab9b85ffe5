/** Which answer schemas a provider can be held to, token by token. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/**
 * Keywords that OpenAI's strict mode takes (guide "Structured outputs", supported schemas); Anthropic takes fewer and
 * the rest is told to it as description.
 */
const strictKeywords = new Set(
  'type properties required additionalProperties items enum const anyOf $ref $defs title description pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems'.split(
    ' ',
  ),
);

/** For models that cannot be held to the schema. */
export const toldSchema = (schema: JsonObject): string =>
  `Your final answer must be one JSON object that fits this JSON Schema, and nothing else:\n${JSON.stringify(schema)}`;

const decided = new WeakMap<JsonObject, JsonObject | null>();

/**
 * `schema` in strict form, where that changes nothing that a writer could have meant: an object that says nothing of
 * other properties is closed; one with optional or free properties is not strict. Undefined where it is not strict.
 */
export function strictSchema(schema: JsonObject): JsonObject | undefined {
  let strict = decided.get(schema);
  if (strict === undefined) {
    strict = schema['type'] === 'object' ? close(schema, true) : null;
    decided.set(schema, strict);
  }
  return strict ?? undefined;
}

const closed = new WeakMap<JsonObject, JsonObject | null>();

/** As `strictSchema`, but properties may be optional and bounds are told, not held: what Anthropic takes. */
export function closedSchema(schema: JsonObject): JsonObject | undefined {
  let found = closed.get(schema);
  if (found === undefined) {
    const shut = schema['type'] === 'object' ? close(schema, false) : null;
    found = shut && formatOf(shut);
    closed.set(schema, found);
  }
  return found ?? undefined;
}

function close(schema: Json, allRequired: boolean): JsonObject | null {
  if (!isJsonObject(schema)) return null;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === '$id' || key === 'default' || key === 'examples') continue;
    if (allRequired && !strictKeywords.has(key)) return null;
    const inner =
      key === 'properties' || key === '$defs'
        ? closeEach(value, allRequired)
        : key === 'items'
          ? close(value, allRequired)
          : key === 'anyOf' || key === 'oneOf' || key === 'allOf'
            ? closeAll(value, allRequired)
            : value;
    if (inner === null && value !== null) return null;
    result[key] = inner;
  }
  if (result['type'] === 'array' && result['items'] === undefined) return null;
  if (result['type'] !== 'object') return hasShape(result) ? result : null;
  const properties = Object.keys(isJsonObject(result['properties']) ? result['properties'] : {});
  const others = result['additionalProperties'];
  if (properties.length === 0 || (others !== undefined && others !== false)) return null;
  const required = Array.isArray(result['required']) ? result['required'] : [];
  if (allRequired && !properties.every((name) => required.includes(name))) return null;
  return { ...result, additionalProperties: false };
}

const hasShape = (schema: JsonObject): boolean =>
  ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref'].some((key) => schema[key] !== undefined);

function closeEach(schemas: Json, allRequired: boolean): JsonObject | null {
  if (!isJsonObject(schemas)) return null;
  const result: JsonObject = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const inner = close(schema, allRequired);
    if (inner === null) return null;
    result[name] = inner;
  }
  return result;
}

function closeAll(schemas: Json, allRequired: boolean): Json[] | null {
  if (!Array.isArray(schemas)) return null;
  const result = schemas.map((schema) => close(schema, allRequired));
  return result.includes(null) ? null : result;
}

const boundKeywords =
  /^(minimum|maximum|exclusiveM|multipleOf|minLength|maxLength|maxItems|uniqueItems|pattern|minP|maxP)/;

/**
 * The API refuses bounds ("Structured outputs", JSON Schema limitations): they are told as description, and the answer
 * is checked against the whole schema by the agent anyway.
 */
function formatOf(schema: JsonObject): JsonObject {
  const result: JsonObject = {};
  const told: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    const isBound = boundKeywords.test(key) || (key === 'minItems' && value !== 0 && value !== 1);
    if (isBound) told.push(`${key}: ${JSON.stringify(value)}`);
    else if ((key === 'properties' || key === '$defs') && isJsonObject(value)) {
      result[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, formatIfSchema(inner)]));
    } else if (key === 'items') result[key] = formatIfSchema(value);
    else if ((key === 'anyOf' || key === 'oneOf' || key === 'allOf') && Array.isArray(value)) {
      result[key === 'oneOf' ? 'anyOf' : key] = value.map(formatIfSchema);
    } else result[key] = value;
  }
  if (told.length > 0) {
    const about = typeof schema['description'] === 'string' ? `${schema['description']} ` : '';
    result['description'] = `${about}{${told.join(', ')}}`;
  }
  return result;
}

const formatIfSchema = (value: Json): Json => (isJsonObject(value) ? formatOf(value) : value);

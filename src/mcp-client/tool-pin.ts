/** What of a tool is pinned: everything that a model or a person could be told by it, as the server has it. */
import { sha256 } from '../hash.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

export const definedBy = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations', 'icons'];

/** In canonical order. */
export function definitionOf(item: JsonObject): JsonObject {
  const has = definedBy.filter((part) => item[part] !== undefined);
  return canonical(Object.fromEntries(has.map((part) => [part, item[part] ?? null]))) as JsonObject;
}

/** @returns sha256 in hex over the JSON text of a definition in canonical order. */
export const pinOf = (definition: JsonObject): string => sha256(JSON.stringify(canonical(definition)));

/** The keys of every object in order of their code units; lists keep theirs. */
function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isJsonObject(value)) return value;
  const sorted = Object.keys(value).toSorted();
  return Object.fromEntries(sorted.map((key) => [key, canonical(value[key] ?? null)]));
}

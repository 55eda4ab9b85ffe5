/**
 * Schemas from servers, before anything compiles or runs them.
 *
 * A schema of a few hundred bytes can ask for more work than there is time (`$ref`s that double at each level, a
 * unique-items test on a long list), and nothing can interrupt a check. So one that could is not run here: the server
 * checks its own arguments anyway, and an unchecked result is data like any other.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { schemaCheck, type Check } from '../json-schema.ts';
import { withoutInvisible } from './clean-text.ts';
import { bounds } from './options.ts';

const most = { depth: 64, expanded: 5_000, patterns: 50, patternLength: 512 } as const;

/** @returns why models and checks cannot have this schema; undefined when they can. */
export function schemaFault(schema: unknown): string | undefined {
  if (!isJsonObject(schema)) return 'its inputSchema is no object';
  const { type } = schema;
  if (type !== undefined && type !== 'object')
    return `its inputSchema is of type ${JSON.stringify(type)}, not "object"`;
  if (isDeep(schema, most.depth)) return `its inputSchema is over ${most.depth} levels deep`;
  if (JSON.stringify(schema).length > bounds.schema) return `its inputSchema is over ${bounds.schema / 1024} KiB`;
  return undefined;
}

/** Its titles and descriptions without what nobody can see, and `type: object` where it was left out. */
export const readableSchema = (schema: JsonObject): JsonObject => ({ type: 'object', ...cleanObject(schema) });

function cleanObject(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, cleanValue(key, value)]));
}

function cleanValue(key: string, value: Json): Json {
  if (typeof value === 'string') return key === 'description' || key === 'title' ? withoutInvisible(value) : value;
  if (Array.isArray(value)) return value.map((item) => cleanValue('', item));
  return isJsonObject(value) ? cleanObject(value) : value;
}

/** Compiled when first used; undefined where running it could take for ever. */
export function boundedCheck(schema: JsonObject): Check | undefined {
  return isRunnable(schema) ? schemaCheck(withoutUniqueItems(schema) as JsonObject) : undefined;
}

/** A value that any runnable schema can be checked against in well under a second. */
export function smallEnough(value: unknown): boolean {
  let nodes = 20_000;
  let characters = 1024 * 1024;
  const isSmall = (value: unknown): boolean => {
    nodes -= 1;
    if (typeof value === 'string') characters -= value.length;
    if (nodes < 0 || characters < 0) return false;
    if (typeof value !== 'object' || value === null) return true;
    return Object.values(value).every(isSmall);
  };
  return isSmall(value);
}

/** Follows every `$ref`: no circle, and all in all no more than `most.expanded` schemas to look at for one value. */
function isRunnable(root: JsonObject): boolean {
  if (isDeep(root, most.depth)) return false;
  let patterns = 0;
  const costs = new Map<JsonObject, number | 'open'>();
  const costOf = (value: Json, isMap: boolean): number => {
    if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + costOf(item, false), 0);
    if (!isJsonObject(value)) return 0;
    const known = costs.get(value);
    if (known === 'open') return Number.POSITIVE_INFINITY;
    if (known !== undefined) return known;
    costs.set(value, 'open');
    const cost = Object.entries(value).reduce((sum, [key, part]) => sum + costOfPart(key, part, isMap), 1);
    costs.set(value, cost);
    return cost;
  };
  const costOfPart = (key: string, part: Json, isMap: boolean): number => {
    if (isMap) return costOf(part, false);
    if (key === '$defs' || key === 'definitions') return 0; // costs where it is used
    if (key === '$ref') {
      const target = typeof part === 'string' ? targetOf(root, part) : undefined;
      return target === undefined ? Number.POSITIVE_INFINITY : costOf(target, false);
    }
    if (key === '$dynamicRef' || key === '$recursiveRef') return Number.POSITIVE_INFINITY;
    if (key === 'patternProperties' && isJsonObject(part)) patterns += Object.keys(part).length;
    if (key === 'pattern' && typeof part === 'string') {
      patterns += 1;
      if (part.length > most.patternLength) return Number.POSITIVE_INFINITY;
    }
    return costOf(part, maps.has(key));
  };
  return costOf(root, false) <= most.expanded && patterns <= most.patterns;
}

/** Keywords whose keys are names, not keywords. */
const maps = new Set(['properties', 'patternProperties', 'dependentSchemas']);

/** Only a pointer into the schema itself: nothing is fetched, and anchors are rare. */
function targetOf(root: JsonObject, ref: string): Json | undefined {
  if (!ref.startsWith('#')) return undefined;
  let at: Json | undefined = root;
  for (const step of ref.slice(1).split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = Array.isArray(at) ? at[Number(key)] : isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

const withoutUniqueItems = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutUniqueItems);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([key, part]) => key !== 'uniqueItems' || typeof part !== 'boolean');
  return Object.fromEntries(kept.map(([key, part]) => [key, withoutUniqueItems(part)]));
};

/** So deep that walking it, or writing it as JSON, could exhaust the stack. */
export function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeep(part, levels - 1));
}

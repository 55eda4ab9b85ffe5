/** Checks a value against a schema and says what is wrong, each fault at its own key or value. */
import type { z } from 'zod';
import type { $ZodIssue, $ZodType } from 'zod/v4/core';
import type { Json } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { closest, suggestion } from './closest.ts';
import { keyRules } from './other-keys.ts';
import type { Parsed } from './parse-yaml.ts';
import type { Problems } from './problem.ts';
import { pathName, placeAt, spotAt, type Path } from './spot.ts';

interface Shape<T> {
  schema: z.ZodType<T>;
  /** What paths in messages begin with: `agents.triage` for a card. */
  base: string;
}

/**
 * @returns the parts that are right: what is wrong has been reported and left out, so that later checks can go on
 * with the rest. Undefined where nothing is left.
 */
export function checkShape<T>({ value, spot }: Parsed, { schema, base }: Shape<T>, problems: Problems): T | undefined {
  const first = schema.safeParse(value);
  if (first.success) return first.data;
  for (const issue of first.error.issues.flatMap((issue) => ofBranch(issue, value))) report(issue);
  // Requirements of the format (`version`) fail again after pruning; what they ask for is no longer of interest.
  const pruned = withRequired(prune(value, first.error.issues), schema);
  const second = schema.safeParse(pruned);
  return second.success ? second.data : undefined;

  function report(issue: $ZodIssue): void {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) reportKey(path, key);
      return;
    }
    const place = placeAt(spot, path);
    const { spot: at, missing } = spotAt(spot, path);
    if (at.unset !== undefined) return;
    const last = path.at(-1);
    if (missing !== undefined && typeof last === 'string') {
      const within = named(path.slice(0, -1));
      problems.error(
        'E_MISSING',
        place,
        `${within === '' ? 'the file' : within} needs the key "${last}"`,
        missingHelp(last),
      );
      return;
    }
    const fault = describeIssue(issue, valueAt(value, path));
    problems.error(fault.code, place, `${named(path) || 'the file'} ${fault.message}`, { help: fault.help });
  }

  function reportKey(path: Path, key: string): void {
    const place = placeAt(spot, [...path, key], 'key');
    const object = objectAt(schema, path);
    const rules = object === undefined ? undefined : keyRules.get(object);
    const notBuilt = ownOf(rules?.notBuilt, key);
    const foreign = ownOf(rules?.foreign, key);
    const name = named([...path, key]);
    const within = named(path) === '' ? '' : ` in ${named(path)}`;
    if (notBuilt !== undefined) {
      problems.error('E_NOT_BUILT', place, `${name} is not built yet`, { help: notBuilt });
    } else if (foreign !== undefined) {
      problems.error('E_FOREIGN_KEY', place, `unknown key ${JSON.stringify(key)}${within}`, { help: foreign });
    } else {
      const known = Object.keys(object?._zod.def.shape ?? {});
      const planned = closest(key, Object.keys(rules?.notBuilt ?? {}));
      const help =
        planned !== undefined && closest(key, known) === undefined
          ? `did you mean "${planned}"? It is not built yet`
          : suggestion(key, known, `${rules?.thing ?? 'it'} has`);
      problems.error('E_UNKNOWN_KEY', place, `unknown key ${JSON.stringify(key)}${within}`, { help });
    }
  }

  function named(path: Path): string {
    if (base === '') return pathName(path);
    const rest = pathName(path);
    return rest === '' ? base : rest.startsWith('[') ? base + rest : `${base}.${rest}`;
  }
}

/** Keys come from outside: `constructor` is in no table. */
const ownOf = (table: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;

interface Fault {
  code: string;
  message: string;
  help?: string | undefined;
}

const missingHelp = (key: string) => (key === 'version' ? { help: 'begin the file with `version: 1`' } : {});

function describeIssue(issue: $ZodIssue, value: Json | undefined): Fault {
  const own = readCoded(issue.message);
  if (own !== undefined) return own;
  if (issue.code === 'invalid_type') {
    const expected = typeNames[issue.expected] ?? issue.expected;
    const message = `must be ${expected}, not ${kindOf(value)}`;
    return { code: 'E_TYPE', message, help: typeHelp(issue.expected, value) };
  }
  const options = optionsOf(issue);
  const near = typeof value === 'string' ? closest(value, options) : undefined;
  const help = near === undefined ? undefined : `did you mean "${near}"?`;
  if (issue.message.startsWith('must ')) return { code: 'E_VALUE', message: issue.message, help };
  if (issue.code === 'invalid_value') return { code: 'E_VALUE', message: `must be one of ${options.join(', ')}`, help };
  return { code: 'E_VALUE', message: `is wrong: ${issue.message}` };
}

/** The values that would have been right. */
function optionsOf(issue: $ZodIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(optionsOf) : [];
}

/** Of a union, the branch that takes this kind of value at all knows best what is wrong with it. */
function ofBranch(issue: $ZodIssue, value: Json): $ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const at = valueAt(value, issue.path);
  const custom = issue.errors.flat().find(({ code }) => code === 'custom');
  if (custom !== undefined) return [{ ...custom, path: [...issue.path, ...custom.path] }];
  if (!isJsonObject(at) && !Array.isArray(at)) return [issue];
  const branch = issue.errors.find((issues) =>
    issues.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value')),
  );
  if (branch === undefined || branch.length === 0) return [issue];
  return branch.flatMap((inner) => ofBranch({ ...inner, path: [...issue.path, ...inner.path] }, value));
}

function readCoded(message: string): Fault | undefined {
  return message.startsWith('{"code"') ? (JSON.parse(message) as Fault) : undefined;
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function kindOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : `${value}`;
}

function typeHelp(expected: string, value: Json | undefined): string | undefined {
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return `put it in quotes: "${value}"`;
  if (expected === 'array' && typeof value === 'string') return `write [${JSON.stringify(value)}]`;
  if (value === null) return 'write a value after the colon, or remove the key';
  return undefined;
}

/** A copy without the keys that issues are about: of a list, the whole list, so that indexes keep their meaning. */
function prune(value: Json, issues: readonly $ZodIssue[]): Json {
  const copy = structuredClone(value);
  for (const issue of issues) {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const owner = valueAt(copy, path);
      if (isJsonObject(owner)) for (const key of issue.keys) delete owner[key];
      continue;
    }
    const firstIndex = path.findIndex((step) => typeof step === 'number');
    const cut = firstIndex === -1 ? path : path.slice(0, firstIndex);
    const owner = valueAt(copy, cut.slice(0, -1));
    const last = cut.at(-1);
    if (isJsonObject(owner) && typeof last === 'string') delete owner[last];
  }
  return copy;
}

/** An object that lacks a required key is left out of the map that holds it; the file's own `version` is put in. */
function withRequired(value: Json, schema: $ZodType): Json {
  if (!isJsonObject(value)) return value;
  const object = objectAt(schema, []);
  if (object?._zod.def.shape['version'] !== undefined) value['version'] = 1;
  const again = (schema as z.ZodType).safeParse(value);
  if (again.success) return value;
  for (const { path, code } of again.error.issues) {
    const owner = path.slice(0, -2).filter((step) => typeof step !== 'symbol');
    const entry = path.at(-2);
    const map = valueAt(value, owner);
    if (code === 'invalid_type' && isJsonObject(map) && typeof entry === 'string') delete map[entry];
  }
  return value;
}

function valueAt(value: Json, path: readonly PropertyKey[]): Json | undefined {
  let at: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(at) && typeof step === 'number') at = at[step];
    else if (isJsonObject(at) && typeof step === 'string' && Object.hasOwn(at, step)) at = at[step];
    else return undefined;
  }
  return at;
}

type ObjectType = z.core.$ZodObject;

/** The object schema that holds the keys at `path`. */
function objectAt(schema: $ZodType, path: Path): ObjectType | undefined {
  let at: $ZodType | undefined = unwrap(schema);
  for (const step of path) {
    const def: z.core.$ZodTypeDef | undefined = at?._zod.def;
    let next: $ZodType | undefined;
    if (def?.type === 'object') next = (def as z.core.$ZodObjectDef).shape[step];
    else if (def?.type === 'record') next = (def as z.core.$ZodRecordDef).valueType;
    else if (def?.type === 'array') next = (def as z.core.$ZodArrayDef).element;
    at = next === undefined ? undefined : unwrap(next);
  }
  return at?._zod.def.type === 'object' ? (at as ObjectType) : undefined;
}

function unwrap(schema: $ZodType): $ZodType {
  const { def } = schema._zod;
  if (def.type === 'optional') return unwrap((def as z.core.$ZodOptionalDef).innerType);
  if (def.type === 'pipe') return unwrap((def as z.core.$ZodPipeDef).in);
  if (def.type === 'union') {
    const { options } = def as z.core.$ZodUnionDef;
    return options.map(unwrap).find((option) => option._zod.def.type === 'object') ?? schema;
  }
  return schema;
}

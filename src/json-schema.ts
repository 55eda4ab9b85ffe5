/**
 * JSON Schema 2020-12 checks for values from outside: a model's arguments, a caller's input, a server's result.
 *
 * Schemas come from outside too: `pattern`s run on RE2, which cannot backtrack; `$ref`s are never fetched, and never
 * inlined (one definition that many places refer to would become code beyond all memory). How much work a schema may
 * ask for is bounded where strangers' schemas come in. A schema is compiled once, when it is first used.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { messageOf } from './errors.ts';
import type { JsonObject } from './json.ts';

/** Says what is wrong with a value, one line a fault; undefined when it fits. */
export type Check = (value: unknown) => string | undefined;

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: false,
    validateFormats: true,
    addUsedSchema: false,
    inlineRefs: false,
    logger: false,
    code: { regExp: Object.assign(linearRegExp, { code: 'linearRegExp' }) },
  });
  addFormats.default(ajv);
  return ajv;
}

/**
 * A pattern that RE2 cannot hold (look-around, back-references) is left to whoever owns the schema.
 * `toString` is the key under which Ajv shares compiled patterns: without one of its own, all would be the first.
 */
function linearRegExp(pattern: string): { test(value: string): boolean; toString(): string } {
  const toString = (): string => `/${pattern}/`;
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (value) => compiled.matcher(value).find(), toString };
  } catch {
    return { test: () => true, toString };
  }
}

/** @param pattern in RE2's own syntax. @returns what is wrong with it, where it is none. */
export function linearPattern(pattern: string): ((text: string) => boolean) | { fault: string } {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matcher(text).find();
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/** @returns why `schema` is no usable JSON Schema; undefined when it is one. */
export function schemaFault(schema: JsonObject): string | undefined {
  const compiled = compile(schema);
  return compiled.kind === 'unusable' ? compiled.fault : undefined;
}

/** A check that accepts everything where the schema itself cannot be used: its owner checks again anyway. */
export function schemaCheck(schema: JsonObject): Check {
  return (value) => {
    const compiled = compile(schema);
    return compiled.kind === 'usable' ? faultOf(compiled.validate, value) : undefined;
  };
}

function faultOf(validate: ValidateFunction, value: unknown): string | undefined {
  try {
    if (validate(value)) return undefined;
  } catch (error) {
    if (error instanceof RangeError) return 'the value is nested too deeply to be checked';
    throw error;
  }
  const faults = validate.errors ?? [];
  const lines = [...new Set(faults.map(describe))];
  const more = lines.length - maxFaults;
  return [...lines.slice(0, maxFaults), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** A value that fits none of a hundred alternatives has a hundred faults: more than a model can use. */
const maxFaults = 10;

type Compiled = { kind: 'usable'; validate: ValidateFunction } | { kind: 'unusable'; fault: string };

const known = new WeakMap<JsonObject, Compiled>();

function compile(schema: JsonObject): Compiled {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const compiled = compileNow(schema);
  known.set(schema, compiled);
  return compiled;
}

/** Ajv keeps a part of all that it ever compiled, and servers send their schemas again and again. */
const longestLife = 1_000;
let ajv = newAjv();
let age = 0;

function compileNow(schema: JsonObject): Compiled {
  if ((age += 1) > longestLife) [ajv, age] = [newAjv(), 1];
  // Draft 7 is close enough to be read as 2020-12, and more common than it.
  const { $schema: _, ...rest } = schema;
  try {
    return { kind: 'usable', validate: ajv.compile(rest) };
  } catch (error) {
    return { kind: 'unusable', fault: messageOf(error) };
  }
}

function describe(error: ErrorObject): string {
  const place =
    error.instancePath === '' ? 'the value' : error.instancePath.split('/').slice(1).map(unescaped).join('.');
  return `${place} ${detailOf(error)}`;
}

function detailOf({ keyword, params, message = 'does not fit' }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `must not have the property ${shown(params['additionalProperty'] ?? params['unevaluatedProperty'])}`;
    case 'enum':
      return `must be one of ${shown(params['allowedValues'])}`;
    case 'const':
      return `must be ${shown(params['allowedValue'])}`;
    default:
      return message.length <= maxShown ? message : `${message.slice(0, maxShown)}...`;
  }
}

/** Characters of a value that are worth a model's reading. */
const maxShown = 500;

function shown(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= maxShown ? json : `${json.slice(0, maxShown)}...`;
}

const unescaped = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');

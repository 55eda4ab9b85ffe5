/**
 * JSON Schema 2020-12 checks for values from outside: a model's arguments, a caller's input, a server's result.
 *
 * Schemas come from outside too: `pattern`s run on RE2, which cannot backtrack; `$ref`s are never fetched.
 * A schema is compiled when it is first used.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { messageOf } from './errors.ts';
import type { JsonObject } from './json.ts';

/** Says what is wrong with a value, one line a fault; undefined when it fits. */
export type Check = (value: unknown) => string | undefined;

const ajv = new Ajv2020({
  strict: false,
  allErrors: false,
  validateFormats: true,
  addUsedSchema: false,
  code: { regExp: Object.assign(linearRegExp, { code: 'linearRegExp' }) },
});
addFormats.default(ajv);

/**
 * A pattern that RE2 cannot hold (look-around, back-references) is left to whoever owns the schema.
 * `toString` is the key under which Ajv shares compiled patterns: without one of its own, all would be the first.
 */
function linearRegExp(pattern: string): { test(value: string): boolean; toString(): string } {
  const toString = (): string => `/${pattern}/`;
  try {
    const compiled = RE2JS.compile(pattern);
    return { test: (value) => compiled.matcher(value).find(), toString };
  } catch {
    return { test: () => true, toString };
  }
}

/** @returns why `schema` is no usable JSON Schema; undefined when it is one. */
export function schemaFault(schema: JsonObject): string | undefined {
  try {
    compile(schema);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** A check that accepts everything where the schema itself cannot be used: its owner checks again anyway. */
export function schemaCheck(schema: JsonObject): Check {
  let validate: ValidateFunction | null | undefined;
  return (value) => {
    if (validate === undefined) validate = compileOrNull(schema);
    if (validate === null || validate(value)) return undefined;
    return (validate.errors ?? []).map(describe).join('\n');
  };
}

function compileOrNull(schema: JsonObject): ValidateFunction | null {
  try {
    return compile(schema);
  } catch {
    return null;
  }
}

const compile = (schema: JsonObject): ValidateFunction => {
  const { $schema: _, $id: __, ...rest } = schema;
  return ajv.compile(rest);
};

function describe(error: ErrorObject): string {
  const place = error.instancePath === '' ? 'the value' : error.instancePath.slice(1).replaceAll('/', '.');
  const detail =
    error.keyword === 'additionalProperties'
      ? `must not have the property "${String(error.params['additionalProperty'])}"`
      : error.keyword === 'enum'
        ? `must be one of ${JSON.stringify(error.params['allowedValues'])}`
        : (error.message ?? 'does not fit');
  return `${place} ${detail}`;
}

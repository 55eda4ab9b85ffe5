import { expect, test } from 'vitest';
import type { JsonObject } from '../src/json.ts';
import { schemaCheck, schemaFault } from '../src/json-schema.ts';
import { cpuTimeSince } from './cpu-time.ts';

const faults = (schema: JsonObject, value: unknown): string | undefined => schemaCheck(schema)(value);

test('a pattern that would make a backtracking engine hang answers at once', () => {
  const check = schemaCheck({ type: 'string', pattern: '^(a+)+$' });
  const begun = process.threadCpuUsage();
  expect(check(`${'a'.repeat(50_000)}!`)).toMatch(/pattern/);
  expect(check('a'.repeat(50_000))).toBeUndefined();
  expect(cpuTimeSince(begun)).toBeLessThan(2_000);
  // Control: the same pattern on the engine of JavaScript is already slow at 23 characters.
  const control = process.threadCpuUsage();
  /^(a+)+$/.test(`${'a'.repeat(23)}!`);
  expect(cpuTimeSince(control)).toBeGreaterThan(5);
});

test.each([
  ['\\u0041bc', 'Abc', 'abc'],
  ['^[\\w-]+$', 'a-b_1', 'a b'],
  ['a\\/b', 'a/b', 'ab'],
  ['^(?<year>\\d{4})$', '2026', '26'],
])('the pattern %s of JavaScript means the same on RE2', (pattern, good, bad) => {
  expect(faults({ pattern }, good)).toBeUndefined();
  expect(faults({ pattern }, bad)).toMatch(/pattern/);
});

test('each pattern of a schema is its own', () => {
  const schema = { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } };
  expect(faults(schema, { a: 'a', b: 'b' })).toBeUndefined();
  expect(faults(schema, { a: 'a', b: 'a' })).toMatch(/^b must match/);
});

test('a pattern that RE2 cannot hold accepts everything', () => {
  expect(faults({ pattern: '^(?=a)b' }, 'zzz')).toBeUndefined();
});

test('what is no JSON Schema is named, and its check accepts everything', () => {
  const schema = { type: 'strnig' };
  expect(schemaFault(schema)).toMatch(/type/);
  expect(schemaFault({ type: 'string' })).toBeUndefined();
  expect(faults(schema, 42)).toBeUndefined();
});

test('a remote $ref is not fetched: the schema is unusable', () => {
  const schema = { $ref: 'http://127.0.0.1:9/schema.json' };
  expect(schemaFault(schema)).toMatch(/can't resolve reference/);
  expect(faults(schema, 1)).toBeUndefined();
});

test('local references work, by pointer, by anchor and by the own $id', () => {
  const positive = { type: 'integer', minimum: 1 };
  expect(faults({ definitions: { n: positive }, properties: { n: { $ref: '#/definitions/n' } } }, { n: 0 })).toMatch(
    /n /,
  );
  expect(faults({ $defs: { n: { ...positive, $anchor: 'n' } }, properties: { n: { $ref: '#n' } } }, { n: 0 })).toMatch(
    /n /,
  );
  const own = { $id: 'https://example.org/s.json', $defs: { n: positive }, $ref: 's.json#/$defs/n' };
  expect(schemaFault(own)).toBeUndefined();
  expect(faults(own, 0)).toMatch(/>= 1/);
});

test('two schemas with the same $id, at the top or inside, keep their own meaning', () => {
  const top = (type: string): JsonObject => ({ $id: 'https://example.org/x', type });
  const [a, b] = [schemaCheck(top('string')), schemaCheck(top('number'))];
  expect([a('s'), b(1)]).toEqual([undefined, undefined]);
  expect([a(1), b('s')]).toEqual(['the value must be string', 'the value must be number']);

  const inner = (type: string): JsonObject => ({
    $defs: { v: { $id: 'https://example.org/v', type } },
    properties: { v: { $ref: 'https://example.org/v' } },
  });
  const [c, d] = [schemaCheck(inner('string')), schemaCheck(inner('number'))];
  expect([c({ v: 's' }), d({ v: 1 })]).toEqual([undefined, undefined]);
  expect([c({ v: 1 }), d({ v: 's' })]).toEqual(['v must be string', 'v must be number']);
  expect(schemaFault({ $ref: 'https://example.org/v' })).toMatch(/can't resolve/);
});

test('a draft 7 schema is read as 2020-12', () => {
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', required: ['a'] };
  expect(faults(schema, {})).toBe("the value must have required property 'a'");
});

test.each<[string, JsonObject, unknown, string]>([
  ['a missing property', { required: ['path'] }, {}, "the value must have required property 'path'"],
  ['a wrong type, inside', { properties: { a: { items: { type: 'number' } } } }, { a: [1, 'x'] }, 'a.1 must be number'],
  ['a property too many', { additionalProperties: false }, { b: 1 }, 'the value must not have the property "b"'],
  ['one too many, unevaluated', { unevaluatedProperties: false }, { b: 1 }, 'the value must not have the property "b"'],
  ['a choice', { properties: { m: { enum: ['a', 'b'] } } }, { m: 'c' }, 'm must be one of ["a","b"]'],
  ['a constant', { properties: { m: { const: 'a' } } }, { m: 'c' }, 'm must be "a"'],
  ['an odd name', { properties: { 'a/b~c': { type: 'null' } } }, { 'a/b~c': 1 }, 'a/b~c must be null'],
  ['a format', { format: 'date' }, '2026-13-01', 'the value must match format "date"'],
])('%s is told in words that a model can mend', (_, schema, value, words) => {
  expect(faults(schema, value)).toBe(words);
});

test('a fault is no longer than a model can use', () => {
  const anyOf = Array.from({ length: 100 }, (_, index) => ({ const: `value ${index}` }));
  expect(faults({ anyOf }, 1)?.split('\n')).toHaveLength(11);
  const choices = Array.from({ length: 10_000 }, (_, index) => `choice ${index}`);
  expect(faults({ enum: choices }, 1)?.length).toBeLessThan(600);
});

test('a definition that a thousand places refer to is not written out a thousand times', () => {
  const names = (prefix: string, of: JsonObject): JsonObject =>
    Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${prefix}${index}`, of]));
  const schema = {
    $defs: { d: { properties: names('p', { type: 'string' }) } },
    properties: names('q', { $ref: '#/$defs/d' }),
  };
  const begun = process.threadCpuUsage();
  expect(faults(schema, { q7: { p7: 1 } })).toBe('q7.p7 must be string');
  expect(cpuTimeSince(begun)).toBeLessThan(10_000);
});

test('a schema too deep to compile is unusable; a value too deep to check is a fault', () => {
  let deep: JsonObject = { type: 'string' };
  for (let level = 0; level < 20_000; level += 1) deep = { properties: { a: deep } };
  expect(schemaFault(deep)).toMatch(/call stack/);

  let value: unknown = 1;
  for (let level = 0; level < 200_000; level += 1) value = { next: value };
  const list = { $defs: { l: { properties: { next: { $ref: '#/$defs/l' } } } }, $ref: '#/$defs/l' };
  expect(faults(list, value)).toBe('the value is nested too deeply to be checked');
});

test('unknown formats and keywords are let be, and print nothing', () => {
  expect(faults({ type: 'integer', format: 'uint31', 'x-ours': true }, 3)).toBeUndefined();
});

test('a schema is compiled once, however often it is asked for', () => {
  let reads = 0;
  const schema = {
    get type() {
      reads += 1;
      return 'string';
    },
  };
  schemaFault(schema);
  const afterFirst = reads;
  const check = schemaCheck(schema);
  expect([check('s'), check(1), schemaFault(schema), schemaCheck(schema)('s')]).toEqual([
    undefined,
    'the value must be string',
    undefined,
    undefined,
  ]);
  expect(afterFirst).toBeGreaterThan(0);
  expect(reads).toBe(afterFirst);
});

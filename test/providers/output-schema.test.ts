import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { closedSchema, strictSchema } from '../../src/providers/output-schema.ts';

const object = (properties: JsonObject, required = Object.keys(properties), more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  required,
  ...more,
});

describe('strict schemas', () => {
  it('close every object that says nothing of other properties', () => {
    const inner = object({ b: { type: 'string' } });
    expect(strictSchema(object({ a: { type: 'array', items: inner } }))).toEqual(
      object({ a: { type: 'array', items: { ...inner, additionalProperties: false } } }, ['a'], {
        additionalProperties: false,
      }),
    );
  });

  it.each<[string, JsonObject]>([
    ['an optional property', object({ a: { type: 'string' } }, [])],
    ['free properties', object({ a: { type: 'string' } }, ['a'], { additionalProperties: true })],
    ['a map inside', object({ a: { type: 'object', additionalProperties: { type: 'string' } } })],
    ['an untyped property', object({ a: {} })],
    ['a list of anything', object({ a: { type: 'array' } })],
    ['a keyword that is not held', object({ a: { type: 'object', properties: {}, if: {} } })],
    ['a list at the top', { type: 'array', items: { type: 'string' } }],
  ])('are not made of one with %s', (_, schema) => {
    expect(strictSchema(schema)).toBeUndefined();
  });

  it('may have optional properties where the provider takes them, and tell their bounds', () => {
    const schema = object(
      { a: { type: 'integer', maximum: 3 }, b: { type: 'array', items: { type: 'string' }, minItems: 2 } },
      [],
    );
    expect(closedSchema(schema)).toEqual({
      type: 'object',
      properties: {
        a: { type: 'integer', description: '{maximum: 3}' },
        b: { type: 'array', items: { type: 'string' }, description: '{minItems: 2}' },
      },
      required: [],
      additionalProperties: false,
    });
  });
});

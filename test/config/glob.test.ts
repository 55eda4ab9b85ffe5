import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGlob } from '../../src/config/glob.ts';

const matches = (pattern: string, name: string): boolean | undefined => compileGlob(pattern)?.(name);

test.each([
  ['read_*', 'read_file', true],
  ['read_*', 'read_', true],
  ['read_*', 'xread_', false],
  ['*', '', true],
  ['*', '../.', true],
  ['drop_*', 'drop_x/.', true],
  ['*_table', 'drop_x/../a\n_table', true],
  ['a*b*a', 'aba', true],
  ['a*b*a', 'aa', false],
  ['aa*aa', 'aaa', false],
  ['*ab*abc', 'ababc', true],
  ['?', '/', false],
  ['?', '', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['{a,b*}_{c,}', 'bxx_', true],
  ['{a,b*}_{c,}', 'a_d', false],
  ['{a}', '{a}', true],
  ['a+(b|c)$', 'a+(b|c)$', true],
  ['"a"', 'a', false],
])('%j over %j: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected);
});

test('choices that multiply to too many are no glob', () => {
  expect(matches('{a,b}'.repeat(6), 'ababab')).toBe(true);
  expect(compileGlob('{a,b}'.repeat(7))).toBeUndefined();
  expect(compileGlob('{a,b}'.repeat(10_000))).toBeUndefined();
});

test('they mean what the regular expression means that they stand for', () => {
  const part = fc.constantFrom(
    '*',
    '**',
    '?',
    '{a,b}',
    '{a*,?b}',
    '{,a}',
    'a',
    'b',
    'ab',
    '.',
    '$',
    ',',
    '+',
    '|',
    '/',
  );
  const letter = fc.constantFrom('a', 'b', '.', '$', ',', '+', '|', '/', '\n');
  const asExpression = (parts: readonly string[]): RegExp => {
    const source = (glob: string): string =>
      glob
        .replaceAll(/[.$+|/]/g, String.raw`\$&`)
        .replaceAll(/\*+/g, '.*')
        .replaceAll('?', '[^/]');
    const sources = parts.map((one) =>
      one.startsWith('{') ? `(?:${one.slice(1, -1).split(',').map(source).join('|')})` : source(one),
    );
    return new RegExp(`^${sources.join('')}$`, 's');
  };
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.array(letter, { maxLength: 8 }), (parts, letters) => {
      const name = letters.join('');
      expect(matches(parts.join(''), name)).toBe(asExpression(parts).test(name));
    }),
    { seed: 7, numRuns: 3000 },
  );
});

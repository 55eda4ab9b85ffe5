import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirements } from './requirements.ts';

test('every requirement is named by a test, and every named requirement exists', async () => {
  const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  const named = sources.flatMap((source) =>
    [...source.matchAll(/\[([A-Z]{2,}(?:-[A-Z0-9]+)*)\]/g)].map((match) => match[1]),
  );
  const known = requirements.map(({ id }) => id);
  expect(known.filter((id) => !named.includes(id))).toEqual([]);
  expect([...new Set(named)].filter((id) => id !== undefined && !known.includes(id))).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});

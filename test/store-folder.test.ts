import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeStoreFolder, stateKeyOf } from '../src/store-folder.ts';

async function store(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'deputy-store-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const file = join(root, '.deputy', 'deputy.db');
  makeStoreFolder(file);
  return file;
}

test('the key of a store is made once, for its owner alone, and is the same for every process', async () => {
  const file = await store();
  const key = stateKeyOf(file);
  expect(key).toHaveLength(32);
  expect(stateKeyOf(file)).toEqual(key);
  expect(((await stat(`${file}.key`)).mode & 0o777).toString(8)).toBe('600');
});

test('a damaged key is said to be one, and how to mend it', async () => {
  const file = await store();
  await writeFile(`${file}.key`, 'short');
  expect(() => stateKeyOf(file)).toThrow(/damaged: delete it/);
});

test('a store in memory has a key for this process, and no folder', () => {
  makeStoreFolder(':memory:');
  expect(stateKeyOf(':memory:')).not.toEqual(stateKeyOf(':memory:'));
});

/** A copy of the store that is made while it is used. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { verifyChain } from '../../src/engine/audit-chain.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { UsageError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { answer, collect, request } from './tasks.ts';
import { begun, everything } from './store-values.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-backup-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a backup has all that was written before it, is of one moment, and holds up nobody who writes meanwhile', async () => {
  const store = openSqliteStore(newFile());
  const other = newFile();
  const text = 'x'.repeat(2_000);
  for (let part = 0; part < 20; part += 1)
    await store.write(Array.from({ length: 50 }, (_, i) => begun(`before-${part}-${i}`, { input: { text } })));
  let meanwhile = 0;
  const copied = store.backup(other).then(() => true);
  // Pairs, each in one transaction: a copy has both or none.
  for (let isDone = false; !isDone; isDone = await Promise.race([copied, nextTurn(false)])) {
    await store.write([begun(`a-${meanwhile}`), begun(`b-${meanwhile}`)]);
    meanwhile += 1;
  }
  await store.close();
  expect(meanwhile).toBeGreaterThan(0);
  expect(statSync(other).mode & 0o777).toBe(0o600);
  for (const beside of ['-wal', '-shm', '-journal']) expect(existsSync(other + beside)).toBe(false);
  const copy = openSqliteStore(other);
  const log = await everything(copy);
  const ids = new Set(log.map(({ task }) => task));
  for (let part = 0; part < 20; part += 1) expect(await copy.task(`before-${part}-49`)).toBeDefined();
  for (let pair = 0; pair < meanwhile; pair += 1) {
    const [a, b] = [await copy.task(`a-${pair}`), await copy.task(`b-${pair}`)];
    expect([b === undefined, ids.has(`a-${pair}`), ids.has(`b-${pair}`)]).toEqual([
      a === undefined,
      a !== undefined,
      a !== undefined,
    ]);
  }
  expect(await verifyChain(log)).toMatchObject({ kind: 'intact', entries: ids.size });
  await copy.close();
});

test('a task that waited when the backup was made is answered and goes on in what is restored from it', async () => {
  const file = newFile();
  const saved = newFile();
  const store = openSqliteStore(file);
  const handler: Parameters<typeof createEngine>[0]['handler'] = async (_, context) => {
    await context.step('first', async () => 1);
    const { action } = await context.requestInput('go', { kind: 'form', message: 'Go on?', schema: {} });
    return answer(action);
  };
  const engine = createEngine({ store, handler, log: silentLog });
  const task = await engine.start(request);
  for await (const event of engine.watch(task.id, 'ann'))
    if (event.type === 'status' && event.task.status === 'input_required') break;
  await engine.backup(saved);
  await engine.cancel(task.id, 'ann', { channel: 'test' });
  await engine.close();
  const restored = createEngine({ store: openSqliteStore(saved), handler, log: silentLog });
  await restored.respond(task.id, 'ann', { go: { action: 'decline' } }, { channel: 'test' });
  await collect(restored.watch(task.id, 'ann'));
  expect(await restored.get(task.id, 'ann')).toMatchObject({ status: 'completed', result: answer('decline') });
  await restored.close();
});

test('a file that is there is not overwritten; what cannot be written says why and leaves nothing', async () => {
  const store = openSqliteStore(newFile());
  const there = newFile();
  writeFileSync(there, 'mine');
  await expect(store.backup(there)).rejects.toThrow(UsageError);
  await expect(store.backup(there)).rejects.toThrow(/There is a file .* already/);
  expect(statSync(there).size).toBe(4);
  await expect(store.backup(join(folder, 'no such folder', 'x.db'))).rejects.toThrow(/cannot be written .*ENOENT/);
  await store.close();
  const memory = openSqliteStore(':memory:');
  await expect(memory.backup(newFile())).rejects.toThrow(/in memory/);
  await memory.close();
});

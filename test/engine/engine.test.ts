import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { groupWrites } from '../../src/engine/group-writes.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { FencedError, type Write } from '../../src/engine/store.ts';
import { UsageError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { engineContract } from './contract.ts';
import { answer, byHand, collect, request, via } from './tasks.ts';
import { enginesOn } from './engines.ts';
import { messageContract } from './messages.ts';
import { networkContract } from './networks.ts';
import { questionContract } from './questions.ts';
import { queueContract } from './queues.ts';
import { relayContract } from './relays.ts';
import { timerContract } from './timers.ts';
import { watchContract } from './watching.ts';

const folder = mkdtempSync(join(tmpdir(), 'deputy-engine-'));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const [name, open] of [
  ['on SQLite in memory', () => openSqliteStore(':memory:')],
  ['on a SQLite file', () => openSqliteStore(newFile())],
] as const)
  describe(name, () => {
    const engines = enginesOn(open);
    engineContract(engines);
    watchContract(engines);
    questionContract(engines);
    timerContract(engines);
    relayContract(engines);
    messageContract(engines);
    queueContract(engines);
    networkContract(engines);
  });

test('a file that is opened again has every task and every record, byte for byte', async () => {
  const path = newFile();
  const engine = createEngine({
    store: openSqliteStore(path),
    log: silentLog,
    handler: async (_, context) => {
      await context.step('s', () => Promise.resolve({ odd: 'line\u2028 \u0000 "quoted" 🦊' }));
      return answer('kept');
    },
  });
  const task = await engine.start(request);
  await collect(engine.watch(task.id, 'ann'));
  const [before, journal] = [await engine.get(task.id, 'ann'), await engine.journal(task.id, 'ann')];
  await engine.close();
  const store = openSqliteStore(path);
  expect(await store.task(task.id)).toEqual(before);
  expect(await store.steps(task.id)).toEqual(journal);
  await store.close();
});

test('a task left over from a process that is gone keeps its conversation busy until it is cancelled', async () => {
  const path = newFile();
  const dead = createEngine({ store: openSqliteStore(path), log: silentLog, handler: byHand().handler });
  const task = await dead.start(request);
  const engine = createEngine({ store: openSqliteStore(path), log: silentLog, handler: byHand().handler });
  const again = { ...request, conversation: task.conversation };
  await expect(engine.start(again)).rejects.toThrow('busy');
  expect((await engine.cancel(task.id, 'ann', via)).status).toBe('cancelled');
  expect((await engine.start(again)).predecessor).toBe(task.id);
  await Promise.all([engine.close(), dead.close()]);
});

test('the store keeps a terminal status (T2) whoever writes next', async () => {
  const store = openSqliteStore(':memory:');
  const engine = createEngine({ store, log: silentLog, handler: () => Promise.resolve(answer('x')) });
  const task = await engine.start(request);
  await collect(engine.watch(task.id, 'ann'));
  const late = store.write([{ kind: 'end', id: task.id, fence: 1, status: 'cancelled', outcome: '{}', at: 1 }]);
  await expect(late).rejects.toBeInstanceOf(FencedError);
  expect(await store.cancel(task.id, { owner: 'ann', ...via }, 1)).toBe(false);
  expect((await store.task(task.id))?.status).toBe('completed');
  await engine.close();
});

test('only its owner may read the file', () => {
  const path = newFile();
  void openSqliteStore(path);
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a store that cannot be opened says which and why', () => {
  const text = newFile();
  writeFileSync(text, 'not a database, but long enough to be read as the head of one '.repeat(9));
  for (const path of [join(text, 'x.db'), text]) {
    expect(() => openSqliteStore(path)).toThrow(UsageError);
    expect(() => openSqliteStore(path)).toThrow(path);
  }
});

test('what is written in one turn of the event loop is one transaction; groups keep their order', async () => {
  const groups: string[][] = [];
  const gates: PromiseWithResolvers<readonly Write[]>[] = [];
  const { write } = groupWrites({
    sync: () => Promise.resolve(),
    write: (writes) => {
      groups.push(writes.map((write) => ('key' in write ? write.key : write.kind)));
      const gate = Promise.withResolvers<readonly Write[]>();
      gates.push(gate);
      return gate.promise;
    },
  });
  const step = (key: string): Write => ({ kind: 'step', id: 't', fence: 1, key, value: '1', at: 1 });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const done: string[] = [];
  const given = ['a', 'b'].map((key) => write(step(key)).then(() => done.push(key)));
  await turn();
  await turn();
  given.push(...['c', 'd'].map((key) => write(step(key)).then(() => done.push(key))));
  await turn();
  await turn();
  expect(groups).toEqual([['a', 'b']]);
  expect(done).toEqual([]);
  gates[0]?.resolve([]);
  await turn();
  expect(done).toEqual(['a', 'b']);
  expect(groups).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  gates[1]?.resolve([]);
  await Promise.all(given);
  expect(done).toEqual(['a', 'b', 'c', 'd']);
});

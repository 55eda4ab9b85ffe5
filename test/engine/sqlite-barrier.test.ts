import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { barrierOn, writtenTo } from '../../src/engine/sqlite/barrier.ts';
import { openDatabase } from '../../src/engine/sqlite/open.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import { StoreError } from '../../src/engine/store.ts';

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'deputy-barrier-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
};

/** A barrier on a file; each of its syncs looks once more at what was written than who finds nothing to sync. */
async function watched(): Promise<{ barrier: () => Promise<void>; write: () => void; syncs: () => number }> {
  const log = openSync(join(await folder(), 'log'), 'w');
  onTestFinished(() => closeSync(log));
  let [commits, looks, asked] = [0, 0, 0];
  const barrier = barrierOn(log, () => {
    looks += 1;
    return String(commits);
  });
  return {
    barrier() {
      asked += 1;
      return barrier();
    },
    write: () => void (commits += 1),
    syncs: () => looks - asked,
  };
}

test('who asks for a barrier when nothing was written since the last does not wait for the disk', async () => {
  const { barrier, write, syncs } = await watched();
  await barrier();
  expect(syncs()).toBe(1);
  await barrier();
  expect(syncs()).toBe(1);
  write();
  await Promise.all([barrier(), barrier()]);
  expect(syncs()).toBe(2);
});

test('what is written while a sync is under way has a sync of its own', async () => {
  const { barrier, write, syncs } = await watched();
  const first = barrier();
  while (syncs() === 0) await Promise.resolve();
  write();
  await first;
  await barrier();
  expect(syncs()).toBe(2);
});

test('after a sync that failed there is no barrier any more', async () => {
  // What has no disk cannot be synced.
  const log = openSync('/dev/null', 'w');
  onTestFinished(() => closeSync(log));
  const barrier = barrierOn(log, () => 'the same');
  await expect(barrier()).rejects.toThrow(StoreError);
  await expect(barrier()).rejects.toThrow(StoreError);
});

test('that something was written shows after a commit of ours or of another process, and not after a look', async () => {
  const path = join(await folder(), 'deputy.db');
  const { db: ours, ...open } = openDatabase(path);
  const theirs = openSqliteStore(path);
  const before = writtenTo(ours);
  await theirs.task('none');
  ours.run(() => ours.sql('select * from task').all());
  expect(writtenTo(ours)).toBe(before);
  await theirs.beat({ id: 'theirs', pid: 1, host: 'h' }, 1);
  const afterTheirs = writtenTo(ours);
  expect(afterTheirs).not.toBe(before);
  ours.run(() => ours.sql('delete from instance').run());
  expect(writtenTo(ours)).not.toBe(afterTheirs);
  await theirs.close();
  await open.checkpoints.close();
  ours.close();
  closeSync(open.log ?? 0);
});

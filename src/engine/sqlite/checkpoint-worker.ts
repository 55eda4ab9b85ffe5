/** The thread of `sqlite-checkpoints.ts`. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, ToThread } from './checkpoints.ts';

/** Pages in the log that are worth their syncs: 4 MB. */
const worth = 1_000;
/** What was written during one checkpoint is left to the next: where it is little, the log may begin anew. */
const mostInARow = 3;

const { path } = workerData as { path: string };
const db = new DatabaseSync(path);
db.exec('pragma synchronous = normal');
// A SQLite that does not know how to look (before 3.51) makes a checkpoint instead.
const look = db.prepare('pragma wal_checkpoint(noop)');
const move = db.prepare('pragma wal_checkpoint(passive)');
const left = (row: ReturnType<typeof look.get>): number => Number(row?.['log']) - Number(row?.['checkpointed']);

function checkpoint(): void {
  try {
    if (left(look.get()) < worth) return;
    for (let times = 0; times < mostInARow && left(move.get()) > 0;) times += 1;
  } catch {
    // A full disk, or an ill one, is told to who writes. The next look tries again.
  }
}

parentPort?.on('message', (said: ToThread) => {
  if (said === 'look') return checkpoint();
  db.close();
  parentPort?.close();
});
parentPort?.postMessage('ready' satisfies FromThread);

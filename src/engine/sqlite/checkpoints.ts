/**
 * Checkpoints: what has gathered in the write-ahead log is moved into the database. SQLite does that by itself during a
 * commit, with two syncs. Where these are seen to hold up the event loop, because the disk is slow, a thread with a
 * connection of its own does it from then on; elsewhere its 20 MB are saved.
 *
 * Invariants:
 *   - who makes a checkpoint changes nothing about what survives a power cut: SQLite syncs the log before it moves
 *     pages, and the database before the log may begin anew, on every connection;
 *   - where there is no thread, or it has failed, or falls behind, SQLite goes on as by itself.
 */
import { once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Write } from '../store.ts';

export interface Checkpoints {
  /** A commit took so many milliseconds. Never waits. */
  committed(ms: number): void;
  /** Roughly so many pages, in commits of whatever kind. Never waits. */
  wrote(pages: number): void;
  /** The thread and its connection are gone when it resolves. */
  close(): Promise<void>;
}

/** What is said to the thread, and by it. */
export type ToThread = 'look' | 'end';
export type FromThread = 'ready';

/** A commit without a sync takes less; one may be held up by something else than the disk. */
const slowMs = 25;
const mostSlow = 3;
/** Pages after which the thread looks how long the log is. */
export const worthALook = 500;
/** From how many pages in the log on a commit makes a checkpoint: SQLite's default, and beside the thread. */
const bound = { alone: 1_000, besideThread: 16_000 };

export const noCheckpoints: Checkpoints = { committed() {}, wrote() {}, async close() {} };

export function checkpointsOf(db: DatabaseSync, path: string): Checkpoints {
  let slow = 0;
  let pages = 0;
  let thread: Worker | undefined;
  let isGone = false;

  const boundBy = (most: number): void => db.exec(`pragma wal_autocheckpoint = ${most}`);

  const start = (): Worker => {
    const worker = new Worker(new URL(`./checkpoint-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: { path },
    });
    worker.unref();
    worker.on('message', (said: FromThread) => said === 'ready' && boundBy(bound.besideThread));
    // What is wrong with the store is told to who writes.
    worker.on('error', () => {});
    worker.on('exit', () => {
      isGone = true;
      boundBy(bound.alone);
    });
    return worker;
  };

  return {
    committed(ms) {
      if (ms > slowMs) slow += 1;
      if (slow >= mostSlow) thread ??= start();
    },
    wrote(more) {
      pages += more;
      if (pages < worthALook) return;
      pages = 0;
      thread?.postMessage('look' satisfies ToThread);
    },
    async close() {
      if (thread === undefined || isGone) return;
      thread.ref();
      thread.postMessage('end' satisfies ToThread);
      await once(thread, 'exit');
    },
  };
}

/** How many a transaction of these changes, roughly. */
export const pagesOf = (writes: readonly Write[]): number =>
  writes.reduce((pages, write) => pages + 4 + charactersIn(write) / 4_096, 4);

/** Replies of models and results of tools: what may be long. */
const charactersIn = (write: Write): number =>
  'value' in write ? write.value.length : 'text' in write ? write.text.length : 0;

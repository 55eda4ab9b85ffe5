/**
 * What other processes have written, as the database tells those who listen (LISTEN/NOTIFY). Our own writes are told as
 * well: they are news that is known.
 *
 * Invariant: what may have been missed is told as `some`: at the beginning, and whenever the session was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { News } from '../store.ts';
import type { Database } from './open.ts';

const firstPauseMs = 100;
const mostPauseMs = 5_000;

export interface NewsDesk {
  news(): News;
  close(): Promise<void>;
}

export function listen(db: Pick<Database, 'session'>): NewsDesk {
  const closing = new AbortController();
  let changed = new Set<string>();
  let isMissed = true;
  let session: Client | undefined;

  /** Resolves when the session is lost. */
  const listenOnce = async (): Promise<void> => {
    const client = db.session();
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
    });
    client.on('notification', ({ payload = '' }) => void changed.add(payload));
    session = client;
    await client.connect();
    if (closing.signal.aborted) {
      await client.end();
      return;
    }
    await client.query('listen deputy');
    isMissed = true;
    pause = firstPauseMs;
    await lost;
    await client.end().catch(() => {});
  };

  let pause = firstPauseMs;
  const always = (async () => {
    while (!closing.signal.aborted) {
      await listenOnce().catch(() => {});
      isMissed = true;
      await sleep(pause, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      pause = Math.min(mostPauseMs, pause * 2);
    }
  })();

  return {
    news() {
      if (!isMissed && changed.size === 0) return 'none';
      const told: News = isMissed ? 'some' : changed;
      isMissed = false;
      changed = new Set();
      return told;
    },
    async close() {
      closing.abort();
      await session?.end().catch(() => {});
      await always;
    },
  };
}

/**
 * How far the audit log has come, noted in a file beside the database: entries that are dropped from its end, or a log
 * that is written anew, show against it.
 *
 * What it is worth: it helps against whoever can change the database and not this file, and against accidents (half a
 * restore). Who can write both can forge both; for more, keep a copy of the file where that person cannot write. Only
 * what has passed a barrier is noted, so a power cut is no false alarm; what came after the note (a second, while the
 * process lives) is not covered. A note that the log does not fit any more stays, however long the log grows: only a
 * person, who knows that a backup was restored, removes it.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Anchor } from '../audit-chain.ts';

export interface AuditAnchor {
  /** The log, up to this entry, survives a power cut. Never waits. */
  reached(newest: Anchor | undefined): void;
  /** What is noted. */
  read(): Promise<Anchor | undefined>;
  /** Notes what was reached last. */
  close(): Promise<void>;
}

/** Milliseconds between two notes. */
const pause = 1_000;

/**
 * @param file none: there is nothing to note, and nowhere.
 * @param hashOf of the log's entry `seq`.
 */
export function auditAnchor(file: string | undefined, hashOf: (seq: number) => string | undefined): AuditAnchor {
  if (file === undefined) return { reached() {}, read: async () => undefined, async close() {} };
  let newest: Anchor | undefined;
  let noted = 0;
  let noting: Promise<void> | undefined;
  const closing = new AbortController();

  /** Another process may have noted more. A note that fails is made up for by the next. */
  const note = async (): Promise<void> => {
    const anchor = newest;
    if (anchor === undefined || anchor.seq <= noted) return;
    const there = await readAnchor(file);
    if (there === undefined || (there.seq < anchor.seq && hashOf(there.seq) === there.hash))
      await replace(file, `${JSON.stringify(anchor)}\n`);
    noted = anchor.seq;
  };
  const noteLater = async (): Promise<void> => {
    await sleep(pause, undefined, { ref: false, signal: closing.signal }).catch(() => {});
    await note().catch(() => {});
  };

  return {
    reached(anchor) {
      if (anchor === undefined || anchor.seq <= noted) return;
      newest = anchor;
      noting ??= noteLater().finally(() => (noting = undefined));
    },
    async read() {
      const there = await readAnchor(file);
      return there === undefined ? undefined : { ...there, file };
    },
    async close() {
      closing.abort();
      await noting;
      await note().catch(() => {});
    },
  };
}

/** A file that cannot be read as a note is none: what it said is lost, and the next note takes its place. */
async function readAnchor(file: string): Promise<Anchor | undefined> {
  try {
    const { seq, hash } = JSON.parse(await readFile(file, 'utf8')) as Partial<Anchor>;
    return Number.isSafeInteger(seq) && typeof hash === 'string' ? { seq: Number(seq), hash } : undefined;
  } catch {
    return undefined;
  }
}

async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(next, text, { mode: 0o600, flag: 'wx' });
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

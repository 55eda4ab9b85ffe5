/** Runs the workload under strace, for a few lives on one store, and says what happened to the store's files. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Disk } from './disk.ts';
import { type Event, eventsOf } from './events.ts';
import { database } from './image.ts';
import { callsIn, underStrace } from './strace.ts';

export interface Recording {
  events: readonly Event[];
  acknowledged: number;
  /** Syncs of the write-ahead log, and of the database by checkpoints. */
  logSyncs: number;
  checkpoints: number;
}

/** How they end: a store that is killed is recovered, one that is closed begins a new log. */
const lives = ['killed', 'closed', 'killed', 'left'];

/** @param barriers without them the store's `sync` does nothing. */
export async function record(barriers: boolean): Promise<Recording> {
  const scratch = mkdtempSync(join(tmpdir(), 'deputy-power-cut-'));
  try {
    const folder = join(scratch, 'store');
    const workload = fileURLToPath(new URL('./workload.ts', import.meta.url));
    mkdirSync(folder);
    const files = [join(folder, database), join(folder, 'acks')];
    const traces: string[] = [];
    for (const [index, end] of lives.entries()) {
      const trace = join(scratch, `trace-${index}`);
      const options = [barriers ? 'with-barriers' : 'without-barriers', end];
      await underStrace(trace, [process.execPath, workload, ...files, ...options], end === 'killed');
      traces.push(trace);
    }
    // The note of the audit log's end is looked at by people only.
    const isDropped = (name: string): boolean => name.endsWith('-shm') || name.includes('.audit-head');
    const events = await eventsOf(traces.map(callsIn), { folder, acks: 'acks', isDropped });
    checkAgainst(folder, events);
    return { events, ...counted(events) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @throws Error the recording is not what happened: its files are not those that the workload has left. */
function checkAgainst(folder: string, events: readonly Event[]): void {
  const disk = new Disk();
  for (const event of events) disk.apply(event);
  for (const [name, bytes] of disk.now())
    if (!readFileSync(join(folder, name)).equals(bytes))
      throw new Error(`The recording is not whole: ${name} differs.`);
}

function counted(events: readonly Event[]): Omit<Recording, 'events'> {
  const counts = { acknowledged: 0, logSyncs: 0, checkpoints: 0 };
  const names = new Map<number, string>();
  for (const event of events) {
    if (event.kind === 'name' && event.file !== undefined) names.set(event.file, event.name);
    if (event.kind === 'acknowledged') counts.acknowledged += 1;
    // Before anything was acknowledged it was only made.
    if (event.kind !== 'sync' || counts.acknowledged === 0) continue;
    if (names.get(event.file) === database) counts.checkpoints += 1;
    if (names.get(event.file) === `${database}-wal`) counts.logSyncs += 1;
  }
  return counts;
}

/** Traces, one after the other, as what happened to the files of one folder, which was empty when the first began. */
import { basename, dirname } from 'node:path';
import type { Acknowledged } from './acknowledged.ts';
import type { Call } from './strace.ts';

/**
 * `from` and `to` are lines, counted through all traces. A file is a number: its name may be given to another one
 * later. The folder is `folder`.
 */
export type Event = { from: number; to: number } & (
  | { kind: 'write'; file: number; offset: number; data: Buffer }
  | { kind: 'truncate'; file: number; size: number }
  | { kind: 'sync'; file: number }
  /** The name is this file's from now on, or nobody's. */
  | { kind: 'name'; name: string; file: number | undefined }
  | { kind: 'acknowledged'; ack: Acknowledged }
);

export const folder = 0;

export interface Place {
  folder: string;
  /** The name of the file of acknowledgements: each is one write. */
  acks: string;
  /** Names in the folder that mean nothing after a crash. */
  isDropped: (name: string) => boolean;
}

/**
 * In the order in which they may have reached the disk: a write from its beginning on, a sync at its end.
 * @throws Error the program did to the folder what is not understood here.
 */
export async function eventsOf(traces: readonly AsyncIterable<Call>[], place: Place): Promise<Event[]> {
  const events: Event[] = [];
  /** What the open descriptors are of: a file, or acknowledgements. */
  const open = new Map<number, number | 'acks'>();
  const names = new Map<string, number>();
  let files = folder;

  const nameIn = (args: string): string | undefined => {
    const path = stringIn(args).toString();
    const name = dirname(path) === place.folder ? basename(path) : undefined;
    return name === undefined || place.isDropped(name) ? undefined : name;
  };

  const opened = ({ args, from, to, result }: Call): void => {
    const name = nameIn(args);
    if (stringIn(args).toString() === place.folder) open.set(result, folder);
    if (name === undefined) return;
    if (name === place.acks) return void open.set(result, 'acks');
    let file = names.get(name);
    if (file === undefined) {
      names.set(name, (file = files += 1));
      events.push({ kind: 'name', name, file, from, to });
    } else if (args.includes('O_TRUNC')) events.push({ kind: 'truncate', file, size: 0, from, to });
    open.set(result, file);
  };

  const changed = (call: Call, file: number | 'acks'): void => {
    const { name, args, from, to, result } = call;
    const numbers = args
      .slice(args.lastIndexOf('"') + 1)
      .split(', ')
      .map(Number);
    if (file === 'acks') {
      if (name !== 'write') throw notUnderstood(call);
      const ack = JSON.parse(stringIn(args).toString()) as Acknowledged;
      events.push({ kind: 'acknowledged', ack, from, to });
    } else if (name === 'pwrite64') {
      const data = stringIn(args);
      if (data.length !== result) throw notUnderstood(call);
      events.push({ kind: 'write', file, offset: numbers.at(-1) ?? 0, data, from, to });
    } else if (name === 'ftruncate') {
      events.push({ kind: 'truncate', file, size: numbers.at(-1) ?? 0, from, to });
    } else if (name === 'fsync' || name === 'fdatasync') {
      events.push({ kind: 'sync', file, from, to });
    } else throw notUnderstood(call);
  };

  const called = (call: Call): void => {
    const { name, args, from, to, result } = call;
    const descriptor = Number.parseInt(args, 10);
    const file = open.get(descriptor);
    if (result < 0 && file === undefined) return;
    if (result < 0) throw notUnderstood(call);
    if (name === 'openat') opened(call);
    else if (name === 'close') open.delete(descriptor);
    else if (file !== undefined) changed(call, file);
    else if (args.startsWith('"') || args.startsWith('AT_FDCWD')) {
      const gone = nameIn(args);
      if (gone === undefined) return;
      if (name !== 'unlink') throw notUnderstood(call);
      names.delete(gone);
      events.push({ kind: 'name', name: gone, file: undefined, from, to });
    }
  };

  let lines = 0;
  for (const calls of traces) {
    const before = lines;
    open.clear();
    for await (const call of calls) {
      lines = Math.max(lines, before + call.to);
      called({ ...call, from: before + call.from, to: before + call.to });
    }
  }
  return events.toSorted((a, b) => atOf(a) - atOf(b));
}

/** The line of the trace from which on it may be on disk or, of a sync, is. */
const atOf = (event: Event): number => (event.kind === 'sync' ? event.to : event.from);

function stringIn(args: string): Buffer {
  const end = args.lastIndexOf('"');
  if (args.startsWith('...', end + 1)) throw new Error('strace has left out a part of what was written');
  return Buffer.from(args.slice(args.indexOf('"') + 1, end).replaceAll('\\x', ''), 'hex');
}

const notUnderstood = ({ name, args, from, result }: Call): Error =>
  new Error(`Line ${from} of the trace: ${name}(${args.slice(0, 100)}) = ${result} is not understood`);

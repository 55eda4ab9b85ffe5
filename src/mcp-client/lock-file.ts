/**
 * `deputy.lock`: the definition of every tool that was ever seen, as it was accepted. People keep it with their sources,
 * so it is plain JSON in one order.
 *
 * Invariants:
 *   1. It is changed by replacing it whole. Several processes take turns: `<file>.new` exists while one of them writes.
 *   2. What another process wrote meanwhile stays; a file that cannot be read is never replaced.
 */
import { type FileHandle, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UsageError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { pinOf } from './tool-pin.ts';

/** By server and tool, as the server calls it. */
export type Locked = Map<string, Map<string, LockedTool>>;

export interface LockedTool {
  sha256: string;
  definition: JsonObject;
}

/** @throws UsageError that names the place. A file that is not there is empty. */
export async function readLock(file: string): Promise<Locked> {
  return lockedIn(file, await readFile(file, 'utf8').catch(emptyIfMissing));
}

export function emptyIfMissing(error: unknown): string {
  if (isSystem(error, 'ENOENT')) return '';
  throw error;
}

/** @throws UsageError that names the place */
export function lockedIn(file: string, text: string): Locked {
  if (text.trim() === '') return new Map();
  const root = parse(file, text);
  const wrong = (place: string, why: string): UsageError =>
    new UsageError(
      `${file}: ${place} ${why}. Restore the file, or remove that entry: its tool is then pinned anew at first sight.`,
    );
  if (!isJsonObject(root)) throw wrong('the file', 'is no object');
  if (root['version'] !== version) throw wrong('version', `is ${JSON.stringify(root['version'])}, not ${version}`);
  const { servers } = root;
  if (!isJsonObject(servers)) throw wrong('servers', 'is no object');
  const locked: Locked = new Map();
  for (const [server, tools] of Object.entries(servers)) {
    if (!isJsonObject(tools)) throw wrong(`servers.${server}`, 'is no object');
    const own = new Map<string, LockedTool>();
    for (const [tool, entry] of Object.entries(tools)) {
      const place = `servers.${server}.${tool}`;
      if (!isJsonObject(entry) || !isJsonObject(entry['definition'])) throw wrong(place, 'has no definition');
      const { sha256, definition } = entry;
      if (sha256 !== pinOf(definition)) throw wrong(`${place}.sha256`, 'is not that of its definition');
      own.set(tool, { sha256, definition });
    }
    locked.set(server, own);
  }
  return locked;
}

const version = 1;

function parse(file: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const [, line = '1', column = '1'] = /line (\d+) column (\d+)/.exec(messageOf(error)) ?? [];
    throw new UsageError(
      `${file}:${line}:${column} is no JSON: ${messageOf(error)}. Restore the file: it says which tools were accepted.`,
    );
  }
}

function textOf(locked: Locked): string {
  const sorted = <Value>(map: Map<string, Value>): [string, Value][] =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const servers = sorted(locked).map(([server, tools]) => [server, Object.fromEntries(sorted(tools))]);
  return `${JSON.stringify({ version, servers: Object.fromEntries(servers) }, null, 2)}\n`;
}

/**
 * @param change of what the file says now; @returns whether there is something to write
 * @returns what the file says afterwards
 * @throws UsageError; Error of the file system
 */
export async function changeLock(file: string, change: (locked: Locked) => boolean): Promise<Locked> {
  const next = `${file}.new`;
  const handle = await takeTurn(next);
  let isTurnOver = false;
  try {
    const locked = await readLock(file);
    if (!change(locked)) return locked;
    await handle.writeFile(textOf(locked));
    await handle.sync();
    await handle.close();
    await rename(next, file);
    isTurnOver = true;
    return locked;
  } finally {
    await handle.close();
    // After the renaming it is the next one's.
    if (!isTurnOver) await unlink(next).catch(() => {});
  }
}

/** Milliseconds. Nobody writes for longer: who took its turn before has died. */
const longestTurn = 10_000;

async function takeTurn(next: string): Promise<FileHandle> {
  for (;;) {
    try {
      return await open(next, 'wx', 0o644);
    } catch (error) {
      if (!isSystem(error, 'EEXIST')) throw error;
    }
    const { mtimeMs } = await stat(next).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > longestTurn) await unlink(next).catch(() => {});
    else await sleep(20);
  }
}

const isSystem = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

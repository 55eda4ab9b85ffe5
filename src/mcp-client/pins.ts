/**
 * Definitions of tools as they were accepted. A tool is pinned when it is first seen; one that later differs is offered
 * as it was pinned, and called only after a person accepted what it is now.
 *
 * Invariants:
 *   1. No model reads a definition that differs from the pinned one.
 *   2. A tool that goes stays pinned: it cannot come back as another one.
 *   3. What is pinned here is pinned for this process, whether or not it could be written.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { changeLock, emptyIfMissing, lockedIn, type Locked, type LockedTool, readLock } from './lock-file.ts';
import { pinOf } from './tool-pin.ts';

export interface Pins {
  /** Reads the file again where another process changed it; looks a few times a second at most. Never throws. */
  refresh(): Promise<void>;
  /** Another text for other pins of this server. */
  versionOf(server: string): string;
  of(server: string): ReadonlyMap<string, LockedTool>;
  /** Pins those that are not. Never throws. */
  pinNew(server: string, definitions: ReadonlyMap<string, JsonObject>): Promise<void>;
  /** @param definition undefined to forget it. @throws UsageError, Error of the file system: then nothing changed. */
  set(server: string, tool: string, definition: JsonObject | undefined): Promise<void>;
}

/** Milliseconds. It is asked before every call of every tool. */
const lookEvery = 250;

/** @throws UsageError where the file cannot be read */
export function openPins(file: string, log: Log): Pins {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    text = emptyIfMissing(error);
  }
  let locked = lockedIn(file, text);
  let stamp = '';
  let lookedAt = Number.NEGATIVE_INFINITY;
  let versions = new Map<string, string>();
  let turn: Promise<unknown> = Promise.resolve();

  const become = (next: Locked): void => {
    locked = next;
    versions = new Map();
  };
  /** One change at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };
  const complain = (what: string, error: unknown): void =>
    log.error(`${what}; what this process knows stays pinned: ${messageOf(error)}`);

  return {
    async refresh() {
      if (performance.now() - lookedAt < lookEvery) return;
      lookedAt = performance.now();
      try {
        const { mtimeMs, size, ino } = await stat(file);
        const now = `${mtimeMs} ${size} ${ino}`;
        if (now === stamp) return;
        // Also where it cannot be read: that is said once.
        stamp = now;
        await inTurn(async () => become(withOwn(await readLock(file), locked)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') complain(`${file} cannot be read again`, error);
      }
    },
    versionOf(server) {
      let known = versions.get(server);
      known ??= [...(locked.get(server) ?? [])]
        .map(([tool, { sha256 }]) => `${tool} ${sha256}`)
        .toSorted()
        .join('\n');
      versions.set(server, known);
      return known;
    },
    of: (server) => locked.get(server) ?? new Map(),
    pinNew: (server, definitions) =>
      inTurn(async () => {
        const own = locked.get(server);
        const added = [...definitions].filter(([tool]) => own?.has(tool) !== true);
        if (added.length === 0) return;
        const add = (to: Locked): boolean => {
          const tools = to.get(server) ?? new Map<string, LockedTool>();
          to.set(server, tools);
          // Another process may have pinned it first; then its word holds.
          const missing = added.filter(([tool]) => !tools.has(tool));
          for (const [tool, definition] of missing) tools.set(tool, { sha256: pinOf(definition), definition });
          return missing.length > 0;
        };
        try {
          become(withOwn(await changeLock(file, add), locked));
        } catch (error) {
          complain(`${file} could not be written`, error);
          add(locked);
          become(locked);
        }
      }),
    set: (server, tool, definition) =>
      inTurn(async () => {
        const change = (to: Locked): true => {
          const tools = to.get(server) ?? new Map<string, LockedTool>();
          to.set(server, tools);
          if (definition === undefined) tools.delete(tool);
          else tools.set(tool, { sha256: pinOf(definition), definition });
          return true;
        };
        const written = await changeLock(file, change);
        change(locked);
        become(withOwn(written, locked));
      }),
  };
}

/** What is in the file, and what only this process knows: an entry that vanished from the file is still pinned here. */
function withOwn(inFile: Locked, own: Locked): Locked {
  for (const [server, tools] of own) {
    const known = inFile.get(server) ?? new Map<string, LockedTool>();
    inFile.set(server, known);
    for (const [tool, locked] of tools) if (!known.has(tool)) known.set(tool, locked);
  }
  return inFile;
}

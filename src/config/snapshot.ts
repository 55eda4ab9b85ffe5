/**
 * The source of a configuration as one text, and the same configuration from it again: a task goes on with the
 * definitions that it began with, whatever became of the files.
 *
 * Invariants: unchanged files give the same text; no text of a file that a secret is read from is in it (such files,
 * and the environment, are read anew). Scripts, hooks and programs are no part of it: they stay where they are.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { sha256 } from '../hash.ts';
import { isJsonObject } from '../json.ts';
import type { Snapshot } from './config.ts';
import { diskFiles, type ConfigFiles } from './config-files.ts';

/** By path relative to the root, with `/`. Null: read anew, because what it holds is secret. */
type Texts = Map<string, string | null>;

export interface Recorder {
  files: ConfigFiles;
  /** Of what was read until now. @param main the file that was read first. */
  snapshot(main: string): Snapshot;
}

export function recordFiles(from: ConfigFiles, root: string): Recorder {
  const texts: Texts = new Map();
  return {
    files: {
      ...from,
      async read(path) {
        const read = await from.read(path);
        const name = nameIn(root, path);
        if ('text' in read && texts.get(name) !== null) texts.set(name, read.text);
        return read;
      },
      async readInside(inside, file, isSecret) {
        const read = await from.readInside(inside, file, isSecret);
        const name = nameIn(root, resolve(inside, file));
        if ('text' in read && texts.get(name) !== null) texts.set(name, isSecret ? null : read.text);
        return read;
      },
    },
    snapshot(main) {
      const files = Object.fromEntries([...texts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const text = JSON.stringify({ snapshot: 1, main: nameIn(root, main), files });
      return { text, hash: sha256(text) };
    },
  };
}

/** @returns the files of a snapshot, as if they were under `root`; undefined where the text is none. */
export function openSnapshot(text: string, root: string): { main: string; files: ConfigFiles } | undefined {
  const found = readSnapshot(text);
  if (found === undefined) return undefined;
  const { texts } = found;
  const main = resolve(root, found.main);
  const textOf = (path: string): string | null | undefined => texts.get(nameIn(root, path));
  return {
    main,
    files: {
      async read(path) {
        const text = textOf(path);
        return typeof text === 'string' ? { text } : { fault: 'missing' };
      },
      async readInside(inside, file, isSecret) {
        const text = textOf(resolve(inside, file));
        if (text === null) return diskFiles.readInside(inside, file, isSecret);
        return text === undefined ? { fault: 'missing' } : { text };
      },
      async list(folder) {
        const paths = [...texts.keys()].map((name) => resolve(root, name));
        return paths.filter((path) => dirname(path) === folder).map((path) => relative(folder, path));
      },
      // What was included and is not there was a second name of a file that was read already.
      identity: async (path) => (textOf(path) === undefined ? main : path),
    },
  };
}

function readSnapshot(text: string): { main: string; texts: Texts } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value) || value['snapshot'] !== 1) return undefined;
    const { main, files } = value;
    if (typeof main !== 'string' || !isJsonObject(files)) return undefined;
    const texts: Texts = new Map();
    for (const [name, file] of Object.entries(files)) {
      if (typeof file !== 'string' && file !== null) return undefined;
      texts.set(name, file);
    }
    return { main, texts };
  } catch {
    return undefined;
  }
}

const nameIn = (root: string, path: string): string => relative(root, path).replaceAll(sep, '/');

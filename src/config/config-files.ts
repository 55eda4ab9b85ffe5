/** Where the files of a configuration are read: on the disk, or in a snapshot of them. Always within bounds, as UTF-8. */
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { messageOf } from '../errors.ts';

export type FileText =
  | { text: string }
  | { fault: 'missing' | 'outside' | 'no_file' | 'too_large' | 'no_text' | 'forbidden' }
  | { fault: 'unreadable'; why: string };

export interface ConfigFiles {
  read(path: string): Promise<FileText>;
  /**
   * A file that a value refers to: relative to `root` and inside it, symbolic links resolved.
   * @param isSecret its text is kept nowhere
   */
  readInside(root: string, file: string, isSecret: boolean): Promise<FileText>;
  /** The names of the files in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** The same for all names of one file. */
  identity(path: string): Promise<string>;
}

const largest = 1024 * 1024;

export const diskFiles: ConfigFiles = {
  read: (path) => readText(path),
  async readInside(root, file) {
    try {
      const [inside, real] = await Promise.all([realpath(root), realpath(resolve(root, file))]);
      if (!real.startsWith(inside.endsWith(sep) ? inside : inside + sep)) return { fault: 'outside' };
      return await readText(real);
    } catch (error) {
      return faultOf(error);
    }
  },
  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  },
  identity: (path) => realpath(path).catch(() => path),
};

async function readText(path: string): Promise<FileText> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const about = await handle.stat();
    if (!about.isFile()) return { fault: 'no_file' };
    if (about.size > largest) return { fault: 'too_large' };
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile()) };
  } catch (error) {
    return faultOf(error);
  } finally {
    await handle?.close();
  }
}

function faultOf(error: unknown): FileText {
  if (error instanceof TypeError) return { fault: 'no_text' };
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { fault: 'missing' };
  if (code === 'EACCES') return { fault: 'forbidden' };
  return { fault: 'unreadable', why: messageOf(error) };
}

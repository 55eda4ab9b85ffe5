/** Reads one file of configuration, within bounds, as UTF-8. */
import { open } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import type { Surroundings } from './interpolate.ts';
import { fileProblem, type Problem, type Problems } from './problem.ts';
import { createSource, shownPath, type Source } from './source.ts';

/** Where files are read, and where what is wrong with them goes. */
export interface Reading extends Surroundings {
  /** Problems show files relative to it. */
  cwd: string;
  problems: Problems;
}

const largestFile = 1024 * 1024;

export async function readSource(path: string, cwd: string): Promise<Source | Problem> {
  const shown = shownPath(path, cwd);
  try {
    await using handle = await open(path);
    const about = await handle.stat();
    if (!about.isFile()) return fileProblem('E_READ', shown, 'this is no regular file');
    if (about.size > largestFile) return fileProblem('E_BOUND', shown, 'the file is larger than 1 MiB');
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile());
    return createSource(path, text, cwd);
  } catch (error) {
    if (error instanceof TypeError)
      return fileProblem('E_READ', shown, 'the file is no UTF-8 text', 'save it as UTF-8');
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return fileProblem('E_READ', shown, 'the file does not exist');
    if (code === 'EACCES') return fileProblem('E_READ', shown, 'the file may not be read by you');
    return fileProblem('E_READ', shown, `the file cannot be read: ${messageOf(error)}`);
  }
}

/** Reads one file of configuration. */
import type { ConfigFiles } from './config-files.ts';
import type { Surroundings } from './interpolate.ts';
import { fileProblem, type Problem, type Problems } from './problem.ts';
import { createSource, shownPath, type Source } from './source.ts';

/** Where files are read, and where what is wrong with them goes. */
export interface Reading extends Surroundings {
  /** Problems show files relative to it. */
  cwd: string;
  problems: Problems;
}

export async function readSource(
  path: string,
  { cwd, files }: { cwd: string; files: ConfigFiles },
): Promise<Source | Problem> {
  const shown = shownPath(path, cwd);
  const read = await files.read(path);
  if ('text' in read) return createSource(path, read.text, cwd);
  switch (read.fault) {
    case 'missing':
    case 'outside':
      return fileProblem('E_READ', shown, 'the file does not exist');
    case 'no_file':
      return fileProblem('E_READ', shown, 'this is no regular file');
    case 'too_large':
      return fileProblem('E_BOUND', shown, 'the file is larger than 1 MiB');
    case 'no_text':
      return fileProblem('E_READ', shown, 'the file is no UTF-8 text', 'save it as UTF-8');
    case 'forbidden':
      return fileProblem('E_READ', shown, 'the file may not be read by you');
    case 'unreadable':
      return fileProblem('E_READ', shown, `the file cannot be read: ${read.why}`);
  }
}

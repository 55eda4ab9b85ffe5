/** Where the configuration is: `--config`, else `$DEPUTY_CONFIG`, else `agents.yaml` here or in a folder above. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileProblem, type Problem } from './problem.ts';
import { shownPath } from './source.ts';

const names = ['agents.yaml', 'agents.yml'];

export async function findConfig(
  file: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | Problem> {
  const named = file ?? (env['DEPUTY_CONFIG'] === '' ? undefined : env['DEPUTY_CONFIG']);
  if (named !== undefined) return await findNamed(resolve(cwd, named), file === undefined, cwd);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = await findIn(folder);
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  return fileProblem(
    'E_NO_CONFIG',
    'agents.yaml',
    `is neither in ${resolve(cwd)} nor in a folder above it`,
    'make one: deputy init',
  );
}

async function findNamed(path: string, isFromEnv: boolean, cwd: string): Promise<string | Problem> {
  const about = await stat(path).catch(() => undefined);
  const found = about?.isDirectory() === true ? await findIn(path) : about === undefined ? undefined : path;
  if (found !== undefined) return found;
  const who = isFromEnv ? 'the file that $DEPUTY_CONFIG names' : 'the file that --config names';
  const what = about === undefined ? `${who} does not exist` : `${who} is a folder without an agents.yaml`;
  return fileProblem('E_NO_CONFIG', shownPath(path, cwd), what, 'mend the name, or make a file: deputy init');
}

async function findIn(folder: string): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name);
    const about = await stat(path).catch(() => undefined);
    if (about?.isFile() === true) return path;
  }
  return undefined;
}

/** A folder with the given files, removed after the test, and `loadConfig` in it. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { formatProblems } from '../../src/config/format-problems.ts';
import { loadConfig, type LoadOptions } from '../../src/config/load-config.ts';
import type { Problem } from '../../src/config/problem.ts';

export async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'deputy-config-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

type Given = Partial<LoadOptions>;

/** `files` may be the text of agents.yaml alone. */
async function load(files: string | Record<string, string>, given: Given = {}) {
  const cwd = await folderWith({ 'reply.yaml': '', ...(typeof files === 'string' ? { 'agents.yaml': files } : files) });
  return await loadConfig({ cwd, env: {}, ...given });
}

/** @throws with everything that is wrong, where the configuration is not accepted. */
export async function accepted(
  files: string | Record<string, string>,
  given?: Given,
): Promise<{ config: Config; warnings: Problem[] }> {
  const loaded = await load(files, given);
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, { color: false }));
  return loaded;
}

/** `CODE file:line:col message` of every problem. */
export async function refused(files: string | Record<string, string>, given?: Given): Promise<string[]> {
  const loaded = await load(files, given);
  if (loaded.ok) throw new Error(`accepted: ${JSON.stringify(loaded.config)}`);
  return loaded.problems.map(inShort);
}

export const inShort = ({ code, file, line, col, message }: Problem): string =>
  `${code} ${file}:${line}:${col} ${message}`;

/** The smallest agents.yaml, with more of it. */
export const minimal = (more = '', agent = ''): string =>
  `version: 1\nmodel: scripted/reply.yaml\nagents:\n  a:\n    description: Does a.\n${agent}${more}`;

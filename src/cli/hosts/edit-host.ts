/** A host's settings file before and after Deputy is in it. Reads and writes files; prints nothing. */
import { chmod, copyFile, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, UsageError } from '../../errors.ts';
import { mergeMember } from './jsonc.ts';
import type { Host, Launch, Place } from './hosts.ts';
import { setTable } from './toml.ts';

export interface HostEdit {
  file: string;
  before: string | undefined;
  after: string;
}

/** What the host's file would be with the entry in it; equal to `before` where it is there already. */
export async function editHost(host: Host, place: Place, name: string, launch: Launch): Promise<HostEdit> {
  const candidates = host.files(place);
  const file = candidates.find((file) => existsSync(file)) ?? candidates[0];
  const before = existsSync(file) ? await readFile(file, 'utf8') : undefined;
  try {
    return { file, before, after: withEntry(host, before ?? '', name, launch) };
  } catch (error) {
    throw new UsageError(
      `${file} cannot be edited safely (${messageOf(error)}): mend it, or paste the entry by hand.\n` +
        `help: deputy install ${host.name} --print`,
    );
  }
}

/** The entry alone, as a file that holds nothing else. */
export const entryAlone = (host: Host, name: string, launch: Launch): string => withEntry(host, '', name, launch);

function withEntry({ format, under }: Host, text: string, name: string, launch: Launch): string {
  const [first, ...rest] = [...under, name];
  if (format.kind === 'toml') return setTable(text, [...under, name], format.entry(launch));
  return mergeMember(text, [first ?? name, ...rest], format.entry(launch));
}

/** Writes in one piece, with the old file beside it, through symbolic links, with the old file's mode. */
export async function writeEdit({ file, before, after }: HostEdit): Promise<{ backup?: string }> {
  if (before === undefined) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, after, { mode: 0o600, flag: 'wx' });
    return {};
  }
  const target = await realpath(file);
  const backup = `${target}.before-deputy`;
  const { mode } = await stat(target);
  await copyFile(target, backup);
  const beside = `${target}.${process.pid}.tmp`;
  await writeFile(beside, after, { mode });
  await chmod(beside, mode);
  await rename(beside, target);
  return { backup };
}

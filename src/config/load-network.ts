/**
 * Reads a configuration with those of the Deputies that its servers start, and what is wrong with them together. Files
 * are read, no server is started; what cannot be read for certain is left out, never guessed.
 */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkNetwork } from './check-network.ts';
import type { Config, ServerConfig } from './config.ts';
import { deputyLaunch } from './deputy-launch.ts';
import { findConfig } from './find-config.ts';
import { loadFile, type Loaded, type LoadedFile, type LoadOptions } from './load-config.ts';
import type { NetworkTree } from './network-tree.ts';
import { collectProblems, sortProblems } from './problem.ts';

export type LoadedNetwork = Extract<Loaded, { ok: false }> | (Extract<Loaded, { ok: true }> & { tree: NetworkTree });

/** One file of the network, read once. */
interface Member {
  file: string;
  read: LoadedFile;
  config: Config;
  /** By the name of the server: the file that it starts with. */
  starts: Map<string, string>;
}

const mostFiles = 50;

export async function loadNetwork({ file, ...given }: LoadOptions): Promise<LoadedNetwork> {
  const found = await findConfig(file, given.cwd, given.env);
  if (typeof found !== 'string') return { ok: false, problems: [found] };
  const main = await loadFile(found, given);
  if (!main.loaded.ok) return main.loaded;

  const members = new Map<string, Member>();
  const faults = await readMembers(await identity(found), main, members, given);
  const trees = treesOf(members);
  const problems = collectProblems();
  const circles = new Set<string>();
  const shown: string[] = [];
  for (const [at, { read, config, starts }] of members) {
    const tree = trees.get(at);
    shown.push(...read.shown);
    if (tree !== undefined)
      checkNetwork(
        { tree, config, starts, faults, declarations: read.declarations, cwd: given.cwd, circles },
        problems,
      );
  }
  const { config, warnings } = main.loaded;
  const tree = trees.get(await identity(found)) ?? { config, others: new Map() };
  return { ok: true, config, warnings: sortProblems([...warnings, ...problems.all], shown), tree };
}

/** @returns the files that could not be taken, each with why. */
async function readMembers(
  first: string,
  read: LoadedFile,
  members: Map<string, Member>,
  given: Omit<LoadOptions, 'file'>,
): Promise<Map<string, Fault>> {
  const faults = new Map<string, Fault>();
  const waiting: { file: string; read: LoadedFile }[] = [{ file: first, read }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (!next.read.loaded.ok) continue;
    const { config } = next.read.loaded;
    const member: Member = { ...next, config, starts: new Map() };
    members.set(next.file, member);
    for (const server of config.servers) {
      const file = await fileOf(server);
      if (file === undefined) continue;
      member.starts.set(server.name, file);
      const isKnown = members.has(file) || faults.has(file) || waiting.some((one) => one.file === file);
      if (isKnown || members.size + waiting.length >= mostFiles) continue;
      const env = server.kind === 'stdio' ? { ...given.env, ...server.env } : given.env;
      const other = await loadFile(file, { ...given, env });
      if (other.loaded.ok) waiting.push({ file, read: other });
      else faults.set(file, faultOf(other.loaded.problems));
    }
  }
  return faults;
}

/** Why a Deputy could not start with its file. */
export type Fault = 'missing' | 'wrong' | 'unknown';

/** Its environment is not known for certain, so what lacks there may be there when it is started. */
function faultOf(problems: Extract<Loaded, { ok: false }>['problems']): Fault {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.some(({ code, line }) => code === 'E_READ' && line === 0)) return 'missing';
  return errors.every(({ code }) => ['E_ENV', 'E_NO_KEY', 'E_FILE'].includes(code)) ? 'unknown' : 'wrong';
}

async function fileOf(server: ServerConfig): Promise<string | undefined> {
  const launch = deputyLaunch(server);
  if (launch === undefined || server.kind !== 'stdio') return undefined;
  if (launch.config === undefined) {
    const found = await findConfig(undefined, server.cwd, {});
    return typeof found === 'string' ? identity(found) : undefined;
  }
  const found = await findConfig(launch.config, dirname(launch.config), {});
  return identity(typeof found === 'string' ? found : launch.config);
}

const identity = (path: string): Promise<string> => realpath(path).catch(() => path);

/** Each file once: they may start each other in a circle. */
function treesOf(members: ReadonlyMap<string, Member>): Map<string, NetworkTree> {
  const links = [...members].map(([file, { config }]) => {
    const others = new Map<string, NetworkTree>();
    return { file, others, tree: { config, others } };
  });
  const trees = new Map(links.map(({ file, tree }) => [file, tree]));
  for (const { file, others } of links) {
    for (const [server, started] of members.get(file)?.starts ?? []) {
      const other = trees.get(started);
      if (other !== undefined) others.set(server, other);
    }
  }
  return trees;
}

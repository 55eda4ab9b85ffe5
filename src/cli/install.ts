/** `deputy install HOST`: writes this network into a host's own configuration; `--print` only shows it. */
import { modelsOf } from '../config/models-of.ts';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openConfig } from './open.ts';
import type { Config, ModelConfig } from '../config/config.ts';
import { type ExitCode, exitCode } from './exit.ts';
import type { Globals } from './globals.ts';
import { editHost, entryAlone, writeEdit } from './hosts/edit-host.ts';
import { hosts, type Launch, type Place } from './hosts/hosts.ts';
import { named } from './globals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from '../errors.ts';

export interface InstallOptions {
  print?: boolean;
  /** What the host calls the server. */
  name: string;
}

export async function install(
  hostName: string,
  options: InstallOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<ExitCode> {
  const host = named(hosts, hostName, 'host');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(options.name))
    throw new UsageError(`"${options.name}" is no name for a server: use letters, digits, - and _.`);
  const config = await openConfig(globals, terminal);
  const launch = launchOf(config, globals);
  const place: Place = { home: homedir(), platform: process.platform, env: process.env };
  const say = (line: string) => terminal.err.write(`${line}\n`);

  if (options.print === true) {
    say(`# into ${host.files(place)[0]}`);
    terminal.out.write(entryAlone(host, options.name, launch));
    return exitCode.ok;
  }

  const edit = await editHost(host, place, options.name, launch);
  if (edit.after === edit.before) {
    say(`${host.title} has "${options.name}" already: ${edit.file} stays as it is.`);
    return exitCode.ok;
  }
  const { backup } = await writeEdit(edit);
  say(`Wrote "${options.name}" into ${edit.file}${backup === undefined ? '' : ` (as it was: ${backup})`}.`);
  say(host.next.replace('NAME', options.name));
  if (launch.keys.length > 0 && globals.envFile === undefined)
    say(
      `It needs ${launch.keys.join(' or ')} in the host's environment, or a file: deputy --env-file FILE install ${host.name}`,
    );
  return exitCode.ok;
}

/** How a host starts this network from wherever it runs: absolute paths only. */
export function launchOf(config: Config, { envFile }: Globals): Launch {
  // The same file that this process runs from: src/ in a checkout, dist/ where it is installed.
  const here = fileURLToPath(import.meta.url);
  const main = here.replace(/install(\.[jt]s)$/, 'main$1');
  const env = envFile === undefined ? [] : ['--env-file', resolve(envFile)];
  return {
    command: process.execPath,
    args: [main, '--config', config.file, ...env, 'serve', '--stdio'],
    keys: [...new Set(config.agents.flatMap(modelsOf).flatMap(keysOf))].toSorted(),
  };
}

const keysOf = ({ provider }: ModelConfig): string[] =>
  provider === 'anthropic' ? ['ANTHROPIC_API_KEY'] : provider === 'openai' ? ['OPENAI_API_KEY'] : [];

/** Servers that are Deputies: known by the command that starts them. */
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerConfig } from './config.ts';

/** What starts a program of a package, or one of a script. */
const runners = ['npx', 'bunx', 'pnpx', 'pnpm', 'yarn', 'npm', 'bun', 'node', 'tsx', 'deno'];
const ownMain = fileURLToPath(
  new URL(`../cli/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

export interface DeputyLaunch {
  /** What `--config` says, as an absolute path. Absent: it looks for its agents.yaml from its folder upwards. */
  config?: string;
}

/** @returns undefined where the server is no Deputy that is started here, or that cannot be said for certain. */
export function deputyLaunch(server: ServerConfig): DeputyLaunch | undefined {
  if (server.kind !== 'stdio' || !server.args.includes('serve')) return undefined;
  const config = configIn(server.args);
  if (!server.deputy && !isDeputy(server.command, server.args, server.cwd)) return undefined;
  const named = config ?? (server.env['DEPUTY_CONFIG'] === '' ? undefined : server.env['DEPUTY_CONFIG']);
  return named === undefined ? {} : { config: resolve(server.cwd, named) };
}

function isDeputy(command: string, args: readonly string[], cwd: string): boolean {
  const program = programName(command);
  if (program === 'deputy') return true;
  if (!runners.includes(program)) return false;
  const before = args.slice(0, args.indexOf('serve'));
  return before.some(
    (arg) =>
      /^deputy-mcp(@[^/]*)?$/.test(arg) ||
      arg === 'deputy' ||
      /(^|\/)\.bin\/deputy$/.test(arg) ||
      resolve(cwd, arg) === ownMain ||
      isInstalled(arg),
  );
}

const isInstalled = (arg: string): boolean => /(^|[\\/])deputy-mcp[\\/].*\bcli[\\/]main\.[jt]s$/.test(arg);

const programName = (command: string): string =>
  basename(command.replaceAll('\\', '/')).replace(/\.(cmd|exe|bat)$/i, '');

function configIn(args: readonly string[]): string | undefined {
  for (const [index, arg] of args.entries()) {
    if (arg === '-c' || arg === '--config') return args[index + 1];
    const joined = /^(?:--config=|-c)(.+)$/.exec(arg)?.[1];
    if (joined !== undefined) return joined;
  }
  return undefined;
}

/**
 * A PostgreSQL for one run of the tests (vitest's global setup): the one that `DATABASE_URL` names, or one of our own
 * from Debian's programs, in a temporary folder. Without either the suites on PostgreSQL are left out, and say so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined where there is none. */
    postgres: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['DATABASE_URL'];
  const programs = newestPrograms();
  if (given !== undefined || programs === undefined) {
    project.provide('postgres', given);
    if (given === undefined)
      process.stderr.write(
        'No PostgreSQL here: that half is left out. apt-get install postgresql, or set DATABASE_URL.\n',
      );
    return undefined;
  }
  const server = await start(programs);
  project.provide('postgres', server.url);
  return server.stop;
}

export async function start(programs: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'deputy-postgres-'));
  const data = join(folder, 'data');
  const user = unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const options = { ...user, cwd: folder, stdio: 'ignore' } as const;
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'deputy', '-A', 'trust', '-E', 'UTF8', '-N'], options);
  // On a socket in our own folder: no port is taken.
  const settings = [`unix_socket_directories=${folder}`, 'listen_addresses=', 'fsync=off', 'max_connections=300'];
  const server = spawn(join(programs, 'postgres'), ['-D', data, ...settings.flatMap((set) => ['-c', set])], options);
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  process.once('exit', () => server.kill('SIGQUIT'));
  const socket = join(folder, '.s.PGSQL.5432');
  while (!existsSync(socket) && server.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    url: `postgresql://deputy@localhost/postgres?host=${encodeURIComponent(folder)}`,
    async stop() {
      server.kill('SIGQUIT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const debian = '/usr/lib/postgresql';

export function newestPrograms(): string | undefined {
  if (!existsSync(debian)) return undefined;
  const [newest] = readdirSync(debian).toSorted((a, b) => Number(b) - Number(a));
  const programs = join(debian, newest ?? '', 'bin');
  return existsSync(join(programs, 'postgres')) ? programs : undefined;
}

/** PostgreSQL does not run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

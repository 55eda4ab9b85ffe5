/** The command line as a real process, in a folder and a home of its own, without keys. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const repository = join(import.meta.dirname, '..', '..');
const main = join(repository, 'src', 'cli', 'main.ts');

export interface Folder {
  path: string;
  home: string;
  write(files: Record<string, string>): Promise<void>;
  remove(): Promise<void>;
}

export async function folder(files: Record<string, string> = {}): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'deputy-cli-'));
  const home = join(path, 'home');
  await mkdir(home);
  const write = async (files: Record<string, string>) => {
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), content);
    }
  };
  await write(files);
  return { path, home, write, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

export interface Options {
  input?: string;
  env?: Record<string, string>;
  /** Another program of this repository than the command line. */
  program?: string;
}

export interface Running {
  child: ChildProcessWithoutNullStreams;
  done: Promise<Outcome>;
  /** Resolves with the output so far once it matches. */
  saw(stream: 'out' | 'err', pattern: RegExp): Promise<string>;
}

export function start({ path, home }: Pick<Folder, 'path' | 'home'>, args: string[], options: Options = {}): Running {
  const child = spawn(process.execPath, [options.program ?? main, ...args], {
    cwd: path,
    env: { PATH: process.env['PATH'], HOME: home, ...options.env },
    stdio: 'pipe',
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.end(options.input);
  const done = new Promise<Outcome>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, ...text }));
  });
  const saw = (stream: 'out' | 'err', pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => pattern.test(text[stream]) && resolve(text[stream]);
      child[stream === 'out' ? 'stdout' : 'stderr'].on('data', look);
      void done.then(({ out, err }) => reject(new Error(`ended without ${String(pattern)}:\n${out}\n${err}`)));
      look();
    });
  return { child, done, saw };
}

/** Runs to its end; standard input is empty where none is given. */
export const cli = (where: Pick<Folder, 'path' | 'home'>, args: string[], options: Options = {}): Promise<Outcome> =>
  start(where, args, { input: '', ...options }).done;

/**
 * A Deputy of a network: a process with a configuration, a store and an address of its own, which it keeps when it dies
 * and is started again. As its users run it: `deputy serve`, over HTTP or as the child of the Deputy above it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../src/json.ts';

export const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Every agent of these networks thinks with it, where nothing else is said. */
export const obedient = `scripted/${fileURLToPath(new URL('./obedient.ts', import.meta.url))}`;

export interface Deputy {
  name: string;
  /** Its configuration. */
  file: string;
  store: string;
  /** Where it listens, when it is started over HTTP. */
  url: string;
}

export interface Life {
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  isGone(): boolean;
  /** What it last said on stderr. */
  said(): string;
}

/** @param declared its configuration, but version and store. */
export async function deputyIn(folder: string, name: string): Promise<Deputy> {
  const place = join(folder, name);
  mkdirSync(place);
  const url = `http://127.0.0.1:${await freePort()}/mcp`;
  return { name, file: join(place, 'agents.yaml'), store: join(place, 'deputy.db'), url };
}

/** Once the addresses of all are known. YAML holds JSON. */
export const declare = ({ file, store }: Deputy, declared: JsonObject): void =>
  writeFileSync(file, JSON.stringify({ version: 1, store: { sqlite: store }, ...declared }, null, 2));

/** How another Deputy reaches it. @param more keys of its entry. */
export const overHttp = ({ url }: Deputy, more: JsonObject = {}): JsonObject => ({
  url,
  deputy: true,
  concurrency: 1_000,
  ...more,
});
export const overStdio = ({ file }: Deputy, more: JsonObject = {}): JsonObject => ({
  command: process.execPath,
  args: [main, '-c', file, 'serve', '--stdio'],
  env: { NODE_NO_WARNINGS: '1' },
  deputy: true,
  concurrency: 1_000,
  ...more,
});

const kept = 16_000;

const alive = new Set<ChildProcess>();
// However the bench ends.
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts it over HTTP. @returns when it serves. @throws Error it ended before. */
export async function startDeputy(deputy: Deputy): Promise<Life> {
  const life = beginDeputy(deputy);
  if (await life.serves) return life;
  throw new Error(`${deputy.name} does not start:\n${life.said()}`);
}

/** @returns at once. `serves` is false where it ended before it did. */
export function beginDeputy({ file, url }: Deputy): Life & { serves: Promise<boolean> } {
  const address = new URL(url).host;
  const child: ChildProcess = spawn(process.execPath, [main, '-c', file, 'serve', '--http', address], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  alive.add(child);
  const gone = once(child, 'close');
  void gone.then(() => alive.delete(child));
  const serves = Promise.withResolvers<boolean>();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-kept);
    if (/Serving .* at http/.test(said)) serves.resolve(true);
  });
  void gone.then(() => serves.resolve(false));
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isGone()) child.kill(signal);
    await gone;
  };
  return {
    serves: serves.promise,
    kill: () => end('SIGKILL'),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await end('SIGTERM');
      clearTimeout(timer);
    },
    isGone,
    said: () => said,
  };
}

/**
 * The process of a Deputy that another one has started on stdio; undefined where none is at work.
 * @throws Error this is no Linux
 */
export function pidOf({ file }: Deputy): number | undefined {
  if (process.platform !== 'linux') throw new Error('A child of a Deputy is found in /proc: this needs Linux.');
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => {
      const args = argumentsOf(pid);
      return args.includes(file) && args.includes('--stdio');
    });
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Outside of those that the system gives to outgoing connections: nobody takes it while its Deputy is dead. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

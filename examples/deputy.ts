/** The command line, as the examples drive it: what they show is what anybody can type. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');

/** A folder for what an example makes; it stays, to be looked at. */
export const scratch = (name: string): string => mkdtempSync(join(tmpdir(), `deputy-${name}-`));

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export interface Ran {
  code: number | null;
  out: string;
}

export interface Place {
  /** The example's own folder: its agents.yaml is used. */
  folder: string;
  env: Record<string, string>;
}

export function start({ folder, env }: Place, args: string[]): ChildProcessWithoutNullStreams {
  // No keys: everybody's run is the same.
  const { ANTHROPIC_API_KEY: _, OPENAI_API_KEY: __, ...own } = process.env;
  const child = spawn(process.execPath, [main, '-c', join(folder, 'agents.yaml'), ...args], {
    env: { ...own, NODE_NO_WARNINGS: '1', ...env },
  });
  child.stdin.end();
  return child;
}

/** Runs it to its end; what it says on stderr is shown. */
export async function deputy(place: Place, ...args: string[]): Promise<Ran> {
  const child = start(place, args);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  createInterface({ input: child.stderr }).on('line', (line) => say(`  ${line}`));
  await once(child, 'close');
  return { code: child.exitCode, out: out.trim() };
}

/** Serves over HTTP until it is stopped. */
export async function serve(place: Place): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = start(place, ['serve', '--http', '127.0.0.1:0']);
  const url = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const address = /Serving .* at (http:\S+)/.exec(line)?.[1];
    if (address !== undefined) url.resolve(address);
  });
  const gone = once(child, 'close');
  void gone.then(() => url.reject(new Error(`${place.folder} cannot be served`)));
  return {
    url: await url.promise,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** @throws Error the example is not what it says. */
export function check(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`not so: ${claim}`);
  say(`✓ ${claim}`);
}

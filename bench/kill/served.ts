/** One life of the server: `node main.ts serve --http`, started directly, so that a kill hits it and nothing before it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const config = fileURLToPath(new URL('./agents.yaml', import.meta.url));

export interface Life {
  /** Where it serves; undefined where it ended before it did. */
  url: Promise<string | undefined>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code. */
  stop(): Promise<number | null>;
  /** What it last said on stderr. */
  said(): string;
}

export function startLife(env: Record<string, string>): Life {
  const child: ChildProcess = spawn(process.execPath, [main, '-c', config, 'serve', '--http', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
  });
  const gone = once(child, 'close');
  const url = Promise.withResolvers<string | undefined>();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-8_000);
    const address = /Serving .* at (http:\S+)/.exec(said)?.[1];
    if (address !== undefined) url.resolve(address);
  });
  void gone.then(() => url.resolve(undefined));
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await gone;
    return child.exitCode;
  };
  return {
    url: url.promise,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    said: () => said,
  };
}

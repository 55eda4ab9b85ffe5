import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Question, Reply } from './control.ts';
import type { Reading } from './meter.ts';

export interface Child {
  /** What it sent when it was ready. Rejects when it dies first. */
  ready: Promise<unknown>;
  /** Its standard error as it grows. */
  onStderr(listener: (text: string) => void): void;
  ask(ask: string, params?: unknown): Promise<unknown>;
  reading(): Promise<Reading>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  /** As a crash does, without a word (`kill -9`). */
  kill(): Promise<void>;
}

const meter = new URL('./meter.ts', import.meta.url).href;
const keptStderr = 8_000;
const patienceMs = 10_000;

/** Starts `main` with this Node binary, the meter loaded first. A child that dies fails everything that waits for it. */
export function startChild(
  name: string,
  main: URL,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Child {
  const child = spawn(process.execPath, ['--import', meter, fileURLToPath(main), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_ENV: 'production', ...env },
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const readiness = Promise.withResolvers<unknown>();
  waiting.set(0, readiness);
  readiness.promise.catch(() => {});
  let asked = 0;
  let stderr = '';

  const errors = child.stderr?.setEncoding('utf8');
  errors?.on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptStderr);
  });
  child.on('message', (reply: Reply) => {
    const question = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) question?.reject(new Error(`${name}: ${reply.error}`));
    else question?.resolve(reply.value);
  });
  const gone = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      for (const { reject } of waiting.values()) reject(new Error(`${name} ${how}\n${stderr}`));
      waiting.clear();
      resolve();
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => end(`ended early (${signal ?? `exit code ${code}`})`));
  });

  const ask = (ask: string, params?: unknown): Promise<unknown> => {
    const question = Promise.withResolvers<unknown>();
    const id = ++asked;
    waiting.set(id, question);
    child.send({ id, ask, params } satisfies Question, (error) => {
      if (error !== null) question.reject(new Error(`${name} cannot be asked: ${error.message}\n${stderr}`));
    });
    return question.promise;
  };

  return {
    ready: readiness.promise,
    onStderr: (listener) => errors?.on('data', listener),
    ask,
    reading: async () => (await ask('reading')) as Reading,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      if (child.exitCode === null && child.signalCode === null) await Promise.race([once(child, 'exit'), gone]);
      clearTimeout(timer);
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

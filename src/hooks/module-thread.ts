/**
 * A hook that is a module, in a thread of its own: `export default { before_tool(input) { ... } }`, a function a place.
 *
 * Invariants: a question to the thread is always answered, within its time; a thread that hangs or dies is ended, and
 * denies for all that were asked of it; the next question begins a new one.
 */
import { Worker } from 'node:worker_threads';
import type { HookInput, HookSaid } from '../agent/hooks.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { failed, readSaid } from './said.ts';

export interface ModuleThread {
  /** Rejects only with the signal's reason. */
  ask(name: string, input: HookInput, timeoutMs: number, signal: AbortSignal): Promise<HookSaid>;
  close(): Promise<void>;
}

/** What the thread answers: JSON text, since what crosses must be plain. */
export type Answer = { id: number; value?: string; error?: string };

interface Open {
  worker: Worker;
  asked: Map<number, (answer: Answer) => void>;
}

export function moduleThread(file: string, { log }: { log: Log }): ModuleThread {
  let open: Open | undefined;
  let count = 0;

  const start = (): Open => {
    const worker = new Worker(new URL(`./module-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: { file },
      stdout: true,
      stderr: true,
    });
    const started: Open = { worker, asked: new Map() };
    const fail = (why: string): void => {
      if (open === started) open = undefined;
      for (const [id, answer] of started.asked) answer({ id, error: why });
      started.asked.clear();
    };
    worker.on('message', (answer: Answer) => started.asked.get(answer.id)?.(answer));
    worker.on('error', (error) => fail(messageOf(error)));
    worker.on('exit', () => fail('it ended its thread'));
    // stdout carries the protocol: what a module prints is a log line.
    worker.stdout.on('data', (chunk: Buffer) => log.info({ hook: file }, chunk.toString().trimEnd()));
    worker.stderr.on('data', (chunk: Buffer) => log.warn({ hook: file }, chunk.toString().trimEnd()));
    worker.unref();
    return started;
  };

  return {
    async ask(name, input, timeoutMs, signal) {
      signal.throwIfAborted();
      const thread = (open ??= start());
      const { worker, asked } = thread;
      const id = (count += 1);
      const answered = Promise.withResolvers<Answer>();
      const onAbort = (): void => answered.resolve({ id });
      const timer = setTimeout(() => {
        answered.resolve({ id, error: `it took longer than ${timeoutMs / 1000} s` });
        // It may be in a loop without end: no other question to it would be answered either.
        if (open === thread) open = undefined;
        void worker.terminate();
      }, timeoutMs);
      signal.addEventListener('abort', onAbort);
      asked.set(id, answered.resolve);
      worker.postMessage({ id, input });
      const { value, error } = await answered.promise;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      asked.delete(id);
      signal.throwIfAborted();
      if (error !== undefined) return failed(name, error);
      return readSaid(name, value === undefined ? undefined : JSON.parse(value));
    },
    async close() {
      await open?.worker.terminate();
    },
  };
}

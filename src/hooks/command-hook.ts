/**
 * A hook that is a program: it reads its input as JSON on stdin and answers with JSON on stdout, or with nothing.
 *
 * Invariants: whatever it does, it is answered for within its time; its whole process group is gone afterwards.
 */
import { spawn } from 'node:child_process';
import type { HookInput, HookSaid } from '../agent/hooks.ts';
import { childEnvironment } from '../child-environment.ts';
import { messageOf } from '../errors.ts';
import { failed, readSaid } from './said.ts';

export interface CommandHook {
  name: string;
  timeoutMs: number;
  argv: readonly string[];
  cwd: string;
}

/** Bytes that are read of either stream. */
const mostOutput = 4 * 1024 * 1024;

/** Rejects only with the signal's reason. */
export async function runCommand(
  { name, timeoutMs, argv, cwd }: CommandHook,
  input: HookInput,
  signal: AbortSignal,
): Promise<HookSaid> {
  signal.throwIfAborted();
  const [program = '', ...args] = argv;
  const isPosix = process.platform !== 'win32';
  const child = spawn(program, args, {
    cwd,
    env: childEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: isPosix,
    windowsHide: true,
  });
  const end = (): void => {
    try {
      if (isPosix && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      else child.kill('SIGKILL');
    } catch {
      // Gone already, with all that it started.
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal.addEventListener('abort', end);
  try {
    child.stdin.on('error', () => {}); // one that does not read its input may answer all the same
    child.stdin.end(JSON.stringify(input));
    const [out, err, code] = await Promise.all([
      textOf(child.stdout, end),
      textOf(child.stderr, end),
      new Promise<number | string>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (status, killed) => {
          resolve(status ?? killed ?? 'unknown');
          // What it left behind holds its streams open.
          end();
        });
      }),
    ]);
    signal.throwIfAborted();
    if (late) return failed(name, `it took longer than ${timeoutMs / 1000} s`);
    if (out.isOver || err.isOver) return failed(name, `it wrote more than ${mostOutput} bytes`);
    if (code !== 0) return failed(name, `it ended with ${code}${firstLine(err.text)}`);
    return readSaid(name, out.text.trim() === '' ? undefined : JSON.parse(out.text));
  } catch (error) {
    signal.throwIfAborted();
    return failed(name, messageOf(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
}

async function textOf(stream: AsyncIterable<Buffer>, onOver: () => void): Promise<{ text: string; isOver: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > mostOutput) {
      onOver();
      return { text: '', isOver: true };
    }
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString(), isOver: false };
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line === '' ? '' : `: ${line.slice(0, 300)}`;
}

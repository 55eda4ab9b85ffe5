/**
 * Runs a program under strace, and reads what that wrote.
 *
 * strace stops a thread at the beginning and at the end of each call, so the order of its lines is the order of
 * causes: what ended on a line before the one on which a sync began is covered by that sync, and what was done because
 * a sync had ended stands behind the line on which it did.
 */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** `from` and `to` are lines of the trace. `args` is strace's text, with all strings in hexadecimal. */
export interface Call {
  name: string;
  args: string;
  from: number;
  to: number;
  result: number;
}

/** All that makes, changes or syncs files. Not `mmap`: SQLite maps only what a crash drops. */
const calls =
  'openat,close,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,sync_file_range,unlink,unlinkat,rename,renameat,renameat2,link,linkat';

/** @throws Error strace is not there or may not trace, or the program did not end as it was to. */
export async function underStrace(trace: string, program: readonly string[], isKilled: boolean): Promise<void> {
  const options = ['-f', '--seccomp-bpf', '-qq', '-xx', '-s', '16777216', '-e', `trace=${calls}`, '-o', trace];
  // What goes through an io_uring is not seen.
  const env = { ...process.env, UV_USE_IO_URING: '0' };
  try {
    await promisify(execFile)('strace', [...options, ...program], { env });
    if (isKilled) throw new Error('The program under strace was not killed.');
  } catch (cause) {
    // strace ends as its program did.
    if (isKilled && (cause as { signal?: unknown }).signal === 'SIGKILL') return;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('This bench needs strace, on Linux: apt-get install strace', { cause });
    throw cause;
  }
}

/** Every call once, in the order in which they ended; not those during which the program died. */
export async function* callsIn(trace: string): AsyncGenerator<Call> {
  const begun = new Map<string, { name: string; args: string; from: number }>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(trace) })) {
    line += 1;
    const gap = text.indexOf(' ');
    const thread = text.slice(0, gap);
    const rest = text.slice(gap).trimStart();
    const ended = /\) += (-?\d+)[^")]*(?:\([^")]*\))?$/.exec(rest.slice(-200));
    const result = Number(ended?.[1]);
    const name = rest.slice(0, rest.indexOf('('));
    if (rest.startsWith('<... ')) {
      const call = begun.get(thread);
      begun.delete(thread);
      if (call !== undefined && ended !== null) yield { ...call, to: line, result };
    } else if (rest.endsWith(' <unfinished ...>')) {
      begun.set(thread, { name, args: rest.slice(name.length + 1, rest.lastIndexOf(' <')), from: line });
    } else if (ended !== null) {
      yield { name, args: rest.slice(name.length + 1, rest.length - ended[0].length), from: line, to: line, result };
    } else if (!/^(\+\+\+|---)|= \?$/.test(rest)) {
      throw new Error(`Line ${line} of the trace is not understood: ${rest.slice(0, 200)}`);
    }
  }
}

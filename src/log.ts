/**
 * The one sink of log lines: stderr, never stdout (stdout carries the protocol or the answer).
 * Every secret that the configuration resolved is told to `redact` and is blotted out by value, wherever it appears.
 */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import pretty from 'pino-pretty';

export type Log = Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child'>;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

const secrets = new Set<string>();

/** Shorter values are left alone: blotting out every `1` would hide more than it protects. */
const shortestSecret = 8;

export function redact(secret: string): void {
  if (secret.length < shortestSecret) return;
  secrets.add(secret);
  secrets.add(JSON.stringify(secret).slice(1, -1));
  secrets.add(Buffer.from(secret).toString('base64'));
  secrets.add(encodeURIComponent(secret));
}

export function redacted(line: string): string {
  for (const secret of secrets) line = line.replaceAll(secret, '[redacted]');
  return line;
}

export function createLog(level: LogLevel, stream: Writable & { isTTY?: boolean } = process.stderr): Log {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(redacted(chunk.toString()));
      done();
    },
  });
  return pino(
    { level, base: null },
    stream.isTTY === true ? pretty({ destination: sink, ignore: 'pid,hostname' }) : sink,
  );
}

export const silentLog: Log = pino({ level: 'silent' });

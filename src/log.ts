/**
 * The one sink of log lines: stderr, never stdout (stdout carries the protocol or the answer).
 * Every secret that the configuration resolved is told to `redact` and is blotted out by value, wherever it appears.
 */
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { PinoPretty } from 'pino-pretty';

export type Log = Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child'>;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

const secrets = new Set<string>();
let blots: readonly string[] = [];

/** Shorter values are left alone: blotting out every `1` would hide more than it protects. */
const shortestSecret = 8;

export function redact(secret: string): void {
  if (secret.length < shortestSecret) return;
  for (const form of formsOf(secret)) if (form.length >= shortestSecret) secrets.add(form);
  // The longest first: a secret that is part of another one must not leave the rest of it readable.
  blots = [...secrets].toSorted((a, b) => b.length - a.length);
}

export function redacted(line: string): string {
  for (const blot of blots) line = line.replaceAll(blot, '[redacted]');
  return line;
}

/** `secret` as it may look once it went through a URL, a form, JSON (once and twice), hex or base64. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inJson = JSON.stringify(secret).slice(1, -1);
  const inUrl = encodeURIComponent(secret);
  const hex = bytes.toString('hex');
  return [
    secret,
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    inUrl,
    inUrl.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    encodeURI(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    hex,
    hex.toUpperCase(),
    ...[0, 1, 2].flatMap((offset) => base64Within(bytes, offset)),
  ];
}

/** Base64 of `bytes` as part of something longer (`user:secret`), `offset` bytes after the start of a group of three. */
function base64Within(bytes: Buffer, offset: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  // A character that carries bits of what stands before or behind is not the secret's own.
  const own = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}

export function createLog(level: LogLevel, stream: Writable & { isTTY?: boolean } = process.stderr): Log {
  // A host that closed its end of our stderr must not end us.
  if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(redacted(chunk.toString()));
      done();
    },
  });
  return pino({ level, base: null }, stream.isTTY === true ? forPeople(sink) : sink);
}

/** Loaded where a person reads: everybody else need not wait for it. */
function forPeople(sink: Writable): PinoPretty.PrettyStream {
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return pretty({ destination: sink, ignore: 'pid,hostname' });
}

export const silentLog: Log = pino({ level: 'silent' });

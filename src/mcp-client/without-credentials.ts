import { redacted } from '../log.ts';
import type { ServerOptions } from './options.ts';

/** Text that may quote a request or an answer, without what we sent to prove who we are. */
export function withoutCredentials(message: string, options: ServerOptions): string {
  let safe = redacted(message);
  if (options.kind === 'stdio') return safe;
  for (const value of credentialsOf(options)) safe = safe.replaceAll(value, '[redacted]');
  return safe;
}

function credentialsOf({ url, headers }: { url: string; headers: Record<string, string> }): string[] {
  const { username, password, searchParams } = new URL(url);
  const values = Object.values(headers).flatMap((value) => [value, ...value.split(' ')]);
  return [...values, username, password, ...searchParams.values()].filter((value) => value.length >= 8);
}

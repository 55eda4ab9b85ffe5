import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from './http-answer.ts';

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Against DNS rebinding: a page of a stranger, open in a browser on this machine, must not reach these agents
 * (2026-07-28, streamable HTTP, "Security & Trust"). Exact forms only: what a URL parser would forgive is refused, and so
 * is every other place where a request may name a host.
 * @param hosts allowed besides those of loopback: `name`, with any port, or `name:port`.
 * @returns whether a request may come in; where not, it has been answered.
 */
export function guardFor(hosts: readonly string[]): (request: IncomingMessage, response: ServerResponse) => boolean {
  const known = new Set([...loopback, ...hosts.map((host) => host.toLowerCase())]);
  return (request, response) => {
    const fault = strangeness(request, (host) => isKnown(host, known));
    if (fault !== undefined) refuse(response, 403, -32600, fault);
    return fault === undefined;
  };
}

function isKnown(host: string, known: ReadonlySet<string>): boolean {
  const name = /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d+)?$/i.exec(host)?.[1];
  return name !== undefined && (known.has(name.toLowerCase()) || known.has(host.toLowerCase()));
}

function strangeness(
  { rawHeaders, headers, url }: IncomingMessage,
  isAllowed: (host: string) => boolean,
): string | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length !== 1 || !isAllowed(headers.host ?? '')) return `Forbidden host: ${headers.host ?? 'none'}`;
  if (url?.startsWith('/') !== true) return 'Forbidden: the target of the request must be a path';
  const { origin } = headers;
  if (origin !== undefined && !isAllowed(/^https?:\/\/(.+)$/i.exec(origin)?.[1] ?? ''))
    return `Forbidden origin: ${origin}`;
  return undefined;
}

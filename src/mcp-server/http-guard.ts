import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from './http-answer.ts';

const loopback = String.raw`(localhost|127\.0\.0\.1|\[::1\])(:\d+)?`;
const allowedHost = new RegExp(`^${loopback}$`, 'i');
const allowedOrigin = new RegExp(`^https?://${loopback}$`, 'i');

/**
 * Against DNS rebinding: a page of a stranger, open in a browser on this machine, must not reach these agents
 * (2026-07-28, streamable HTTP, "Security & Trust"). Exact forms only: what a URL parser would forgive is refused, and so
 * is every other place where a request may name a host. Answers itself where it returns false.
 */
export function mayEnter(request: IncomingMessage, response: ServerResponse): boolean {
  const fault = strangeness(request);
  if (fault !== undefined) refuse(response, 403, -32600, fault);
  return fault === undefined;
}

function strangeness({ rawHeaders, headers, url }: IncomingMessage): string | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length !== 1 || !allowedHost.test(headers.host ?? '')) return `Forbidden host: ${headers.host ?? 'none'}`;
  if (url?.startsWith('/') !== true) return 'Forbidden: the target of the request must be a path';
  const { origin } = headers;
  if (origin !== undefined && !allowedOrigin.test(origin)) return `Forbidden origin: ${origin}`;
  return undefined;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject } from '../json.ts';

/** Refuses an HTTP request in the words of JSON-RPC, naming the request where `body` is one. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  body?: unknown,
  retryAfterSeconds?: number,
): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const headers = {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    ...(status === 413 && { connection: 'close' }),
  };
  response.writeHead(status, headers).end(JSON.stringify({ jsonrpc: '2.0', id: idOf(body), error: { code, message } }));
}

export function answerText(response: ServerResponse, status: number, text: string, contentType = 'text/plain'): void {
  response
    .writeHead(status, { 'content-type': `${contentType}; charset=utf-8`, 'cache-control': 'no-store' })
    .end(text);
}

function idOf(body: unknown): string | number | null {
  if (!isJsonObject(body)) return null;
  const { id, method } = body;
  return typeof method === 'string' && (typeof id === 'string' || typeof id === 'number') ? id : null;
}

export type Body = { kind: 'json'; value: unknown } | { kind: 'malformed' } | { kind: 'too_large' } | { kind: 'gone' };

/** Reads and parses a body of at most `maxBytes`: a longer one is not read to its end. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { kind: 'too_large' };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) return { kind: 'too_large' };
      chunks.push(chunk);
    }
  } catch {
    return { kind: 'gone' };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    const value: unknown = JSON.parse(text);
    return isDeeperThan(maxDepth, value) ? { kind: 'malformed' } : { kind: 'json', value };
  } catch {
    return { kind: 'malformed' };
  }
}

/** Of nested arrays and objects in a body: whoever walks it later may do so by recursion. */
const maxDepth = 500;

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner));
}

/**
 * Between Node's HTTP and the `Request` and `Response` of the web, in which the SDK serves 2026. The body was read and parsed
 * at the door and travels beside: the SDK's own bridge would write it out again.
 */
import { classifyInboundRequest, PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isJsonObject } from '../json.ts';

/** Which era a POST belongs to: told once, from its headers and its parsed body. */
export function isLegacy({ headers }: IncomingMessage, body: unknown): boolean {
  if (isPlainly2026(body)) return false;
  const version = oneOf(headers['mcp-protocol-version']);
  const method = oneOf(headers['mcp-method']);
  const name = oneOf(headers['mcp-name']);
  const { kind } = classifyInboundRequest({
    httpMethod: 'POST',
    ...(version !== undefined && { protocolVersionHeader: version }),
    ...(method !== undefined && { mcpMethodHeader: method }),
    ...(name !== undefined && { mcpNameHeader: name }),
    body,
  });
  return kind === 'legacy';
}

/**
 * A request whose envelope names its version is 2026, well or ill formed; `initialize` and answers are for the SDK to
 * tell. Most requests are plain, and are spared a check of their whole body that is made again behind the door.
 */
const isPlainly2026 = (body: unknown): boolean =>
  isJsonObject(body) &&
  typeof body['method'] === 'string' &&
  body['method'] !== 'initialize' &&
  !('result' in body || 'error' in body) &&
  isJsonObject(body['params']) &&
  isJsonObject(body['params']['_meta']) &&
  PROTOCOL_VERSION_META_KEY in body['params']['_meta'];

/** A POST without its body. Its signal fires when the caller goes away. */
export function webRequest(request: IncomingMessage, response: ServerResponse): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, oneOf(value) ?? '');
  }
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  if (response.destroyed) gone.abort();
  return new Request('http://localhost/mcp', { method: 'POST', headers, signal: gone.signal });
}

/** As `Headers` joins what came several times. */
const oneOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

/** Resolves when the answer has been handed over, or its reader is gone. */
export async function sendAnswer(answer: Response, response: ServerResponse): Promise<void> {
  const headers = Object.fromEntries(answer.headers);
  if (answer.body !== null && headers['content-type']?.startsWith('text/event-stream') === true) {
    response.writeHead(answer.status, headers);
    // Whoever goes away ends the stream; the signal of the request has told of it.
    await pipeline(Readable.fromWeb(answer.body), response).catch(() => undefined);
    return;
  }
  const text = await answer.text();
  response.writeHead(answer.status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}

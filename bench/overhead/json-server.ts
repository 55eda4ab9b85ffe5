/** A process that answers JSON with JSON over HTTP, as cheaply as `node:http` can, and counts what it did. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent, ready } from './control.ts';

/** Listens on a free port of 127.0.0.1 and tells the bench its address; `count` is asked for by the bench. */
export function serveJson(
  answer: (body: unknown, request: IncomingMessage, response: ServerResponse) => void,
  count: () => number,
): void {
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      try {
        answer(body === '' ? undefined : JSON.parse(body), request, response);
      } catch (error) {
        sendJson(response, { error: { message: String(error) } }, 400);
      }
    });
  });
  answerParent({ count });
  process.once('SIGTERM', () => process.exit(0));
  server.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

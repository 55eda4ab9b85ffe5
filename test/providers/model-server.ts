/** A model server on a loopback port that answers with the next of the given responders and keeps what it was asked. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { JsonObject } from '../../src/json.ts';

export type Responder = (response: ServerResponse, request: IncomingMessage, body: JsonObject) => void;

interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
  body: JsonObject;
  /** Settles when the connection of this request is gone before it was answered whole. */
  cut: Promise<void>;
}

export interface ModelServer {
  readonly url: string;
  readonly asked: Asked[];
  /** What comes next, in order; more requests than that are answered with 418. */
  answer(...responders: Responder[]): void;
}

export function modelServer(): ModelServer {
  const asked: Asked[] = [];
  let next: Responder[] = [];
  let url = '';
  const answerNext = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const cut = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as JsonObject;
    asked.push({ path: request.url ?? '', headers: request.headers, body, cut });
    const responder = next.shift() ?? json({ error: { message: 'nothing left to answer' } }, 418);
    responder(response, request, body);
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    // A client that goes away while it asks is part of what is tested.
    answerNext(request, response).catch(() => response.destroy());
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    asked.length = 0;
    next = [];
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    get url() {
      return url;
    },
    asked,
    answer: (...responders) => void (next = responders),
  };
}

export const raw =
  (body: string, status = 200, headers: Record<string, string> = {}): Responder =>
  (response) =>
    void response.writeHead(status, headers).end(body);

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Responder =>
  raw(JSON.stringify(body), status, { 'content-type': 'application/json', ...headers });

const eventStream = { 'content-type': 'text/event-stream' };

export const sse = (events: string): Responder => raw(events, 200, eventStream);

/** `events` and then silence, with the connection open. */
export const stalled =
  (events: string): Responder =>
  (response) =>
    void response.writeHead(200, eventStream).write(events);

/** `events` and then the connection is torn down. */
export const torn =
  (events: string): Responder =>
  (response) => {
    response.writeHead(200, eventStream);
    response.write(events, () => setImmediate(() => response.socket?.resetAndDestroy()));
  };

export const reset: Responder = (response) => void response.socket?.resetAndDestroy();

export const silent: Responder = () => {};

/**
 * The HTTP door: `/mcp` in both eras, and what operators probe.
 *
 * Who may come in, and who that is, is decided before a body is read; the era before a server is built.
 */
import { type AuthInfo, createMcpHandler } from '@modelcontextprotocol/server';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { messageOf, UsageError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { Calls } from './calls.ts';
import type { AuthOptions } from './auth.ts';
import { createGate } from './auth-gate.ts';
import { answerText, readBody, refuse } from './http-answer.ts';
import { isLegacy, sendAnswer, webRequest } from './http-fetch.ts';
import { guardFor } from './http-guard.ts';
import { unavailableCode } from './meta.ts';
import { servedAgents, type Era, type ListKind, type ServeOptions } from './options.ts';
import { ownerLimits } from './owner-limits.ts';
import { agentServer } from './server.ts';
import { HttpTaskListens } from './task-listen-http.ts';
import { Sessions, type SessionLimits } from './sessions.ts';

export interface ServeHttpOptions extends ServeOptions, SessionLimits {
  /** A loopback address or `localhost`; with `auth` any other as well. Default `127.0.0.1`. */
  host?: string;
  /** Names, besides those of loopback, under which callers may address this server: `host` or `host:port`. */
  hosts?: readonly string[];
  /** How callers are told apart. Without it everybody is the one local owner. */
  auth?: AuthOptions;
  /** Default 0: any free port. */
  port?: number;
  /** Longest request body. Default 16 MiB. */
  maxBodyBytes?: number;
  /** Prometheus text for `/metrics`. */
  metrics?: () => string;
}

export interface HttpDoor {
  /** Of the MCP endpoint. */
  url: string;
  port: number;
  /** Tells everybody who listens that a list is another one now. */
  changed(kind: ListKind): void;
  /** Refuses new calls, waits up to `graceMs` (default 10 s) for those at work, then ends everything. */
  close(graceMs?: number): Promise<void>;
}

/** @throws UsageError an address that others can reach; the error of `listen`, when the port cannot be had. */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpDoor> {
  const { host = '127.0.0.1', port = 0, maxBodyBytes = 16 * 1024 * 1024, log } = options;
  if (!isLoopback(host) && options.auth === undefined) {
    throw new UsageError(
      `serving on ${host} would let others call these agents, and without serve.auth callers cannot be told apart: ` +
        'use 127.0.0.1, or say in agents.yaml who may call',
    );
  }
  const gate = createGate(options.auth, log);
  const mayEnter = guardFor(options.hosts ?? []);
  const tooMuch = ownerLimits(options.engine, options.ownerLimits ?? {});
  const calls = new Calls(options.maxCalls);
  const caller = (era: Era, owner: string) => ({ era, owner, calls });
  const sessions = new Sessions(
    ({ owner, ...session }) => agentServer(options, { ...caller('2025', owner), ...session }),
    log,
    options,
  );
  const modern = createMcpHandler(
    ({ authInfo, requestInfo }) => {
      // The SDK has checked that it is the method of the body.
      const method = requestInfo?.headers.get('mcp-method');
      const asked = method === null || method === undefined ? {} : { method };
      return agentServer(options, { ...caller('2026', ownerIn(authInfo)), ...asked });
    },
    { legacy: 'reject', onerror: (error) => log.debug({ err: messageOf(error) }, '2026 request') },
  );
  const listens = new HttpTaskListens(options);
  /** Responses to calls, until their last byte has left. */
  const answering = new Set<ServerResponse>();

  const server = createServer((request, response) => {
    response.on('error', (error) => log.debug({ err: messageOf(error) }, 'a response could not be sent'));
    if (!mayEnter(request, response)) return;
    route(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'an HTTP request failed');
      refuse(response, 500, -32603, 'Internal error: the log of this server says more.');
    });
  });
  // Longer than clients and load balancers keep a connection: Node's 5 s would reset requests that are just being sent.
  server.keepAliveTimeout = 75_000;

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? '').split('?', 1);
    if (path === '/mcp') {
      const owner = await gate.ownerOf(request, response);
      return owner === undefined ? undefined : serveMcp(request, response, owner);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return answerText(response, 405, 'GET only\n');
    if (path !== undefined && gate.describes(path, request, response)) return;
    if (path === '/healthz') return answerText(response, 200, 'ok\n');
    if (path === '/readyz')
      return answerText(response, calls.isDraining ? 503 : 200, calls.isDraining ? 'draining\n' : 'ok\n');
    if (path === '/metrics' && options.metrics !== undefined) {
      if ((await gate.ownerOf(request, response)) === undefined) return;
      return answerText(response, 200, options.metrics(), 'text/plain; version=0.0.4');
    }
    return answerText(response, 404, 'There is nothing here: MCP is served at /mcp\n');
  }

  async function serveMcp(request: IncomingMessage, response: ServerResponse, owner: string): Promise<void> {
    if (request.method === 'GET' || request.method === 'DELETE') {
      return sessions.handle(request, response, undefined, owner);
    }
    if (request.method !== 'POST') return answerText(response, 405, 'GET, POST and DELETE only\n');
    const body = await readBody(request, maxBodyBytes);
    if (body.kind === 'gone' || response.closed) return;
    if (body.kind === 'too_large') {
      return refuse(response, 413, -32600, `The request body is longer than ${maxBodyBytes} bytes`);
    }
    if (body.kind === 'malformed') return refuse(response, 400, -32700, 'Parse error: the body is no JSON in UTF-8');
    const message = body.value;
    const callsIn = (Array.isArray(message) ? message : [message]).filter(isCall);
    const full = calls.refusal(owner);
    if (full !== undefined && (calls.isDraining ? isRequest(message) : callsIn.length > 0)) {
      return refuse(response, full.status, unavailableCode, full.message, message, full.retryAfterSeconds);
    }
    const era = isLegacy(request, message) ? '2025' : '2026';
    if (callsIn.length > 0) {
      for (const call of callsIn) {
        const refusal = isStart(call, era, options) ? await tooMuch(owner) : undefined;
        if (refusal === undefined) continue;
        return refuse(response, 429, unavailableCode, refusal.message, message, refusal.retryAfterSeconds);
      }
      answering.add(response);
      response.once('close', () => answering.delete(response));
    }
    if (era === '2025') return sessions.handle(request, response, message, owner);
    const answer = (body: unknown): Promise<Response> =>
      modern.fetch(webRequest(request, response), { parsedBody: body, authInfo: authInfoOf(owner) });
    if (await listens.serve(message, owner, response, answer)) return;
    await sendAnswer(await answer(message), response);
  }

  await listen(server, port, host);
  server.on('error', (error) => log.error({ err: error }, 'the HTTP server had an error'));
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}/mcp`,
    port: bound,
    changed(kind) {
      const notify = { tools: 'toolsChanged', prompts: 'promptsChanged', resources: 'resourcesChanged' } as const;
      modern.notify[notify[kind]]();
      sessions.changed(kind);
    },
    async close(graceMs = 10_000) {
      await calls.drain(graceMs);
      calls.cutOff();
      await allClosed(answering, flushMs);
      listens.close();
      await modern.close();
      await sessions.close();
      await closeServer(server);
    },
  };
}

/** How the owner travels through the SDK: without the token, which ends at the gate. */
const authInfoOf = (owner: string): AuthInfo => ({ token: '', clientId: owner, scopes: [] });

function ownerIn(authInfo: AuthInfo | undefined): string {
  if (authInfo === undefined) throw new Error('A request came past the gate without an owner.');
  return authInfo.clientId;
}

/** The same names that `http-guard.ts` lets in. */
const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

const isRequest = (message: unknown): boolean =>
  Array.isArray(message) ? message.some(isRequest) : isJsonObject(message) && 'method' in message && 'id' in message;

const isCall = (message: unknown): message is JsonObject => isJsonObject(message) && message['method'] === 'tools/call';

/** A call of an agent, and not one more leg of a call that is known already. */
function isStart({ params }: JsonObject, era: Era, options: ServeOptions): boolean {
  if (!isJsonObject(params) || (era === '2026' && typeof params['requestState'] === 'string')) return false;
  return servedAgents(options).some(({ name }) => name === params['name']);
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

/** How long last answers may take to leave. */
const flushMs = 1000;

async function allClosed(responses: Iterable<ServerResponse>, ms: number): Promise<void> {
  const closed = Promise.all([...responses].filter(({ closed }) => !closed).map((response) => once(response, 'close')));
  await orAfter(closed, ms);
}

/** Streams that were just ended get a moment to be read to their end. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const nudge = setInterval(() => server.closeIdleConnections(), 20);
  await orAfter(closed, flushMs);
  clearInterval(nudge);
  server.closeAllConnections();
  await closed;
}

async function orAfter(event: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([event, late]);
  clearTimeout(timer);
}

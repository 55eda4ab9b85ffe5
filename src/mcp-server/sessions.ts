/**
 * The 2025 side of the HTTP door: one server instance a session, kept while its client may come back.
 *
 *   - Bounded in number: the session that was idle longest gives way; when none is idle, newcomers are refused.
 *   - Bounded in idle time: a session with an open exchange or a call at work is not idle.
 *   - Bound to the owner who opened it: nobody else finds it.
 *   - A broken connection is not a cancel (2025-11-25, transports): the call goes on and its result can be fetched.
 */
import { isInitializeRequest, type McpServer } from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { EventLog } from './event-log.ts';
import { refuse } from './http-answer.ts';
import { sessionGoneCode, unavailableCode } from './meta.ts';
import type { Caller, ListKind } from './options.ts';
import { SessionTransport } from './sdk-seams.ts';
import { SessionStreams } from './session-streams.ts';

export interface SessionLimits {
  /** Default 256. */
  maxSessions?: number;
  /** Milliseconds. Default 30 minutes. */
  sessionIdleMs?: number;
}

interface Session {
  readonly server: McpServer;
  readonly transport: SessionTransport;
  readonly owner: string;
  readonly streams: SessionStreams;
  /** Open HTTP exchanges and calls at work. */
  busy: number;
  usedAt: number;
}

type Build = (caller: Required<Pick<Caller, 'owner' | 'onCall' | 'streams'>>) => McpServer;

export class Sessions {
  readonly #build: Build;
  readonly #log: Log;
  readonly #max: number;
  readonly #idleMs: number;
  readonly #sessions = new Map<string, Session>();
  readonly #events = new EventLog();
  #opening = 0;
  readonly #sweep: NodeJS.Timeout;

  constructor(build: Build, log: Log, { maxSessions = 256, sessionIdleMs = 30 * 60_000 }: SessionLimits) {
    this.#build = build;
    this.#log = log;
    this.#max = maxSessions;
    this.#idleMs = sessionIdleMs;
    this.#sweep = setInterval(() => this.#closeIdle(), Math.min(sessionIdleMs, 30_000));
    this.#sweep.unref();
  }

  /** `body` is the parsed JSON; undefined for GET and DELETE. */
  async handle(request: IncomingMessage, response: ServerResponse, body: unknown, owner: string): Promise<void> {
    const id = request.headers['mcp-session-id'];
    if (id === undefined && isInitializeRequest(body)) return this.#open(request, response, body, owner);
    if (typeof id !== 'string') {
      return refuse(response, 400, -32600, 'Bad Request: initialize first, then send the Mcp-Session-Id header', body);
    }
    const session = this.#sessions.get(id);
    // Somebody else's is as good as none: it must not be found by guessing either.
    if (session === undefined || session.owner !== owner) {
      return refuse(response, 404, sessionGoneCode, 'Session not found: initialize again', body);
    }
    return this.#exchange(session, request, response, body);
  }

  changed(kind: ListKind): void {
    for (const { server } of this.#sessions.values()) announce(server, kind);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([...this.#sessions].map(([id, session]) => this.#end(id, session)));
  }

  async #open(request: IncomingMessage, response: ServerResponse, body: unknown, owner: string): Promise<void> {
    if (this.#sessions.size + this.#opening >= this.#max && !(await this.#closeLongestIdle())) {
      return refuse(response, 503, unavailableCode, 'Too many sessions: try again in a moment', body, 5);
    }
    const id = randomUUID();
    const transport = new SessionTransport({
      sessionIdGenerator: () => id,
      eventStore: this.#events.of(id),
      retryInterval: 1000,
      onsessioninitialized: () => void this.#sessions.set(id, session),
      onsessionclosed: () => this.#end(id, session),
    });
    const streams = new SessionStreams();
    const server = this.#build({ owner, streams, onCall: (change) => this.#use(session, change) });
    const session: Session = { server, transport, owner, streams, busy: 0, usedAt: Date.now() };
    this.#opening += 1;
    try {
      await server.connect(transport);
      await this.#exchange(session, request, response, body);
    } finally {
      this.#opening -= 1;
      if (!this.#sessions.has(id)) await this.#end(id, session);
    }
  }

  async #exchange(session: Session, request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    this.#use(session, 1);
    response.once('close', () => this.#use(session, -1));
    session.streams.exchange(request, response, body);
    await session.transport.handleRequest(request, response, body);
  }

  #use(session: Session, change: 1 | -1): void {
    session.busy += change;
    session.usedAt = Date.now();
  }

  async #end(id: string, { server }: Session): Promise<void> {
    this.#sessions.delete(id);
    await server.close();
    this.#events.forget(id);
  }

  #closeIdle(): void {
    const before = Date.now() - this.#idleMs;
    for (const [id, session] of this.#sessions) {
      if (session.busy > 0 || session.usedAt > before) continue;
      this.#end(id, session).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'an idle session could not be ended');
      });
    }
  }

  async #closeLongestIdle(): Promise<boolean> {
    const idle = [...this.#sessions].filter(([, { busy }]) => busy === 0);
    const [longest] = idle.toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    if (longest === undefined) return false;
    await this.#end(...longest);
    return true;
  }
}

export function announce(server: McpServer, kind: ListKind): void {
  switch (kind) {
    case 'tools':
      return server.sendToolListChanged();
    case 'prompts':
      return server.sendPromptListChanged();
    case 'resources':
      return server.sendResourceListChanged();
  }
}

/** The stdio door: one caller, either era, until its end of the pipe closes. stdout carries the protocol, nothing else. */
import { serveStdio as serveConnection } from '@modelcontextprotocol/server/stdio';
import type { McpServer } from '@modelcontextprotocol/server';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../errors.ts';
import { Calls } from './calls.ts';
import { localOwner, type ListKind, type ServeOptions } from './options.ts';
import { ownerLimits } from './owner-limits.ts';
import { agentServer } from './server.ts';
import { announce } from './sessions.ts';
import { TaskListenTransport } from './task-listen-stdio.ts';

export interface ServeStdioOptions extends ServeOptions {
  /** Whom the one caller of this pipe is taken for. Default: `local`. */
  owner?: string;
  /** Default: this process's. */
  stdin?: Readable;
  stdout?: Writable;
  /** Longest message; a longer one ends the connection. Default 16 MiB. */
  maxMessageBytes?: number;
}

export interface StdioDoor {
  /** Resolves when the other side is gone, or after `close`, and the calls at work have ended. */
  closed: Promise<void>;
  /** Tells the caller that a list is another one now. */
  changed(kind: ListKind): void;
  /** Refuses new calls, waits up to `graceMs` (default 10 s) for those at work, then ends the connection. */
  close(graceMs?: number): Promise<void>;
}

/** How long the tasks of a caller that has gone may take to be cancelled before `closed` no longer waits. */
const partingMs = 5000;

export async function serveStdio(options: ServeStdioOptions): Promise<StdioDoor> {
  const { stdin = process.stdin, stdout = process.stdout, maxMessageBytes = 16 * 1024 * 1024, log } = options;
  const calls = new Calls(options.maxCalls);
  const owner = options.owner ?? localOwner;
  const limits = ownerLimits(options.engine, options.ownerLimits ?? {});
  /** A connection that begins with a probe gets a second instance for its session: the newest one is it. */
  let server: McpServer | undefined;
  const gone = Promise.withResolvers<void>();
  const connection = serveConnection(
    ({ era }) => {
      server = agentServer(options, {
        era: era === 'modern' ? '2026' : '2025',
        owner,
        calls,
        tooMuch: () => limits(owner),
      });
      return server;
    },
    {
      transport: new TaskListenTransport(options, owner, {
        stdin,
        stdout,
        maxBufferSize: maxMessageBytes,
        onClosed: gone.resolve,
      }),
      onerror: (error) => log.debug({ err: messageOf(error) }, 'stdio'),
    },
  );
  return {
    closed: gone.promise.then(() => calls.drain(partingMs)),
    changed(kind) {
      if (server !== undefined) announce(server, kind);
    },
    async close(graceMs = 10_000) {
      await calls.drain(graceMs);
      calls.cutOff();
      await calls.drain(partingMs);
      await connection.close();
    },
  };
}

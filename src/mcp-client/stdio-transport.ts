/**
 * The stdio transport for servers that we start. Instead of the SDK's, because that one kills only the direct child,
 * closes with all other calls on a message over 10 MB, and waits without limit for a child that does not read.
 *
 * Invariants: `onclose` is called exactly once, when the child is gone or was given up on; `whyClosed` then says why.
 * Nothing that the child writes throws: noise is counted, what is no message is dropped.
 */
import type { Readable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Log } from '../log.ts';
import { messageOf } from '../errors.ts';
import { isNotification, isOfInterest, isRequest, messageIn } from './message-in.ts';
import { messageLines } from './message-lines.ts';
import { bounds, type StdioTarget, type ServerOptions } from './options.ts';
import { startGroup, type ProcessGroup } from './process-group.ts';
import { recentText, type RecentText } from './recent-text.ts';
import { requestRate, type RequestRate } from './request-rate.ts';
import { inOneForm, toldOfTasks } from './sdk-seams.ts';

export const closedByUs = 'it was closed';

const mebibyte = 1024 * 1024;
/** Bytes that are read before others get their turn: a few hundred small messages. */
const piece = 16 * 1024;
/** How long stdout may still carry answers after the child's exit: a grandchild may hold the pipe open for ever. */
const lastWordsMs = 200;

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport['onmessage']>;

  /** Why the connection ended, in words for people. */
  whyClosed: string | undefined;
  /** Lines on stdout that were no JSON-RPC message. */
  noiseLines = 0;
  /** Messages and noise so far: whoever sees it grow knows that the child is alive. */
  linesRead = 0;
  readonly stderrTail: RecentText = recentText();
  readonly #requests: RequestRate;
  readonly #target: StdioTarget;
  readonly #graceMs: number;
  readonly #log: Log;
  #group: ProcessGroup | undefined;
  #noiseBytes = 0;
  #isClosed = false;
  #ended: Promise<void> | undefined;

  constructor(target: StdioTarget & Pick<ServerOptions, 'deputy'>, graceMs: number, log: Log) {
    this.#requests = requestRate(target);
    this.#target = target;
    this.#graceMs = graceMs;
    this.#log = log;
  }

  get pid(): number | null {
    return this.#group?.pid ?? null;
  }

  /** Only there for the SDK to see: see `sdk-seams.ts`, 1. */
  readonly stderr = null;

  async start(): Promise<void> {
    const group = await startGroup(this.#target, this.#graceMs);
    this.#group = group;
    const lines = messageLines(bounds.message, {
      line: (line) => this.#read(line),
      tooLong: () => this.#giveUp(`it sent a message over ${bounds.message / mebibyte} MiB`),
    });
    const hear = (chunk: Buffer): void => {
      if (!this.#isClosed) lines(chunk);
    };
    group.stdout.on('data', (chunk: Buffer) => {
      if (chunk.length > piece) void readInPieces(group.stdout, chunk, hear);
      else hear(chunk);
    });
    group.stderr.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      this.stderrTail.add(text);
      this.#log.debug({ stderr: text.slice(0, 2_048) }, 'stderr');
    });
    for (const stream of [group.stdin, group.stdout, group.stderr]) {
      stream.on('error', (error: Error) => this.onerror?.(error)); // EPIPE: its exit says more
    }
    void this.#watchExit(group);
  }

  /** Never waits for the child to read: a call that it leaves unread runs into its time-out. */
  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#group?.stdin;
    if (stdin === undefined || this.#isClosed) return Promise.reject(new Error(this.whyClosed ?? 'it is not running'));
    if (stdin.writableLength > bounds.unread) {
      return Promise.reject(new Error(`it has left ${bounds.unread / mebibyte} MiB of its stdin unread`));
    }
    stdin.write(`${JSON.stringify(toldOfTasks(message))}\n`);
    return Promise.resolve();
  }

  /** Ends the child with its group; resolves when it is gone. */
  close(): Promise<void> {
    this.whyClosed ??= closedByUs;
    return this.#end();
  }

  /** For a child that does not listen any more: without waiting for its goodwill. */
  kill(why: string): Promise<void> {
    this.whyClosed ??= why;
    this.#group?.kill().catch(() => {});
    return this.#end();
  }

  #giveUp(why: string): void {
    this.#log.warn(`gave up: ${why}`);
    void this.kill(why);
  }

  #end(): Promise<void> {
    this.#ended ??= (async () => {
      this.#announceClosed();
      await this.#group?.end();
    })();
    return this.#ended;
  }

  async #watchExit(group: ProcessGroup): Promise<void> {
    const how = await group.exited;
    await lastWords(group);
    this.whyClosed ??= `it ended by itself (${how})`;
    await this.#end();
  }

  #announceClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.();
  }

  #read(line: string): void {
    if (this.#isClosed) return;
    this.linesRead += 1;
    const message = messageIn(line);
    if (message === undefined) this.#hearNoise(line);
    else if (isOfInterest(message)) {
      this.#noiseBytes = 0;
      if (isRequest(message) && this.#requests.isTooMany())
        return this.#giveUp(`it sent over ${bounds.requests} requests in ${bounds.requestsTime / 1_000} s`);
      // Seam 15: an answer must not overtake what was said before it, nor a question an answer.
      if (isNotification(message)) this.#hear(message);
      else queueMicrotask(() => this.#hear(message));
    }
  }

  #hear(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(inOneForm(message));
    } catch (error) {
      this.#log.warn(`a message could not be handled: ${messageOf(error)}`);
    }
  }

  #hearNoise(line: string): void {
    if (line.trim() === '') return;
    this.noiseLines += 1;
    this.#noiseBytes += line.length;
    if (this.noiseLines === 1) this.#log.warn(`writes to stdout what is no message: ${line.slice(0, 200)}`);
    else this.#log.debug({ noise: line.slice(0, 200), lines: this.noiseLines }, 'noise on stdout');
    if (this.#noiseBytes > bounds.noise) {
      this.#giveUp(`it flooded stdout with ${bounds.noise / mebibyte} MiB that are no messages`);
    }
  }
}

/** Node reads up to 2 MiB in one turn: thousands of small messages, while everybody else waits. */
async function readInPieces(stream: Readable, chunk: Buffer, hear: (piece: Buffer) => void): Promise<void> {
  stream.pause();
  for (let at = 0; at < chunk.length; at += piece) {
    hear(chunk.subarray(at, at + piece));
    await new Promise(setImmediate);
  }
  stream.resume();
}

async function lastWords(group: ProcessGroup): Promise<void> {
  if (group.stdout.readableEnded) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lastWordsMs);
    group.stdout.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

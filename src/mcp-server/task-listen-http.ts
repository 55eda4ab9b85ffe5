/** Subscriptions to tasks over HTTP: the stream that the SDK answers with, and our notifications beside its own. */
import { ProtocolError } from '@modelcontextprotocol/server';
import type { ServerResponse } from 'node:http';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { ServeOptions } from './options.ts';
import {
  acknowledged,
  completion,
  honored,
  taskListenOf,
  tellTasks,
  withTasks,
  type TaskListen,
} from './task-listen.ts';

/** How the SDK would answer a request. */
type Answer = (message: JsonObject) => Promise<Response>;

const keepAliveMs = 15_000;

export class HttpTaskListens {
  readonly #options: ServeOptions;
  readonly #most: number;
  readonly #open = new Set<() => void>();

  constructor(options: ServeOptions, most = 1024) {
    this.#options = options;
    this.#most = most;
  }

  /** @returns false where `message` is no subscription to tasks; else it is answered when the promise resolves. */
  async serve(message: unknown, owner: string, response: ServerResponse, answer: Answer): Promise<boolean> {
    try {
      const listen = taskListenOf(message);
      if (listen === undefined) return false;
      if (this.#open.size >= this.#most) throw new ProtocolError(-32603, 'Subscription limit reached');
      await this.#stream(listen, owner, response, answer);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !isJsonObject(message)) throw error;
      const { code, message: text, data } = error;
      const fault = { code, message: text, ...(data !== undefined && { data: data as Json }) };
      const body = JSON.stringify({ jsonrpc: '2.0', id: message['id'], error: fault });
      response.writeHead(code === -32603 ? 200 : 400, { 'content-type': 'application/json' }).end(body);
    }
    return true;
  }

  /** Completes what is open. */
  close(): void {
    for (const end of this.#open) end();
  }

  async #stream(listen: TaskListen, owner: string, response: ServerResponse, answer: Answer): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answered = await answer(listen.rest as unknown as JsonObject);
    if (answered.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
      return;
    }
    const own = await honored(this.#options, owner, listen);
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#open.add(end);
    response.writeHead(200, Object.fromEntries(answered.headers));
    const send = (message: unknown): void => {
      if (!response.writableEnded) response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
    };
    const outlet = { send, isBehind: () => response.writableNeedDrain };
    const alive = setInterval(() => response.write(': keepalive\n\n'), keepAliveMs);
    alive.unref();
    try {
      const signal = AbortSignal.any([gone.signal, over.signal]);
      let told: Promise<void> | undefined;
      let isAlone = true;
      for await (const frame of framesOf(answered)) {
        const said = acknowledged(frame);
        if (said !== undefined && told === undefined) {
          isAlone = Object.keys(said).length === 0;
          send(withTasks(frame, own));
          told = tellTasks(this.#options, owner, listen, own, signal, outlet);
        } else if (frame['id'] === undefined) {
          send(frame);
        }
      }
      // The SDK has ended its part: at once where it had nothing to tell, else because the door closes.
      if (!isAlone) over.abort();
      await told;
      send(completion(listen));
    } finally {
      clearInterval(alive);
      this.#open.delete(end);
      over.abort();
      response.end();
    }
  }
}

/** The messages of a stream that the SDK wrote; what it says to keep the connection alive is left out. */
async function* framesOf({ body }: Response): AsyncGenerator<JsonObject> {
  if (body === null) return;
  let buffer = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(buffer.slice(0, end))?.[1];
      buffer = buffer.slice(end + 2);
      if (data !== undefined) yield JSON.parse(data) as JsonObject;
    }
  }
}

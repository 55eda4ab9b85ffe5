/** A 2026 caller by hand, over HTTP or stdio: it declares what each request is to declare, and sees the bare answers. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { AuthOptions } from '../../src/mcp-server/auth.ts';
import { serveHttp } from '../../src/mcp-server/http.ts';
import type { ServeOptions } from '../../src/mcp-server/options.ts';
import { serveStdio } from '../../src/mcp-server/stdio.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { meta, modernHeaders, sseEvents } from './wire.ts';

export type Capabilities = Record<string, unknown>;
// oxlint-disable-next-line typescript/no-explicit-any -- looked into as it came, by tests that say what they expect
export type Message = Record<string, any>;

/** What a caller may declare. */
export const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
export const forms = { elicitation: {} };

export interface Reply {
  /** Over HTTP. */
  status?: number;
  headers?: Headers;
  result?: Message;
  error?: Message;
}

export interface Peer {
  engine: FakeEngine;
  /** Over HTTP. */
  url?: string;
  request(method: string, params: Message, capabilities?: Capabilities): Promise<Reply>;
  /** Opens a subscription; every message of it, as they come, until it ends. */
  listen(notifications: Message, capabilities?: Capabilities): AsyncGenerator<Message>;
  closeDoor(graceMs?: number): Promise<void>;
}

export interface PeerOptions extends Partial<Omit<ServeOptions, 'engine'>> {
  owner?: string;
}

export const kinds = ['HTTP', 'stdio'] as const;

export const openPeer = (kind: (typeof kinds)[number], options: PeerOptions = {}): Promise<Peer> =>
  kind === 'HTTP' ? httpPeer(options) : stdioPeer(options);

let ids = 0;
const envelope = (capabilities: Capabilities): Message =>
  meta({
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1' },
  });

const nameOf = (params: Message): string | undefined => params['name'] ?? params['taskId'] ?? params['uri'];

async function httpPeer({ owner, ...more }: PeerOptions): Promise<Peer> {
  const { engine, options } = fakeNetwork(more);
  const auth: AuthOptions | undefined = owner === undefined ? undefined : { keys: [{ owner, key: `key-of-${owner}` }] };
  const door = await serveHttp({ ...options, ...(auth !== undefined && { auth }) });
  onTestFinished(() => door.close(0));
  return {
    engine,
    url: door.url,
    ...httpCaller(door.url, owner),
    closeDoor: (graceMs) => door.close(graceMs),
  };
}

/** @param owner whose key is sent; nobody's without. */
export function httpCaller(url: string, owner?: string): Pick<Peer, 'request' | 'listen'> {
  const post = (method: string, params: Message, capabilities: Capabilities, signal?: AbortSignal): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: {
        ...modernHeaders(method, nameOf(params)),
        ...(owner !== undefined && { authorization: `Bearer key-of-${owner}` }),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: ++ids,
        method,
        params: { ...params, _meta: { ...envelope(capabilities), ...params['_meta'] } },
      }),
      ...(signal !== undefined && { signal }),
    });
  return {
    async request(method, params, capabilities = {}) {
      const response = await post(method, params, capabilities);
      const { status, headers } = response;
      if (headers.get('content-type')?.startsWith('text/event-stream') !== true) {
        return { status, headers, ...((await response.json()) as Message) };
      }
      for await (const { data } of sseEvents(response)) {
        const message = data === '' ? {} : (JSON.parse(data) as Message);
        if ('id' in message) return { status, headers, ...message };
      }
      throw new Error('The stream ended without an answer.');
    },
    async *listen(notifications, capabilities = {}) {
      const over = new AbortController();
      const response = await post('subscriptions/listen', { notifications }, capabilities, over.signal);
      try {
        if (response.status !== 200) yield { status: response.status, ...((await response.json()) as Message) };
        else for await (const { data } of sseEvents(response)) if (data !== '') yield JSON.parse(data) as Message;
      } finally {
        over.abort();
      }
    },
  };
}

async function stdioPeer({ owner, ...more }: PeerOptions): Promise<Peer> {
  const { engine, options } = fakeNetwork(more);
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const messages: Message[] = [];
  let rest = '';
  stdout.setMaxListeners(0);
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    messages.push(...lines.map((line) => JSON.parse(line) as Message));
    stdout.emit('line');
  });
  const door = await serveStdio({ ...options, stdin, stdout, ...(owner !== undefined && { owner }) });
  onTestFinished(() => door.close(0));
  const send = (message: Message): void => void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = (method: string, params: Message, capabilities: Capabilities): number => {
    send({ id: ++ids, method, params: { ...params, _meta: { ...envelope(capabilities), ...params['_meta'] } } });
    return ids;
  };
  async function* matching(fits: (message: Message) => boolean): AsyncGenerator<Message> {
    for (let seen = 0; ; seen += 1) {
      while (messages.length <= seen) await once(stdout, 'line');
      const message = messages[seen];
      if (message !== undefined && fits(message)) yield message;
    }
  }
  const subscription = (message: Message): unknown =>
    (message['params'] ?? message['result'])?.['_meta']?.['io.modelcontextprotocol/subscriptionId'];
  return {
    engine,
    async request(method, params, capabilities = {}) {
      const id = ask(method, params, capabilities);
      for await (const message of matching((one) => one['id'] === id)) return message;
      throw new Error('unreachable');
    },
    async *listen(notifications, capabilities = {}) {
      const id = ask('subscriptions/listen', { notifications }, capabilities);
      try {
        for await (const message of matching((one) => one['id'] === id || subscription(one) === id)) {
          yield message;
          if ('id' in message) return;
        }
      } finally {
        send({ method: 'notifications/cancelled', params: { requestId: id } });
      }
    },
    closeDoor: (graceMs) => door.close(graceMs),
  };
}

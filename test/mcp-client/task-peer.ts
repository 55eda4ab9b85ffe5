/** A server of 2026 with the tasks extension, written by hand, so that it can also do what no server should. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject, type JsonObject } from '../../src/json.ts';
import type { ServerOptions, Timings } from '../../src/mcp-client/open-servers.ts';
import type { EffectClass } from '../../src/task/effect.ts';
import { listen } from './listen.ts';
import { call, type CallOptions, http, open, toolOf } from './peers.ts';

export interface Asked {
  id: number | string;
  method: string;
  params: JsonObject;
  headers: IncomingMessage['headers'];
}
/** A result (its `resultType` is added), an error, an HTTP status, or nothing: then the request stays open. */
type Said = { result: object } | { error: { code: number; message: string } } | { status: number } | undefined;
export type OnAsked = (asked: Asked, nth: number) => Said | Promise<Said>;

export const handle = (more: object = {}): Said => ({
  result: { resultType: 'task', taskId: 't1', status: 'working', ttlMs: null, pollIntervalMs: 10, ...more },
});
export const state = (status: string, more: object = {}): Said => ({
  result: { taskId: 't1', status, ttlMs: null, pollIntervalMs: 10, ...more },
});
export const done = (text = 'done'): Said =>
  state('completed', { result: { resultType: 'complete', content: [{ type: 'text', text }] } });
export const noSuchTask: Said = { error: { code: -32_602, message: 'Task not found' } };

export interface TaskPeerOptions {
  effect?: EffectClass;
  hardTimeout?: number;
  timings?: Partial<Timings>;
  /** Of its entry. */
  server?: Partial<Extract<ServerOptions, { kind: 'http' }>>;
}

/** @param answers by method; `tools/call` is answered with a task unless told otherwise */
export async function taskPeer(
  answers: Record<string, OnAsked>,
  { effect, hardTimeout, timings, server }: TaskPeerOptions = {},
) {
  const asked: Asked[] = [];
  const streams = new Set<{ say: (message: object) => void; id: Asked['id'] }>();
  let onListened = (): void => {};
  const listened = new Promise<void>((resolve) => (onListened = resolve));
  const all: Record<string, OnAsked> = {
    'server/discover': () => ({
      result: {
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
        ttlMs: 0,
        cacheScope: 'private',
      },
    }),
    'tools/list': () => ({
      result: { tools: [{ name: 'act', inputSchema: { type: 'object' } }], ttlMs: 0, cacheScope: 'private' },
    }),
    'tools/call': () => handle(),
    'tasks/cancel': () => ({ result: {} }),
    ...answers,
  };
  const counts = new Map<string, number>();
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (body === '') return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body) as Asked;
    const one = { id, method, params, headers: request.headers };
    asked.push(one);
    if (id === undefined) return void response.writeHead(202).end();
    const write = (said: object): void => void response.end(JSON.stringify({ jsonrpc: '2.0', id, ...said }));
    if (method === 'subscriptions/listen') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      const say = (message: JsonObject): void => {
        const told = isJsonObject(message['params']) ? message['params'] : {};
        const event = { jsonrpc: '2.0', ...message, params: { ...told, _meta } };
        response.write(`event: message\ndata: ${JSON.stringify(event)}\n\n`);
      };
      streams.add({ id, say: say as (message: object) => void });
      say({
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: params['notifications'] ?? {} },
      });
      return onListened();
    }
    const nth = (counts.get(method) ?? 0) + 1;
    counts.set(method, nth);
    const said = (await all[method]?.(one, nth)) ?? undefined;
    if (said === undefined) return;
    if ('status' in said) return void response.writeHead(said.status).end();
    response.setHeader('content-type', 'application/json');
    if ('error' in said) response.statusCode = 400;
    write('result' in said ? { result: { resultType: 'complete', ...said.result } } : said);
  }
  const peer = await listen((request, response) => void answer(request, response));
  const rule = effect === undefined ? [] : [{ pattern: '*', matches: () => true, effect }];
  const options: ServerOptions = http(peer.url, {
    tools: rule,
    ...(hardTimeout !== undefined && { hardTimeout }),
    ...server,
  });
  const servers = open(options, { ...(timings && { timings }) });
  return {
    ...peer,
    servers,
    asked,
    listened,
    /** As this server told it by a notification. */
    notify: (params: object) => streams.forEach(({ say }) => say({ method: 'notifications/tasks', params })),
    count: (method: string) => counts.get(method) ?? 0,
    of: (method: string) => asked.filter((one) => one.method === method),
    use: async (tool: string, args: JsonObject, more: CallOptions = {}) =>
      call(await toolOf(servers, `web/${tool}`), args, more),
    act: async (more: CallOptions = {}) => call(await toolOf(servers, 'web/act'), {}, more),
  };
}

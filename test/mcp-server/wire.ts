/** Requests by hand, for what no client would send. */
import { once } from 'node:events';
import { connect } from 'node:net';

export const meta = (more: Record<string, unknown> = {}) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  ...more,
});

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** The headers of a 2026 request. */
export const modernHeaders = (method: string, name?: string): Record<string, string> => ({
  ...json,
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});

export interface RpcRequest {
  method: string;
  params?: Record<string, unknown>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function postModern(url: string, { method, params = {}, headers, signal }: RpcRequest): Promise<Response> {
  const name = typeof params['name'] === 'string' ? params['name'] : undefined;
  return fetch(url, {
    method: 'POST',
    headers: { ...modernHeaders(method, name), ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { _meta: meta(), ...params } }),
    ...(signal !== undefined && { signal }),
  });
}

export async function post2025(url: string, session: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...json, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}

/** Begins a 2025 session by hand. @returns its id, or the response where there is none. */
export async function initialize(
  url: string,
  protocolVersion = '2025-11-25',
  capabilities: Record<string, unknown> = {},
): Promise<string | Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion, capabilities, clientInfo: { name: 'by-hand', version: '1' } },
    }),
  });
  const session = response.headers.get('mcp-session-id');
  if (session === null) return response;
  await response.text();
  await (await post2025(url, session, { jsonrpc: '2.0', method: 'notifications/initialized' })).text();
  return session;
}

export interface SseEvent {
  id?: string;
  data: string;
}

/** The events of a stream, one by one, as they come. */
export async function* sseEvents(response: Response): AsyncGenerator<SseEvent> {
  let buffer = '';
  if (response.body === null) return;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n')) {
      const fields = buffer.slice(0, end).split('\n');
      buffer = buffer.slice(end + 2);
      const field = (name: string) =>
        fields
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const id = field('id');
      yield { ...(id !== undefined && { id }), data: field('data') ?? '' };
    }
  }
}

export const messagesOf = async (response: Response): Promise<Record<string, unknown>[]> => {
  const messages: Record<string, unknown>[] = [];
  for await (const { data } of sseEvents(response)) if (data !== '') messages.push(JSON.parse(data));
  return messages;
};

/** Writes bytes to a port; @returns everything that came back until the other side closed. */
export async function rawHttp(port: number, ...lines: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  return answer;
}

/** A tool server at the end of a network, in this process: it notes every call and when it came. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

export interface Counted {
  tool: string;
  order: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface CountingServer {
  url: string;
  calls: readonly Counted[];
  close(): void;
}

interface Rpc {
  id?: number | string;
  method: string;
  params?: { name?: string; arguments?: { order?: string; ms?: number } };
}

const inputSchema = {
  type: 'object',
  properties: { order: { type: 'string' }, ms: { type: 'number' } },
  required: ['order'],
};
const tools = ['pay', 'tick'].map((name) => ({ name, description: `Does ${name}.`, inputSchema }));

export const receiptOf = (order: string): string => `receipt of ${order}`;

/** `pay` and `tick` answer after `ms` milliseconds with the receipt of their order. */
export async function startCounting(): Promise<CountingServer> {
  const calls: Counted[] = [];
  const closed = new AbortController();
  const resultOf = async ({ method, params }: Rpc): Promise<object | undefined> => {
    if (method === 'initialize')
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'counting', version: '1.0.0' },
      };
    if (method === 'ping') return {};
    if (method === 'tools/list') return { tools };
    if (method !== 'tools/call') return undefined;
    const { order = '', ms = 0 } = params?.arguments ?? {};
    calls.push({ tool: params?.name ?? '', order, at: Date.now() });
    if (ms > 0) await wait(ms, undefined, { signal: closed.signal });
    return { content: [{ type: 'text', text: receiptOf(order) }] };
  };
  const answerTo = async (rpc: Rpc): Promise<object | undefined> => {
    if (rpc.id === undefined) return undefined;
    const result = await resultOf(rpc);
    const error = { code: -32601, message: `No ${rpc.method} here.` };
    return { jsonrpc: '2.0', id: rpc.id, ...(result === undefined ? { error } : { result }) };
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405, { allow: 'POST' }).end();
    response.on('error', () => undefined);
    void text(request)
      .then((body) => answerTo(JSON.parse(body) as Rpc))
      .then((answer) => {
        if (answer === undefined) return response.writeHead(202).end();
        return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      })
      .catch(() => response.destroy());
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    calls,
    close() {
      closed.abort();
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * The MCP server that the agents of this bench call, over Streamable HTTP, in the bench's own process.
 *
 * `pay` is made once a person has approved it, and counted: paid twice, or without an answer, is a fault. `wait` answers
 * when the bench says so.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendJson } from '../overhead/json-server.ts';

interface Message {
  id?: number | string;
  method: string;
  params?: { name: string; arguments: { order: string } };
}
type Call = Required<Message>;

export interface Ledger {
  url: string;
  /** How often each order was paid. */
  payments: ReadonlyMap<string, number>;
  /** Calls of `wait` that are open now. */
  waiting(): number;
  /** Answers every call of `wait`, from now on at once. */
  release(): void;
  close(): void;
}

const tool = (name: string, description: string) => ({
  name,
  description,
  inputSchema: { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] },
});
const tools = [tool('pay', 'Pays an order.'), tool('wait', 'Waits for an order.')];
const cached = { ttlMs: 3_600_000, cacheScope: 'public' };
const answers: Record<string, object> = {
  'server/discover': {
    ...cached,
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    serverInfo: { name: 'bench-ledger', version: '1.0.0' },
  },
  'tools/list': { ...cached, tools },
};

export const receiptOf = (order: string): string => `receipt of ${order}`;
export const waitedFor = (order: string): string => `${order} is there`;

export async function openLedger(): Promise<Ledger> {
  const payments = new Map<string, number>();
  const open = new Map<ServerResponse, Call>();
  let isReleased = false;

  const pay = ({ id, params }: Call, response: ServerResponse): void => {
    const { order } = params.arguments;
    payments.set(order, (payments.get(order) ?? 0) + 1);
    sendText(response, id, receiptOf(order));
  };
  const answerWait = ({ id, params }: Call, response: ServerResponse): void =>
    sendText(response, id, waitedFor(params.arguments.order));
  const wait = (call: Call, response: ServerResponse): void => {
    if (isReleased) return answerWait(call, response);
    open.set(response, call);
    response.once('close', () => open.delete(response));
  };

  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    void readJson(request).then((message) => {
      const { id, method, params } = message;
      if (id === undefined) return response.writeHead(202).end();
      if (method === 'tools/call' && params !== undefined) {
        const call = { id, method, params };
        return params.name === 'pay' ? pay(call, response) : wait(call, response);
      }
      const answer = answers[method];
      if (answer !== undefined) return sendResult(response, id, answer);
      return sendJson(response, { jsonrpc: '2.0', id, error: { code: -32601, message: `No ${method} here.` } });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    payments,
    waiting: () => open.size,
    release() {
      isReleased = true;
      for (const [response, call] of open) answerWait(call, response);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readJson(request: IncomingMessage): Promise<Message> {
  if (request.method !== 'POST') return { method: '' };
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Message;
}

const sendText = (response: ServerResponse, id: number | string, text: string): void =>
  sendResult(response, id, { content: [{ type: 'text', text }] });

const sendResult = (response: ServerResponse, id: number | string, result: object): void =>
  sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } });

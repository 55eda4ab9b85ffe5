/** Stands between two Deputies over HTTP, and changes or keeps what passes: as a gateway may that knows nothing of us. */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Rpc {
  id?: number | string;
  method?: string;
  params?: Record<string, unknown>;
}

export interface Proxy {
  url: string;
  /** Messages that it changed or kept. */
  touched(): number;
  close(): void;
}

/** @param pass changes a message in place; true where it may not pass: it is acknowledged, and nothing else. */
export async function startProxy(target: string, pass: (message: Rpc) => 'same' | 'changed' | 'kept'): Promise<Proxy> {
  let touched = 0;
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    response.on('error', () => undefined);
    void text(request).then(
      (body) => {
        const message = body === '' ? {} : (JSON.parse(body) as Rpc);
        const what = pass(message);
        if (what !== 'same') touched += 1;
        if (what === 'kept') {
          if (message.id === undefined) return response.writeHead(202).end();
          const answer = { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete' } };
          return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        }
        const sent = body === '' ? '' : JSON.stringify(message);
        const {
          host: _,
          'content-length': __,
          'transfer-encoding': ___,
          connection: ____,
          ...headers
        } = request.headers;
        const forwarded = httpRequest(
          target,
          { method: request.method ?? 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(sent) } },
          (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.on('error', () => response.destroy());
            answer.pipe(response);
          },
        );
        forwarded.on('error', () => response.destroy());
        response.on('close', () => forwarded.destroy());
        return forwarded.end(sent);
      },
      () => response.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    touched: () => touched,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** All that is ours goes; what the specification names stays. */
export function stripped({ params }: Rpc): 'same' | 'changed' {
  const meta = params?.['_meta'] as Record<string, unknown> | undefined;
  const ours = Object.keys(meta ?? {}).filter((key) => key.includes('deputy'));
  for (const key of ours) delete meta?.[key];
  return ours.length === 0 ? 'same' : 'changed';
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerTo, type Rpc } from './counting.ts';

export interface CountingServer {
  url: string;
  close(): void;
}

/** In this process: it outlives everything that is killed. */
export async function startCountingHttp(effects: string): Promise<CountingServer> {
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405, { allow: 'POST' }).end();
    response.on('error', () => undefined);
    void text(request)
      .then((body) => answerTo(JSON.parse(body) as Rpc, effects))
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
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP server on a free port of this machine, closed when the test ends. */
export async function listen(
  handle: RequestListener,
): Promise<{ url: string; requests: IncomingMessage[]; stop: () => Promise<void>; cut: () => void }> {
  const requests: IncomingMessage[] = [];
  // Node's 5 s would reset what is just being sent, where this process waits long for its turn.
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    requests.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  onTestFinished(stop);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    stop,
    cut: () => server.closeAllConnections(),
  };
}

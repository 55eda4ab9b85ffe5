/** A server over HTTP that fails in every way that HTTP knows: clear errors, no credential in them, nothing sent twice. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { listen } from './listen.ts';
import { call, http, never, open, said, toolOf, until } from './peers.ts';

type Asked = { id: number; method: string; params?: { name?: string } };
type OnCall = (response: ServerResponse, asked: Asked, count: number) => void;

const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const result = (response: ServerResponse, { id }: Asked, value: object): void =>
  json(response, 200, { jsonrpc: '2.0', id, result: value });
const events = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });

/** A hand-written server of 2025 without sessions whose `tools/call` is given. */
async function faulty(onCall: OnCall, effect?: 'read') {
  const calls: Asked[] = [];
  const peer = await listen((request, response) => void answer(request, response));
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const asked = JSON.parse(body) as Asked;
    if (asked.method === 'server/discover') json(response, 400, { error: 'what?' });
    else if (asked.method === 'initialize') {
      result(response, asked, {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'f', version: '1' },
      });
    } else if (asked.method === 'tools/list')
      result(response, asked, { tools: [{ name: 'act', inputSchema: { type: 'object' } }] });
    else if (asked.method !== 'tools/call') response.writeHead(202).end();
    else {
      calls.push(asked);
      onCall(response, asked, calls.length);
    }
  }
  const headers = { authorization: 'Bearer s3cret-t0ken-value' };
  const rule = effect === undefined ? [] : [{ pattern: '*', matches: () => true, effect }];
  const servers = open(http(`${peer.url}?key=another-secret`, { headers, tools: rule, idleTimeout: 60_000 }));
  return { ...peer, calls, servers, act: async () => call(await toolOf(servers, 'web/act')) };
}

const done = (response: ServerResponse, asked: Asked): void =>
  result(response, asked, { content: [{ type: 'text', text: 'done' }] });

describe('a call', () => {
  test('of a server of 2025-06-18 works', async () => {
    const peer = await faulty(done);
    expect(said(await peer.act())).toBe('done');
    expect(peer.servers.status()).toMatchObject([{ version: '2025-06-18', state: 'ready' }]);
    expect(peer.requests.every((request) => request.headers.authorization === 'Bearer s3cret-t0ken-value')).toBe(true);
  });

  test('whose stream breaks off is unknown, and not sent again', async () => {
    const peer = await faulty((response) => void events(response).end(': bye\n\n'));
    expect(said(await peer.act())).toMatch(/broke off while web\/act ran: .*Whether it happened is unknown/);
    expect(peer.calls).toHaveLength(1);
  });

  test('that may be repeated is sent again when its stream broke off', async () => {
    const peer = await faulty((response, asked, count) => {
      if (count === 1) response.destroy();
      else done(response, asked);
    }, 'read');
    expect(said(await peer.act())).toBe('done');
    expect(peer.calls).toHaveLength(2);
  });

  test('that meets a 500 is unknown, and not sent again', async () => {
    const peer = await faulty((response) => json(response, 500, { error: 'Authorization: Bearer s3cret-t0ken-value' }));
    const outcome = await peer.act();
    expect(outcome.unknown).toBe('the connection to the server "web" broke off: HTTP 500');
    expect(said(outcome)).toMatch(/broke off while web\/act ran: HTTP 500.*unknown/);
    expect(peer.calls).toHaveLength(1);
  });

  test('that is refused says why, without our credentials', async () => {
    const peer = await faulty((response) =>
      json(response, 422, { error: 'no: Bearer s3cret-t0ken-value another-secret' }),
    );
    const outcome = await peer.act();
    expect(said(outcome)).toContain('HTTP 422');
    expect(said(outcome)).toContain('[redacted]');
    expect(JSON.stringify([outcome, peer.servers.status()])).not.toMatch(/s3cret-t0ken-value|another-secret/);
  });

  test.each([429, 503])(
    'that is refused for want of room with %i says so in the words of the server',
    async (status) => {
      const error = { code: 503, message: 'You have 24 tasks at work: cancel or await some first' };
      const peer = await faulty((response, { id }) => json(response, status, { jsonrpc: '2.0', id, error }));
      const outcome = await peer.act();
      expect(said(outcome)).toBe('web/act was not called: You have 24 tasks at work: cancel or await some first');
      expect(outcome.unknown).toBeUndefined();
      expect(peer.calls).toHaveLength(1);
    },
  );

  test('whose server is gone was not sent', async () => {
    const peer = await faulty(done);
    const tool = await toolOf(peer.servers, 'web/act');
    await peer.stop();
    // Until the end of every kept-alive socket has reached us: only then a new one is tried, and refused.
    const nothing = () => fetch(peer.url, { method: 'POST' }).then(String, (error: Error) => String(error.cause));
    await expect.poll(nothing).toContain('ECONNREFUSED');
    expect(said(await call(tool))).toMatch(/web\/act was not called: .*connection refused/s);
  });

  test('is answered with what is no JSON', async () => {
    const peer = await faulty(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    );
    expect(said(await peer.act())).toContain('its answer cannot be used');
  });

  test('is answered with a web page', async () => {
    const peer = await faulty(
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    expect(said(await peer.act())).toMatch(/its answer cannot be used: Unexpected content type: text\/html/);
  });

  test.each([
    ['one answer', 'application/json', '{"jsonrpc":"2.0","id":1,"result":{"content":"'],
    ['one event', 'text/event-stream', 'data: '],
  ])('is answered without end in %s', async (_name, type, head) => {
    let isClosed = false;
    const peer = await faulty((response) => {
      const piece = 'x'.repeat(1024 * 1024);
      response.writeHead(200, { 'content-type': type }).on('close', () => (isClosed = true));
      const write = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!isClosed) response.once('drain', write);
      };
      response.write(head);
      write();
    });
    const outcome = await peer.act();
    expect(outcome.isError).toBe(true);
    expect(said(outcome)).toMatch(/more than 32 MiB at once|broke off/);
    expect(await until(() => isClosed)).toBe(true);
  });

  test('is not led to another origin', async () => {
    const other = await listen((_request, response) => void response.end());
    const peer = await faulty((response) => void response.writeHead(307, { location: other.url }).end());
    const outcome = await peer.act();
    expect(outcome.isError).toBe(true);
    expect(said(outcome)).toContain('not followed');
    expect(other.requests).toHaveLength(0);
  });
});

describe('a server that cannot be used', () => {
  const reason = async (status: number, headers: Record<string, string> = {}, get = 405): Promise<string> => {
    const { url } = await listen((request, response) => {
      if (request.method === 'GET')
        response.writeHead(get, { 'content-type': 'text/event-stream' }).end('event: endpoint\ndata: /messages\n\n');
      else response.writeHead(status, headers).end('no');
    });
    return open(http(url))
      .tools(['web'], never)
      .then(() => 'none', String);
  };

  test('because it wants a credential', async () => {
    expect(await reason(401)).toMatch(/server "web" \(http:\/\/127.*HTTP 401: give the credential.*"headers"/s);
  });
  test('because nothing is there', async () => {
    expect(await reason(404)).toContain('there is no MCP server at this address');
  });
  test('because it is of 2024', async () => {
    expect(await reason(405, {}, 200)).toContain('only the HTTP+SSE transport of 2024');
  });
  test('because it is down', async () => {
    expect(await reason(503)).toContain('HTTP 503');
    const { url, stop } = await listen(() => {});
    await stop();
    expect(
      await open(http(url))
        .tools(['web'], never)
        .then(() => 'none', String),
    ).toContain('connection refused');
    expect(
      await open(http('http://no-such-host.invalid/mcp'))
        .tools(['web'], never)
        .then(() => 'none', String),
    ).toMatch(/host name|cannot be reached/);
  });
  test('because it is silent', async () => {
    const { url } = await listen(() => {});
    const servers = open(http(url), { timings: { probe: 100 } });
    expect(await servers.tools(['web'], never).then(() => 'none', String)).toMatch(/timed out after 100ms/);
  });
});

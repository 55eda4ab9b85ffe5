import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { promisify } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { leanFetch } from '../src/lean-fetch.ts';

const bounded = leanFetch(1_000_000);

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
  port: number | undefined;
}

async function serve(
  handle: (request: Seen, response: ServerResponse) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { method, url, headers, socket } = request;
    const one = { method, url, headers, body, port: socket.remotePort };
    seen.push(one);
    handle(one, response);
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, (...both) => void listener(...both));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** @returns the address of a server that says this, whatever it is asked. */
async function saying(bytes: string): Promise<string> {
  const server = createSocketServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sendJson = (response: ServerResponse, value: unknown): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const post = (body: string, more: RequestInit = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer key' },
  body,
  ...more,
});

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

// Whatever holds for the one holds for the other: nobody behind it need know which one it is.
describe.each([
  ['fetch', fetch],
  ['leanFetch', bounded],
])('%s', (_name, ask) => {
  test('sends method, headers and body, and brings status, headers and JSON', async () => {
    const { url, seen } = await serve(({ body }, response) => {
      response.writeHead(201, 'Made', { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
      response.end(JSON.stringify({ got: body }));
    });
    const response = await ask(`${url}/path?query=ä`, post('{"text":"äöü €"}'));
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 201, ok: true, statusText: 'Made' });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.json()).toEqual({ got: '{"text":"äöü €"}' });
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/path?query=%C3%A4' });
    expect(seen[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '21',
      authorization: 'Bearer key',
      accept: '*/*',
      host: new URL(url).host,
    });
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('unpacks %s', async (encoding, pack) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(pack('{"packed":true}')),
    );
    expect(await (await ask(url)).json()).toEqual({ packed: true });
  });

  test('says that packed bytes are none', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('plain'),
    );
    expect(await failureOf((await ask(url)).text())).toBeInstanceOf(TypeError);
  });

  test('reads no byte order mark, and no body where there is none', async () => {
    const { url } = await serve(({ url: path }, response) => {
      if (path === '/none') response.writeHead(204).end();
      else response.end('\uFEFF{"a":1}');
    });
    expect(await (await ask(url)).json()).toEqual({ a: 1 });
    const none = await ask(`${url}/none`);
    expect([none.status, none.body, await none.text()]).toEqual([204, null, '']);
  });

  test('hands on a stream as it comes, and lets go of it when it is cancelled', async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await serve((_request, response) => {
      response.once('close', () => closed.resolve());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
    });
    const reader = (await ask(url)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: one\n\n');
    await reader?.cancel();
    await closed.promise;
  });

  test('hands on packed events as they come', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.write(gzipSync('data: one\n\n'));
    });
    const reader = (await ask(url)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: one\n\n');
    await reader?.cancel();
  });

  test('reads a body once', async () => {
    const { url } = await serve((_request, response) => sendJson(response, 1));
    const response = await ask(url);
    expect(response.bodyUsed).toBe(false);
    await response.json();
    expect(response.bodyUsed).toBe(true);
    expect(await failureOf(response.text())).toBeInstanceOf(TypeError);
  });

  test('is aborted before, while it waits, in a body and in a stream, with the reason', async () => {
    const closed: Promise<unknown>[] = [];
    const { url, seen } = await serve(({ url: path }, response) => {
      closed.push(once(response, 'close'));
      if (path !== '/waits') response.writeHead(200).write('begun');
    });
    const reason = new Error('enough');
    expect(await failureOf(ask(url, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(seen).toHaveLength(0);

    const waiting = new AbortController();
    const waits = failureOf(ask(`${url}/waits`, { signal: waiting.signal }));
    await expect.poll(() => seen.length).toBe(1);
    waiting.abort(reason);
    expect(await waits).toBe(reason);

    const reading = new AbortController();
    const text = failureOf((await ask(url, { signal: reading.signal })).text());
    reading.abort(reason);
    expect(await text).toBe(reason);

    const streaming = new AbortController();
    const reader = (await ask(url, { signal: streaming.signal })).body?.getReader();
    await reader?.read();
    const next = failureOf(reader?.read() ?? Promise.resolve());
    streaming.abort(reason);
    expect(await next).toBe(reason);
    await Promise.all(closed);
  });

  test('says what the network did', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half');
      response.socket?.end();
    });
    const torn = await failureOf((await ask(url)).text());
    expect(torn).toBeInstanceOf(TypeError);
    expect(torn).toHaveProperty('cause.code', expect.any(String));

    const closed = createSocketServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const refused = await failureOf(ask(`http://127.0.0.1:${port}`));
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused).toHaveProperty('cause.code', 'ECONNREFUSED');
  });

  test.each([
    ['that is no HTTP', 'hello\r\n\r\n'],
    ['without an end of its headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
    [
      'that becomes another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: odd\r\nconnection: upgrade\r\n\r\n',
    ],
  ])('takes no answer %s', async (_what, bytes) => {
    expect(await failureOf(ask(await saying(bytes)))).toBeInstanceOf(TypeError);
  });

  test('sends a request once, whatever becomes of its connection', async () => {
    const { url, seen } = await serve((_request, response) => {
      if (seen.length === 1) sendJson(response, 1);
      else response.socket?.destroy();
    });
    await (await ask(url, post('{}'))).json();
    expect(await failureOf(ask(url, post('{}')))).toBeInstanceOf(TypeError);
    expect(seen).toHaveLength(2);
  });

  test('follows a redirect as the standard says, and shows it to whoever wants to', async () => {
    const elsewhere = await serve((_request, response) => sendJson(response, 'elsewhere'));
    const { url, seen } = await serve(({ url: path }, response) => {
      const status = Number(path?.slice(1));
      if (status > 0) response.writeHead(status, { location: status === 308 ? elsewhere.url : '/' }).end();
      else sendJson(response, 'here');
    });
    const follow = async (status: number): Promise<unknown> => (await ask(`${url}/${status}`, post('{}'))).json();

    expect([await follow(307), seen.at(-1)?.method, seen.at(-1)?.body]).toEqual(['here', 'POST', '{}']);
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer key');
    expect([await follow(302), seen.at(-1)?.method, seen.at(-1)?.body]).toEqual(['here', 'GET', '']);
    expect(await follow(308)).toBe('elsewhere');
    expect(elsewhere.seen[0]).toMatchObject({ method: 'POST', body: '{}' });
    expect(elsewhere.seen[0]?.headers.authorization).toBeUndefined();

    const shown = await ask(`${url}/307`, post('{}', { redirect: 'manual' }));
    expect([shown.status, shown.headers.get('location')]).toEqual([307, '/']);
    expect(await failureOf(ask(`${url}/307`, post('{}', { redirect: 'error' })))).toBeInstanceOf(TypeError);
  });

  test('takes no address that shows a password, and no other protocol', async () => {
    for (const address of ['http://user:word@127.0.0.1/', 'ftp://127.0.0.1/', 'no address'])
      expect(await failureOf(Promise.resolve().then(() => ask(address)))).toBeInstanceOf(TypeError);
  });
});

describe('leanFetch alone', () => {
  test('keeps its connection for the next request', async () => {
    const { url, seen } = await serve((_request, response) => sendJson(response, 1));
    for (let n = 0; n < 3; n += 1) await (await bounded(url, post('{}'))).json();
    expect(new Set(seen.map(({ port }) => port)).size).toBe(1);
  });

  test.each([
    ['as it is', {}, 'x'.repeat(2_000_000)],
    ['packed', { 'content-encoding': 'gzip' }, gzipSync('x'.repeat(2_000_000))],
  ])('lets go of an answer over its bound, %s', async (_how, headers, bytes) => {
    const { url } = await serve((_request, response) => response.writeHead(200, headers).end(bytes));
    const error = await failureOf((await bounded(url)).text());
    expect(error).toHaveProperty('cause.message', expect.stringContaining('sent more than'));
  });

  test('takes no answer with a status that is none', async () => {
    const url = await saying('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n');
    expect(await failureOf(bounded(url))).toHaveProperty('cause.name', 'RangeError');
  });

  test('asks the one that was put in place of fetch', async () => {
    const own = globalThis.fetch;
    onTestFinished(() => void (globalThis.fetch = own));
    globalThis.fetch = () => Promise.resolve(Response.json('in its place'));
    expect(await (await bounded('http://127.0.0.1:1')).json()).toBe('in its place');
  });

  test('goes through the proxy that the environment names', async () => {
    const { url, seen } = await serve((_request, response) => sendJson(response, 'by proxy'));
    const code = `import { leanFetch } from ${JSON.stringify(new URL('../src/lean-fetch.ts', import.meta.url).href)};
      console.log(await (await leanFetch(1_000)('http://far.example/path')).json());`;
    const env = {
      ...process.env,
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: url,
      NO_PROXY: '',
      http_proxy: '',
      no_proxy: '',
    };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], { env });
    expect(stdout).toContain('by proxy');
    expect(seen[0]?.url).toBe('http://far.example/path');
  });
});

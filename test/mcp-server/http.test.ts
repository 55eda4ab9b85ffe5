/** The HTTP door: who may come in, what it refuses, how it ends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { initialize, messagesOf, meta, modernHeaders, postModern, rawHttp, sseEvents } from './wire.ts';

let door: HttpDoor;
let engine: FakeEngine;
beforeAll(async () => {
  const network = fakeNetwork();
  engine = network.engine;
  door = await serveHttp({ ...network.options, maxBodyBytes: 100_000, metrics: () => 'deputy_up 1\n' });
});
afterAll(() => door.close(0));

const call = (name: string, more: Record<string, unknown> = {}) => ({
  method: 'tools/call',
  params: { name, arguments: { message: 'hi' }, ...more },
});

/** Lets the agent `silent` answer, as soon as it works. */
async function release(engine: FakeEngine): Promise<void> {
  await engine.until(() => engine.working > 0);
  await engine.start({ agent: 'release', input: {}, owner: 'local' });
}

describe('who may come in', () => {
  test.each([
    ['localhost', 200],
    ['LOCALHOST:80', 200],
    ['127.0.0.1:1', 200],
    ['[::1]', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['localhost.', 403],
    ['127.0.0.1.nip.io', 403],
    ['evil.example@localhost', 403],
    ['', 403],
  ])('Host %j gets %i', async (host, status) => {
    const answer = await rawHttp(door.port, 'GET /healthz HTTP/1.1', `Host: ${host}`, 'Connection: close');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test.each([
    ['no Host', ['GET /healthz HTTP/1.0', 'X: y']],
    ['two Hosts', ['GET /healthz HTTP/1.1', 'Host: localhost', 'Host: evil.example', 'Connection: close']],
    ['an absolute target', ['GET http://evil.example/healthz HTTP/1.1', 'Host: localhost', 'Connection: close']],
  ])('%s is refused', async (_, lines) => {
    expect(await rawHttp(door.port, ...lines)).toMatch(/^HTTP\/1.1 40[03] /);
  });

  test.each([
    ['http://localhost:5173', 200],
    ['http://127.0.0.1', 200],
    ['https://evil.example', 403],
    ['http://localhost.evil.example', 403],
    ['null', 403],
    ['garbage', 403],
  ])('Origin %j gets %i [ORIGIN]', async (origin, status) => {
    const response = await postModern(door.url, { method: 'tools/list', headers: { origin } });
    expect(response.status).toBe(status);
  });

  test('a stranger is refused before the body is read', async () => {
    const answer = rawHttp(
      door.port,
      'POST /mcp HTTP/1.1',
      'Host: evil.example',
      'Content-Length: 1000000000',
      'Connection: close',
    );
    expect(await answer).toMatch(/^HTTP\/1.1 403 /);
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', '127.0.0.2', 'example.org', ''])(
    'serving on %s is refused',
    async (host) => {
      await expect(serveHttp({ ...fakeNetwork().options, host })).rejects.toThrow(UsageError);
    },
  );
});

describe('bodies', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>, headers = modernHeaders('tools/list')) =>
    fetch(door.url, { method: 'POST', headers, body });

  test.each([
    ['broken JSON', '{"jsonrpc": "2.0", '],
    ['nothing', ''],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('%s is a parse error', async (_, body) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: null, error: { code: -32700 } });
  });

  test.each([['[]'], ['42'], ['null'], ['"text"'], ['{}'], [`${'['.repeat(20_000)}${']'.repeat(20_000)}`]])(
    'JSON that is no message is refused: %#',
    async (body) => {
      const response = await post(body);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    },
  );

  test('a body that says it is too long is refused unread', async () => {
    const answer = await rawHttp(door.port, 'POST /mcp HTTP/1.1', 'Host: localhost', 'Content-Length: 100001');
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test('a body that does not say so is refused where it becomes too long', async () => {
    const chunk = `${(60_000).toString(16)}\r\n${'x'.repeat(60_000)}`;
    const head = ['POST /mcp HTTP/1.1', 'Host: localhost', 'Transfer-Encoding: chunked', ''];
    expect(await rawHttp(door.port, ...head, chunk, chunk)).toMatch(/^HTTP\/1.1 413 /);
  });

  test('another content type is refused, so that a web page cannot post as a form would', async () => {
    const response = await post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {
      ...modernHeaders('tools/list'),
      'content-type': 'text/plain',
    });
    expect(response.status).toBe(415);
  });

  test('deeply nested arguments end in an answer, not in a crash', async () => {
    const nested = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
    const params = `{"name":"weather","arguments":${nested},"_meta":${JSON.stringify(meta())}}`;
    const headers = modernHeaders('tools/call', 'weather');
    await post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`, headers);
    expect((await fetch(door.url.replace('/mcp', '/healthz'))).status).toBe(200);
  });
});

describe('2026-07-28 by hand', () => {
  test('headers must say what the body says [VERSION-HEADER]', async () => {
    const versions = { 'mcp-protocol-version': '2025-11-25' };
    for (const headers of [versions, { 'mcp-method': 'tools/call' }]) {
      const response = await postModern(door.url, { method: 'tools/list', headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ id: 7, error: { code: -32020 } });
    }
    const response = await postModern(door.url, { ...call('echo'), headers: { 'mcp-name': 'weather' } });
    expect(await response.json()).toMatchObject({ error: { code: -32020 } });
  });

  test('a parameter header must say what the argument says [PARAM-HEADER]', async () => {
    const weather = call('weather', { arguments: { city: 'Bern' } });
    const right = await postModern(door.url, { ...weather, headers: { 'mcp-param-city': 'Bern' } });
    expect(await right.json()).toMatchObject({ result: { structuredContent: { city: 'Bern' } } });
    const wrong = await postModern(door.url, { ...weather, headers: { 'mcp-param-city': 'Rome' } });
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ error: { code: -32020 } });
  });

  test('a method that is not served is not found [METHOD-404]', async () => {
    const response = await postModern(door.url, { method: 'tasks/list' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: -32601 } });
  });

  test('a notification is accepted without a body [NOTIFICATION-202]', async () => {
    const response = await fetch(door.url, {
      method: 'POST',
      headers: modernHeaders('notifications/cancelled'),
      body: JSON.stringify({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { _meta: meta(), requestId: 1 },
      }),
    });
    expect([response.status, await response.text()]).toEqual([202, '']);
  });

  test("an agent that needs its caller's model is refused to callers without one [CAPABILITY]", async () => {
    const response = await postModern(door.url, call('thinker'));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { sampling: {} } } },
    });
    const capable = meta({ 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } });
    const served = await postModern(door.url, call('thinker', { _meta: capable }));
    expect(await served.json()).toMatchObject({ result: { content: [{ text: 'hi' }] } });
  });

  test('without a token and a log level the answer comes alone [PROGRESS-TOKEN] [LOG-LEVEL]', async () => {
    const answer = postModern(door.url, call('silent'));
    await release(engine);
    const response = await answer;
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ id: 7, result: { content: [{ text: 'at last' }] } });
  });

  test.each([
    ['info', ['busy: thinks, turn 1', 'busy: files/read ...', 'busy: files/read done: 12 lines']],
    ['error', []],
  ])('with the log level %s a request is told %j [LOG-LEVEL]', async (level, lines) => {
    const params = { _meta: meta({ 'io.modelcontextprotocol/logLevel': level, progressToken: 1 }) };
    const messages = await messagesOf(await postModern(door.url, call('busy', params)));
    const logged = messages.filter(({ method }) => method === 'notifications/message');
    expect(logged.map(({ params }) => (params as { data: string }).data)).toEqual(lines);
  });

  test('progress names the token of its own request and ends with the answer [PROGRESS-STOPS]', async () => {
    const response = await postModern(door.url, call('silent', { _meta: meta({ progressToken: 'mine' }) }));
    await release(engine);
    const messages = await messagesOf(response);
    const tokens = messages.slice(0, -1).map(({ params }) => (params as { progressToken: string }).progressToken);
    expect(new Set(tokens)).toEqual(new Set(['mine']));
    expect(messages.at(-1)).toMatchObject({ id: 7, result: { content: [{ text: 'at last' }] } });
  });

  test.each([
    ['before anything was sent', undefined],
    ['in the middle of a stream', 'token'],
  ])('a stream that is closed %s cancels its task [STREAM-CLOSED] [SILENCE]', async (_, progressToken) => {
    const abort = new AbortController();
    const started = engine.started.length;
    const cancelled = engine.cancelled.length;
    const params = progressToken === undefined ? {} : { _meta: meta({ progressToken }) };
    const response = postModern(door.url, { ...call('endless', params), signal: abort.signal });
    await engine.until(() => engine.started.length > started);
    if (progressToken !== undefined) await sseEvents(await response).next();
    abort.abort();
    await response.catch(() => undefined);
    await engine.until(() => engine.cancelled.length > cancelled);
    expect(engine.working).toBe(0);
  });
});

describe('what operators see', () => {
  const get = (path: string) => fetch(new URL(path, door.url));

  test('health, readiness and metrics answer; the rest is nothing', async () => {
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toBe('deputy_up 1\n');
    expect((await get('/')).status).toBe(404);
    expect((await fetch(new URL('/healthz', door.url), { method: 'POST' })).status).toBe(405);
    expect((await fetch(door.url, { method: 'PUT' })).status).toBe(405);
  });

  test('more calls than it may take are refused with a time to come back [CODES]', async () => {
    const { engine, options } = fakeNetwork();
    const small = await serveHttp({ ...options, maxCalls: 1 });
    const abort = new AbortController();
    const first = postModern(small.url, { ...call('endless'), signal: abort.signal }).catch(() => undefined);
    await engine.until(() => engine.working === 1);
    const second = await postModern(small.url, call('echo'));
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await second.json()).toMatchObject({ id: 7, error: { code: 503 } });
    expect((await postModern(small.url, { method: 'tools/list' })).status).toBe(200);
    abort.abort();
    await first;
    await small.close(0);
  });

  test('while it drains, calls at work end well and new ones are refused', async () => {
    const { engine, options } = fakeNetwork();
    const draining = await serveHttp(options);
    const session = await initialize(draining.url);
    expect(session).toBeTypeOf('string');
    const atWork = postModern(draining.url, call('silent'));
    await engine.until(() => engine.working === 1);
    const closed = draining.close();
    const ready = await fetch(new URL('/readyz', draining.url));
    expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
    const refused = await postModern(draining.url, call('echo'));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    await release(engine);
    expect(await (await atWork).json()).toMatchObject({ result: { content: [{ text: 'at last' }] } });
    await closed;
    await expect(fetch(draining.url)).rejects.toThrow();
    expect(engine.cancelled).toEqual([]);
  });

  test('a call that outlives the grace ends with the handle of its task, which is left to the engine', async () => {
    const { engine, options } = fakeNetwork();
    const closing = await serveHttp(options);
    const atWork = postModern(closing.url, call('endless', { _meta: meta({ progressToken: 1 }) })).then(messagesOf);
    await engine.until(() => engine.working === 1);
    await closing.close(50);
    const [task] = await engine.list({ owner: 'local' });
    expect((await atWork).at(-1)).toMatchObject({
      id: 7,
      result: { resultType: 'complete', structuredContent: { task: task?.id, status: 'working' } },
    });
    expect([engine.cancelled, engine.working]).toEqual([[], 1]);
    await engine.close();
  });
});

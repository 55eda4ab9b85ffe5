/** The 2025 side of the HTTP door: sessions, broken connections, and what is bounded. */
import { afterEach, describe, expect, test } from 'vitest';
import { EventLog } from '../../src/mcp-server/event-log.ts';
import { serveHttp, type HttpDoor, type ServeHttpOptions } from '../../src/mcp-server/http.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { initialize, messagesOf, post2025, sseEvents } from './wire.ts';

let door: HttpDoor;
let engine: FakeEngine;
afterEach(() => door.close(0));

async function serve(more: Partial<ServeHttpOptions> = {}): Promise<void> {
  const network = fakeNetwork();
  engine = network.engine;
  door = await serveHttp({ ...network.options, ...more });
}

async function begin(): Promise<string> {
  const session = await initialize(door.url);
  if (typeof session !== 'string') throw new Error(`no session: ${session.status}`);
  return session;
}

const call = (name: string, id = 2) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: { message: 'hi' } },
});

const resume = (session: string, lastEventId: string) =>
  fetch(door.url, {
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session,
      'mcp-protocol-version': '2025-11-25',
      'last-event-id': lastEventId,
    },
  });

test('a session that ended, or never was, is not found [SESSION-404]', async () => {
  await serve();
  const session = await begin();
  expect((await post2025(door.url, session, call('echo'))).status).toBe(200);
  const ended = await fetch(door.url, { method: 'DELETE', headers: { 'mcp-session-id': session } });
  expect(ended.status).toBe(200);
  const response = await post2025(door.url, session, call('echo'));
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    id: 2,
    error: { message: expect.stringContaining('Session not found') },
  });
  expect((await post2025(door.url, 'guess', call('echo'))).status).toBe(404);
});

test.each(['2025-06-18', '2025-03-26'])('a client of %s is served without what it does not know', async (version) => {
  await serve();
  const session = await initialize(door.url, version);
  if (typeof session !== 'string') throw new Error('no session');
  const response = await fetch(door.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session,
      'mcp-protocol-version': version,
    },
    body: JSON.stringify(call('echo')),
  });
  const events: string[] = [];
  for await (const { data } of sseEvents(response)) events.push(data);
  expect(events).not.toContain('');
  expect(JSON.parse(events[0] ?? '')).toMatchObject({ id: 2, result: { content: [{ text: 'hi' }] } });
});

test("an agent that needs its caller's model tells a caller without one", async () => {
  await serve();
  const messages = await messagesOf(await post2025(door.url, await begin(), call('thinker')));
  expect(messages).toMatchObject([
    { result: { isError: true, content: [{ text: expect.stringContaining('sampling') }] } },
  ]);
});

test('a request that begins no session and names none is refused [SESSION-400]', async () => {
  await serve();
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const post = await fetch(door.url, { method: 'POST', headers, body: JSON.stringify(call('echo')) });
  expect(post.status).toBe(400);
  expect((await fetch(door.url, { headers: { accept: 'text/event-stream' } })).status).toBe(400);
});

test('a session whose client ends it cancels what it was waiting for', async () => {
  await serve();
  const session = await begin();
  const waiting = post2025(door.url, session, call('endless')).then(messagesOf);
  await engine.until(() => engine.working === 1);
  await fetch(door.url, { method: 'DELETE', headers: { 'mcp-session-id': session } });
  await engine.until(() => engine.cancelled.length === 1);
  expect(await waiting).toEqual([]);
});

describe('a broken connection', () => {
  test('is not a cancel, and the answer can be fetched afterwards [DISCONNECT-2025]', async () => {
    await serve();
    const session = await begin();
    const abort = new AbortController();
    const response = await post2025(door.url, session, call('silent'), abort.signal);
    const first = await sseEvents(response).next();
    const lastEventId = first.value?.id;
    abort.abort();
    await engine.until(() => engine.working === 1);
    await engine.start({ agent: 'release', input: {}, owner: 'local' });
    await engine.until(() => engine.working === 0);
    expect(engine.cancelled).toEqual([]);

    const messages = await messagesOf(await resume(session, lastEventId ?? ''));
    expect(messages.at(-1)).toMatchObject({ id: 2, result: { content: [{ text: 'at last' }] } });
  });

  test('is resumed with the messages of its own stream only, in its own session only [REPLAY]', async () => {
    await serve();
    const [mine, theirs] = [await begin(), await begin()];
    const primed = async (session: string, id: number) => {
      const events: { id?: string; data: string }[] = [];
      for await (const event of sseEvents(await post2025(door.url, session, call('echo', id)))) events.push(event);
      return events[0]?.id ?? '';
    };
    const first = await primed(mine, 11);
    await primed(mine, 12);
    const foreign = await primed(theirs, 13);

    const replayed = await messagesOf(await resume(mine, first));
    expect(replayed.map(({ id }) => id)).toEqual([11]);
    expect((await resume(mine, foreign)).status).toBe(400);
    expect((await resume(mine, 'no-such-event')).status).toBe(400);
  });
});

test('a 2025 client cancels by notification, and hears nothing more of that call [CANCEL-2025] [SILENCE]', async () => {
  await serve();
  const session = await begin();
  const events = sseEvents(await post2025(door.url, session, call('endless', 21)));
  await engine.until(() => engine.working === 1);
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 21, reason: 'enough' } };
  expect((await post2025(door.url, session, cancelled)).status).toBe(202);
  await engine.until(() => engine.working === 0);
  expect(engine.cancelled).toHaveLength(1);
  const after = await messagesOf(await post2025(door.url, session, call('echo', 22)));
  expect(after.map(({ id }) => id)).toEqual([22]);
  expect((await events.next()).value?.data).toBe('');
  const more = events.next();
  await door.close(0);
  expect(await more).toEqual({ done: true, value: undefined });
});

describe('bounds', () => {
  test('the session that was idle longest makes room; while none is idle, newcomers are refused', async () => {
    await serve({ maxSessions: 2 });
    const first = await begin();
    const second = await begin();
    const third = await begin();
    expect((await post2025(door.url, first, call('echo'))).status).toBe(404);

    const atWork = [second, third].map((session) => post2025(door.url, session, call('endless')).then(messagesOf));
    await engine.until(() => engine.working === 2);
    const refused = await initialize(door.url);
    if (typeof refused === 'string') throw new Error('a third session was taken');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    await door.close(0);
    await Promise.all(atWork);
  });

  test('an idle session ends; one that works or listens does not', async () => {
    const sessionIdleMs = 1_000;
    await serve({ sessionIdleMs });
    const [idle, working] = [await begin(), await begin()];
    const answer = post2025(door.url, working, call('silent')).then(messagesOf);
    await engine.until(() => engine.working === 1);
    // To look is to use it.
    const look = async () => (await post2025(door.url, idle, { jsonrpc: '2.0', method: 'x' })).status;
    await expect.poll(look, { interval: 2.5 * sessionIdleMs }).toBe(404);
    await engine.start({ agent: 'release', input: {}, owner: 'local' });
    expect((await answer).at(-1)).toMatchObject({ result: { content: [{ text: 'at last' }] } });
  });

  test('an initialization that fails leaves no session behind', async () => {
    await serve({ maxSessions: 1 });
    const headers = { 'content-type': 'application/json', accept: 'text/html' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const bound = await fetch(door.url, { method: 'POST', headers, body });
    expect(bound.status).toBe(406);
    const session = await begin();
    expect((await post2025(door.url, session, call('echo'))).status).toBe(200);
  });
});

describe('the log of events', () => {
  const message = (text: string) => ({ jsonrpc: '2.0' as const, method: 'x', params: { text } });

  test('stays within its bytes, oldest first, but always keeps the newest', async () => {
    const log = new EventLog(1000);
    const store = log.of('s');
    const first = await store.storeEvent('stream', message('a'.repeat(300)));
    const second = await store.storeEvent('stream', message('b'.repeat(300)));
    expect(log.bytes).toBeLessThanOrEqual(1000);
    expect(await store.getStreamIdForEventId?.(first)).toBeUndefined();
    expect(await store.getStreamIdForEventId?.(second)).toBe('stream');
    const huge = await store.storeEvent('stream', message('c'.repeat(5000)));
    expect(await store.getStreamIdForEventId?.(huge)).toBe('stream');
    expect(await store.getStreamIdForEventId?.(second)).toBeUndefined();
  });

  test('a session that is forgotten leaves nothing', async () => {
    const log = new EventLog();
    await log.of('s').storeEvent('stream', message('a'));
    log.forget('s');
    expect(log.bytes).toBe(0);
  });
});

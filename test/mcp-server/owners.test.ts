/** Two owners at one door: what belongs to one is, for the other, as if it did not exist; byte for byte. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import { messagesOf, postModern } from './wire.ts';

const keys = { alice: 'alice-0123456789abcdef', bob: 'bob-0123456789abcdef' };
type Owner = keyof typeof keys;

const { engine, options } = fakeNetwork();
let door: HttpDoor;
beforeAll(async () => {
  const auth = { keys: Object.entries(keys).map(([owner, key]) => ({ owner, key })) };
  door = await serveHttp({ ...options, auth });
});
afterAll(async () => {
  await door.close(0);
  await engine.close();
});

const bearer = (owner: Owner) => ({ authorization: `Bearer ${keys[owner]}` });
const withTasks = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};

async function modern(owner: Owner, method: string, params: Record<string, unknown>): Promise<string> {
  const name = params['taskId'] ?? params['uri'];
  const response = await postModern(door.url, {
    method,
    params: { _meta: withTasks, ...params },
    headers: { ...bearer(owner), ...(typeof name === 'string' && { 'mcp-name': name }) },
  });
  return `${response.status} ${await response.text()}`;
}

/** A 2025 session of `owner` that may be used with another owner's key. */
async function session(owner: Owner): Promise<(as: Owner, method: string, params?: object) => Promise<string>> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const send = (as: Owner, body: object, more: Record<string, string> = {}): Promise<Response> =>
    fetch(door.url, { method: 'POST', headers: { ...headers, ...bearer(as), ...more }, body: JSON.stringify(body) });
  const capabilities = { tasks: { requests: { elicitation: { create: {} } } } };
  const opened = await send(owner, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'x', version: '1' } },
  });
  const id = opened.headers.get('mcp-session-id') ?? '';
  await opened.text();
  const more = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  await (await send(owner, { jsonrpc: '2.0', method: 'notifications/initialized' }, more)).text();
  return async (as, method, params = {}) => {
    const response = await send(as, { jsonrpc: '2.0', id: 7, method, params }, more);
    const isStream = response.headers.get('content-type')?.includes('event-stream') === true;
    return `${response.status} ${isStream ? JSON.stringify((await messagesOf(response)).at(-1)) : await response.text()}`;
  };
}

const start = (owner: Owner, agent: string) => engine.start({ agent, owner, input: { message: 'hi' } });

describe("somebody else's task is as good as none", () => {
  const missing = randomBytes(24).toString('base64url');
  /** What is said of a task, with its id taken out: an echo of the id asked for tells nothing. */
  const bytes = (text: string, id: string) => text.replaceAll(id, 'ID');

  test.each<[string, (id: string) => object]>([
    ['tasks/get', (taskId) => ({ taskId })],
    ['tasks/update', (taskId) => ({ taskId, inputResponses: { x: { action: 'accept', content: { name: 'Eve' } } } })],
    ['tasks/cancel', (taskId) => ({ taskId })],
  ])('2026: %s', async (method, params) => {
    const { id } = await start('alice', 'asker');
    const foreign = await modern('bob', method, params(id) as Record<string, unknown>);
    const none = await modern('bob', method, params(missing) as Record<string, unknown>);
    expect(bytes(foreign, id)).toBe(bytes(none, missing));
    expect(foreign).toContain('-32602');
    expect(await modern('alice', 'tasks/get', { taskId: id })).toMatch(/^200 .*(working|input_required)/s);
    await engine.cancel(id, 'alice');
  });

  test.each(['tasks/get', 'tasks/result', 'tasks/cancel'])('2025: %s', async (method) => {
    const { id } = await start('alice', 'asker');
    const bob = await session('bob');
    const foreign = await bob('bob', method, { taskId: id });
    const none = await bob('bob', method, { taskId: missing });
    expect(bytes(foreign, id)).toBe(bytes(none, missing));
    expect(foreign).toContain('-32602');
    expect((await engine.get(id, 'alice')).status).not.toBe('cancelled');
    await engine.cancel(id, 'alice');
  });

  test("2025: tasks/list lists one's own", async () => {
    const [hers, his] = [await start('alice', 'echo'), await start('bob', 'echo')];
    const bob = await session('bob');
    const listed = await bob('bob', 'tasks/list');
    expect(listed).toContain(his.id);
    expect(listed).not.toContain(hers.id);
  });

  test.each(['task_get', 'task_answer', 'task_cancel'])('the tool %s', async (name) => {
    const { id } = await start('alice', 'asker');
    const more = name === 'task_answer' ? { answers: { x: { action: 'accept', content: { name: 'Eve' } } } } : {};
    const ask = (task: string) => modern('bob', 'tools/call', { name, arguments: { task, ...more } });
    const [foreign, none] = [await ask(id), await ask(missing)];
    expect(bytes(foreign, id)).toBe(bytes(none, missing));
    expect((await engine.get(id, 'alice')).status).not.toBe('cancelled');
    await engine.cancel(id, 'alice');
  });

  test('a conversation of another owner cannot be continued', async () => {
    const { conversation } = await start('alice', 'echo');
    const ask = (id: string) =>
      modern('bob', 'tools/call', { name: 'echo', arguments: { message: 'x', conversation: id } });
    expect(bytes(await ask(conversation), conversation)).toBe(bytes(await ask(missing), missing));
  });
});

describe('a 2025 session', () => {
  test('belongs to the owner who opened it: for another one it is gone', async () => {
    const alice = await session('alice');
    expect(await alice('alice', 'tools/list')).toMatch(/^200 /);
    const foreign = await alice('bob', 'tools/list');
    expect(foreign).toMatch(/^404 .*Session not found/s);
    expect(await alice('alice', 'tools/list')).toMatch(/^200 /);
  });
});

test('what a caller starts belongs to it', async () => {
  const before = engine.started.length;
  await modern('bob', 'tools/call', { name: 'echo', arguments: { message: 'mine' } });
  expect(engine.started[before]).toMatchObject({ owner: 'bob' });
});

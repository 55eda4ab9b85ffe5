/** The Tasks extension on the 2026-07-28 wire, by hand, over both doors. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { forms, httpCaller, kinds, openPeer, tasks, type Message, type Peer } from './peer-2026.ts';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import { meta, modernHeaders, postModern } from './wire.ts';

const call = (name: string, more: Message = {}): Message => ({ name, arguments: { message: 'hi' }, ...more });
const both = { ...tasks, ...forms };

async function start(peer: Peer, agent: string, capabilities: Message = both): Promise<string> {
  const { result } = await peer.request('tools/call', call(agent), capabilities);
  expect(result).toMatchObject({ resultType: 'task' });
  return String(result?.['taskId']);
}

/** The task, once `holds`. */
async function until(peer: Peer, taskId: string, status: string, capabilities: Message = both): Promise<Message> {
  for await (const { params } of peer.listen({ taskIds: [taskId] }, capabilities)) {
    if (params?.['status'] === status) return params as Message;
  }
  throw new Error(`never ${status}`);
}

describe.each(kinds)('2026 tasks over %s', (kind) => {
  test('a call becomes a task that is stored before it is told, in flat fields [TASK-CREATED]', async () => {
    const peer = await openPeer(kind);
    const { result } = await peer.request('tools/call', call('endless'), tasks);
    expect(result).toEqual({
      resultType: 'task',
      taskId: expect.stringMatching(/^t[\w-]{32}$/),
      status: 'working',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      lastUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      ttlMs: 7 * 24 * 3_600_000,
      pollIntervalMs: 1000,
      _meta: expect.anything(),
    });
    const { result: seen } = await peer.request('tasks/get', { taskId: result?.['taskId'] }, tasks);
    expect(seen).toMatchObject({ resultType: 'complete', taskId: result?.['taskId'], status: 'working' });
  });

  test('a finished task inlines what the call would have answered, complete in itself [TASK-RESULT]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'echo');
    await until(peer, taskId, 'completed');
    const { result } = await peer.request('tasks/get', { taskId }, tasks);
    expect(result).toMatchObject({
      resultType: 'complete',
      status: 'completed',
      result: { resultType: 'complete', content: [{ type: 'text', text: 'hi' }], structuredContent: { answer: 'hi' } },
    });
  });

  test('an agent that could not go on is completed with isError; only a fault of ours is failed [TASK-FAILED]', async () => {
    const peer = await openPeer(kind);
    const limited = await until(peer, await start(peer, 'limited'), 'completed');
    expect(limited).toMatchObject({ result: { isError: true } });
    const broken = await until(peer, await start(peer, 'broken'), 'failed');
    expect(broken).toMatchObject({
      error: { code: -32603, message: expect.any(String) },
      statusMessage: expect.any(String),
    });
    expect(broken).not.toHaveProperty('result');
  });

  test('while it works, the status message says what it does', async () => {
    const peer = await openPeer(kind);
    const params = call('busy', { arguments: { message: 'step by step' } });
    const taskId = String((await peer.request('tools/call', params, both)).result?.['taskId']);
    await peer.engine.until(() => peer.engine.lines.of({ id: taskId, status: 'working' } as never) !== undefined);
    const { result } = await peer.request('tasks/get', { taskId }, tasks);
    expect(result).toMatchObject({ status: 'working', statusMessage: 'busy: thinks, turn 1' });
  });

  test('questions are all shown and answered one by one; a key is never shown again [TASK-INPUT] [TASK-PARTIAL]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'pair');
    const asked = await waitFor(peer, taskId, 2);
    const [first, second] = Object.keys(asked);
    expect(asked[first ?? '']).toEqual({
      method: 'elicitation/create',
      params: { mode: 'form', message: 'first?', requestedSchema: expect.objectContaining({ required: ['name'] }) },
    });

    const answer = (inputResponses: Message) => peer.request('tasks/update', { taskId, inputResponses }, both);
    const ack = await answer({ [first ?? '']: accept('Ann'), made_up: accept('x') });
    expect(ack.result).toEqual({ resultType: 'complete', _meta: expect.anything() });
    expect(Object.keys(await waitFor(peer, taskId, 1))).toEqual([second]);

    await answer({ [first ?? '']: accept('late'), [second ?? '']: { action: 'accept', content: { name: 42 } } });
    const [again] = Object.keys(await waitFor(peer, taskId, 1));
    expect(again).not.toBe(second);
    await answer({ [second ?? '']: accept('stale') });
    await answer({ [again ?? '']: accept('Bob') });
    const done = await until(peer, taskId, 'completed');
    expect(done).toMatchObject({ result: { content: [{ text: 'Ann and Bob' }] } });
    expect((await answer({ [again ?? '']: accept('after the end') })).result).toMatchObject({ resultType: 'complete' });
  });

  test('an answer that is none is refused, and the question stays', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'asker');
    const [key] = Object.keys(await waitFor(peer, taskId, 1));
    for (const wrong of [{ action: 'perhaps' }, { action: 'accept', content: 'Ann' }, { role: 'user' }]) {
      const { error } = await peer.request('tasks/update', { taskId, inputResponses: { [key ?? '']: wrong } }, both);
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(key ?? '?') });
    }
    expect(Object.keys(await waitFor(peer, taskId, 1))).toEqual([key]);
  });

  test('a poll is shown only what it declares; one that declares nothing of it sees where to answer [ASK-DECLARED]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'curious');
    await waitFor(peer, taskId, 1);
    const shown = async (capabilities: Message) => {
      const { result } = await peer.request('tasks/get', { taskId }, { ...tasks, ...capabilities });
      return result?.['inputRequests'] === undefined ? result : Object.keys(result['inputRequests'] as Message);
    };
    expect(await shown({ elicitation: {} })).toEqual(['form']);
    expect(await shown({ elicitation: { form: {} } })).toEqual(['form']);
    expect(await shown({ elicitation: { url: {} } })).toEqual(['url']);
    expect(await shown({ elicitation: { form: {}, url: {} } })).toEqual(['form', 'url']);
    expect(await shown({ sampling: {}, roots: {} })).toEqual(['thought', 'folders']);
    expect(await shown({})).toMatchObject({
      status: 'working',
      statusMessage: expect.stringContaining('A person answers'),
    });
  });

  test('cancel is acknowledged empty, before and after the end [TASK-CANCEL]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'endless');
    for (let round = 1; round <= 2; round += 1) {
      const { result } = await peer.request('tasks/cancel', { taskId }, tasks);
      expect(result).toEqual({ resultType: 'complete', _meta: expect.anything() });
    }
    const { result } = await peer.request('tasks/get', { taskId }, tasks);
    expect(result).toMatchObject({ status: 'cancelled' });
    expect(result).not.toHaveProperty('result');
  });

  test.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    '%s needs the extension declared with this very request [TASK-CAPABILITY]',
    async (method) => {
      const peer = await openPeer(kind);
      const taskId = await start(peer, 'endless');
      const { error, status } = await peer.request(method, { taskId, inputResponses: {} }, forms);
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: tasks } });
      if (kind === 'HTTP') expect(status).toBe(400);
    },
  );

  test.each(['tasks/result', 'tasks/list'])('%s is of another revision: not found', async (method) => {
    const peer = await openPeer(kind);
    const { error, status } = await peer.request(method, { taskId: 'x' }, tasks);
    expect(error).toMatchObject({ code: -32601 });
    if (kind === 'HTTP') expect(status).toBe(404);
  });

  test('a caller that declares no tasks is never given one, and a 2025 task parameter means nothing [TASK-UNDECLARED]', async () => {
    const peer = await openPeer(kind);
    const { result } = await peer.request('tools/call', call('echo', { task: { ttl: 1000 } }), forms);
    expect(result).toMatchObject({ resultType: 'complete', content: [{ text: 'hi' }] });
    expect(result).not.toHaveProperty('taskId');
  });

  test('the same key of the same owner is the same task [IDEMPOTENT]', async () => {
    const peer = await openPeer(kind);
    const keyed = (message: string, key: unknown) =>
      peer.request(
        'tools/call',
        { name: 'endless', arguments: { message }, _meta: { 'dev.deputy-mcp/idempotencyKey': key } },
        tasks,
      );
    const one = await keyed('hi', 'k-1');
    const two = await keyed('hi', 'k-1');
    expect(two.result?.['taskId']).toBe(one.result?.['taskId']);
    expect((await keyed('hi', 'k-2')).result?.['taskId']).not.toBe(one.result?.['taskId']);
    expect((await keyed('ho', 'k-1')).result).toMatchObject({ isError: true });
    expect((await keyed('hi', 42)).error).toMatchObject({ code: -32602 });
  });

  test('it is advertised under its own revision [TASK-ADVERTISED]', async () => {
    const peer = await openPeer(kind);
    const { result } = await peer.request('server/discover', {});
    expect(result?.['capabilities']).toMatchObject({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
    expect(result?.['capabilities']).not.toHaveProperty('tasks');
  });
});

const accept = (name: string): Message => ({ action: 'accept', content: { name } });

/** The input requests of a task as soon as there are `count`. */
async function waitFor(peer: Peer, taskId: string, count: number): Promise<Message> {
  for await (const { params } of peer.listen({ taskIds: [taskId] }, both)) {
    const asked = (params?.['inputRequests'] ?? {}) as Message;
    if (Object.keys(asked).length === count) return asked;
  }
  throw new Error('the task ended');
}

describe.each(kinds)('2026 task subscriptions over %s', (kind) => {
  test('acknowledged first; each notification is the whole task; completed when all are over [LISTEN-TASKS] [LISTEN-ACK]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'asker');
    const messages: Message[] = [];
    for await (const message of peer.listen({ taskIds: [taskId, 'A'.repeat(32)] }, both)) {
      messages.push(message);
      const [key] = Object.keys((message['params']?.['inputRequests'] ?? {}) as Message);
      if (key === undefined) continue;
      await peer.request('tasks/update', { taskId, inputResponses: { [key]: accept('Ann') } }, both);
    }
    const [acknowledged, ...told] = messages;
    const ended = told.pop();
    const id = acknowledged?.['params']['_meta']['io.modelcontextprotocol/subscriptionId'] as unknown;
    expect(acknowledged).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [taskId] } },
    });
    expect(new Set(told.map(({ method }) => method as string))).toEqual(new Set(['notifications/tasks']));
    const statuses = told.map(({ params }) => (params as Message)['status'] as string);
    expect(statuses).toContain('input_required');
    expect(statuses.at(-1)).toBe('completed');
    const { result } = await peer.request('tasks/get', { taskId }, both);
    const { resultType: _, _meta: __, ...seen } = result ?? {};
    expect(told.at(-1)?.['params']).toEqual({ ...seen, _meta: { 'io.modelcontextprotocol/subscriptionId': id } });
    for (const { params } of told) expect(params['_meta']['io.modelcontextprotocol/subscriptionId']).toBe(id);
    expect(ended).toMatchObject({ id, result: { resultType: 'complete' } });
  });

  test('without the extension it is refused with what is missing [LISTEN-CAPABILITY]', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'endless');
    const [refused] = await all(peer.listen({ taskIds: [taskId] }, forms), 1);
    expect(refused).toMatchObject({ error: { code: -32021, data: { requiredCapabilities: tasks } } });
    if (kind === 'HTTP') expect(refused?.['status']).toBe(400);
  });

  test('task ids that are no list of texts are refused', async () => {
    const peer = await openPeer(kind);
    const [refused] = await all(peer.listen({ taskIds: 'all' }, tasks), 1);
    expect(refused).toMatchObject({ error: { code: -32602 } });
  });

  test('lists and tasks share a subscription; the door ends it in order [LISTEN-END]', async () => {
    const peer = await openPeer(kind, { agents: () => [{ name: 'endless', description: 'x' }] });
    const taskId = await start(peer, 'endless');
    const stream = peer.listen({ taskIds: [taskId], toolsListChanged: true }, tasks);
    expect((await stream.next()).value).toMatchObject({
      params: { notifications: { taskIds: [taskId], toolsListChanged: true } },
    });
    expect((await stream.next()).value).toMatchObject({ method: 'notifications/tasks', params: { status: 'working' } });
    const closed = peer.closeDoor(0);
    const rest = await all(stream, 10);
    expect(rest.filter(({ id }) => id !== undefined)).toEqual([
      { jsonrpc: '2.0', id: expect.anything(), result: expect.objectContaining({ resultType: 'complete' }) },
    ]);
    await closed;
  });

  test('a subscription that is given up stops', async () => {
    const peer = await openPeer(kind);
    const taskId = await start(peer, 'endless');
    const stream = peer.listen({ taskIds: [taskId] }, tasks);
    await stream.next();
    await stream.return(undefined);
    expect((await peer.request('tasks/get', { taskId }, tasks)).result).toMatchObject({ status: 'working' });
  });
});

async function all(stream: AsyncGenerator<Message>, most: number): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of stream) if (messages.push(message) >= most) break;
  return messages;
}

describe('2026 tasks over HTTP only', () => {
  test.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    '%s must name its task in Mcp-Name [TASK-HEADER]',
    async (method) => {
      const { options, engine } = fakeNetwork();
      const door = await serveHttp(options);
      onTestFinished(() => door.close(0));
      const { id } = await engine.start({ agent: 'endless', input: {}, owner: 'local' });
      const params = {
        taskId: id,
        inputResponses: {},
        _meta: meta({ 'io.modelcontextprotocol/clientCapabilities': tasks }),
      };
      for (const name of [undefined, 'another']) {
        const response = await fetch(door.url, {
          method: 'POST',
          headers: modernHeaders(method, name),
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        });
        expect([response.status, await response.json()]).toMatchObject([400, { error: { code: -32020 } }]);
      }
      const wrongMethod = await postModern(door.url, {
        method,
        params,
        headers: { 'mcp-method': 'tools/list', 'mcp-name': id },
      });
      expect(wrongMethod.status).toBe(400);
    },
  );

  test('a foreign task is refused like a missing one, byte for byte, by every method [OWNERS]', async () => {
    const { options } = fakeNetwork();
    const keys = ['ann', 'bob'].map((owner) => ({ owner, key: `key-of-${owner}` }));
    const door = await serveHttp({ ...options, auth: { keys } });
    onTestFinished(() => door.close(0));
    const [ann, bob] = [httpCaller(door.url, 'ann'), httpCaller(door.url, 'bob')];
    const { result } = await ann.request('tools/call', call('asker'), both);
    const foreign = String(result?.['taskId']);
    const missing = 'A'.repeat(32);
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const params = { inputResponses: { x: accept('Bob') } };
      const [one, two] = await Promise.all(
        [foreign, missing].map((taskId) => bob.request(method, { taskId, ...params }, both)),
      );
      expect(one?.error).toMatchObject({ code: -32602 });
      expect([one?.status, one?.error]).toEqual([two?.status, two?.error]);
    }
    const [acknowledged, ended] = await all(bob.listen({ taskIds: [foreign, missing] }, both), 2);
    expect(acknowledged).toMatchObject({ params: { notifications: { taskIds: [] } } });
    expect(ended).toMatchObject({ result: { resultType: 'complete' } });
    expect((await ann.request('tasks/get', { taskId: foreign }, both)).result).not.toMatchObject({
      status: 'cancelled',
    });
  });
});

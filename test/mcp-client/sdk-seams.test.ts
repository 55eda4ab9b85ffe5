/** Each test holds one seam of `src/mcp-client/sdk-seams.ts`. One that fails says that the SDK changed: read it again. */
import {
  Client,
  SdkError,
  StreamableHTTPClientTransport,
  type JSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { ask, askTool, hearRequests, inOneForm, newClient, toldOfTasks } from '../../src/mcp-client/sdk-seams.ts';
import { listen } from './listen.ts';

type Request = { id: number | string; method: string; params?: { _meta?: object } };
type Answers = Record<string, (request: Request, say: (message: JSONRPCMessage) => void) => object | undefined>;

const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 's', version: '1' },
};
const discovered = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: { listChanged: true } },
  ttlMs: 0,
  cacheScope: 'private',
};

/** A pipe that answers by hand and remembers what it was sent; stdio-shaped where `pid` and `stderr` are there. */
function pipe(answers: Answers, shape: object = {}): Transport & { sent: Request[] } {
  const sent: Request[] = [];
  const transport: Transport & { sent: Request[] } = {
    sent,
    start: async () => {},
    close: async () => transport.onclose?.(),
    send: async (message) => {
      const request = message as Request;
      sent.push(request);
      const say = (message: JSONRPCMessage): void => transport.onmessage?.(message);
      const result = answers[request.method]?.(request, say);
      if (result !== undefined)
        queueMicrotask(() => say({ jsonrpc: '2.0', id: request.id, ...result } as JSONRPCMessage));
    },
    ...shape,
  };
  return transport;
}

const stdioShape = { pid: 1, stderr: null };
const old: Answers = {
  'server/discover': () => ({ error: { code: -32601, message: 'no' } }),
  initialize: () => ({ result: initialized }),
};
const modern: Answers = { 'server/discover': () => ({ result: discovered }) };
const methods = (transport: { sent: Request[] }): string[] => transport.sent.map((request) => request.method);
const connected = async (answers: Answers): Promise<{ client: Client; transport: ReturnType<typeof pipe> }> => {
  const client = newClient('1', 200);
  const transport = pipe(answers, stdioShape);
  await client.connect(transport);
  return { client, transport };
};

test('the version that these seams were read in', () => {
  const file = new URL('../../node_modules/@modelcontextprotocol/client/package.json', import.meta.url);
  expect((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version).toBe('2.4.0');
});

describe('1: the era', () => {
  test('is not asked for by default', async () => {
    const transport = pipe(old, stdioShape);
    await new Client({ name: 'c', version: '1' }).connect(transport);
    expect(methods(transport)).toEqual(['initialize', 'notifications/initialized']);
  });
  test('is probed in place on a transport that looks like stdio', async () => {
    const { client, transport } = await connected(old);
    expect(methods(transport)).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
    expect(client.getProtocolEra()).toBe('legacy');
  });
  test('is 2025 where nobody answers on stdio, and an error elsewhere', async () => {
    const { client } = await connected({ ...old, 'server/discover': () => undefined });
    expect(client.getProtocolEra()).toBe('legacy');
    await expect(newClient('1', 50).connect(pipe({ ...old, 'server/discover': () => undefined }))).rejects.toThrow(
      /timed out/,
    );
  });
  test('fails the connect where the child dies of the probe', async () => {
    const transport = pipe(
      { 'server/discover': () => (queueMicrotask(() => transport.onclose?.()), undefined) },
      stdioShape,
    );
    await expect(newClient('1', 200).connect(transport)).rejects.toMatchObject({ code: 'ERA_NEGOTIATION_FAILED' });
  });
  test('costs the SDK’s own transport a process of its own', async () => {
    const script = 'console.error(process.pid); setInterval(() => {}, 1000)';
    const transport = new StdioClientTransport({ command: process.execPath, args: ['-e', script], stderr: 'pipe' });
    let spawned = 0;
    const start = Object.getPrototypeOf(transport) as { start: () => Promise<void> };
    const spy = vi.spyOn(start, 'start').mockImplementation(async function (this: unknown, ...args) {
      spawned += 1;
      throw new Error(`not started ${this === transport} ${args.length}`);
    });
    await expect(newClient('1', 100).connect(transport)).rejects.toThrow('not started false');
    spy.mockRestore();
    expect(spawned).toBe(1);
  });
});

test('2: a modern `prior` asks nothing', async () => {
  const transport = pipe({}, stdioShape);
  await newClient('1', 100).connect(transport, {
    prior: { kind: 'modern', discover: { ...discovered, cacheScope: 'private', supportedVersions: ['2026-07-28'] } },
  });
  expect(methods(transport)).toEqual([]);
});

test('3: a list without its capability is written to stdout', async () => {
  const { client } = await connected(old);
  const debug = vi.spyOn(console, 'debug').mockImplementation(() => {});
  await client.listPrompts();
  expect(debug).toHaveBeenCalledOnce();
  debug.mockRestore();
});

const target = {
  ownName: 'act',
  inputSchema: { type: 'object' },
  mirrorsHeaders: false,
  taskSupport: 'forbidden' as const,
};

describe('4: a call', () => {
  test('comes as it is in 2025, whatever it holds', async () => {
    const { client } = await connected({
      ...old,
      'tools/call': () => ({ result: { content: [{ type: 'hologram' }], x: 1 } }),
    });
    expect(await askTool(client, target, {}, {})).toEqual({ content: [{ type: 'hologram' }], x: 1 });
  });
  test('of unknown content is an error in 2026', async () => {
    const result = { resultType: 'complete', content: [{ type: 'hologram' }] };
    const { client } = await connected({ ...modern, 'tools/call': () => ({ result }) });
    await expect(askTool(client, target, {}, {})).rejects.toMatchObject({ code: 'INVALID_RESULT' });
  });
  test('with mirrored arguments goes through callTool without an output schema', async () => {
    const { client } = await connected({
      ...modern,
      'tools/call': () => ({ result: { resultType: 'complete', content: [] } }),
    });
    const called = vi.spyOn(client, 'callTool');
    await askTool(client, { ...target, mirrorsHeaders: true }, {}, {});
    expect(called.mock.calls[0]?.[1]?.toolDefinition).toEqual({ name: 'act', inputSchema: { type: 'object' } });
  });
});

test('5: a stream that ends without an answer leaves its request waiting', async () => {
  const { url } = await listen((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const asked = request.method === 'POST' ? (JSON.parse(body) as Request) : undefined;
      if (asked?.method === 'initialize') {
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, result: initialized }));
      } else if (asked?.method === 'tools/call') response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
      else response.writeHead(asked === undefined ? 405 : 202).end();
    });
  });
  const client = new Client({ name: 'c', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await expect(client.callTool({ name: 'act' }, { timeout: 200 })).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
  await client.close();
});

test('8: progress that never ends outlives the SDK’s total time-out until it comes again', async () => {
  const { client } = await connected({ ...old, 'tools/call': () => undefined });
  const before = performance.now();
  await expect(client.callTool({ name: 'act' }, { timeout: 150, maxTotalTimeout: 20 })).rejects.toBeInstanceOf(
    SdkError,
  );
  expect(performance.now() - before).toBeGreaterThan(100);
});

test('9: an abort comes back as a time-out, and is told in the form of its era', async () => {
  const { client, transport } = await connected({ ...old, 'tools/call': () => undefined });
  const stop = new AbortController();
  const calling = client.callTool({ name: 'act' }, { signal: stop.signal });
  await expect.poll(() => methods(transport)).toContain('tools/call');
  stop.abort(new Error('mine'));
  await expect(calling).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT', message: 'Error: mine' });
  expect(methods(transport).at(-1)).toBe('notifications/cancelled');
});

describe('10: an answer that is none', () => {
  test('asks for input and is handed over', async () => {
    const result = { resultType: 'input_required', inputRequests: {}, requestState: 's' };
    const { client } = await connected({ ...modern, 'tools/call': () => ({ result }) });
    expect(await askTool(client, target, {}, {})).toMatchObject({ resultType: 'input_required', requestState: 's' });
  });
});

describe('11: a task as the answer to a call', () => {
  const task = { taskId: 't1', status: 'working', ttlMs: null };
  const made: Answers = { ...modern, 'tools/call': () => ({ result: { resultType: 'task', ...task } }) };
  test('is an error of the SDK, without the task', async () => {
    const { client } = await connected(made);
    const error: unknown = await askTool(client, target, {}, {}).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_RESULT_TYPE' });
    expect(JSON.stringify(error)).not.toContain('t1');
  });
  test('passes in the form of 2025', async () => {
    const message = { jsonrpc: '2.0' as const, id: 1, result: { resultType: 'task', _meta: { a: 1 }, ...task } };
    const { result } = inOneForm(message) as typeof message;
    const { client } = await connected({ ...modern, 'tools/call': () => ({ result }) });
    expect(await askTool(client, target, {}, {})).toEqual({ _meta: { a: 1 }, content: [], task });
  });
  test('is declared with every request of 2026, and never in 2025', async () => {
    const { client, transport } = await connected({
      ...modern,
      'tasks/get': () => ({ result: { resultType: 'complete' } }),
    });
    await ask(client, 'tasks/get', { taskId: 't1' }, {});
    expect(transport.sent.at(-1)?.params?._meta).toMatchObject({
      'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    });
    const { transport: older } = await connected(old);
    const initialize = older.sent.find(({ method }) => method === 'initialize');
    expect(initialize?.params).toMatchObject({ capabilities: {} });
    expect(JSON.stringify(initialize)).not.toContain('tasks');
  });
});

test('12: a subscription to a task is sent, and what the server says of it is lost', async () => {
  const { client, transport } = await connected({
    ...modern,
    'subscriptions/listen': ({ id }, say) => {
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      const method = 'notifications/subscriptions/acknowledged';
      queueMicrotask(() => say({ jsonrpc: '2.0', method, params: { _meta, notifications: { taskIds: ['t1'] } } }));
      return undefined;
    },
  });
  const filter: Record<string, unknown> = { taskIds: ['t1'] };
  const { honoredFilter } = await client.listen(filter);
  expect(transport.sent.at(-1)?.params).toMatchObject({ notifications: filter });
  expect(honoredFilter).toEqual({});
});

describe('13: a request for a question', () => {
  const created = { task: { taskId: 'ours', status: 'working' } };
  const asking = async (client: Client, transport: ReturnType<typeof pipe>): Promise<object> => {
    await client.connect(transport);
    transport.onmessage?.({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'Who?' } });
    await vi.waitFor(() => expect(transport.sent.at(-1)).toMatchObject({ id: 'q' }));
    return transport.sent.at(-1) ?? {};
  };
  const params = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
  test('is checked by the SDK, and so is its answer', async () => {
    const client = new Client({ name: 'c', version: '1' }, { capabilities: { elicitation: { form: {} } } });
    client.setRequestHandler('elicitation/create', { params }, () => created as never);
    expect(await asking(client, pipe(old, stdioShape))).toMatchObject({ error: { code: -32_602 } });
  });
  test('and its answer are ours', async () => {
    const client = newClient('1', 200, { asks: true });
    hearRequests(client, { asks: true }, () => Promise.resolve(created));
    expect(await asking(client, pipe(old, stdioShape))).toMatchObject({ result: created });
  });
  test('that was not offered is refused by the SDK', async () => {
    const client = newClient('1', 200);
    hearRequests(client, {}, () => Promise.reject(new Error('nobody may be asked')));
    expect(await asking(client, pipe(old, stdioShape))).toMatchObject({ error: { code: -32_601 } });
  });
});

describe('14: tasks of ours', () => {
  const initialize = (capabilities: object): JSONRPCMessage => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities },
  });
  test('are declared to servers of 2025 that may ask, and to nobody else', async () => {
    expect(toldOfTasks(initialize({ elicitation: {} }))).toEqual(
      initialize({ elicitation: {}, tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } } }),
    );
    expect(toldOfTasks(initialize({}))).toEqual(initialize({}));
    const client = newClient('1', 200, { asks: true, sampling: true });
    const transport = pipe(modern, stdioShape);
    await client.connect(transport);
    expect(JSON.stringify(transport.sent)).toContain('"elicitation"');
    expect(JSON.stringify(transport.sent)).not.toContain('"tasks":{');
  });
});

test('15: progress that an answer follows at once is lost; a microtask makes the difference', async () => {
  const heard = async (later: (answer: () => void) => void): Promise<number[]> => {
    const { client } = await connected({
      ...old,
      'tools/call': ({ id }, say) => {
        const params = { progressToken: id, progress: 1 };
        queueMicrotask(() => {
          say({ jsonrpc: '2.0', method: 'notifications/progress', params });
          later(() => say({ jsonrpc: '2.0', id, result: { content: [] } }));
        });
        return undefined;
      },
    });
    const steps: number[] = [];
    await askTool(client, target, {}, { onprogress: ({ progress }) => void steps.push(progress) });
    return steps;
  };
  expect(await heard((answer) => answer())).toEqual([]);
  expect(await heard(queueMicrotask)).toEqual([1]);
});

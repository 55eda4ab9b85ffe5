/** What an agent of another Deputy leaves to the task that it calls: told, checked and kept on every face. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { CallToolResultSchema, CreateTaskResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServeOptions } from '../../src/mcp-server/options.ts';
import { agentKey, idempotencyKey, mandateKey } from '../../src/meta-keys.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import type { FakeEngine } from './fake-engine.ts';
import { openDoor, openPeer2025 } from './peer-2025.ts';
import { forms, httpCaller, kinds, openPeer, tasks, type Message } from './peer-2026.ts';

const mandate: Mandate = {
  chain: [{ agent: 'root', deputy: 'above' }, { agent: 'triage' }],
  depth: 3,
  agents: 7,
  tokens: 1000,
  cost: 0.25,
  time: 60_000,
  deny: ['bank/pay'],
  ask: ['*/write'],
};
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const here = 'this-deputy';

/** A call of `echo`, on one face: as far as its task, or its error. */
type Call = (url: string, name: string, _meta: Message) => Promise<Message>;

const by2026 =
  (declared: Message): Call =>
  async (url, name, _meta) => {
    const { result, error } = await httpCaller(url).request('tools/call', called(name, _meta), declared);
    return result ?? error ?? {};
  };

const called = (name: string, _meta: Message) => ({ name, arguments: { message: 'hi' }, _meta });

/** What the client throws for a JSON-RPC error, as 2026 has it by hand. */
const orError = (call: Promise<Message>): Promise<Message> =>
  call.catch((error: Error & { code: number }) => ({ code: error.code, message: error.message }));

const faces: [string, Call][] = [
  [
    'a plain 2025 call',
    async (url, name, _meta) => orError((await openPeer2025(url)).client.callTool(called(name, _meta))),
  ],
  [
    'a 2025 task',
    async (url, name, _meta) => {
      const { client } = await openPeer2025(url);
      const params = { ...called(name, _meta), task: {} };
      return orError(client.request({ method: 'tools/call', params }, CreateTaskResultSchema));
    },
  ],
  ['a 2026 call in rounds', by2026(forms)],
  ['a 2026 call that cannot be asked', by2026({})],
  ['a 2026 task', by2026({ ...tasks, ...forms })],
  [
    'a 2026 call of the SDK',
    async (url, name, _meta) => {
      const client = new Client({ name: 'sdk', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
      await client.connect(new StreamableHTTPClientTransport(new URL(url)));
      onTestFinished(() => client.close());
      return orError(client.callTool(called(name, _meta)));
    },
  ],
];

describe.each(faces)('by %s', (face, call) => {
  const open = (more: Partial<ServeOptions> = {}) => openDoor({ identity: here, waitMs: 500, ...more });
  const openTask = async (engine: FakeEngine) => {
    const [task] = await engine.list({ owner: 'local' });
    return engine.get(task?.id ?? '', 'local');
  };

  test('mandate and trace are kept with the task', async () => {
    const { url, engine } = await open();
    await call(url, 'asker', { [mandateKey]: mandate, traceparent });
    expect(await openTask(engine)).toMatchObject({ mandate, trace: traceparent });
  });

  test('a caller without either is one like any other, and a malformed trace is ignored', async () => {
    const { url, engine } = await open();
    await call(url, 'asker', { traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' });
    const task = await openTask(engine);
    expect([task.mandate, task.trace]).toEqual([undefined, undefined]);
  });

  test('a malformed mandate is refused, and its member named', async () => {
    const { url, engine } = await open();
    const refused = await call(url, 'echo', { [mandateKey]: { ...mandate, tokens: -1 } });
    expect(refused).toMatchObject({ code: -32602, message: expect.stringContaining(`_meta["${mandateKey}"].tokens`) });
    expect(engine.started).toEqual([]);
  });

  test('a circle, a level too deep and an agent too many are refused before there is a task', async () => {
    const { url, engine } = await open();
    const refusal = async (more: Partial<Mandate>): Promise<unknown> => {
      const answer = await call(url, 'echo', { [mandateKey]: { ...mandate, ...more } });
      if (face === 'a 2025 task') return answer['message'];
      expect(answer['isError']).toBe(true);
      return answer['content'][0].text;
    };
    const round = [
      { agent: 'echo', deputy: here },
      { agent: 'triage', deputy: 'there' },
    ];
    expect(await refusal({ chain: round })).toContain('echo → triage → echo would go round in a circle');
    expect(await refusal({ depth: -1 })).toContain('root → triage → echo would be nested too deep');
    expect(await refusal({ agents: 0 })).toContain('root → triage → echo would be one agent too many');
    expect(engine.started).toEqual([]);
  });

  test('an agent of the same name elsewhere, and another agent from here, make no circle', async () => {
    const { url, engine } = await open();
    const chain = [{ agent: 'echo', deputy: 'elsewhere' }, { agent: 'asker', deputy: here }, { agent: 'echo' }];
    await call(url, 'echo', { [mandateKey]: { ...mandate, chain, depth: 0, agents: 1 } });
    expect(engine.started).toHaveLength(1);
  });

  test('the same key is the same task, whether it waits or is over, and keeps the mandate of the first call', async () => {
    const { url, engine } = await open();
    const again = { ...mandate, tokens: 5 };
    const idOf = (answer: Message): unknown =>
      answer['taskId'] ?? answer['task']?.taskId ?? answer['_meta']?.['dev.deputy-mcp/task']?.id;
    for (const name of ['asker', 'echo']) {
      const key = { [idempotencyKey]: `key of ${name}` };
      const first = await call(url, name, { ...key, [mandateKey]: mandate });
      const [{ id } = { id: '' }] = await engine.list({ owner: 'local', agent: name });
      await engine.until(() => engine.working === 0);
      const second = await call(url, name, { ...key, [mandateKey]: again });
      expect(await engine.list({ owner: 'local', agent: name })).toHaveLength(1);
      expect((await engine.get(id, 'local')).mandate).toEqual(mandate);
      // Between two rounds only the sealed state says which task it is.
      if (first['resultType'] !== 'input_required') expect([idOf(first), idOf(second)]).toEqual([id, id]);
    }
  });
});

test.each(['task', 'plain'])(
  'a 2025 client that calls again after a crash gets the rest of its %s call',
  async (as) => {
    const { url, engine } = await openDoor();
    const _meta = { [idempotencyKey]: 'once', [mandateKey]: mandate };
    const first = await openPeer2025(url);
    await first.client.request(
      { method: 'tools/call', params: { ...called('asker', _meta), task: {} } },
      CreateTaskResultSchema,
    );
    await engine.until(() => engine.working === 0);
    await first.close();
    const peer = await openPeer2025(url, () => ({ action: 'accept', content: { name: 'Ann' } }));
    const answerOf = async (): Promise<unknown> => {
      if (as === 'plain') return peer.client.callTool(called('asker', _meta));
      const params = { ...called('asker', _meta), task: {} };
      const { task } = await peer.client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
      return peer.client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
    };
    expect(await answerOf()).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
    expect(await answerOf()).toMatchObject({ content: [{ text: 'Hello, Ann.' }] });
    expect(peer.asked).toHaveLength(1);
    expect(await engine.list({ owner: 'local' })).toHaveLength(1);
  },
);

describe.each(kinds)('over %s', (kind) => {
  test('agents are marked in the list, and the tools that look after tasks are not', async () => {
    const peer = await openPeer(kind);
    const { result } = await peer.request('tools/list', {});
    const marked = ((result?.['tools'] ?? []) as Message[]).filter(({ _meta }) => _meta?.[agentKey] === true);
    const names = marked.map(({ name }) => name);
    expect(names).toContain('echo');
    expect(names.filter((name) => name.startsWith('task_'))).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['a text', 'all', ''],
    ['no chain', { ...mandate, chain: undefined }, '.chain'],
    ['33 links', { ...mandate, chain: Array.from({ length: 33 }, () => ({ agent: 'a' })) }, '.chain'],
    ['a name of 201 characters', { ...mandate, chain: [{ agent: 'a'.repeat(201) }] }, '.chain[0].agent'],
    ['an empty name', { ...mandate, chain: [{ agent: 'a', deputy: '' }] }, '.chain[0].deputy'],
    ['a depth in words', { ...mandate, depth: 'deep' }, '.depth'],
    ['agents without end', { ...mandate, agents: null }, '.agents'],
    ['a negative cost', { ...mandate, cost: -0.01 }, '.cost'],
    ['a time that is none', { ...mandate, time: {} }, '.time'],
    ['101 patterns', { ...mandate, deny: Array.from({ length: 101 }, () => 'a/b') }, '.deny'],
    ['a pattern of 201 characters', { ...mandate, ask: ['a'.repeat(201)] }, '.ask[0]'],
    ['rules that are left out', { ...mandate, ask: undefined }, '.ask'],
  ])('%s is no mandate', async (_, given, place) => {
    const peer = await openPeer(kind);
    const { error } = await peer.request('tools/call', called('echo', { [mandateKey]: given }));
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(`_meta["${mandateKey}"]${place}:`) });
    expect(peer.engine.started).toEqual([]);
  });
});

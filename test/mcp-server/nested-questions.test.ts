/** What a task asks that an agent of another Deputy called: who asks and what, on every wire. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { CallToolResultSchema, CreateTaskResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, onTestFinished, test } from 'vitest';
import { mandateKey, questionKey } from '../../src/meta-keys.ts';
import type { Mandate } from '../../src/task/mandate.ts';
import { relayedApproval } from './network.ts';
import { openDoor, openPeer2025 } from './peer-2025.ts';
import { forms, httpCaller, tasks, type Message } from './peer-2026.ts';

const mandate: Mandate = { chain: [{ agent: 'root', deputy: 'above' }], depth: 3, agents: 7, deny: [], ask: [] };

const called = (_meta: Message = { [mandateKey]: mandate }) => ({
  name: 'middle',
  arguments: { message: 'hi' },
  _meta,
});

/** Calls `middle`; @returns the parameters of what it asked, in the order of asking, and its answer. */
type Call = (url: string, _meta?: Message) => Promise<{ asked: Message[]; answer: Message }>;

/** Answers each with the number of its coming. */
function answering(asked: Message[]): (params: Message) => { action: 'accept'; content: { name: string } } {
  return (params) => ({ action: 'accept', content: { name: `no. ${asked.push(params)}` } });
}

async function openV1(url: string, asked: Message[]) {
  const { client } = await openPeer2025(url, () => ({ action: 'cancel' }));
  const answer = answering(asked);
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => answer(params));
  return client;
}

const wires: [string, Call][] = [
  [
    'a plain 2025 call',
    async (url, _meta) => {
      const asked: Message[] = [];
      return { asked, answer: await (await openV1(url, asked)).callTool(called(_meta)) };
    },
  ],
  [
    'a 2025 task',
    async (url, _meta) => {
      const asked: Message[] = [];
      const client = await openV1(url, asked);
      const params = { ...called(_meta), task: {} };
      const { task } = await client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
      const answer = await client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
      return { asked, answer };
    },
  ],
  [
    'a 2026 call in rounds',
    async (url, _meta) => {
      const asked: Message[] = [];
      const answer = answering(asked);
      const client = new Client(
        { name: 'sdk', version: '1' },
        { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: {} } },
      );
      client.setRequestHandler('elicitation/create', async ({ params }) => answer(params));
      await client.connect(new StreamableHTTPClientTransport(new URL(url)));
      onTestFinished(() => client.close());
      return { asked, answer: await client.callTool(called(_meta)) };
    },
  ],
  [
    'a 2026 task',
    async (url, _meta) => {
      const both = { ...tasks, ...forms };
      const caller = httpCaller(url);
      const { taskId } = (await caller.request('tools/call', called(_meta), both)).result ?? {};
      const asked: Message[] = [];
      const answer = answering(asked);
      for await (const { params = {} } of caller.listen({ taskIds: [taskId] }, both)) {
        if (params['status'] === 'completed') return { asked, answer: params['result'] };
        if (Object.keys(params['inputRequests'] ?? {}).length < 2) continue;
        const inputResponses = Object.fromEntries(
          Object.entries<Message>(params['inputRequests']).map(([key, request]) => [key, answer(request['params'])]),
        );
        await caller.request('tasks/update', { taskId, inputResponses }, both);
      }
      throw new Error('The subscription ended before the task.');
    },
  ],
];

test.each(wires)(
  'in %s a Deputy above is told who asks, in which words, and what an approval is about',
  async (wire, call) => {
    const { url } = await openDoor();
    const { asked, answer } = await call(url);
    const { chain, ...approval } = relayedApproval;
    // In 2026 the wire itself has a place for it.
    const known = (id: string) => (wire.includes('2025') ? { id } : {});
    expect(asked.map(({ _meta }) => _meta?.[questionKey])).toEqual([
      { ...known('account'), chain: ['middle', 'bank/payer'], words: 'Which account?' },
      { ...known('pay'), chain, mustDecide: true, approval },
    ]);
    expect(asked.map(({ message }) => message)).toEqual([
      'middle → bank/payer asks:\n> Which account?',
      relayedApproval.bytes,
    ]);
    expect(answer['content'][0].text).toBe(`no. 1 and no. 2 for ${relayedApproval.hash}`);
  },
);

test.each(wires)('in %s nobody else is told more than the question', async (_, call) => {
  const { url } = await openDoor();
  const { asked } = await call(url, {});
  expect(asked).toHaveLength(2);
  for (const { _meta } of asked) expect(_meta ?? {}).not.toHaveProperty(questionKey);
});

test('what software is asked names its agent as well', async () => {
  const { url } = await openDoor();
  const caller = httpCaller(url);
  const declared = { ...tasks, sampling: {}, roots: {} };
  const { taskId } = (await caller.request('tools/call', { ...called(), name: 'curious' }, declared)).result ?? {};
  const asked = async (): Promise<Message[]> =>
    Object.values<Message>((await caller.request('tasks/get', { taskId }, declared)).result?.['inputRequests'] ?? {});
  await expect.poll(asked).toHaveLength(2);
  expect((await asked()).map(({ method, params }) => [method, params['_meta'][questionKey]])).toEqual([
    ['sampling/createMessage', { chain: ['curious'] }],
    ['roots/list', { chain: ['curious'] }],
  ]);
});

/** An agent that thinks with its caller's model: how each caller is asked, and what those are told who cannot be. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Http } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  CreateTaskResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDoor } from './peer-2025.ts';
import { httpCaller, tasks, type Message } from './peer-2026.ts';

const called = (name = 'lent') => ({ name, arguments: { message: 'hi' } });
const thought = {
  role: 'assistant' as const,
  model: 'of-the-caller',
  content: [{ type: 'tool_use' as const, id: '1', name: 'look', input: { at: 'it' } }],
  stopReason: 'toolUse',
};
const withTools = { sampling: { tools: {} } };

async function v1(url: string, capabilities: Message, asked: Message[] = []): Promise<V1Client> {
  const client = new V1Client({ name: 'v1', version: '1' }, { capabilities });
  if (capabilities['sampling'] !== undefined) {
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
      asked.push(params);
      return thought;
    });
  }
  await client.connect(new V1Http(new URL(url)));
  onTestFinished(() => client.close());
  return client;
}

async function v2(url: string, asked: Message[]): Promise<Client> {
  const client = new Client(
    { name: 'sdk', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: withTools },
  );
  client.setRequestHandler('sampling/createMessage', async ({ params }) => {
    asked.push(params);
    return thought;
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  onTestFinished(() => client.close());
  return client;
}

/** Calls `lent` with a client whose model uses tools; @returns what was asked, and the answer. */
const wires: [string, (url: string) => Promise<{ asked: Message[]; answer: Message }>][] = [
  [
    'a plain 2025 call',
    async (url) => {
      const asked: Message[] = [];
      return { asked, answer: await (await v1(url, withTools, asked)).callTool(called()) };
    },
  ],
  [
    'a 2025 task',
    async (url) => {
      const asked: Message[] = [];
      const client = await v1(url, withTools, asked);
      const params = { ...called(), task: {} };
      const { task } = await client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
      return { asked, answer: await client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema) };
    },
  ],
  [
    'a 2026 call in rounds',
    async (url) => {
      const asked: Message[] = [];
      return { asked, answer: await (await v2(url, asked)).callTool(called()) };
    },
  ],
  [
    'a 2026 task',
    async (url) => {
      const declared = { ...tasks, ...withTools };
      const caller = httpCaller(url);
      const { taskId } = (await caller.request('tools/call', called(), declared)).result ?? {};
      const asked: Message[] = [];
      for await (const { params = {} } of caller.listen({ taskIds: [taskId] }, declared)) {
        if (params['status'] === 'completed') return { asked, answer: params['result'] };
        for (const [key, { params: question }] of Object.entries<Message>(params['inputRequests'] ?? {})) {
          asked.push(question);
          await caller.request('tasks/update', { taskId, inputResponses: { [key]: thought } }, declared);
        }
      }
      throw new Error('The subscription ended before the task.');
    },
  ],
];

test.each(wires)('%s is asked to think, with tools, and its whole thought counts', async (_, call) => {
  const { url } = await openDoor();
  const { asked, answer } = await call(url);
  expect(asked).toMatchObject([{ maxTokens: 10, tools: [{ name: 'look' }], toolChoice: { mode: 'auto' } }]);
  expect(JSON.parse(answer['content'][0].text)).toEqual(thought);
});

describe('who cannot be asked', () => {
  const only = 'Only a client that declares sampling with tools can answer that';

  test.each<[string, Message]>([
    ['declares nothing', {}],
    ['has a model without tools', { sampling: {} }],
  ])('is told at once who can, in both eras: it %s', async (_, declared) => {
    const { url } = await openDoor();
    const plain2025 = await (await v1(url, declared)).callTool(called());
    const plain2026 = (await httpCaller(url).request('tools/call', called(), declared)).result ?? {};
    for (const { structuredContent } of [plain2025 as Message, plain2026]) {
      expect(structuredContent).toMatchObject({ status: 'input_required', message: expect.stringContaining(only) });
      expect(structuredContent.message).not.toContain('deputy tasks respond');
      expect(structuredContent.questions).toMatchObject([
        { kind: 'sampling', answer_with: 'a client that declares sampling with tools' },
      ]);
    }
  });

  test('sees a task at work that says so, in both eras', async () => {
    const { url } = await openDoor();
    const caller = httpCaller(url);
    const { taskId } = (await caller.request('tools/call', called(), tasks)).result ?? {};
    const seen = async () => (await caller.request('tasks/get', { taskId }, tasks)).result;
    await expect.poll(seen).toMatchObject({ status: 'working', statusMessage: expect.stringContaining(only) });
    const as2025 = await (await v1(url, {})).experimental.tasks.getTask(taskId);
    expect(as2025).toMatchObject({ status: 'working', statusMessage: expect.stringContaining(only) });
  });

  test.each<[string, Message]>([
    ['nothing', {}],
    ['sampling alone', { sampling: {} }],
  ])('is refused before there is a task where the agent says so: it declares %s', async (_, declared) => {
    const { url, engine } = await openDoor();
    const refused = await httpCaller(url).request('tools/call', called('lent_only'), declared);
    expect([refused.status, refused.error]).toMatchObject([
      400,
      { code: -32021, data: { requiredCapabilities: withTools } },
    ]);
    const client = await v1(url, declared);
    const text = 'lent_only needs a client that declares: sampling with tools (sampling.tools)';
    expect(await client.callTool(called('lent_only'))).toMatchObject({ isError: true, content: [{ text }] });
    const params = { ...called('lent_only'), task: {} };
    const asTask = client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
    await expect(asTask).rejects.toMatchObject({ code: -32602, message: expect.stringContaining(text) });
    expect(engine.started).toEqual([]);
  });

  test('a client that can is not refused', async () => {
    const { url } = await openDoor();
    const { result } = await httpCaller(url).request('tools/call', called('lent_only'), withTools);
    expect(result).toMatchObject({ resultType: 'input_required' });
  });
});

test('a 2025 client that refuses to think has refused: nobody else could answer', async () => {
  const { url } = await openDoor();
  const client = await v1(url, withTools);
  client.setRequestHandler(CreateMessageRequestSchema, async () => {
    throw Object.assign(new Error('User rejected sampling request'), { code: -1 });
  });
  expect(await client.callTool(called())).toMatchObject({ content: [{ text: 'no thought: decline' }] });
});

test('a task that thinks more often than a 2026 call has rounds goes on while its caller looks after it', async () => {
  const { url } = await openDoor();
  const asked: Message[] = [];
  const client = await v2(url, asked);
  const { structuredContent } = (await client.callTool(called('ponder'))) as Message;
  expect(structuredContent).toMatchObject({ status: 'input_required' });
  expect(asked).toHaveLength(7);
  const seen = await client.callTool({ name: 'task_get', arguments: { task: structuredContent.task } });
  expect(seen).toMatchObject({ structuredContent: { status: 'completed', result: { answer: 'thought through' } } });
  expect(asked.map(({ maxTokens }) => maxTokens)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('a look at a task that is sent with the state of another one is refused', async () => {
  const { url } = await openDoor();
  const caller = httpCaller(url);
  const look = (task: unknown, more: Message = {}) =>
    caller.request('tools/call', { name: 'task_get', arguments: { task }, ...more }, withTools);
  const started = async () => (await caller.request('tools/call', called('ponder'), {})).result?.['structuredContent'];
  const [one, other] = [await started(), await started()];
  const { requestState } = (await look(one.task)).result ?? {};
  expect(requestState).toEqual(expect.any(String));
  expect((await look(other.task, { requestState })).error).toMatchObject({ code: -32602 });
  expect((await look(one.task, { requestState })).result).toMatchObject({ resultType: 'input_required' });
});

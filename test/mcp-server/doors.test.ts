/** What every caller gets, through both doors, in both eras: against clients that nobody here wrote. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { modernClient, v1Client, type TestClient } from './clients.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';

let door: HttpDoor;
let engine: FakeEngine;

beforeAll(async () => {
  const network = fakeNetwork();
  engine = network.engine;
  door = await serveHttp(network.options);
});
afterAll(() => door.close(0));

const doors = [
  ['2026-07-28 over HTTP', () => modernClient(door.url)],
  ['2025-11-25 over HTTP', () => v1Client(door.url)],
  ['2026-07-28 over stdio', () => modernClient()],
  ['2025-11-25 over stdio', () => v1Client()],
] as const;

describe.each(doors)('%s', (_, connect) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await connect();
  });
  afterAll(() => client.close());

  test('agents are listed as tools, by name, as they were declared [TOOLS-CAPABILITY]', async () => {
    const tools = await client.list();
    const names = tools.map(({ name }) => String(name));
    const [agents, others] = [names.slice(0, -4), names.slice(-4)];
    expect(agents).toEqual(agents.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(others).toEqual(['task_answer', 'task_cancel', 'task_get', 'task_send']);
    expect(names).toContain('weather');
    expect(tools.find(({ name }) => name === 'echo')).toMatchObject({
      title: 'Echo',
      description: 'Says what it was told.',
      annotations: { readOnlyHint: true, openWorldHint: false },
      icons: [{ mimeType: 'image/svg+xml' }],
      inputSchema: { required: ['message'] },
      outputSchema: {
        type: 'object',
        anyOf: [{ required: ['answer', 'conversation'] }, { required: ['task', 'status', 'message'] }],
      },
    });
    expect(client.instructions()).toBe('Ask echo first.');
  });

  test('an answer is text, and structured with the conversation to continue [OUTPUT-SCHEMA]', async () => {
    const first = await client.call('echo', { message: 'one' });
    expect(first.content).toEqual([{ type: 'text', text: 'one' }]);
    expect(first.isError ?? false).toBe(false);
    const conversation = first.structuredContent?.['conversation'];
    expect(first.structuredContent).toEqual({ answer: 'one', conversation: expect.stringMatching(/^t[\w-]{32}$/) });
    expect(first._meta?.['dev.deputy-mcp/task']).toMatchObject({ status: 'completed', stop: 'answer', conversation });

    const second = await client.call('echo', { message: 'two', conversation });
    expect(second.structuredContent).toEqual({ answer: 'two', conversation });
    const [a, b] = [first, second].map((result) => result._meta?.['dev.deputy-mcp/task'] as { id: string });
    expect(a?.id).not.toBe(b?.id);
  });

  test('an agent with a schema of its own answers in its own shape, as text too [OUTPUT-SCHEMA]', async () => {
    const result = await client.call('weather', { city: 'Bern' });
    expect(result.structuredContent).toEqual({ city: 'Bern', degrees: 21.5 });
    expect(JSON.parse(result.content[0]?.text ?? '')).toEqual({ city: 'Bern', degrees: 21.5 });
  });

  test('every kind of content arrives', async () => {
    const { content } = await client.call('painter', { message: 'paint' });
    expect(content.slice(1)).toEqual([
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
      { type: 'resource', resource: { uri: 'file:///notes.txt', mimeType: 'text/plain', text: 'notes' } },
      { type: 'resource', resource: { uri: 'file:///notes.bin', blob: 'aGk=' } },
      { type: 'resource_link', uri: 'file:///more.txt', name: 'more' },
    ]);
  });

  test('arguments that do not fit are an error that names the place [VALIDATE-INPUT]', async () => {
    const missing = await client.call('echo', { massage: 'typo' });
    expect(missing).toMatchObject({ isError: true });
    expect(missing.content[0]?.text).toMatch(/^Invalid arguments for echo: .*message/);
    const wrong = await client.call('weather', { city: 'Bern', days: 0 });
    expect(wrong.content[0]?.text).toMatch(/^Invalid arguments for weather: days/);
  });

  test('a conversation that nobody knows is an error that the model can mend', async () => {
    const result = await client.call('echo', { message: 'hi', conversation: 'nonsense' });
    expect(result).toMatchObject({ isError: true });
    expect(result.content[0]?.text).toContain('nonsense');
  });

  test('an unknown tool is a protocol error', async () => {
    await expect(client.call('nobody', {})).rejects.toMatchObject({ code: -32602 });
  });

  test('a limit that was reached is a result with isError that says which', async () => {
    const result = await client.call('limited', { message: 'go on' });
    expect(result).toMatchObject({ isError: true, content: [{ type: 'text', text: 'I had 3 turns.' }] });
    expect(result._meta?.['dev.deputy-mcp/task']).toMatchObject({ stop: 'limit', limit: 'turns' });
  });

  test('a fault of ours is a protocol error', async () => {
    await expect(client.call('broken', { message: 'hi' })).rejects.toMatchObject({ code: -32603 });
  });

  test('a task that somebody else cancelled says so', async () => {
    const result = await client.call('stopped', { message: 'hi' });
    expect(result).toMatchObject({ isError: true });
    expect(result.content[0]?.text).toContain('cancelled');
  });

  test('silence is broken by progress that increases, and stops with the answer [PROGRESS-INCREASES] [PROGRESS-STOPS]', async () => {
    const updates: number[] = [];
    const result = await client.call(
      'silent',
      { message: 'hi' },
      {
        onprogress: ({ progress }) => {
          updates.push(progress);
          if (updates.length === 3) void client.call('release', { message: 'now' });
        },
      },
    );
    expect(result.content[0]?.text).toBe('at last');
    expect(updates.length).toBeGreaterThanOrEqual(3);
    expect(updates).toEqual(updates.map((_, index) => index + 1));
  });

  test('what the agent does is told as it happens', async () => {
    const messages: string[] = [];
    // It goes on once its caller has heard: an update that comes together with the answer may be lost on a client.
    const heard = new Set<string>();
    const onprogress = ({ message = '' }): void => {
      messages.push(message);
      for (const step of ['busy: thinks, turn 1', 'busy: files/read ...']) {
        if (!message.startsWith(step) || heard.has(step)) continue;
        heard.add(step);
        void client.call('release', { message: 'now' });
      }
    };
    const { content } = await client.call('busy', { message: 'step by step' }, { onprogress });
    expect(content[0]?.text).toBe('read it');
    expect(messages).toContain('busy: thinks, turn 1');
    expect(messages.join()).toContain('busy: files/read ...');
    expect(messages.join()).not.toContain('not for the caller');
  });

  test('an answer that lacks the shape it promised is an error, not a surprise [OUTPUT-SCHEMA]', async () => {
    const result = await client.call('shapeless', { message: 'hi' });
    expect(result).toMatchObject({ isError: true, content: [{ type: 'text', text: 'just words' }] });
  });

  test('a cancelled call cancels its task, and the caller can go on [CANCEL-2025] [STDIO-CANCEL]', async () => {
    const before = await witness(client);
    const abort = new AbortController();
    const call = client.call('endless', { message: 'go' }, { signal: abort.signal, onprogress: () => abort.abort() });
    await expect(call).rejects.toThrow();
    await expect.poll(() => witness(client)).toEqual({ cancelled: before.cancelled + 1, atWork: 0 });
    expect((await client.call('echo', { message: 'still here' })).content[0]?.text).toBe('still here');
  });

  test('a hundred calls at once get their own answers', async () => {
    const messages = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    const results = await Promise.all(messages.map((message) => client.call('echo', { message })));
    expect(results.map(({ content }) => content[0]?.text)).toEqual(messages);
  });
});

async function witness(client: TestClient): Promise<{ cancelled: number; atWork: number }> {
  const { content } = await client.call('witness', { message: 'how many?' });
  const [cancelled = Number.NaN, atWork = Number.NaN] = [...(content[0]?.text ?? '').matchAll(/\d+/g)].map(Number);
  return { cancelled, atWork };
}

test('the task gets the input as it was sent, attachments included, and the one local owner', async () => {
  const client = await modernClient(door.url);
  const input = {
    message: 'read these',
    attachments: [
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///a.txt', text: 'a' } },
    ],
  };
  await client.call('echo', input);
  expect(engine.started.at(-1)).toEqual({ agent: 'echo', owner: 'local', input });
  const bad = await client.call('echo', { message: 'x', attachments: [{ type: 'hologram' }] });
  expect(bad.content[0]?.text).toMatch(/attachments\.0\.type must be one of/);
  await client.close();
});

test.each([
  ['2026-07-28', () => modernClient(changing.url)],
  ['2025-11-25', () => v1Client(changing.url)],
])('%s: who listens hears that the list has changed, and finds the new one', async (_, connect) => {
  const client = await connect();
  let hasHeard = false;
  await client.onToolsChanged(() => (hasHeard = true));
  serving = [{ name: 'newcomer', description: 'Is new.' }];
  await expect.poll(() => (changing.changed('tools'), hasHeard)).toBe(true);
  expect((await client.list()).map(({ name }) => name)).toContain('newcomer');
  await client.close();
});

let serving = [{ name: 'old', description: 'Was there before.' }];
let changing: HttpDoor;
beforeAll(async () => {
  changing = await serveHttp(fakeNetwork({ agents: () => serving }).options);
});
afterAll(() => changing.close(0));

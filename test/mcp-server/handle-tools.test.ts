/** A task's handle, and the tools that look after it: for callers that neither know tasks nor can be asked, in both eras. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { orHandle } from '../../src/mcp-server/handle-schema.ts';
import { schemaCheck } from '../../src/json-schema.ts';
import { modernClient, v1Client, type TestClient } from './clients.ts';
import { viaTest } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';
import { openDoor } from './peer-2025.ts';
import { httpCaller } from './peer-2026.ts';

const eras: [string, (url: string) => Promise<TestClient>][] = [
  ['2025', v1Client],
  ['2026', modernClient],
];

async function open(connect: (url: string) => Promise<TestClient>, more: Parameters<typeof openDoor>[0] = {}) {
  const { url, engine } = await openDoor(more);
  const client = await connect(url);
  onTestFinished(() => client.close());
  return { client, engine };
}

/** Of the one question in a handle. */
function keyIn(handle: Record<string, unknown> | undefined): string {
  const [question] = (handle?.['questions'] ?? []) as { key: string }[];
  return question?.key ?? '';
}

describe.each(eras)('handles on the %s wire', (_, connect) => {
  test('a question that the caller cannot be asked ends the call with a handle that its schema allows [HANDLE]', async () => {
    const { client, engine } = await open(connect);
    await client.list();
    const { structuredContent, content, isError } = await client.call('asker', { message: 'hi' });
    const task = String(structuredContent?.['task']);
    expect(isError ?? false).toBe(false);
    expect(structuredContent).toMatchObject({ status: 'input_required', questions: [{ message: 'Who are you?' }] });
    expect(content[0]?.text).toContain(`deputy tasks respond ${task}`);

    // Who was told of the question waits for its answer, and does not spin.
    const looking = client.call('task_get', { task });
    const key = keyIn(structuredContent);
    await engine.respond(task, 'local', { [key]: { action: 'accept', content: { name: 'Bob' } } }, viaTest);
    expect(await looking).toMatchObject({
      content: [{ text: 'Hello, Bob.' }],
      structuredContent: { task, status: 'completed', result: { answer: 'Hello, Bob.' } },
    });
  });

  test('a call that would wait too long ends with a handle, and its task goes on', async () => {
    const { client, engine } = await open(connect, { waitMs: 50 });
    const { structuredContent } = await client.call('endless', { message: 'hi' });
    const task = String(structuredContent?.['task']);
    expect(structuredContent).toMatchObject({ status: 'working', message: expect.stringContaining('task_get') });
    expect(await client.call('task_get', { task, wait_seconds: 0 })).toMatchObject({
      structuredContent: { status: 'working' },
    });
    expect((await engine.get(task, 'local')).status).toBe('working');
    expect(await client.call('task_cancel', { task })).toMatchObject({ structuredContent: { status: 'cancelled' } });
    expect((await engine.get(task, 'local')).status).toBe('cancelled');
  });

  test('a look that is given up leaves the task alone', async () => {
    const { client, engine } = await open(connect, { waitMs: 10_000 });
    const started = await engine.start({ agent: 'endless', input: {}, owner: 'local' });
    const giveUp = new AbortController();
    const looking = client.call('task_get', { task: started.id }, { signal: giveUp.signal });
    giveUp.abort();
    await expect(looking).rejects.toThrow();
    await client.call('echo', { message: 'still here' });
    expect((await engine.get(started.id, 'local')).status).toBe('working');
  });

  test('whether a model may answer is for its owner to say; unless told, it may not', async () => {
    const { client } = await open(connect);
    const { structuredContent } = await client.call('asker', { message: 'hi' });
    const task = String(structuredContent?.['task']);
    const key = keyIn(structuredContent);
    const answers = { [key]: { action: 'accept', content: { name: 'Mod' } } };
    const refused = await client.call('task_answer', { task, answers });
    expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('A person answers') }] });

    const { client: trusted } = await open(connect, { modelMayAnswer: true });
    const asked = (await trusted.call('asker', { message: 'hi' })).structuredContent;
    const ownKey = keyIn(asked);
    const own = String(asked?.['task']);
    const wrong = await trusted.call('task_answer', { task: own, answers: { nobody: { action: 'decline' } } });
    expect(wrong).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('nobody') }] });
    await trusted.call('task_answer', {
      task: own,
      answers: { [ownKey]: { action: 'accept', content: { name: 'Mod' } } },
    });
    expect(await trusted.call('task_get', { task: own })).toMatchObject({ content: [{ text: 'Hello, Mod.' }] });
  });

  test('what its owner says reaches a running task, and no other', async () => {
    const { client, engine } = await open(connect);
    const { structuredContent } = await client.call('listener', { message: 'hi' });
    const task = String(structuredContent?.['task']);
    const said = await client.call('task_send', { task, message: 'be quick' });
    expect(said).toMatchObject({ structuredContent: { task, status: 'input_required' } });
    const key = keyIn(structuredContent);
    await engine.respond(task, 'local', { [key]: { action: 'accept', content: { name: 'Bob' } } }, viaTest);
    expect(await client.call('task_get', { task })).toMatchObject({ content: [{ text: 'heard: be quick' }] });
    const { sent } = await engine.record(task, 'local');
    expect(sent).toMatchObject([{ by: { owner: 'local', channel: 'mcp task_send', client: 'test-client 1.0.0' } }]);
    expect(await client.call('task_send', { task, message: 'and thanks' })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('has ended') }],
    });
  });

  test('a task that nobody knows, or bad arguments, are errors that the model can mend', async () => {
    const { client } = await open(connect);
    expect(await client.call('task_get', { task: 'nobody' })).toMatchObject({
      isError: true,
      content: [{ text: 'There is no task nobody.' }],
    });
    expect(await client.call('task_get', {})).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('Invalid arguments for task_get') }],
    });
  });

  test('the tools are marked as no agents', async () => {
    const { client } = await open(connect);
    const marked = (await client.list()).filter((tool) => JSON.stringify(tool['_meta'] ?? {}).includes('handle-tool'));
    expect(marked.map(({ name }) => name)).toEqual(['task_answer', 'task_cancel', 'task_get', 'task_send']);
  });
});

test("somebody else's task is as good as none, for every tool", async () => {
  const { engine, options } = fakeNetwork({ modelMayAnswer: true });
  const keys = ['ann', 'bob'].map((owner) => ({ owner, key: `key-of-${owner}` }));
  const door = await serveHttp({ ...options, auth: { keys } });
  onTestFinished(() => door.close(0));
  const { id } = await engine.start({ agent: 'endless', input: {}, owner: 'ann' });
  const bob = httpCaller(door.url, 'bob');
  const say = async (task: string, name: string) => {
    const args = {
      task,
      ...(name === 'task_answer' && { answers: {} }),
      ...(name === 'task_send' && { message: 'hurry' }),
      ...(name === 'task_get' && { wait_seconds: 0 }),
    };
    const { result } = await bob.request('tools/call', { name, arguments: args });
    return JSON.stringify(result).replaceAll(task, 'ID');
  };
  for (const name of ['task_get', 'task_answer', 'task_cancel', 'task_send']) {
    const missing = await say('A'.repeat(id.length), name);
    expect(await say(id, name)).toBe(missing);
    expect(missing).toContain('There is no task');
  }
});

test("references of an agent's own output schema still lead where they led", () => {
  const output = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: { size: { type: 'integer' } },
    properties: { size: { $ref: '#/$defs/size' }, inner: { $ref: '#' }, note: { const: { $ref: '#/kept' } } },
    required: ['size'],
  };
  const check = schemaCheck(orHandle(output));
  expect(check({ size: 1, inner: { size: 2 }, note: { $ref: '#/kept' } })).toBeUndefined();
  expect(check({ size: 'big' })).toBeDefined();
  expect(check({ size: 1, inner: { size: 'big' } })).toBeDefined();
  expect(check({ task: 'x', status: 'working', message: 'goes on' })).toBeUndefined();
});

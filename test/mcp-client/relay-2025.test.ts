/** Questions of servers of 2025, on the v1 SDK: the field's own implementation. */
import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { describe, expect, test } from 'vitest';
import { SamplingRefused } from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import type { McpServers } from '../../src/mcp-client/open-servers.ts';
import { listen } from './listen.ts';
import { oldAskingServer } from './old-asking-server.ts';
import { call, type CallOptions, http, open, readableLog, said, stdio, type StdioOptions, toolOf } from './peers.ts';
import { accept, nameSchema, person } from './questions.ts';

const asking = (more: Partial<StdioOptions> = {}, args: string[] = []): McpServers =>
  open(stdio('old', './old-asking-server.ts', args, { asks: true, ...more }));

async function use(servers: McpServers, tool: string, options: CallOptions = {}): Promise<unknown> {
  const words = said(await call(await toolOf(servers, `old/${tool}`), {}, options));
  try {
    return JSON.parse(words);
  } catch {
    return words;
  }
}

const thought = { role: 'assistant', content: { type: 'text', text: '42' }, model: 'm', stopReason: 'endTurn' };

describe('a plain call', () => {
  test('is asked about while it is open', async () => {
    const servers = asking();
    const { ask, answer, asked, isAsked } = person();
    const outcome = use(servers, 'who', { ask });
    await expect.poll(() => isAsked('Who')).toBe(true);
    expect(asked[0]?.request).toEqual({ kind: 'form', message: 'Who are you?', schema: nameSchema });
    answer('Who', accept({ name: 'Ada' }));
    expect(await outcome).toEqual({ answer: { action: 'accept', content: { name: 'Ada' } }, most: 1 });
  });

  test('is the only one in flight, so that its questions are its own', async () => {
    const servers = asking();
    const people = ['Ada', 'Bob', 'Cleo'].map((name) => ({ name, ...person() }));
    const outcomes = people.map(({ ask, name }) => use(servers, 'who', { ask, owner: name }));
    for (const { name, answer, isAsked } of people) {
      await expect.poll(() => isAsked('Who')).toBe(true);
      answer('Who', accept({ name }));
    }
    expect(await Promise.all(outcomes)).toEqual(
      people.map(({ name }) => ({ answer: { action: 'accept', content: { name } }, most: 1 })),
    );
  });

  test('may ask several things at once', async () => {
    const servers = asking();
    const { ask, answer, isAsked } = person();
    const outcome = use(servers, 'twice', { ask });
    await expect.poll(() => isAsked('First?') && isAsked('Second?')).toBe(true);
    answer('Second?', { action: 'decline' });
    answer('First?', { action: 'expired' });
    expect(await outcome).toEqual([{ action: 'cancel' }, { action: 'decline' }]);
  });

  test('uses no time while people think', async () => {
    const servers = asking({ idleTimeout: 1_000, hardTimeout: 1_000 });
    const { ask, answer, isAsked } = person();
    await use(servers, 'declared');
    const outcome = use(servers, 'who', { ask });
    await expect.poll(() => isAsked('Who')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    answer('Who', accept({ name: 'Ada' }));
    expect(await outcome).toMatchObject({ answer: { action: 'accept' } });
  });

  test('whose server gives up waiting withdraws its question', async () => {
    const servers = asking({}, ['300']);
    const { ask, withdrawn } = person();
    expect(await use(servers, 'who', { ask })).toMatchObject({
      answer: { error: expect.stringContaining('timed out') },
    });
    expect(withdrawn).toHaveLength(1);
  });

  test('that is cancelled withdraws its question', async () => {
    const servers = asking();
    const { ask, withdrawn, isAsked } = person();
    const stop = new AbortController();
    const outcome = use(servers, 'who', { ask, signal: stop.signal });
    await expect.poll(() => isAsked('Who')).toBe(true);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(withdrawn).toHaveLength(1);
  });

  test('whose question we cannot put is told no more than that', async () => {
    const ask = (): Promise<never> => Promise.reject(new Error('/home/us/deputy.db is full'));
    expect(await use(asking(), 'who', { ask })).toEqual({
      answer: { error: 'McpError: MCP error -32603: it could not be answered' },
      most: 1,
    });
  });

  test('that is over is not asked about: nobody is', async () => {
    const { log, lines } = readableLog();
    const servers = open(stdio('old', './old-asking-server.ts', [], { asks: true }), { log });
    const { ask, asked } = person();
    expect(await use(servers, 'late', { ask })).toBe('answered');
    await expect.poll(() => lines.join('')).toContain('has to do with no open call; nobody was asked');
    expect(await use(servers, 'heard')).toEqual([{ action: 'cancel' }]);
    expect(asked).toEqual([]);
  });
});

test('nothing is declared to a server that may not ask', async () => {
  expect(await use(asking({ asks: false }), 'declared')).toEqual({});
  const servers = asking({ asks: false });
  expect(await use(servers, 'who')).toMatchObject({ answer: { error: expect.stringContaining('not support') } });
});

test('what is declared is what may be asked, and that it may run as a task of ours', async () => {
  expect(await use(asking(), 'declared')).toEqual({
    elicitation: { form: {} },
    tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } },
  });
  expect(await use(asking({ asks: false, sampling: true }), 'declared')).toEqual({
    sampling: { tools: {} },
    tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} } } },
  });
});

describe('sampling', () => {
  test('is answered by the model', async () => {
    const wanted: JsonObject[] = [];
    const sample = async (params: JsonObject) => (wanted.push(params), thought);
    expect(await use(asking({ asks: false, sampling: true }), 'thinks', { sample })).toEqual(thought);
    expect(wanted).toEqual([{ messages: [{ role: 'user', content: { type: 'text', text: 'Think.' } }], maxTokens: 5 }]);
  });

  test('that is refused is told as the specification says', async () => {
    const sample = () => Promise.reject(new SamplingRefused('not now'));
    expect(await use(asking({ asks: false, sampling: true }), 'thinks', { sample })).toMatchObject({
      code: -1,
      message: expect.stringContaining('not now'),
    });
  });
});

describe('a page', () => {
  const hosts = { urlHosts: ['login.example'] };

  test('is asked for, and the server waits for it', async () => {
    const { ask, answer, asked, isAsked } = person();
    const outcome = use(asking(hosts), 'page-asked', { ask });
    await expect.poll(() => isAsked('Sign in')).toBe(true);
    expect(asked[0]?.request).toEqual({
      kind: 'url',
      message: 'Sign in',
      url: 'https://login.example/e-2',
      elicitationId: 'e-2',
    });
    answer('Sign in', accept());
    expect(await outcome).toEqual({ action: 'accept' });
  });

  test('that a call needs first is asked for, and the call is made again', async () => {
    const { ask, answer, isAsked } = person();
    const [commits, references]: [string[], string[]] = [[], []];
    const outcome = use(asking(hosts), 'page', { ask, commits, references });
    await expect.poll(() => isAsked('Sign in')).toBe(true);
    answer('Sign in', accept());
    expect(await outcome).toBe('opened 2');
    expect(commits).toHaveLength(2);
    expect(references).toHaveLength(1);
  });

  test('that nobody opens ends the call', async () => {
    const { ask, answer, isAsked } = person();
    const outcome = use(asking(hosts), 'page', { ask });
    await expect.poll(() => isAsked('Sign in')).toBe(true);
    answer('Sign in', { action: 'decline' });
    expect(await outcome).toBe('old/page did not run: it wants a person to open a page first, and nobody did.');
  });

  test('is an error where no page may be opened', async () => {
    expect(await use(asking(), 'page')).toMatch(/old\/page failed: .*-32042/);
  });
});

describe('a question as a task of ours', () => {
  test('is looked after by its server', async () => {
    const { ask, answer, isAsked } = person();
    const outcome = use(asking(), 'who-as-task', { ask });
    await expect.poll(() => isAsked('As a task?')).toBe(true);
    answer('As a task?', accept({ name: 'Ada' }));
    expect(await outcome).toMatchObject({
      states: 'completed',
      result: { action: 'accept', content: { name: 'Ada' } },
    });
  });

  test('may be for the model', async () => {
    const servers = asking({ sampling: true });
    expect(await use(servers, 'thinks-as-task', { sample: async () => thought })).toMatchObject({
      states: 'completed',
      result: thought,
    });
  });

  test('is listed, cancelled once, and belongs to its server', async () => {
    const { ask, withdrawn } = person();
    expect(await use(asking(), 'task-verbs', { ask })).toMatchObject({
      isListed: true,
      cancelled: { status: 'cancelled' },
      again: -32_602,
      result: -32_602,
      foreign: -32_602,
    });
    expect(withdrawn).toHaveLength(1);
  });
});

describe('a task of a server of 2025', () => {
  test('asks on the stream of its result, and is answered there', async () => {
    const { ask, answer, isAsked } = person();
    const servers = open(stdio('old', './old-task-server.ts', [], { asks: true }));
    const outcome = call(await toolOf(servers, 'old/asks'), {}, { ask });
    await expect.poll(() => isAsked('Rye?')).toBe(true);
    answer('Rye?', { action: 'decline' });
    expect(said(await outcome)).toBe('decline');
  });
});

test('over HTTP it is the same: asked on the stream of the call, answered by a request of ours', async () => {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const peer = await listen((request, response) => {
    void (async () => {
      const known = sessions.get(String(request.headers['mcp-session-id']));
      const transport = known ?? new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
      if (known === undefined) await oldAskingServer().connect(transport);
      await transport.handleRequest(request, response);
      if (transport.sessionId !== undefined) sessions.set(transport.sessionId, transport);
    })();
  });
  const { ask, answer, isAsked } = person();
  const tool = await toolOf(open(http(peer.url, { asks: true })), 'web/who');
  const outcome = call(tool, {}, { ask });
  await expect.poll(() => isAsked('Who')).toBe(true);
  answer('Who', accept({ name: 'Ada' }));
  expect(said(await outcome)).toContain('"name":"Ada"');
});

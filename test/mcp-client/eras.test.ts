/** The same server in both eras and on both transports is used in the same way. */
import type { RequestListener } from 'node:http';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Server as OldServer } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import type { ToolProgress } from '../../src/agent/tool.ts';
import type { McpServers } from '../../src/mcp-client/open-servers.ts';
import { fixtureServer, newNotes, type FixtureNotes } from './fixture-server.ts';
import { listen } from './listen.ts';
import { call, http, never, npmServer, open, said, stdio, toolOf, until } from './peers.ts';

async function modern(notes: FixtureNotes = newNotes()) {
  const handler = createMcpHandler(() => fixtureServer(notes), { legacy: 'reject' });
  notes.onChanged = () => handler.notify.toolsChanged();
  const peer = await listen(toNodeHandler(handler) as RequestListener); // its type knows no `undefined`
  return { ...peer, notes, servers: open(http(peer.url)) };
}

/** 2025, with sessions, on the v1 SDK. */
async function sessionful({ mutesCancelled = false } = {}) {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const calls: string[] = [];
  const openCalls: { body: string; isOpen: boolean }[] = [];
  let cancelled = 0;
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    const server = new OldServer({ name: 'old', version: '1' }, { capabilities: { tools: {} } });
    const inputSchema = { type: 'object' as const };
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [
        { name: 'echo', inputSchema },
        { name: 'slow', inputSchema },
      ],
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
      calls.push(params.name);
      if (params.name === 'slow') {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve, { once: true });
        });
        cancelled += 1;
        // A server that never ends the stream of a cancelled call.
        if (mutesCancelled) await new Promise(() => {});
      }
      return { content: [{ type: 'text', text: `old ${JSON.stringify(params.arguments)}` }] };
    });
    // The v1 SDK's own types do not hold under exactOptionalPropertyTypes.
    await server.connect(transport);
    return transport;
  };
  const peer = await listen((request, response) => {
    void (async () => {
      const id = request.headers['mcp-session-id'];
      const posted = { body: '', isOpen: true };
      response.on('close', () => (posted.isOpen = false));
      for await (const chunk of request) posted.body += String(chunk);
      if (posted.body.includes('tools/call')) openCalls.push(posted);
      const body: unknown = posted.body === '' ? undefined : JSON.parse(posted.body);
      const known = typeof id === 'string' ? sessions.get(id) : undefined;
      if (typeof id === 'string' && known === undefined) response.writeHead(404).end('{"error":"Session not found"}');
      else await (known ?? (await begin())).handleRequest(request, response, body);
    })();
  });
  return { ...peer, calls, openCalls, sessions, cancelled: () => cancelled, servers: open(http(peer.url)) };
}

const open2026 = () => open(stdio('web', './fixture-server.ts'));

describe.each<[string, () => Promise<McpServers> | McpServers]>([
  ['stdio', open2026],
  ['HTTP', async () => (await modern()).servers],
])('a server of 2026 on %s', (_name, opened) => {
  test('is found to be one, and gives its tools, resources and prompts', async () => {
    const servers = await opened();
    const ids = (await servers.tools(['web'], never)).map((tool) => tool.id);
    expect(ids).toEqual([
      'web/echo',
      'web/meta',
      'web/slow',
      'web/steps',
      'web/asks',
      'web/typed',
      'web/mirrored',
      'web/grow',
      'web/list_resources',
      'web/read_resource',
      'web/list_prompts',
      'web/get_prompt',
    ]);
    expect(servers.status()).toMatchObject([{ state: 'ready', version: '2026-07-28', tools: 8 }]);
    expect(said(await call(await toolOf(servers, 'web/echo'), { value: 'hi' }))).toBe('"hi"');
    expect(await call(await toolOf(servers, 'web/typed'))).toMatchObject({
      structuredContent: { n: 7 },
      isError: false,
    });
    expect(said(await call(await toolOf(servers, 'web/mirrored'), { region: 'eu' }))).toBe('region "eu"');
    expect(said(await call(await toolOf(servers, 'web/list_resources')))).toContain('test://readme');
    expect((await call(await toolOf(servers, 'web/read_resource'), { uri: 'test://readme' })).content).toEqual([
      { type: 'resource', uri: 'test://readme', mimeType: 'text/plain', text: 'read me' },
    ]);
    expect(
      said(await call(await toolOf(servers, 'web/get_prompt'), { name: 'greet', arguments: { who: 'Ada' } })),
    ).toContain('Greet "Ada".');
    expect(said(await call(await toolOf(servers, 'web/list_prompts')))).toContain('greet');
  });

  test('passes progress on', async () => {
    const progress: ToolProgress[] = [];
    expect(said(await call(await toolOf(await opened(), 'web/steps'), {}, { progress }))).toBe('three steps');
    expect(progress).toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
  });

  test('that asks for input gets none, and the model is told', async () => {
    const outcome = await call(await toolOf(await opened(), 'web/asks'));
    expect(outcome.isError).toBe(true);
    expect(said(outcome)).toMatch(/input|elicitation/i);
  });

  test('announces a new tool', async () => {
    const servers = await opened();
    const before = await servers.tools(['web'], never);
    expect(await servers.tools(['web'], never)).toBe(before);
    await call(await toolOf(servers, 'web/grow'));
    await expect.poll(async () => (await servers.tools(['web'], never)).map((tool) => tool.id)).toContain('web/grown');
  });
});

describe('over HTTP', () => {
  test('a call of 2026 is cancelled by closing its stream', async () => {
    const { servers, notes, requests } = await modern();
    const tool = await toolOf(servers, 'web/slow');
    const stop = new AbortController();
    const calling = call(tool, {}, { signal: stop.signal });
    await until(() => notes.calls.includes('slow'));
    const before = requests.length;
    stop.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
    expect(await until(() => notes.aborted === 1)).toBe(true);
    expect(requests.length).toBe(before);
  });

  test('a call of 2025 is cancelled by a notification, and its stream is let go', async () => {
    const { servers, calls, cancelled, openCalls } = await sessionful({ mutesCancelled: true });
    const tool = await toolOf(servers, 'web/slow');
    const stop = new AbortController();
    const calling = call(tool, {}, { signal: stop.signal });
    await until(() => calls.includes('slow'));
    const slow = openCalls.at(-1);
    expect(slow).toMatchObject({ body: expect.stringContaining('"slow"'), isOpen: true });
    stop.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
    expect(await until(() => cancelled() === 1)).toBe(true);
    expect(await until(() => slow?.isOpen === false)).toBe(true);
  });

  test('a lost session is begun anew, and the call that met it is made once', async () => {
    const { servers, calls, sessions } = await sessionful();
    const tool = await toolOf(servers, 'web/echo');
    expect(said(await call(tool, { n: 1 }))).toBe('old {"n":1}');
    expect(servers.status()).toMatchObject([{ version: '2025-11-25', state: 'ready' }]);
    sessions.clear();
    const commits: string[] = [];
    expect(said(await call(tool, { n: 2 }, { commits }))).toBe('old {"n":2}');
    expect(commits).toEqual(['{"n":2}']);
    expect(calls).toEqual(['echo', 'echo']);
  });

  test('a session is ended when we go', async () => {
    const { servers, sessions, requests } = await sessionful();
    await servers.tools(['web'], never);
    expect(sessions.size).toBe(1);
    await servers.close();
    await expect.poll(() => requests.at(-1)?.method).toBe('DELETE');
  });
});

describe('a server of 2025 on stdio', () => {
  test.each(['everything', 'memory'])('server-%s is used as it is', async (name) => {
    const servers = open(npmServer(name, [], { env: { MEMORY_FILE_PATH: '/dev/null' } }));
    const tools = await servers.tools([name], never);
    expect(tools.length).toBeGreaterThan(5);
    expect(servers.status()).toMatchObject([{ state: 'ready', version: '2025-11-25', restarts: 0 }]);
  });

  test('its contents, progress, resources and prompts come through', async () => {
    const servers = open(npmServer('everything'));
    const progress: ToolProgress[] = [];
    const use = async (tool: string, args = {}) =>
      call(await toolOf(servers, `everything/${tool}`), args, { progress });
    expect(said(await use('echo', { message: 'hi' }))).toBe('Echo: hi');
    expect((await use('get-tiny-image')).content.map((block) => block.type)).toEqual(['text', 'image', 'text']);
    expect((await use('get-resource-links', { count: 2 })).content.map((block) => block.type)).toEqual([
      'text',
      'resource_link',
      'resource_link',
    ]);
    expect((await use('get-structured-content', { location: 'Chicago' })).structuredContent).toMatchObject({
      conditions: expect.any(String),
    });
    await use('trigger-long-running-operation', { duration: 0.2, steps: 3 });
    expect(progress.length).toBeGreaterThanOrEqual(2);
    expect((await servers.resources('everything', never)).resources.length).toBeGreaterThan(1);
    expect((await servers.resources('everything', never)).templates.length).toBeGreaterThan(0);
    expect((await servers.prompts('everything', never)).map((prompt) => prompt['name'])).toContain('simple-prompt');
    expect(said(await use('get_prompt', { name: 'nobody' }))).toMatch(/get_prompt failed: .*JSON-RPC error -3260/);
  });

  test('four calls at once are four calls', async () => {
    const servers = open(npmServer('filesystem', [import.meta.dirname]));
    const tool = await toolOf(servers, 'filesystem/read_text_file');
    const files = ['peers.ts', 'eras.test.ts', 'hostile-server.ts', 'fixture-server.ts'];
    const outcomes = await Promise.all(files.map((file) => call(tool, { path: `${import.meta.dirname}/${file}` })));
    expect(outcomes.map((outcome) => outcome.isError)).toEqual([false, false, false, false]);
    expect(tool.check({ path: 7 })).toBe('path must be string');
  });
});

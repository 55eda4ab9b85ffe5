/** Fails loudly when an update of the SDK moves something that we lean on. See `sdk-seams.ts` for the numbers. */
import { createMcpHandler, McpServer, ProtocolError } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { AgentServer, StdioTransport } from '../../src/mcp-server/sdk-seams.ts';
import { ballast, leftBehind } from '../garbage.ts';
import { fakeNetwork } from './network.ts';
import { messagesOf, meta, modernHeaders, postModern } from './wire.ts';

test('seam 1: the HTTP entry asks toolInputSchemaJson for the schema behind parameter headers', async () => {
  expect(Object.getOwnPropertyNames(McpServer.prototype)).toContain('toolInputSchemaJson');
  const asked: string[] = [];
  const server = new AgentServer({ name: 'x', version: '1' }, {}, (tool) => {
    asked.push(tool);
    return undefined;
  });
  server.toolInputSchemaJson('weather');
  expect(asked).toEqual(['weather']);

  const door = await serveHttp(fakeNetwork().options);
  const params = { name: 'weather', arguments: { city: 'Bern' } };
  const response = await postModern(door.url, { method: 'tools/call', params, headers: { 'mcp-param-city': 'Rome' } });
  expect(await response.json()).toMatchObject({ error: { code: -32020 } });
  await door.close(0);
});

test('seam 2: a tools/call handler of our own replaces the one of McpServer, and its errors stay errors', async () => {
  const server = new McpServer({ name: 'x', version: '1' }, { capabilities: { tools: {} } });
  const fault = new ProtocolError(-32602, 'as thrown');
  server.server.setRequestHandler('tools/call', () => {
    throw fault;
  });
  const door = await serveHttp(fakeNetwork().options);
  const response = await postModern(door.url, { method: 'tools/call', params: { name: 'nobody', arguments: {} } });
  expect(await response.json()).toMatchObject({ error: { code: -32602, message: 'Unknown tool: nobody' } });
  await door.close(0);
});

test('seam 3: the envelope of a request carries the capabilities that it declared', async () => {
  const door = await serveHttp(fakeNetwork().options);
  const declared = meta({ 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } });
  const params = { name: 'thinker', arguments: { message: 'hi' }, _meta: declared };
  const response = await postModern(door.url, { method: 'tools/call', params });
  expect(await response.json()).toMatchObject({ result: { content: [{ text: 'hi' }] } });
  await door.close(0);
});

test('seam 4: the stdio transport ends in close() when its input ends', async () => {
  const closed = Promise.withResolvers<void>();
  const stdin = new PassThrough();
  const transport = new StdioTransport(stdin, new PassThrough(), 1000, closed.resolve);
  expect(transport).toBeInstanceOf(StdioServerTransport);
  await transport.start();
  stdin.end();
  await closed.promise;
});

test('seam 5: initialize answers with getCapabilities(), when the version is known', async () => {
  const door = await serveHttp(fakeNetwork().options);
  const tasksOf = async (protocolVersion: string) => {
    const response = await fetch(door.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion, capabilities: {}, clientInfo: { name: 'by-hand', version: '1' } },
      }),
    });
    const [message] = await messagesOf(response);
    const { capabilities } = (message?.['result'] ?? {}) as { capabilities: { tasks?: unknown } };
    return capabilities.tasks;
  };
  expect(await tasksOf('2025-11-25')).toEqual({ list: {}, cancel: {}, requests: { tools: { call: {} } } });
  expect(await tasksOf('2025-06-18')).toBeUndefined();
  await door.close(0);
});

test('seam 6: our own requests are counted from a field that is there', () => {
  const server = new AgentServer({ name: 'x', version: '1' }, {}, () => undefined);
  const fresh = new McpServer({ name: 'x', version: '1' });
  expect(fresh.server).toHaveProperty('_requestMessageId', 0);
  expect(server.server).toHaveProperty('_requestMessageId', 1);
});

test('seam 8: a subscription to tasks alone is acknowledged empty by the SDK, and ended at once', async () => {
  const handler = createMcpHandler(() => new McpServer({ name: 'x', version: '1' }));
  const body = {
    jsonrpc: '2.0',
    id: 7,
    method: 'subscriptions/listen',
    params: { _meta: meta(), notifications: { taskIds: ['t-1'] } },
  };
  const request = new Request('http://localhost/mcp', {
    method: 'POST',
    headers: modernHeaders('subscriptions/listen'),
    body: JSON.stringify(body),
  });
  const [acknowledged, ended] = await messagesOf(await handler.fetch(request));
  expect(acknowledged).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
  expect((acknowledged?.['params'] as { notifications: unknown } | undefined)?.notifications).toEqual({});
  expect(ended).toMatchObject({ id: 7, result: { resultType: 'complete' } });
  await handler.close();
});

test('seam 9: the handlers of a server stand in two maps', () => {
  const { server } = new AgentServer({ name: 'x', version: '1' }, {}, () => undefined);
  const { _requestHandlers, _notificationHandlers } = server as unknown as Record<string, Map<string, unknown>>;
  expect(_requestHandlers?.has('ping')).toBe(true);
  expect(_notificationHandlers?.has('notifications/cancelled')).toBe(true);
});

test('a server that is dropped leaves nothing that waits for a full garbage collection', async () => {
  const size = 50_000;
  const left = await leftBehind(100, async () => {
    const words = ballast(size);
    const server = new AgentServer({ name: 'x', version: '1' }, { capabilities: { tools: {} } }, () => undefined);
    server.onToolCall(async () => ({ content: [{ type: 'text', text: words }] }));
  });
  expect(left).toBeLessThan(size / 2);
});

/** Fails loudly when an update of the SDK moves something that we lean on. See `sdk-seams.ts` for the numbers. */
import { McpServer, ProtocolError } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import { AgentServer, StdioTransport } from '../../src/mcp-server/sdk-seams.ts';
import { fakeNetwork } from './network.ts';
import { meta, postModern } from './wire.ts';

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

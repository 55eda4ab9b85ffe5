/**
 * An MCP server with one tool, over Streamable HTTP without sessions, for clients of both protocol eras.
 * Written by hand, because what it costs is nobody's overhead.
 */
import { sendJson, serveJson } from './json-server.ts';
import { echoOf } from './script.ts';

interface RpcRequest {
  id?: number | string;
  method: string;
  params?: { protocolVersion?: string; name?: string; arguments?: { text?: unknown }; _meta?: Record<string, unknown> };
}

const tool = {
  name: 'echo',
  description: 'Says again what it is told.',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', description: 'What to say again.' } },
    required: ['text'],
  },
};
const serverInfo = { name: 'bench-echo', version: '1.0.0' };
const capabilities = { tools: {} };
const cached = { ttlMs: 3_600_000, cacheScope: 'public' };
const instructions = '';

let calls = 0;

serveJson(
  (body, request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(405, { allow: 'POST' }).end();
      return;
    }
    const { id, method, params } = body as RpcRequest;
    if (id === undefined) {
      response.writeHead(202).end();
      return;
    }
    const modern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
    const result = resultOf(method, params);
    if (result === undefined)
      sendJson(response, { jsonrpc: '2.0', id, error: { code: -32601, message: `No ${method} here.` } });
    else sendJson(response, { jsonrpc: '2.0', id, result: modern ? { resultType: 'complete', ...result } : result });
  },
  () => calls,
);

function resultOf(method: string, params: RpcRequest['params']): object | undefined {
  switch (method) {
    case 'server/discover':
      return { ...cached, supportedVersions: ['2026-07-28'], capabilities, serverInfo, instructions };
    case 'initialize':
      return { protocolVersion: params?.protocolVersion, capabilities, serverInfo };
    case 'ping':
      return {};
    case 'tools/list':
      return { ...cached, tools: [tool] };
    case 'tools/call': {
      const text = params?.arguments?.text;
      if (params?.name !== tool.name || typeof text !== 'string')
        return { content: [{ type: 'text', text: 'There is only echo, and it wants a text.' }], isError: true };
      calls += 1;
      return { content: [{ type: 'text', text: echoOf(text) }] };
    }
    default:
      return undefined;
  }
}

/** The one MCP server that we are, as one caller meets it: its agents are tools, and calling one is a task. */
import {
  ProtocolError,
  ProtocolErrorCode,
  type ClientCapabilities,
  type McpServer,
} from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import { answerCall } from './call-agent.ts';
import { callHandleTool, handleTools } from './handle-tools.ts';
import { unavailableCode } from './meta.ts';
import { servedAgents, type Caller, type Era, type ServedAgent, type ServeOptions } from './options.ts';
import { ownCacheHint, serveResources } from './resources.ts';
import { AgentServer } from './sdk-seams.ts';
import { inputSchemaOf, toolOf } from './tool.ts';
import { askableOf } from './wire-question.ts';
import { wire2025 } from './wire-2025.ts';
import { wire2026 } from './wire-2026.ts';
import type { Wire } from './wire.ts';

/** The list changes with the configuration only, and is the same for everybody. */
const cacheHint = { ttlMs: 60_000, cacheScope: 'public' } as const;

const wires: Record<Era, Wire> = { '2025': wire2025, '2026': wire2026 };

export function agentServer(options: ServeOptions, caller: Caller): McpServer {
  const { name, title, version, instructions } = options;
  const wire = wires[caller.era];
  const find = (tool: string): ServedAgent | undefined => servedAgents(options).find((agent) => agent.name === tool);
  const server = new AgentServer(
    { name, version, ...(title !== undefined && { title }) },
    {
      capabilities: {
        tools: { listChanged: typeof options.agents === 'function' },
        resources: { subscribe: true, listChanged: options.extend !== undefined },
        logging: {},
        ...wire.capabilities,
      },
      ...(instructions !== undefined && { instructions }),
      cacheHints: { 'tools/list': cacheHint, 'server/discover': cacheHint, 'resources/list': ownCacheHint },
    },
    (tool) => {
      const agent = find(tool);
      return agent === undefined ? (findHandleTool(tool)?.tool.inputSchema as JsonObject) : inputSchemaOf(agent);
    },
  );

  const speaks = wire.serve(server, options, caller);
  server.server.setRequestHandler('tools/list', (_request, context) => {
    const declared = wire.declaration(server, context);
    return {
      tools: [
        ...servedAgents(options)
          .toSorted(byName)
          .map((agent) => speaks.tool(toolOf(agent), declared, agent)),
        ...handleTools.map(({ tool }) => tool).filter(({ name: tool }) => find(tool) === undefined),
      ],
    };
  });
  server.onToolCall(async (params, context) => {
    const declared = wire.declaration(server, context);
    const asks = askableOf(declared.capabilities, declared.protocolVersion);
    const args = (params.arguments ?? {}) as JsonObject;
    const request = { options, caller, context, asks, client: declared.client };
    const agent = find(params.name);
    if (agent === undefined) {
      const tool = findHandleTool(params.name);
      if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
      // Refuses a call as a task: these answer at once.
      speaks.face(declared, params as JsonObject, { name: params.name, taskSupport: 'forbidden' });
      return answerCall(request, (call) => callHandleTool(tool, call, args, speaks.look));
    }
    const lacking = lackingCapabilities(agent, declared.capabilities);
    if (lacking !== undefined) return speaks.refusal(agent, lacking, params as JsonObject);
    // A later leg of a call starts nothing.
    const refusal = context.mcpReq.requestState() === undefined ? await caller.tooMuch?.() : undefined;
    if (refusal !== undefined) {
      const { message, retryAfterSeconds } = refusal;
      throw new ProtocolError(unavailableCode, message, { retryAfterSeconds });
    }
    return answerCall({ ...request, agent, args }, speaks.face(declared, params as JsonObject, agent));
  });

  if (caller.era === '2026') server.emptyWhenClosed();
  // An instance for one request is spared what that request cannot ask for.
  if (caller.method !== undefined && /^(tools|tasks)\//.test(caller.method)) return server;
  serveResources(server, options, caller);
  options.extend?.(server, caller.era);
  return server;
}

/** An agent may take the name of one of these: then it is the agent. */
const findHandleTool = (name: string) => handleTools.find(({ tool }) => tool.name === name);

/** One order whatever the configuration's: hosts and prompt caches compare lists (tools: "deterministic order"). */
const byName = (a: ServedAgent, b: ServedAgent): number => (a.name < b.name ? -1 : 1);

function lackingCapabilities(agent: ServedAgent, declared: ClientCapabilities = {}): ClientCapabilities | undefined {
  const lacking: ClientCapabilities = {};
  for (const need of agent.needs ?? []) {
    if (need !== 'sampling.tools') {
      if (declared[need] === undefined) lacking[need] ??= {};
    } else if (declared.sampling?.tools === undefined) lacking.sampling = { tools: {} };
  }
  return Object.keys(lacking).length === 0 ? undefined : lacking;
}

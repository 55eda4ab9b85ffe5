/** The one MCP server that we are, as one caller meets it: its agents are tools, and calling one is a task. */
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ClientCapabilities,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import { callAgent } from './call-agent.ts';
import type { Caller, ServedAgent, ServeOptions } from './options.ts';
import { AgentServer, declaredInRequest } from './sdk-seams.ts';
import { errorResult, inputSchemaOf, toolOf } from './tool.ts';

/** The list changes with the configuration only, and is the same for everybody. */
const cacheHint = { ttlMs: 60_000, cacheScope: 'public' } as const;

export function agentServer(options: ServeOptions, caller: Caller): McpServer {
  const { name, title, version, instructions } = options;
  const find = (tool: string): ServedAgent | undefined => served(options).find((agent) => agent.name === tool);
  const server = new AgentServer(
    { name, version, ...(title !== undefined && { title }) },
    {
      capabilities: { tools: { listChanged: typeof options.agents === 'function' }, logging: {} },
      ...(instructions !== undefined && { instructions }),
      cacheHints: { 'tools/list': cacheHint, 'server/discover': cacheHint },
    },
    (tool) => {
      const agent = find(tool);
      return agent && inputSchemaOf(agent);
    },
  );

  server.server.setRequestHandler('tools/list', () => ({ tools: served(options).toSorted(byName).map(toolOf) }));
  server.server.setRequestHandler('tools/call', async ({ params }, context) => {
    const agent = find(params.name);
    if (agent === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    const lacking = lackingCapabilities(agent, capabilitiesOf(server, caller, context));
    if (lacking !== undefined) {
      if (caller.era === '2026') throw new MissingRequiredClientCapabilityError({ requiredCapabilities: lacking });
      return errorResult(`${agent.name} needs a client that declares: ${Object.keys(lacking).join(', ')}`);
    }
    return callAgent(options, caller, agent, (params.arguments ?? {}) as JsonObject, context);
  });

  options.extend?.(server, caller.era);
  return server;
}

const served = ({ agents }: ServeOptions): readonly ServedAgent[] => (typeof agents === 'function' ? agents() : agents);

/** One order whatever the configuration's: hosts and prompt caches compare lists (tools: "deterministic order"). */
const byName = (a: ServedAgent, b: ServedAgent): number => (a.name < b.name ? -1 : 1);

/** 2026: what this request declared. 2025: what the session did. */
const capabilitiesOf = (server: McpServer, caller: Caller, context: ServerContext): ClientCapabilities | undefined =>
  caller.era === '2026' ? declaredInRequest(context) : server.server.getClientCapabilities();

function lackingCapabilities(agent: ServedAgent, declared: ClientCapabilities = {}): ClientCapabilities | undefined {
  const lacking = (agent.needs ?? []).filter((need) => declared[need] === undefined);
  return lacking.length === 0 ? undefined : Object.fromEntries(lacking.map((need) => [need, {}]));
}

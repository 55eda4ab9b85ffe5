/** The wire up to 2025-11-25. */
import type { McpServer } from '@modelcontextprotocol/server';
import { followTask, isAsking } from './follow-task.ts';
import { call2025 } from './call-2025.ts';
import type { Wire } from './wire.ts';

export const wire2025: Wire = {
  capabilities: {},
  declaration: (server: McpServer) => ({
    capabilities: server.server.getClientCapabilities(),
    protocolVersion: server.server.getNegotiatedProtocolVersion() ?? '2025-11-25',
  }),
  serve: () => ({
    face: () => call2025,
    tool: (tool) => tool,
    look: (call, task, forMs) => followTask(call, task, { forMs, leaves: true, enough: isAsking }),
  }),
};

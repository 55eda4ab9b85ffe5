/** The wire up to 2025-11-25. */
import type { McpServer } from '@modelcontextprotocol/server';
import { call2025 } from './call-2025.ts';
import type { Wire } from './wire.ts';

export const wire2025: Wire = {
  capabilities: {},
  declaration: (server: McpServer) => ({
    capabilities: server.server.getClientCapabilities(),
    protocolVersion: server.server.getNegotiatedProtocolVersion() ?? '2025-11-25',
  }),
  face: () => call2025,
  serve: () => undefined,
};

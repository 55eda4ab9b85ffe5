/** Clients that nobody here wrote, in both eras, made alike for the tests. */
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as V1Http } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { fileURLToPath } from 'node:url';

interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (update: { progress: number; message?: string | undefined }) => void;
}

interface Result {
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  _meta?: Record<string, unknown>;
}

export interface TestClient {
  instructions(): string | undefined;
  list(): Promise<Record<string, unknown>[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Result>;
  onToolsChanged(listener: () => void): Promise<void>;
  close(): Promise<void>;
}

const info = { name: 'test-client', version: '1.0.0' };
const stdioServer = {
  command: process.execPath,
  args: [fileURLToPath(new URL('stdio-server.ts', import.meta.url))],
  stderr: 'ignore' as const,
};

/** The v2 SDK client, pinned to 2026-07-28. */
export async function modernClient(url?: string): Promise<TestClient> {
  const client = new ModernClient(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(url === undefined ? new ModernStdio(stdioServer) : new ModernHttp(new URL(url)));
  return {
    instructions: () => client.getInstructions(),
    list: async () => (await client.listTools()).tools,
    call: async (name, args, options) => (await client.callTool({ name, arguments: args }, options)) as Result,
    onToolsChanged: async (listener) => {
      client.setNotificationHandler('notifications/tools/list_changed', listener);
      await client.listen({ toolsListChanged: true });
    },
    close: () => client.close(),
  };
}

/** The v1 SDK client: 2025-11-25, the implementation that most of the field runs. */
export async function v1Client(url?: string): Promise<TestClient> {
  const client = new V1Client(info);
  const transport = url === undefined ? new V1Stdio(stdioServer) : new V1Http(new URL(url));
  await client.connect(transport);
  return {
    instructions: () => client.getInstructions(),
    list: async () => (await client.listTools()).tools,
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as Result,
    onToolsChanged: async (listener) => {
      const { ToolListChangedNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
      client.setNotificationHandler(ToolListChangedNotificationSchema, listener);
    },
    close: () => client.close(),
  };
}

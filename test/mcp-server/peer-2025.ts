/** The v1 SDK client as a 2025 caller that answers questions: the implementation that most of the field runs. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  CreateTaskResultSchema,
  ElicitRequestSchema,
  TaskStatusNotificationSchema,
  type CallToolResult,
  type CreateTaskResult,
  type ElicitRequest,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { serveHttp } from '../../src/mcp-server/http.ts';
import type { ServeOptions } from '../../src/mcp-server/options.ts';
import type { FakeEngine } from './fake-engine.ts';
import { fakeNetwork } from './network.ts';

export type Answer = (request: ElicitRequest['params'], signal: AbortSignal) => ElicitResult | Promise<ElicitResult>;

export interface Peer2025 {
  client: Client;
  /** What it was asked, in order. */
  asked: ElicitRequest['params'][];
  /** The states of tasks that it was told of unasked. */
  told: { taskId: string; status: string }[];
  call(name: string, args?: Record<string, unknown>, options?: { signal?: AbortSignal }): Promise<CallToolResult>;
  close(): Promise<void>;
}

export const accept =
  (content: Record<string, string>): Answer =>
  () => ({ action: 'accept', content });

const stdioServer = {
  command: process.execPath,
  args: [fileURLToPath(new URL('stdio-server.ts', import.meta.url))],
  stderr: 'ignore' as const,
};

/** Closed with the test. @param answer without one it declares no elicitation. */
export async function openPeer2025(url: string, answer?: Answer): Promise<Peer2025> {
  const peer = await connectPeer2025(url, answer);
  onTestFinished(() => peer.close());
  return peer;
}

/** @param url of a door; without one, a server of its own on stdio. */
export async function connectPeer2025(url: string | undefined, answer?: Answer): Promise<Peer2025> {
  const client = new Client(
    { name: 'v1-peer', version: '1.0.0' },
    { capabilities: answer === undefined ? {} : { elicitation: {} } },
  );
  const asked: Peer2025['asked'] = [];
  const told: Peer2025['told'] = [];
  if (answer !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => {
      asked.push(params);
      return answer(params, signal);
    });
  }
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void told.push(params));
  const transport =
    url === undefined ? new StdioClientTransport(stdioServer) : new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  return {
    client,
    close: () => client.close(),
    asked,
    told,
    call: async (name, args = { message: 'hi' }, options) =>
      (await client.callTool({ name, arguments: args }, CallToolResultSchema, options)) as CallToolResult,
  };
}

/** A door of the fake network, closed with the test. */
export async function openDoor(more: Partial<ServeOptions> = {}): Promise<{ url: string; engine: FakeEngine }> {
  const { engine, options } = fakeNetwork(more);
  const door = await serveHttp(options);
  onTestFinished(() => door.close(0));
  return { url: door.url, engine };
}

export interface Stream {
  taskId: string;
  statuses: string[];
  result?: CallToolResult;
  error?: string;
}

/** A call as a task, followed by the client to its end. */
export async function callAsTask({ client }: Peer2025, name: string, ttl?: number): Promise<Stream> {
  const seen: Stream = { taskId: '', statuses: [] };
  const task = ttl === undefined ? {} : { ttl };
  const params = { name, arguments: { message: 'hi' } };
  for await (const message of client.experimental.tasks.callToolStream(params, CallToolResultSchema, { task })) {
    if (message.type === 'taskCreated') seen.taskId = message.task.taskId;
    else if (message.type === 'taskStatus') seen.statuses.push(message.task.status);
    else if (message.type === 'result') seen.result = message.result;
    else seen.error = message.error.message;
  }
  return seen;
}

/** Starts a call as a task, and leaves it. */
export function startTask({ client }: Peer2025, name: string, ttl?: number): Promise<CreateTaskResult> {
  const params = { name, arguments: { message: 'hi' }, task: ttl === undefined ? {} : { ttl } };
  return client.request({ method: 'tools/call', params }, CreateTaskResultSchema);
}

/** The Tasks extension as its own requester drives it (`@modelcontextprotocol/ext-tasks`), over HTTP and stdio. */
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import {
  createTaskSessionFromClient,
  resultFromTaskOutcome,
  type RawClientDispatch,
  type TaskEnabledSession,
} from '@modelcontextprotocol/ext-tasks/client';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { serveHttp, type HttpDoor } from '../../src/mcp-server/http.ts';
import { fakeNetwork } from './network.ts';
import type { Message } from './peer-2026.ts';

const protocolVersion = '2026-07-28';
const clientInfo = { name: 'ext-tasks', version: '1' };
const clientCapabilities = { elicitation: { form: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const stdioServer = fileURLToPath(new URL('stdio-server.ts', import.meta.url));

interface Opened {
  session: TaskEnabledSession;
  /** The questions that came. */
  asked: string[];
  close: () => Promise<void>;
}

async function openSession(transport: Transport): Promise<Opened> {
  const client = new Client(clientInfo, {
    versionNegotiation: { mode: { pin: protocolVersion } },
    capabilities: clientCapabilities,
  });
  await client.connect(transport);
  const asked: string[] = [];
  const session = createTaskSessionFromClient(client, {
    endpointId: 'test',
    rawDispatch: rawDispatch(transport),
    v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities },
    async onInputRequest(request) {
      const question = request.params?.['message'];
      if (typeof question !== 'string') throw new Error('a question without a message');
      asked.push(question);
      return { action: 'accept', content: { name: question } } as never;
    },
  });
  return {
    session,
    asked,
    async close() {
      await session.close();
      await client.close();
    },
  };
}

/** What ext-tasks leaves to its host: a raw request over the transport of a client. */
function rawDispatch(transport: Transport): RawClientDispatch {
  const waiting = new Map<unknown, (message: Message) => void>();
  const receive = transport.onmessage;
  const onmessage: typeof receive = (message, extra) => {
    const id = 'id' in message && !('method' in message) ? message.id : undefined;
    const answered = id === undefined ? undefined : waiting.get(id);
    if (answered === undefined) return receive?.(message, extra);
    waiting.delete(id);
    answered(message);
  };
  Object.assign(transport, { onmessage });
  let count = 0;
  return async (request, options) => {
    const id = `raw-${(count += 1)}`;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    const headers = options?.context?.headers;
    await transport.send({ ...(request as Message), jsonrpc: '2.0', id } as never, headers && { headers });
    const { result, error } = await answer;
    return error === undefined ? { kind: 'result', result } : { kind: 'error', error };
  };
}

describe.each(['HTTP', 'stdio'] as const)('ext-tasks over %s', (kind) => {
  let opened: Opened;
  let door: HttpDoor | undefined;
  beforeAll(async () => {
    if (kind === 'HTTP') door = await serveHttp(fakeNetwork().options);
    opened = await openSession(
      door === undefined
        ? new StdioClientTransport({ command: process.execPath, args: [stdioServer], stderr: 'ignore' })
        : new StreamableHTTPClientTransport(new URL(door.url)),
    );
  });
  afterAll(async () => {
    await opened.close();
    await door?.close(0);
  });

  test.concurrent('a call becomes a task and ends with its result', async ({ expect }) => {
    const execution = await opened.session.callTool('echo', { message: 'hi' });
    expect(execution.kind).toBe('task');
    const { outcome } = await execution.settle();
    expect(resultFromTaskOutcome(outcome)).toMatchObject({ content: [{ text: 'hi' }] });
  });

  test.concurrent('the questions of a task are asked and answered', async ({ expect }) => {
    const { outcome } = await (await opened.session.callTool('pair', { message: 'hi' })).settle();
    expect(resultFromTaskOutcome(outcome)).toMatchObject({ content: [{ text: 'first? and second?' }] });
    expect(opened.asked.toSorted()).toEqual(['first?', 'second?']);
  });

  test.concurrent('a task is cancelled', async ({ expect }) => {
    const execution = await opened.session.callTool('endless', { message: 'hi' });
    await execution.cancel();
    expect((await execution.settle()).outcome.status).toBe('cancelled');
  });

  test.concurrent('a fault of ours fails the task', async ({ expect }) => {
    const { outcome } = await (await opened.session.callTool('broken', { message: 'hi' })).settle();
    expect(outcome.status).toBe('failed');
  });
});

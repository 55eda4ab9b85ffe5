/**
 * Every place where we lean on something of the SDK that it does not promise. `sdk-seams.test.ts` fails loudly when an
 * update moves one of them.
 *
 *   1. `McpServer.toolInputSchemaJson` is asked by the HTTP entry for the schema behind `Mcp-Param-*` headers. We answer
 *      from our own list of agents, so that a request does not register (and convert) all of them first.
 *   2. A `tools/call` handler set on `.server` replaces the one of `McpServer`, which would swallow protocol errors
 *      into results. The server wraps it (`_wrapHandler`) and makes everything that it returns a `CallToolResult`: a task
 *      would gain `content: []` (2026) or be refused (2025). It leaves the wrapping as an error, and becomes a result
 *      again outside.
 *   3. The envelope of a 2026 request is typed as an empty object (2.4.0); its keys are there.
 *   4. The stdio transport ends in `close()`, whoever closes it: that is how we learn that the other side is gone.
 *   5. `initialize` answers with `Server.getCapabilities()`, asked after the version is known: what belongs to one version
 *      is added there.
 *   6. Our own requests are counted from 0, and the client of the v1 SDK does not heed the cancellation of request 0: we
 *      count from 1.
 *   7. The transport of a 2025 session refuses what belongs to a request that was answered already. A dialog may outlive
 *      the call that opened it: its withdrawal goes to the session's own stream then.
 *   8. The entries serve `subscriptions/listen` themselves: they drop `taskIds`, acknowledge what is left, and over HTTP
 *      end at once where nothing is left. Over stdio they take messages from `onmessage` as it stands when `start` is
 *      called. `task-listen.ts` and the doors put our tasks into that.
 *   9. The handlers of a server stand in two maps, which are emptied when it is closed.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  McpServer,
  type CallToolRequest,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequiredResult,
  type ServerCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { Readable, Writable } from 'node:stream';
import type { JsonObject } from '../json.ts';

export class AgentServer extends McpServer {
  readonly #inputSchema: (tool: string) => JsonObject | undefined;

  constructor(
    info: ConstructorParameters<typeof McpServer>[0],
    options: ConstructorParameters<typeof McpServer>[1],
    inputSchema: (tool: string) => JsonObject | undefined,
  ) {
    super(info, options);
    this.#inputSchema = inputSchema;
    (this.server as unknown as { _requestMessageId: number })._requestMessageId = 1;
  }

  /** A result that is no `CallToolResult` is an `OtherResult`: it reaches the caller as it is. */
  onToolCall(handle: (params: CallToolRequest['params'], context: ServerContext) => Promise<ToolCallAnswer>): void {
    const server = this.server as unknown as { _wrapHandler: WrapHandler };
    const wrap = server._wrapHandler.bind(server);
    // Named before it is set: V8 puts a function that is written where it is set into its old space, and all that it
    // sees, a whole request, waits there for a full garbage collection.
    const wrapCalls: WrapHandler = (method, handler) => {
      const wrapped = wrap(method, handler);
      return method === 'tools/call' ? (...args) => wrapped(...args).catch(unwrapped) : wrapped;
    };
    server._wrapHandler = wrapCalls;
    this.server.setRequestHandler('tools/call', async ({ params }, context) => {
      const answer = await handle(params, context);
      if (answer instanceof OtherResult) throw answer;
      return answer;
    });
  }

  /** Declared beside the others to clients that speak one of these versions. */
  declareFor(speaks: (protocolVersion: string) => boolean, capabilities: ServerCapabilities): void {
    const { server } = this;
    const common = server.getCapabilities.bind(server);
    server.getCapabilities = () => {
      const version = server.getNegotiatedProtocolVersion();
      return { ...common(), ...(version !== undefined && speaks(version) && capabilities) };
    };
  }

  /** Runs when the connection is gone, besides what runs then already. */
  whenClosed(run: () => void): void {
    const { onclose: before } = this.server;
    const onclose = (): void => {
      before?.();
      run();
    };
    Object.assign(this.server, { onclose });
  }

  /**
   * Once the connection is gone it lets go of all that it serves with: the SDK writes functions that see the server where
   * it sets them (as above), so what is left of it is there until a full garbage collection.
   */
  emptyWhenClosed(): void {
    const { _requestHandlers, _notificationHandlers } = this.server as unknown as Record<string, Map<string, unknown>>;
    this.whenClosed(() => {
      _requestHandlers?.clear();
      _notificationHandlers?.clear();
    });
  }

  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    return this.#inputSchema(name);
  }
}

type WrapHandler = (method: string, handler: WireHandler) => WireHandler;
type WireHandler = (request: unknown, context: unknown) => Promise<unknown>;

/** What a `tools/call` is answered with where that is no `CallToolResult`: a task. */
export class OtherResult extends Error {
  readonly result: JsonObject;

  constructor(result: JsonObject) {
    super('a result of another type');
    this.result = result;
  }
}

export type ToolCallAnswer = CallToolResult | InputRequiredResult | OtherResult;

function unwrapped(error: unknown): JsonObject {
  if (error instanceof OtherResult) return error.result;
  throw error;
}

/** What the client of a 2026 request declared with this very request. */
export const declaredInRequest = (context: ServerContext): ClientCapabilities | undefined =>
  envelopeOf(context)?.[CLIENT_CAPABILITIES_META_KEY];

/** What the client of a 2026 request calls itself. */
export const clientInRequest = (context: ServerContext): unknown => envelopeOf(context)?.[CLIENT_INFO_META_KEY];

interface Envelope {
  [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities;
  [CLIENT_INFO_META_KEY]?: unknown;
}

const envelopeOf = ({ mcpReq }: ServerContext): Envelope | undefined => mcpReq.envelope;

export class StdioTransport extends StdioServerTransport {
  readonly #onClosed: () => void;
  readonly #stdout: Writable;

  constructor(stdin: Readable, stdout: Writable, maxBufferSize: number, onClosed: () => void) {
    super(stdin, stdout, { maxBufferSize });
    this.#onClosed = onClosed;
    this.#stdout = stdout;
  }

  /** The other side reads more slowly than it is written to. */
  get isBehind(): boolean {
    return this.#stdout.writableNeedDrain;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#onClosed();
  }
}

type Send = NodeStreamableHTTPServerTransport['send'];

export class SessionTransport extends NodeStreamableHTTPServerTransport {
  override async send(...[message, options]: Parameters<Send>): Promise<void> {
    try {
      await super.send(message, options);
    } catch (error) {
      const isNotification = 'method' in message && !('id' in message);
      if (!isNotification || options?.relatedRequestId === undefined) throw error;
      await super.send(message);
    }
  }
}

/**
 * Every place where we lean on something of the SDK that it does not promise. `sdk-seams.test.ts` fails loudly when an
 * update moves one of them.
 *
 *   1. `McpServer.toolInputSchemaJson` is asked by the HTTP entry for the schema behind `Mcp-Param-*` headers. We answer
 *      from our own list of agents, so that a request does not register (and convert) all of them first.
 *   2. A `tools/call` handler set on `.server` replaces the one of `McpServer`, which would swallow protocol errors
 *      into results.
 *   3. The envelope of a 2026 request is typed as an empty object (2.4.0); its keys are there.
 *   4. The stdio transport ends in `close()`, whoever closes it: that is how we learn that the other side is gone.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  McpServer,
  type ClientCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';
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
  }

  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    return this.#inputSchema(name);
  }
}

/** What the client of a 2026 request declared with this very request. */
export function declaredInRequest(context: ServerContext): ClientCapabilities | undefined {
  const envelope = context.mcpReq.envelope as Record<string, ClientCapabilities | undefined> | undefined;
  return envelope?.[CLIENT_CAPABILITIES_META_KEY];
}

export class StdioTransport extends StdioServerTransport {
  readonly #onClosed: () => void;

  constructor(stdin: Readable, stdout: Writable, maxBufferSize: number, onClosed: () => void) {
    super(stdin, stdout, { maxBufferSize });
    this.#onClosed = onClosed;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#onClosed();
  }
}

/** What the two wires do differently: each is one value of this type in a file of its own. */
import type { ClientCapabilities, McpServer, ServerContext } from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import type { Face } from './call-agent.ts';
import type { Caller, ServeOptions } from './options.ts';

export interface Wire {
  /** Beside those of every server. Each wire's tasks are advertised under its own protocol version only. */
  capabilities: JsonObject;
  /** What the caller said it can do, and the protocol version it speaks. */
  declaration(server: McpServer, context: ServerContext): Declaration;
  /** The face of one `tools/call`, from what was declared and from the parameters. */
  face(declared: Declaration, params: JsonObject): Face;
  /** `tasks/...`, and what else this wire serves beside calls. */
  serve(server: McpServer, options: ServeOptions, caller: Caller): void;
}

export interface Declaration {
  capabilities: ClientCapabilities | undefined;
  protocolVersion: string;
}

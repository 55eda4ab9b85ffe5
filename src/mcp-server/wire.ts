/** What the two wires do differently: each is one value of this type in a file of its own. */
import type {
  CallToolResult,
  ClientCapabilities,
  InputRequiredResult,
  McpServer,
  ServerContext,
  Tool,
} from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import type { Task } from '../task/task.ts';
import type { Face } from './call-agent.ts';
import type { Looking } from './call.ts';
import type { Caller, ServedAgent, ServeOptions } from './options.ts';
import type { AgentServer } from './sdk-seams.ts';

export interface Wire {
  /** Beside those of every server. Each wire's tasks are advertised under its own protocol version only. */
  capabilities: JsonObject;
  /** What the caller said it can do, and the protocol version it speaks. */
  declaration(server: McpServer, context: ServerContext): Declaration;
  /** `tasks/...`, and what else this wire serves beside calls. */
  serve(server: AgentServer, options: ServeOptions, caller: Caller): ServedWire;
}

/** One wire, as one server instance speaks it. */
export interface ServedWire {
  /**
   * The face of one `tools/call`, from what was declared, the parameters and the agent.
   * @throws ProtocolError the agent needs a caller that knows tasks.
   */
  face(declared: Declaration, params: JsonObject, agent: Pick<ServedAgent, 'name' | 'taskSupport' | 'asksFirst'>): Face;
  /** An agent as a tool in a list for this caller. */
  tool(tool: Tool, declared: Declaration, agent: ServedAgent): Tool;
  /**
   * What a call is answered with whose caller cannot do what the agent needs.
   * @throws ProtocolError where this caller would not understand a result.
   */
  refusal(agent: Pick<ServedAgent, 'name'>, lacking: ClientCapabilities, params: JsonObject): CallToolResult;
  /**
   * Waits for a task on behalf of a call that only looks: up to `forMs`, until it is over, or until it waits for an answer
   * that cannot be had from this caller. Where this caller is asked by an answer to its call, that is the result.
   */
  readonly look: (call: Looking, task: Task, forMs: number) => Promise<Task | InputRequiredResult>;
}

export interface Declaration {
  capabilities: ClientCapabilities | undefined;
  protocolVersion: string;
  /** What the client calls itself, where it says. */
  client: string | undefined;
}

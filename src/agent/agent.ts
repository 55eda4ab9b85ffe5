import type { Json, JsonObject } from '../json.ts';
import type { Model } from './model.ts';
import type { AgentTool, EffectTool } from './tool.ts';

/** What ends an agent's work early. Every one that always applies has a default, and defaults count as limits. */
export interface Limits {
  /** Model replies a task. Default 50. */
  turns: number;
  /** Tool calls a task, of this agent. Default 200. */
  toolCalls: number;
  /** Tool calls side by side. Default 8. */
  parallelTools: number;
  /** Agents under agents. Default 5. */
  depth: number;
  /** Input and output tokens a task, nested agents included. */
  tokens?: number;
  /** US dollars a task, nested agents included. */
  cost?: number;
  /** Milliseconds a task. */
  time?: number;
}

export const defaultLimits: Limits = { turns: 50, toolCalls: 200, parallelTools: 8, depth: 5 };

export interface Agent {
  readonly name: string;
  readonly description: string;
  readonly instructions: string;
  readonly model: Model;
  readonly limits: Limits;
  /** Other agents that it has as tools. Fixed for the life of a task. */
  readonly agents: readonly AgentTool[];
  /**
   * The tools of MCP servers that it may use now, in a fixed order; a server that announced a change is asked again.
   * The same array as long as they are the same.
   * @throws UnavailableError a server that it needs cannot be reached and was never listed.
   */
  tools(signal: AbortSignal): Promise<readonly EffectTool[]>;
  /** The shape of its answer, where it is not free text. */
  readonly output?: OutputShape;
}

export interface OutputShape {
  schema: JsonObject;
  /** Says what is wrong with `value`; undefined when it fits. */
  check(value: Json): string | undefined;
}

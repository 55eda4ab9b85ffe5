import type { Json, JsonObject } from '../json.ts';
import type { Limits } from './limits.ts';
import type { Hooks } from './hooks.ts';
import type { Model } from './model.ts';
import type { Policy } from './policy.ts';
import type { AgentTool, EffectTool } from './tool.ts';

export interface Agent {
  readonly name: string;
  readonly description: string;
  readonly instructions: string;
  readonly model: Model;
  readonly limits: Limits;
  readonly policy: Policy;
  readonly hooks: Hooks;
  /** It has the tool `ask_person`. */
  readonly mayAskPeople: boolean;
  /** Other agents that it has as tools. Fixed for the life of a task. */
  readonly agents: readonly AgentTool[];
  /**
   * The tools of MCP servers that it may use now, in a fixed order; a server that announced a change is asked again.
   * The same array as long as they are the same.
   * @param left the name of a tool whose call an earlier process left: only that one need be found, and its server is
   *     waited for, so that nobody is asked what became of a call which the server itself can tell.
   * @throws UnavailableError a server that it needs cannot be reached and was never listed.
   */
  tools(signal: AbortSignal, left?: string): Promise<readonly EffectTool[]>;
  /** The shape of its answer, where it is not free text. */
  readonly output?: OutputShape;
}

export interface OutputShape {
  schema: JsonObject;
  /** Says what is wrong with `value`; undefined when it fits. */
  check(value: Json): string | undefined;
}

/** The tool port: one callable capability of an agent. */
import type { Content } from '../task/content.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Commit, TaskContext } from '../task/engine.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Usage } from '../task/usage.ts';
import type { Allowance } from './limits.ts';
import type { ToolSpec } from './model.ts';

export type ToolOutcome = {
  content: Content[];
  structuredContent?: JsonObject;
  isError: boolean;
  /** What models used on the way, where the tool is an agent. */
  usage?: Usage;
  /** Why nobody knows whether the call happened, where that is so and it may not be repeated. */
  unknown?: string;
  /** A person stopped the task at this call. */
  stops?: boolean;
};

export interface ToolProgress {
  progress: number;
  total?: number;
  message?: string;
}

export interface ToolCallOptions {
  signal: AbortSignal;
  /** To be called once, right before the call leaves, with the exact arguments. */
  commit: Commit;
  /** The other server's id of the task that this call became before our process died: go on with that one. */
  reference?: string;
  onProgress: (progress: ToolProgress) => void;
}

interface ToolBase extends ToolSpec {
  /** `server/tool` or the agent's name: what globs match and people read. */
  readonly id: string;
  /** Says what is wrong with `args` so that the model can mend it; undefined when they fit the input schema. */
  check(args: Json): string | undefined;
}

/** A tool of an MCP server: one effect, inside one recorded step. Failures are outcomes; it throws only on abort. */
export interface EffectTool extends ToolBase {
  readonly kind: 'effect';
  readonly effect: EffectClass;
  call(args: JsonObject, options: ToolCallOptions): Promise<ToolOutcome>;
}

/** Another agent of this network: many steps, in the caller's branch; its questions are the task's own. */
export interface AgentTool extends ToolBase {
  readonly kind: 'agent';
  run(args: JsonObject, context: TaskContext, allowance: Allowance): Promise<ToolOutcome>;
}

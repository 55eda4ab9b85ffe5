/** The tool port: one callable capability of an agent. */
import type { Content } from '../task/content.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Commit, Grant, TaskContext } from '../task/engine.ts';
import type { Activity, Mandate } from '../task/mandate.ts';
import type { InputRequest, InputResponse } from '../task/question.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Usage } from '../task/usage.ts';
import type { Allowance } from './limits.ts';
import type { ToolSpec } from './model.ts';

export type ToolOutcome = {
  content: Content[];
  structuredContent?: JsonObject;
  isError: boolean;
  /** What models used on the way, where the tool is an agent or its server asked the agent's model. */
  usage?: Usage;
  /** How many agents ran: the tool, where it is one, and all below it. */
  agents?: number;
  /** The artifact that holds the whole of a result that was too long. */
  kept?: string;
  /** Why nobody knows whether the call happened, where that is so and it may not be repeated. */
  unknown?: string;
  /** A person stopped the task at this call. */
  stops?: boolean;
  /** Not called: a person is to decide first. */
  asks?: Ask;
  /** With what it was called, where somebody is still to know: the exact JSON text of the arguments. */
  made?: { tool: string; bytes: string };
};

/** A call that waits for a person: what they are asked, and what their answer is bound to. */
export type Ask = {
  /** Who asks, from the task's own agent down. */
  chain: readonly string[];
  /** `server/tool` or the agent's name. */
  tool: string;
  /** The exact JSON text of the arguments, after hooks. */
  bytes: string;
  effect: EffectClass;
  /** Why: the rule with its place, or that the tool's definition changed. */
  rule: string;
  /** Of the tool's definition (`EffectTool.pin`). */
  pin: string;
  /** The versions of the policies that asked: the agent's own and its callers'. */
  policy: string;
  change?: string;
  expiresInMs: number;
  /** Why an earlier answer did not let it run. */
  again?: string;
};

export interface ToolProgress {
  progress: number;
  total?: number;
  message?: string;
  /** What the agents of another Deputy do at the moment, where the tool is one of them. */
  below?: readonly Activity[];
}

export interface ToolCallOptions {
  signal: AbortSignal;
  /** For whom the call is made: servers share their slots fairly among owners. */
  owner: string;
  /** The same for this call over all restarts, and for no other: makes a repeat recognisable (`keyed`). */
  callKey: string;
  /** What the agent leaves to the tool, where that is an agent of another Deputy: as it is now. */
  mandate?: () => Mandate;
  /** The `traceparent` of the call (W3C Trace Context). */
  trace?: string;
  /** The right by which it is made: handed on with the intent. */
  grant: Grant;
  /**
   * The server asks a person while the call is open. `key` is the server's name for the question, unique within the
   * call; an answer that an earlier process got is returned at once. Who waits for a person holds no slot and uses no
   * time. Withdrawn when `signal` aborts.
   */
  ask(key: string, request: InputRequest, signal: AbortSignal): Promise<InputResponse>;
  /**
   * The server wants the agent's model to think for it: `sampling/createMessage`, params and result as in MCP.
   * @throws SamplingRefused with the reason for the server.
   */
  sample(params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** To be called once, right before the call leaves, with the exact arguments. */
  commit: Commit;
  /** The call may have left before our process died, and nothing else is known of it. */
  isRepeat?: boolean;
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

export interface DefinitionChange {
  /** What was and what is, line by line, for people. */
  readonly diff: string;
  /** A person has seen it: the definition of now is the pinned one. */
  accept(): Promise<void>;
}

/** Why a server's wish to use the agent's model is not granted. */
export class SamplingRefused extends Error {}

/** A tool of an MCP server: one effect, inside one recorded step. Failures are outcomes; it throws only on abort. */
export interface EffectTool extends ToolBase {
  readonly kind: 'effect';
  readonly effect: EffectClass;
  /** An agent of another Deputy: it works with what its caller leaves to it (`ToolCallOptions.mandate`). */
  readonly isAgent?: true;
  /** sha256 in hex of its definition as the server has it: name, texts, schemas, annotations. */
  readonly pin: string;
  /** Its definition is another one than was pinned: it is not called before a person has seen the change. */
  readonly change?: DefinitionChange;
  call(args: JsonObject, options: ToolCallOptions): Promise<ToolOutcome>;
}

/** Another agent of this network: many steps, in the caller's branch; its questions are the task's own. */
export interface AgentTool extends ToolBase {
  readonly kind: 'agent';
  run(args: JsonObject, context: TaskContext, allowance: Allowance): Promise<ToolOutcome>;
}

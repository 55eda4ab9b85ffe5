import type { McpServer } from '@modelcontextprotocol/server';
import type { Json, JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import type { TaskEngine, TaskKeeper } from '../task/engine.ts';
import type { Calls } from './calls.ts';
import type { OwnerLimits, TooMuch } from './owner-limits.ts';
import type { SessionStreams } from './session-streams.ts';
import type { StatusLines } from './status-lines.ts';

/** Which wire a caller speaks: up to 2025-11-25, or 2026-07-28. Decided at the door, once. */
export type Era = '2025' | '2026';

/** An agent as a tool of this server. */
export interface ServedAgent {
  /** The tool's name: `[a-zA-Z0-9_.-]{1,128}`. */
  name: string;
  title?: string;
  description: string;
  /** Its own input; left out, it takes the default of `agent-input.ts` (message, conversation, attachments). */
  input?: { schema: JsonObject; check: (args: Json) => string | undefined };
  /** The shape of its answer; left out, the answer is `{ answer, conversation }`. */
  output?: { schema: JsonObject };
  annotations?: AgentAnnotations;
  icons?: { src: string; mimeType?: string; sizes?: string[]; theme?: 'light' | 'dark' }[];
  /** What the caller must be able to do for this agent to work at all. */
  needs?: readonly ('sampling' | 'sampling.tools' | 'elicitation' | 'roots')[];
  /** Its 2025 callers over HTTP come back for the answer on another connection, so that none is held for long (SEP-1699). */
  isPolled?: boolean;
  /** Whether a call may become a task on the wire: `required` is for work that no caller could wait for. Default `optional`. */
  taskSupport?: 'forbidden' | 'optional' | 'required';
  /**
   * What it asks first belongs to its input: a 2026 caller is asked before it gets a task, and may send the answers with
   * the call, by the names that the questions have.
   */
  asksFirst?: boolean;
}

/** Hints for hosts, derived from the tools that the agent can reach. */
interface AgentAnnotations {
  readOnlyHint?: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
  openWorldHint?: boolean;
}

export interface ServeOptions {
  engine: TaskEngine & Pick<TaskKeeper, 'record' | 'artifact' | 'artifacts'>;
  /** A function where the agents may change while serving: then call `changed('tools')` after they did. */
  agents: readonly ServedAgent[] | (() => readonly ServedAgent[]);
  name: string;
  title?: string;
  version: string;
  /** For the model of the caller's host: what these agents are for. */
  instructions?: string;
  log: Log;
  /** More of the protocol (prompts, resources): runs on every server instance before it meets its caller. */
  extend?: (server: McpServer, era: Era) => void;
  /** What one owner may start. */
  ownerLimits?: OwnerLimits;
  /** Calls at work at once; more are refused with "try again". Default 1000. */
  maxCalls?: number;
  /** Milliseconds that a call may wait before it is answered with the task's handle; null for ever. Default 45 000. */
  waitMs?: number | null;
  /** Longest time from its start, in milliseconds, that a caller may have a task remembered. Default 7 days. */
  maxTtlMs?: number;
  /** Milliseconds that a question waits for a 2025 caller to come for the result, before it is sent unasked. Default 3000. */
  graceMs?: number;
  /** A model may answer questions through `task_answer`. Default false: then only people do, elsewhere. */
  modelMayAnswer?: boolean;
  /** Which Deputy this is: `Link.deputy` of its agents, the same for all processes of one store. Default: random. */
  identity?: string;
  /** Seals what 2026 callers carry from one round of a call to the next: 32 bytes. Default: new ones for this process. */
  stateKey?: Uint8Array;
  /** What running tasks do at the moment, in a line: fed by the engine's events. */
  lines?: StatusLines;
  /** Longest silence between two progress notifications, in milliseconds. Default 5000. */
  progressMs?: number;
}

/** As they are now. */
export const servedAgents = ({ agents }: Pick<ServeOptions, 'agents'>): readonly ServedAgent[] =>
  typeof agents === 'function' ? agents() : agents;

/** Who asks, as the door decided it. Nobody below asks again. */
export interface Caller {
  era: Era;
  owner: string;
  calls: Calls;
  /** The one method that this server instance will be asked for, where that is known. */
  method?: string;
  /** Counts a start that the door has not counted; says why it may not be made. */
  tooMuch?: () => Promise<TooMuch | undefined>;
  /** Told when a call of this caller begins and when it has ended. */
  onCall?: (change: 1 | -1) => void;
  /** Of a 2025 session over HTTP, whose streams come and go. */
  streams?: SessionStreams;
}

/** Where callers are not told apart, a server is reached over stdio or loopback only: by one person. */
export const localOwner = 'local';

/** What a server may announce that it has changed. */
export type ListKind = 'tools' | 'prompts' | 'resources';

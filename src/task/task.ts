/**
 * A task: one durable piece of work, as the outside sees it.
 *
 * The status vocabulary is MCP's own, word for word, in both protocol eras.
 *
 * Invariants:
 *   T1. A task is stored before its id is told to anyone.
 *   T2. A terminal status never changes.
 *   T3. A wire key is used once in a task's life.
 */
import type { Content } from './content.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Mandate } from './mandate.ts';
import type { InputRequest } from './question.ts';
import type { Usage } from './usage.ts';

/** Why an agent stopped working. Everything but `answer` is told with `isError`. */
export type StopReason =
  | 'answer'
  | 'limit' //              a limit of the agent was reached; `limit` says which
  | 'refusal' //            the model declined to answer
  | 'length' //             the reply was cut at the model's output limit
  | 'step_failed' //        a step of a composed agent came to nothing
  | 'bad_output' //         the answer never fitted the agent's output schema
  | 'model_unavailable' //  no model answered, after retries and fallbacks
  | 'server_unavailable' // an MCP server that the agent needs could not be reached
  | 'denied' //             a hook forbade it
  | 'stopped'; //           a person stopped it

export type LimitName = 'turns' | 'tool_calls' | 'same_call' | 'tokens' | 'cost' | 'time' | 'context' | 'agents';

export interface TaskResult {
  content: Content[];
  structuredContent?: JsonObject;
  isError?: boolean;
  stop: StopReason;
  limit?: LimitName;
  /** What the task used, nested agents included. */
  usage: Usage;
  /** How many agents ran below its own, all levels together. Absent: none. */
  agents?: number;
}

/** A fault of ours, in JSON-RPC terms. An agent that cannot go on is a result, not an error. */
export interface TaskError {
  code: number;
  message: string;
}

interface TaskBase {
  /** A letter and 192 random bits in base64url. */
  readonly id: string;
  readonly agent: string;
  readonly input: JsonObject;
  /** The authenticated caller that the task belongs to. */
  readonly owner: string;
  /** The first task of the conversation; a task that continues none is its own first. */
  readonly conversation: string;
  /** The task that this one continues. */
  readonly predecessor?: string;
  /** The hash of the definition that it began with and keeps to. */
  readonly definition?: string;
  /** What the agent of another Deputy that called left to it. */
  readonly mandate?: Mandate;
  /** The `traceparent` (W3C Trace Context) that came with its call. */
  readonly trace?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Milliseconds from its creation after which it may be forgotten; null for never. */
  readonly ttlMs: number | null;
  /** What it is doing, in one line for people. */
  readonly statusMessage?: string;
}

export type TaskState =
  | { readonly status: 'working' }
  /** By wire key. Branches that need no answer go on meanwhile. */
  | { readonly status: 'input_required'; readonly inputRequests: Readonly<Record<string, InputRequest>> }
  | { readonly status: 'completed'; readonly result: TaskResult }
  | { readonly status: 'failed'; readonly error: TaskError }
  | { readonly status: 'cancelled' };

export type Task = TaskBase & TaskState;

export type TaskStatus = Task['status'];

export type TerminalState = Exclude<TaskState, { status: 'working' | 'input_required' }>;

export const isTerminal = (task: Task): task is Task & TerminalState =>
  task.status !== 'working' && task.status !== 'input_required';

/** One recorded step of a task: what `TaskContext.step` returned, at which branch path, when. */
export interface StepRecord {
  /** Branch path and step name, joined by `/`; unique within a task. */
  readonly key: string;
  readonly value: Json;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a task asks of people (or of its caller's software) while it works, and what they answer. */
import type { JsonObject } from '../json.ts';
import type { EffectClass } from './effect.ts';

/**
 * `schema`: a flat object of strings, numbers, booleans and enums, as elicitation wants it (2026-07-28, elicitation).
 * `mustDecide`: to decline decides nothing; the question stays open, as after a cancel.
 */
export type InputRequest =
  | ({ kind: 'form'; message: string; schema: JsonObject; mustDecide?: true; approval?: Approval } & Asker)
  | ({ kind: 'url'; message: string; url: string; elicitationId: string } & Asker)
  /** The caller's own model: `params` and the answer's `content` are those of `sampling/createMessage`. */
  | { kind: 'sampling'; params: JsonObject }
  /** The caller's folders: the answer's `content` is that of `roots/list`. */
  | { kind: 'roots' };

/** Who asks, where `message` says it in words for people. */
export interface Asker {
  /** From the task's own agent down; an agent of another Deputy is `server/agent`, a server that asks `server NAME`. */
  readonly chain?: readonly string[];
  /** What `message` quotes: the bare words of who asks. Absent: `message` is ours, whole. */
  readonly words?: string;
}

/** Asks nobody: it expires at its time, or is ended by `retry`. Callers see a task that works, and why it waits. */
export interface Timer {
  readonly kind: 'timer';
  readonly message: string;
}

/** The one tool call that a form asks about: whole, for those who show more than the form's few lines. */
export interface Approval {
  /** What the approval is bound to: sha256 in hex over task, step, tool, its definition, arguments and policy. */
  readonly hash: string;
  /** Who asks, from the task's own agent down. */
  readonly chain: readonly string[];
  /** `server/tool`. */
  readonly tool: string;
  /** The exact JSON text of the arguments. */
  readonly bytes: string;
  readonly effect: EffectClass;
  /** Why it is asked: the rule with its place, the default, or what else wants a person. */
  readonly rule: string;
  /** What the tool's definition was and is, line by line, where it changed since it was pinned. */
  readonly change?: string;
}

export type InputResponse =
  | { action: 'accept'; content: JsonObject }
  /** No, said by somebody. */
  | { action: 'decline' }
  /** Dismissed without a choice: no answer yet. */
  | { action: 'cancel' }
  /** Nobody answered in time. Said by the engine alone. */
  | { action: 'expired' }
  /** Nobody needs an answer any more. Said by the engine alone. */
  | { action: 'withdrawn' };

/** A question as it stands in the store. */
export interface Question {
  /** Where it was asked: branch path and name; unique within the task. */
  readonly key: string;
  /**
   * What callers call it. Never used twice in a task's life (T3), not even for the same question asked again: clients
   * do not show a key that they have seen.
   */
  readonly wireKey: string;
  readonly request: InputRequest | Timer;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** When it is answered by `expired`, in milliseconds since the epoch. */
  readonly expiresAt?: number;
  /** The key of the step that asked it while at work, for somebody else. */
  readonly relayedBy?: string;
  readonly answer?: Answer;
}

export interface Answer {
  response: InputResponse;
  by: Answerer;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Who acted, for the record. */
export interface Answerer extends Via {
  owner: string;
}

/** By which way somebody acted: the channel (`mcp`, `cli`, `console`), and what its client calls itself. */
export interface Via {
  channel: string;
  client?: string;
}

/** What a person said to a running task. */
export interface Sent {
  /** Counts from 1 within the task. */
  readonly seq: number;
  readonly text: string;
  readonly by: Answerer;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** One call that had left, or may have left, when its process died. */
export interface Intent {
  /** The exact JSON text of the arguments. */
  readonly bytes: string;
  readonly effect: EffectClass;
  /** The other server's id for it, where the call became a task there. */
  readonly reference?: string;
  /** The hash of the approval that it consumed. */
  readonly approval?: string;
  readonly at: number;
}

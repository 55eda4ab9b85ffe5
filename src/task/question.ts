/** What a task asks of people (or of its caller's software) while it works, and what they answer. */
import type { JsonObject } from '../json.ts';
import type { EffectClass } from './effect.ts';

/**
 * `schema`: a flat object of strings, numbers, booleans and enums, as elicitation wants it (2026-07-28, elicitation).
 * `mustDecide`: to decline decides nothing; the question stays open, as after a cancel.
 */
export type InputRequest =
  | { kind: 'form'; message: string; schema: JsonObject; mustDecide?: true }
  | { kind: 'url'; message: string; url: string; elicitationId: string }
  /** The caller's own model: `params` and the answer's `content` are those of `sampling/createMessage`. */
  | { kind: 'sampling'; params: JsonObject }
  /** The caller's folders: the answer's `content` is that of `roots/list`. */
  | { kind: 'roots' };

export type InputResponse =
  | { action: 'accept'; content: JsonObject }
  /** No, said by somebody. */
  | { action: 'decline' }
  /** Dismissed without a choice: no answer yet. */
  | { action: 'cancel' };

/** A question as it stands in the store. */
export interface Question {
  /** Where it was asked: branch path and name; unique within the task. */
  readonly key: string;
  /**
   * What callers call it. Never used twice in a task's life (T3), not even for the same question asked again: clients
   * do not show a key that they have seen.
   */
  readonly wireKey: string;
  readonly request: InputRequest;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  readonly answer?: Answer;
}

export interface Answer {
  response: InputResponse;
  by: Answerer;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Who answered, for the record: the channel, and what the client calls itself. */
export interface Answerer {
  owner: string;
  channel: string;
}

/** One call that had left, or may have left, when its process died. */
export interface Intent {
  /** The exact JSON text of the arguments. */
  readonly bytes: string;
  readonly effect: EffectClass;
  /** The other server's id for it, where the call became a task there. */
  readonly reference?: string;
  readonly at: number;
}

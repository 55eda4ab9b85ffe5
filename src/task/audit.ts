/**
 * The audit log: who decided what, in an append-only chain in which every entry names the hash of the one before.
 * The engine writes what goes through it (starts, questions, answers, intents, cancels); the loop adds its own verdicts.
 */
import type { Json } from '../json.ts';
import type { Answerer } from './question.ts';

export type AuditAction =
  | 'started' //    a task
  | 'asked' //      a person, about a call or something else
  | 'answered' //   by a person, or by the software of a caller
  | 'expired' //    a question that nobody answered in time
  | 'withdrawn' //  a question that nobody needs any more
  | 'called' //     a tool call left: its intent was written
  | 'denied' //     a tool call, by a rule, a hook or a person
  | 'sent' //       a message to a running task
  | 'retried'
  | 'cancelled'
  | 'ended'
  | 'unreadable'; //  no entry of ours: somebody changed the file; `detail` is what stands there

/** What is put on record. Arguments are named by their hash: the journal has their bytes. */
export interface AuditNote {
  action: AuditAction;
  agent?: string;
  /** `server/tool`. */
  tool?: string;
  /** sha256 in hex of the exact argument bytes. */
  args?: string;
  /** The rule that decided, with its place. */
  rule?: string;
  /** The hash that an approval is bound to. */
  approval?: string;
  by?: Answerer;
  /** What else there is to say: a decision, a note, a reason. */
  detail?: Json;
}

export interface AuditEntry extends AuditNote {
  /** Counts from 1 without a gap. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly task: string;
  /** The branch path and step that it belongs to, where it does. */
  readonly step?: string;
  /** sha256 in hex over the hash of the entry before it and the JSON text of this one. */
  readonly hash: string;
}

export type AuditVerdict =
  /** `isAnchored`: it reaches the anchor that is kept outside the log, and is there what it was. */
  | { kind: 'intact'; entries: number; isAnchored: boolean }
  /** `seq`: where it does not hold any more. */
  | { kind: 'broken'; seq: number; why: string };

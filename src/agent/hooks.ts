/** The operator's own code at fixed places of an agent's work: it may observe, change or deny. */
import type { Json } from '../json.ts';

export type HookPlace =
  | 'task_start' //   input: { message }                  change: the message
  | 'task_end' //     input: { result }                   change: the text of the answer
  | 'before_model' // input: { turn, messages }           observe or deny
  | 'after_model' //  input: { turn, content }            observe or deny
  | 'before_tool' //  input: { tool, args, effect }       change: the arguments
  | 'after_tool' //   input: { tool, args, content, isError } change: the text of the result
  | 'on_approval'; // input: { tool, args, rule }         deny: it is not even asked

/** Recorded: a replay does not ask again. */
export type HookSaid = { kind: 'pass' } | { kind: 'change'; value: Json } | { kind: 'deny'; reason: string };

export interface Hook {
  /** For people: the module or the command. */
  readonly name: string;
  /** Of the places around a tool: whether it wants this one (`server/tool`). */
  matches(tool: string): boolean;
  /** Never rejects, but with the signal's reason: what fails or hangs denies. */
  run(input: HookInput, signal: AbortSignal): Promise<HookSaid>;
}

export interface HookInput {
  place: HookPlace;
  agent: string;
  task: string;
  owner: string;
  [detail: string]: Json;
}

/** In the order of their declaration; a change is what the next one sees, a denial ends the row. */
export type Hooks = Partial<Readonly<Record<HookPlace, readonly Hook[]>>>;

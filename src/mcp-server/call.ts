/** One `tools/call`, as the door understood it: nobody below asks again who calls, what was declared, or which wire. */
import type { ServerContext } from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import type { Happening } from './describe-event.ts';
import type { Caller, ServedAgent, ServeOptions } from './options.ts';
import type { Askable } from './wire-question.ts';

/** A call that waits for a task. */
export type Waiting = Pick<Call, 'options' | 'caller' | 'context' | 'client' | 'asks' | 'tell'>;

/** What a call in rounds is known again by. */
export type Stated = Pick<Call, 'options' | 'caller' | 'args' | 'context'> & { agent: Pick<ServedAgent, 'name'> };

/** A call that only looks at a task. */
export type Looking = Waiting & Stated;

export interface Call {
  options: ServeOptions;
  caller: Caller;
  agent: ServedAgent;
  args: JsonObject;
  /** Of the request: its signal, its stream, its `_meta`. */
  context: ServerContext;
  /** What its client calls itself. */
  client: string | undefined;
  /** What this caller can be asked. */
  asks: Askable;
  /** To the caller, as far as it asked for progress and log messages. */
  tell: (event: Happening) => void;
}

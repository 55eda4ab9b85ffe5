/** What is called on another server: a tool of its own, or its resources and prompts in the form of one. */
import type { RequestOptions } from '@modelcontextprotocol/client';
import type { ToolOutcome } from '../agent/tool.ts';
import type { JsonObject } from '../json.ts';
import type { Check } from '../json-schema.ts';
import type { EffectClass } from '../task/effect.ts';
import type { Connection } from './connection.ts';
import type { KeyPlace } from './keyed.ts';
import type { Leg } from './open-round.ts';
import { bounds } from './options.ts';
import { readOutcome } from './outcome.ts';
import { askTool, type CallTarget, makesTasks } from './sdk-seams.ts';
import type { Server } from './server.ts';
import { settledOutcome } from './settlement.ts';

export interface RemoteCall {
  /** `server/tool`, for people. */
  id: string;
  effect: EffectClass;
  /** An agent of another Deputy. */
  isAgent?: boolean;
  /** The server is asked to make a task of it. */
  isTask(connection: Connection): boolean;
  /** Of a keyed one. */
  key?: KeyPlace;
  /** Asks the server; the answer is read by `read`. */
  send(connection: Connection, args: JsonObject, more: More, options: RequestOptions): Promise<JsonObject>;
  read(answer: JsonObject): ToolOutcome;
}

/** In 2025 a server asks while a plain call is open. */
export const isAskedOver = (call: RemoteCall, connection: Connection): boolean =>
  connection.client.getProtocolEra() === 'legacy' && !call.isTask(connection);

/** Sent again, a call of an agent of another Deputy finds the task that it became. */
export const isFoundAgain = ({ isAgent, effect }: Pick<RemoteCall, 'isAgent' | 'effect'>): boolean =>
  isAgent === true && effect !== 'unsafe';

/** Milliseconds that its task may take; no time passes while somebody is asked. */
export const timeOf = ({ options }: Server, { isAgent }: Pick<RemoteCall, 'isAgent'>): number =>
  options.hardTimeout ?? (isAgent === true ? bounds.agentTimeout : bounds.taskTimeout);

/**
 * Milliseconds that nothing of use need be heard of it before it is given up: a Deputy may be down for a while and its task
 * goes on after that, or is known to it at least.
 */
export const silenceOf = (server: Server, call: Pick<RemoteCall, 'isAgent'>): number =>
  call.isAgent === true ? timeOf(server, call) : server.timings.taskSilence;

/** What goes with the arguments. */
export interface More {
  meta?: JsonObject;
  /** The answers that the server broke the call off for. */
  leg?: Leg;
}

/** The same, as members of `params` beside the call's own. */
export const wireMore = ({ meta, leg }: More): JsonObject => ({
  ...(meta && { _meta: meta }),
  ...(leg?.answers && { inputResponses: leg.answers }),
  ...(leg?.state !== undefined && { requestState: leg.state }),
});

export interface ToolToCall {
  id: string;
  effect: EffectClass;
  tool: CallTarget;
  checkOutput: Check | undefined;
  key: KeyPlace | undefined;
  isAgent?: boolean;
}

/**
 * In 2025 the caller chooses where a tool may run as a task. Chosen for what may not be repeated, and for agents: after a
 * crash it is resumed, where a plain call would be a question to a person. What may be repeated is called plainly, in one
 * round trip.
 */
export function toolCall({ id, effect, tool, checkOutput, key, isAgent = false }: ToolToCall): RemoteCall {
  const isWorthIt =
    tool.taskSupport === 'required' || (tool.taskSupport === 'optional' && (effect === 'unsafe' || isAgent));
  const isTask = ({ client }: Connection): boolean => isWorthIt && makesTasks(client);
  return {
    id,
    effect,
    ...(isAgent && { isAgent }),
    ...(key && { key }),
    isTask,
    send: (connection, args, more, options) => {
      // A Deputy knows best how long it keeps the tasks of its agents.
      const task: JsonObject = isTask(connection) ? { task: isAgent ? {} : { ttl: bounds.taskTimeout } } : {};
      return askTool(connection.client, tool, { arguments: args, ...task, ...wireMore(more) }, options);
    },
    read: (answer) => {
      const outcome = readOutcome(id, answer, checkOutput);
      return isAgent ? settledOutcome(outcome, answer) : outcome;
    },
  };
}

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

export interface RemoteCall {
  /** `server/tool`, for people. */
  id: string;
  effect: EffectClass;
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

/**
 * In 2025 the caller chooses where a tool may run as a task. Chosen for what may not be repeated: after a crash it is
 * resumed, where a plain call would be a question to a person. What may be repeated is called plainly, in one round trip.
 */
export function toolCall(
  id: string,
  effect: EffectClass,
  tool: CallTarget,
  checkOutput: Check | undefined,
  key: KeyPlace | undefined,
): RemoteCall {
  const isWorthIt = tool.taskSupport === 'required' || (tool.taskSupport === 'optional' && effect === 'unsafe');
  const isTask = ({ client }: Connection): boolean => isWorthIt && makesTasks(client);
  return {
    id,
    effect,
    ...(key && { key }),
    isTask,
    send: (connection, args, more, options) => {
      const task: JsonObject = isTask(connection) ? { task: { ttl: bounds.taskTimeout } } : {};
      return askTool(connection.client, tool, { arguments: args, ...task, ...wireMore(more) }, options);
    },
    read: (answer) => readOutcome(id, answer, checkOutput),
  };
}

/**
 * `notifications/tasks` on a `subscriptions/listen` that names `taskIds` (Tasks extension, "Task Status Notifications").
 *
 * The SDK serves the subscription itself, but knows nothing of `taskIds` and drops them. So it is given the request
 * without them, and keeps checking, acknowledging and ending it; the two doors put the tasks into its acknowledgement,
 * and tell of them beside what it tells.
 *
 *   - Nothing is told before the acknowledgement.
 *   - Foreign and missing tasks are left out of it, silently.
 *   - Each notification is what `tasks/get` would answer; the first one tells how the task stands now.
 *   - A subscription to tasks alone is completed when all of them are over.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  SUBSCRIPTION_ID_META_KEY,
  type ClientCapabilities,
  type JSONRPCNotification,
  type JSONRPCRequest,
} from '@modelcontextprotocol/server';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { ServeOptions } from './options.ts';
import { detailedTask } from './task-2026.ts';
import { declaresTasks, tasksRequired } from './tasks-2026.ts';
import { askableOf, type Askable } from './wire-question.ts';

/** Of one subscription. */
const mostTasks = 1000;

export interface TaskListen {
  /** Of the subscription: that of its request. */
  id: string | number;
  taskIds: string[];
  asks: Askable;
  /** The request as the SDK may see it. */
  rest: JSONRPCRequest;
}

/** Undefined where `message` is no subscription to tasks. @throws ProtocolError it may not be made like this. */
export function taskListenOf(message: unknown): TaskListen | undefined {
  if (!isJsonObject(message) || message['method'] !== 'subscriptions/listen') return undefined;
  const { id, params } = message;
  if ((typeof id !== 'string' && typeof id !== 'number') || !isJsonObject(params)) return undefined;
  const { notifications, _meta } = params;
  if (!isJsonObject(notifications) || notifications['taskIds'] === undefined) return undefined;

  const declared = isJsonObject(_meta) ? (_meta[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities) : undefined;
  if (!declaresTasks(declared)) throw tasksRequired();
  const { taskIds, ...others } = notifications;
  if (!Array.isArray(taskIds) || !taskIds.every((task) => typeof task === 'string') || taskIds.length > mostTasks) {
    const what = `notifications.taskIds must be a list of at most ${mostTasks} task ids`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, what);
  }
  return {
    id,
    taskIds: [...new Set(taskIds)],
    asks: askableOf(declared, '2026-07-28'),
    rest: { ...message, params: { ...params, notifications: others } } as unknown as JSONRPCRequest,
  };
}

/** Those of the tasks that are the owner's. */
export async function ownTasks({ engine }: ServeOptions, owner: string, ids: readonly string[]): Promise<string[]> {
  const own = await Promise.all(
    ids.map((id) =>
      engine.get(id, owner).then(
        () => true,
        () => false,
      ),
    ),
  );
  return ids.filter((_, index) => own[index] === true);
}

/** What was asked for and is not about tasks, as the SDK acknowledged it; undefined where `message` acknowledges nothing. */
export function acknowledged(message: unknown): JsonObject | undefined {
  if (!isJsonObject(message) || message['method'] !== 'notifications/subscriptions/acknowledged') return undefined;
  const { params } = message;
  if (!isJsonObject(params)) return undefined;
  return isJsonObject(params['notifications']) ? params['notifications'] : undefined;
}

/** `message`, an acknowledgement, with the tasks in it. */
export const withTasks = (message: JsonObject, taskIds: string[]): JsonObject => ({
  ...message,
  params: { ...(message['params'] as JsonObject), notifications: { ...acknowledged(message), taskIds } },
});

/** The end of a subscription as the server says it. */
export const completion = ({ id }: TaskListen): JsonObject => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', _meta: { [SUBSCRIPTION_ID_META_KEY]: id } },
});

/** Tells of the tasks until all are over or `signal` aborts. */
export async function tellTasks(
  options: ServeOptions,
  owner: string,
  { id, asks }: TaskListen,
  taskIds: readonly string[],
  signal: AbortSignal,
  send: (notification: JSONRPCNotification) => void,
): Promise<void> {
  const { engine, log } = options;
  const tell = async (taskId: string): Promise<void> => {
    for await (const event of engine.watch(taskId, owner, { signal })) {
      if (event.type !== 'status') continue;
      const params = { ...detailedTask(options, event.task, asks), _meta: { [SUBSCRIPTION_ID_META_KEY]: id } };
      send({ jsonrpc: '2.0', method: 'notifications/tasks', params });
    }
  };
  const told = await Promise.allSettled(taskIds.map(tell));
  for (const { reason } of told.filter((outcome) => outcome.status === 'rejected')) {
    log.error({ err: reason as unknown }, 'a subscription could not tell of a task');
  }
}

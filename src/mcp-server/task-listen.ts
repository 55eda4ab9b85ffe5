/**
 * What a `subscriptions/listen` may want to hear of tasks: `notifications/tasks` of those in `taskIds` (Tasks extension,
 * "Task Status Notifications"), and updates of the resources that tasks are.
 *
 * The SDK serves the subscription itself, but drops `taskIds`, and would tell anybody of any resource. So it is given the
 * request without them, and keeps checking, acknowledging and ending it; the two doors put the tasks into its
 * acknowledgement, and tell of them beside what it tells.
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
import { taskIn } from './resources.ts';
import type { Task } from '../task/task.ts';
import { paced } from './activity.ts';
import { detailedTask } from './task-2026.ts';
import { tellUpdates } from './task-updates.ts';
import { isTaskOf, pollMs } from './task-wire.ts';
import { declaresTasks, tasksRequired } from './tasks-2026.ts';
import { askableOf, type Askable } from './wire-question.ts';

/** Of one subscription. */
const mostTasks = 1000;

/** A field that is absent was not asked for. */
export interface TaskFilter {
  taskIds?: string[];
  /** Of tasks. */
  resourceSubscriptions?: string[];
}

export interface TaskListen {
  /** Of the subscription: that of its request. */
  id: string | number;
  wants: TaskFilter;
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
  if (!isJsonObject(notifications)) return undefined;
  const { taskIds, resourceSubscriptions, ...others } = notifications;
  const uris = Array.isArray(resourceSubscriptions) ? resourceSubscriptions : [];
  const taskUris = uris.filter((uri) => typeof uri === 'string').filter((uri) => taskIn(uri) !== undefined);
  if (taskIds === undefined && taskUris.length === 0) return undefined;

  const declared = isJsonObject(_meta) ? (_meta[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities) : undefined;
  if (taskIds !== undefined && !declaresTasks(declared)) throw tasksRequired();
  const areTexts =
    taskIds === undefined || (Array.isArray(taskIds) && taskIds.every((task) => typeof task === 'string'));
  const wanted = areTexts ? [...new Set(taskIds)] : undefined;
  if (wanted === undefined || wanted.length + taskUris.length > mostTasks) {
    const what = `notifications.taskIds must be a list of at most ${mostTasks} task ids`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, what);
  }
  const left = uris.filter((uri) => typeof uri !== 'string' || taskIn(uri) === undefined);
  const rest = { ...others, ...(resourceSubscriptions !== undefined && { resourceSubscriptions: left }) };
  return {
    id,
    wants: {
      ...(taskIds !== undefined && { taskIds: wanted }),
      ...(taskUris.length > 0 && { resourceSubscriptions: [...new Set(taskUris)] }),
    },
    asks: askableOf(declared, '2026-07-28'),
    rest: { ...message, params: { ...params, notifications: rest } } as unknown as JSONRPCRequest,
  };
}

/** What of it may be told: the owner's tasks. */
export async function honored(options: ServeOptions, owner: string, { wants }: TaskListen): Promise<TaskFilter> {
  const { taskIds, resourceSubscriptions } = wants;
  const own = async (names: string[], taskOf: (name: string) => string): Promise<string[]> => {
    const found = await Promise.all(names.map((name) => isTaskOf(options, owner, taskOf(name))));
    return names.filter((_, index) => found[index] === true);
  };
  return {
    ...(taskIds !== undefined && { taskIds: await own(taskIds, (id) => id) }),
    ...(resourceSubscriptions !== undefined && {
      resourceSubscriptions: await own(resourceSubscriptions, (uri) => taskIn(uri) ?? ''),
    }),
  };
}

/** What was asked for and is not about tasks, as the SDK acknowledged it; undefined where `message` acknowledges nothing. */
export function acknowledged(message: unknown): JsonObject | undefined {
  if (!isJsonObject(message) || message['method'] !== 'notifications/subscriptions/acknowledged') return undefined;
  const { params } = message;
  if (!isJsonObject(params)) return undefined;
  return isJsonObject(params['notifications']) ? params['notifications'] : undefined;
}

/** `message`, an acknowledgement, with the tasks in it. */
export function withTasks(message: JsonObject, { taskIds, resourceSubscriptions = [] }: TaskFilter): JsonObject {
  const said = acknowledged(message) ?? {};
  const uris = [...((said['resourceSubscriptions'] as string[] | undefined) ?? []), ...resourceSubscriptions];
  const notifications = {
    ...said,
    ...(taskIds !== undefined && { taskIds }),
    ...(uris.length > 0 && { resourceSubscriptions: uris }),
  };
  return { ...message, params: { ...(message['params'] as JsonObject), notifications } };
}

/** The end of a subscription as the server says it. */
export const completion = ({ id }: TaskListen): JsonObject => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', _meta: { [SUBSCRIPTION_ID_META_KEY]: id } },
});

/** Where notifications leave. */
interface Outlet {
  readonly send: (notification: JSONRPCNotification) => void;
  /** The other side reads more slowly than it is told: what can wait waits. */
  readonly isBehind: () => boolean;
}

/** Tells of the tasks until all are over or `signal` aborts. */
export async function tellTasks(
  options: ServeOptions,
  owner: string,
  { id, asks }: TaskListen,
  { taskIds = [], resourceSubscriptions = [] }: TaskFilter,
  signal: AbortSignal,
  { send, isBehind }: Outlet,
): Promise<void> {
  const { engine, log } = options;
  const sendTask = (task: Task): void => {
    const { _meta, ...detailed } = detailedTask(options, task, asks);
    const params = { ...detailed, _meta: { ...(_meta as JsonObject | undefined), [SUBSCRIPTION_ID_META_KEY]: id } };
    send({ jsonrpc: '2.0', method: 'notifications/tasks', params });
  };
  const tell = async (taskId: string): Promise<void> => {
    let task: Task | undefined;
    // While it waits for people all that it asks goes with it: seldom.
    const gapMs = (): number => (task?.status === 'working' ? pollMs : 5 * pollMs);
    const activity = paced(() => task && sendTask(task), { gapMs, isBehind });
    try {
      for await (const event of engine.watch(taskId, owner, { signal })) {
        if (event.type === 'status') sendTask((task = event.task));
        else if (task?.mandate !== undefined) activity.poke();
      }
    } finally {
      activity.stop();
    }
  };
  const updated = (uri: string): Promise<void> =>
    tellUpdates(options, owner, taskIn(uri) ?? '', signal, () => {
      const params = { uri, _meta: { [SUBSCRIPTION_ID_META_KEY]: id } };
      send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
    });
  const told = await Promise.allSettled([...taskIds.map(tell), ...resourceSubscriptions.map(updated)]);
  for (const { reason } of told.filter((outcome) => outcome.status === 'rejected')) {
    log.error({ err: reason as unknown }, 'a subscription could not tell of a task');
  }
}

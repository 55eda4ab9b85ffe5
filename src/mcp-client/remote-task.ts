/**
 * A task that another server made of our call, read from either wire (2025-11-25, basic/utilities/tasks; the extension
 * `io.modelcontextprotocol/tasks`, SEP-2663). The wires name the same things differently, and the result comes inlined
 * in one and on request in the other.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import { capped, withoutInvisible } from './clean-text.ts';
import { taskKey } from '../meta-keys.ts';
import { roundMark } from './open-round.ts';

const statuses = ['working', 'input_required', 'completed', 'failed', 'cancelled'] as const;

export interface RemoteTask {
  id: string;
  status: (typeof statuses)[number];
  /** What the server says of it, for people. */
  message?: string;
  /** Milliseconds between two polls, as the server wishes. */
  pollMs?: number;
  /** 2026: what the call came to, where it is completed. */
  result?: JsonObject;
  /** 2026: the JSON-RPC error that it failed with. */
  error?: JsonObject;
  /** 2026: what it waits for, by key. */
  asked?: JsonObject;
  /** What else is told of it. */
  meta?: JsonObject;
}

export const isTerminal = (status: RemoteTask['status']): boolean =>
  status !== 'working' && status !== 'input_required';

/** The task that a server answered a call with, or what is wrong with it; undefined where it answered with a result. */
export function taskIn(answer: JsonObject): RemoteTask | string | undefined {
  const { task, content, structuredContent } = answer;
  const isResult = structuredContent !== undefined || (Array.isArray(content) && content.length > 0);
  if (isResult || !isJsonObject(task)) return undefined;
  const { taskId } = task;
  if (typeof taskId !== 'string' || taskId === '' || taskId.length > longestId || taskId.startsWith(roundMark))
    return `its id is ${(JSON.stringify(taskId) ?? 'missing').slice(0, 100)}`;
  // An odd status is no reason to give it up: the next poll may tell more.
  return statuses.includes(task['status'] as never) ? readTask(task, taskId) : { id: taskId, status: 'working' };
}

/**
 * The task that another Deputy answered a plain call with the handle of, since its agent was not done: there is no answer
 * yet. Undefined where there is.
 */
export function openTaskIn({ _meta }: JsonObject): RemoteTask | undefined {
  const told = isJsonObject(_meta) ? _meta[taskKey] : undefined;
  if (!isJsonObject(told) || typeof told['id'] !== 'string' || told['id'].length > longestId) return undefined;
  const { id, status } = told;
  return status === 'working' || status === 'input_required' ? { id, status } : undefined;
}

/** It is stored with the call and sent with every poll. */
const longestId = 1_024;

/** @throws TypeError where it is no task, or another one than `id`. */
export function readTask(answer: JsonObject, id: string): RemoteTask {
  const body = isJsonObject(answer['task']) ? answer['task'] : answer;
  const { taskId, statusMessage, result, error, inputRequests } = body;
  const status = statuses.find((each) => each === body['status']);
  if (taskId !== id) throw new TypeError(`it speaks of another task: ${JSON.stringify(taskId)?.slice(0, 100)}`);
  if (status === undefined)
    throw new TypeError(`its task has no status that there is: ${JSON.stringify(body['status'])?.slice(0, 100)}`);
  const pollMs = body['pollIntervalMs'] ?? body['pollInterval'];
  return {
    id,
    status,
    ...(typeof statusMessage === 'string' &&
      statusMessage !== '' && { message: capped(withoutInvisible(statusMessage.slice(0, 1_000)), 500) }),
    ...(typeof pollMs === 'number' && Number.isFinite(pollMs) && { pollMs }),
    ...(isJsonObject(result) && { result }),
    ...(isJsonObject(error) && { error }),
    ...(isJsonObject(inputRequests) && { asked: inputRequests }),
    ...(isJsonObject(answer['_meta']) && { meta: answer['_meta'] }),
  };
}

/** What is asked for, in words for people. The texts are the server's. */
export function askedFor(requests: JsonObject): string {
  const all = Object.values(requests).map((request) => {
    if (!isJsonObject(request)) return 'something unreadable';
    const params = isJsonObject(request['params']) ? request['params'] : {};
    if (request['method'] === 'sampling/createMessage') return 'an answer of a model';
    if (request['method'] === 'roots/list') return 'the folders that it may work in';
    const { message } = params;
    return typeof message === 'string'
      ? JSON.stringify(capped(withoutInvisible(message.slice(0, 1_000)), 300))
      : 'input';
  });
  const shown = all.slice(0, 5).join(', ');
  return all.length > 5 ? `${shown} and ${all.length - 5} more` : shown === '' ? 'input' : shown;
}

/**
 * What servers of 2025 ask by requests of their own: answered at once where the answer is there, or, where the server
 * wishes, as a task of ours that it looks after (2025-11-25, tasks: here we are the receiver).
 *
 * A task of ours lives in memory: it belongs to a connection and to an open call, and ends with either.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import type { Askers } from './askers.ts';
import { bounds } from './options.ts';
import { type Asked, Refusal } from './relay.ts';

/** @throws Refusal */
export type OnAsked = (client: Client, asked: Asked, signal: AbortSignal) => Promise<JsonObject>;

export function openReception(askers: Askers, log: Log): OnAsked {
  const received = new WeakMap<Client, ReceivedTasks>();
  const tasksOf = (client: Client): ReceivedTasks => {
    const tasks = received.get(client) ?? receivedTasks();
    received.set(client, tasks);
    return tasks;
  };

  return async (client, asked, signal) => {
    const { method, params } = asked;
    if (method.startsWith('tasks/')) return tasksOf(client).answer(method, params, signal);
    const relay = askers.find(client, params);
    // A result that was read before this request ends its call first: what is asked behind it is asked for nothing.
    await new Promise(setImmediate);
    if (relay === undefined || relay.isOver) {
      log.warn(`${method} has to do with no open call; nobody was asked`);
      if (method === 'elicitation/create') return { action: 'cancel' };
      throw new Refusal(rejected, 'no call is open that this has to do with');
    }
    const work = async (ended: AbortSignal): Promise<JsonObject> => {
      try {
        return await relay.answer(relay.nameOf(asked), asked, ended);
      } catch (error) {
        if (error instanceof Refusal) throw error;
        // A fault of ours is none of the server's business.
        if (!ended.aborted) log.error({ error }, `${method} could not be answered`);
        throw new Refusal(internalError, 'it could not be answered');
      }
    };
    return isJsonObject(params['task']) ? tasksOf(client).create(params['task'], work) : work(signal);
  };
}

const rejected = -1;
const invalidParams = -32_602;
const internalError = -32_603;

interface ReceivedTasks {
  /** @param work rejects with a Refusal */
  create(wish: JsonObject, work: (signal: AbortSignal) => Promise<JsonObject>): JsonObject;
  answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

interface Received {
  readonly id: string;
  status: 'working' | 'completed' | 'failed' | 'cancelled';
  readonly createdAt: string;
  updatedAt: string;
  readonly ttl: number;
  message?: string;
  readonly stop: AbortController;
  /** Never rejects; what it holds is there once the status is terminal. */
  end: Promise<void>;
  result?: JsonObject;
  error?: Refusal;
}

const never: Promise<void> = new Promise(() => {});

/** Milliseconds. */
const longestLife = 86_400_000;
const pollInterval = 1_000;

function receivedTasks(): ReceivedTasks {
  const tasks = new Map<string, Received>();
  const find = ({ taskId }: JsonObject): Received => {
    const task = typeof taskId === 'string' ? tasks.get(taskId) : undefined;
    if (task === undefined) throw new Refusal(invalidParams, 'Task not found');
    return task;
  };
  const settle = (
    task: Received,
    status: Received['status'],
    rest: Pick<Received, 'result' | 'error' | 'message'>,
  ): void => {
    if (task.status !== 'working') return;
    Object.assign(task, rest, { status, updatedAt: new Date().toISOString() });
  };

  return {
    create({ ttl: wished }, work) {
      if (tasks.size >= bounds.receivedTasks)
        throw new Refusal(rejected, `there are ${bounds.receivedTasks} tasks of yours here already`);
      const ttl = typeof wished === 'number' && wished > 0 ? Math.min(wished, longestLife) : longestLife;
      const stop = new AbortController();
      const createdAt = new Date().toISOString();
      const id = `ask_${randomBytes(24).toString('base64url')}`;
      const task: Received = { id, status: 'working', createdAt, updatedAt: createdAt, ttl, stop, end: never };
      task.end = work(stop.signal).then(
        (result) => settle(task, 'completed', { result }),
        (error: Refusal) => settle(task, 'failed', { error, message: error.message }),
      );
      tasks.set(id, task);
      // What nobody fetched in its time is forgotten, and what nobody answered is withdrawn.
      const timer = setTimeout(() => {
        stop.abort(new Error('its time is over'));
        tasks.delete(id);
      }, ttl);
      timer.unref();
      return { task: shown(task) };
    },
    async answer(method, params, signal) {
      if (method === 'tasks/list') return { tasks: [...tasks.values()].map(shown) };
      const task = find(params);
      if (method === 'tasks/get') return shown(task);
      if (method === 'tasks/cancel') {
        if (task.status !== 'working') throw new Refusal(invalidParams, `the task is ${task.status} already`);
        settle(task, 'cancelled', {});
        task.stop.abort(new Error('its server cancelled it'));
        return shown(task);
      }
      await Promise.race([task.end, aborted(signal), aborted(task.stop.signal)]);
      if (task.error !== undefined) throw task.error;
      const _meta = { 'io.modelcontextprotocol/related-task': { taskId: task.id } };
      if (task.result !== undefined) return { ...task.result, _meta };
      throw new Refusal(invalidParams, 'the task was cancelled');
    },
  };
}

const shown = ({ id, status, createdAt, updatedAt, ttl, message }: Received): JsonObject => ({
  taskId: id,
  status,
  createdAt,
  lastUpdatedAt: updatedAt,
  ttl,
  pollInterval,
  ...(message !== undefined && { statusMessage: message }),
});

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Requests about a task on another server. Whatever goes wrong is a value: the next one may be luckier. */
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { dropIfGone, faultOf, isRefusal, safeText, unavailable } from './call-fault.ts';
import { readTask, type RemoteTask } from './remote-task.ts';
import { ask, cancelsTasks } from './sdk-seams.ts';
import type { Server } from './server.ts';

export type Answer =
  | { kind: 'answer'; answer: JsonObject }
  /** The server does not know the task (any more). */
  | { kind: 'lost' }
  /** The server said no. */
  | { kind: 'refused'; why: string }
  /** No answer, or none that makes sense. */
  | { kind: 'silent'; why: string };

export type Seen = { kind: 'task'; task: RemoteTask } | Extract<Answer, { kind: 'lost' | 'silent' }>;

/** What both wires say of a task that is not there. */
const invalidParams = -32_602;

/** @throws the signal's reason */
export async function askAbout(
  server: Server,
  method: 'tasks/get' | 'tasks/result' | 'tasks/update',
  id: string,
  signal: AbortSignal,
  timeout: number,
  more: JsonObject = {},
): Promise<Answer> {
  try {
    const connection = await server.connection(signal);
    try {
      return {
        kind: 'answer',
        answer: await ask(connection.client, method, { taskId: id, ...more }, { signal, timeout }),
      };
    } catch (error) {
      if (!signal.aborted) dropIfGone(server, connection, error);
      throw error;
    }
  } catch (error) {
    signal.throwIfAborted();
    const safe = safeText(server);
    if (!isRefusal(error)) return { kind: 'silent', why: safe(faultOf(error)) };
    if (error.code === invalidParams) return { kind: 'lost' };
    if (error.code === unavailable) return { kind: 'silent', why: safe(error.message) };
    return { kind: 'refused', why: safe(`${error.message} (JSON-RPC error ${error.code})`) };
  }
}

/** The task as its server has it. @throws the signal's reason */
export async function look(server: Server, id: string, signal: AbortSignal): Promise<Seen> {
  const answer = await askAbout(server, 'tasks/get', id, signal, server.timings.list);
  if (answer.kind === 'refused') return { kind: 'silent', why: answer.why };
  if (answer.kind !== 'answer') return answer;
  try {
    return { kind: 'task', task: readTask(answer.answer, id) };
  } catch (error) {
    return { kind: 'silent', why: messageOf(error) };
  }
}

/** 2026: the answer to one thing that a task waits for. @throws the signal's reason */
export async function answerTask(
  server: Server,
  id: string,
  key: string,
  response: JsonObject,
  signal: AbortSignal,
): Promise<Answer> {
  const inputResponses = Object.fromEntries([[key, response]]);
  return askAbout(server, 'tasks/update', id, signal, server.timings.list, { inputResponses });
}

/** Waits a moment for the acknowledgement. @returns whether it came. Never throws. */
export async function cancelTask(server: Server, id: string): Promise<boolean> {
  const grace = server.timings.cancelGrace;
  const signal = AbortSignal.timeout(grace);
  try {
    const { client } = await server.connection(signal);
    if (!cancelsTasks(client)) return false;
    await ask(client, 'tasks/cancel', { taskId: id }, { signal, timeout: grace });
    return true;
  } catch {
    return false;
  }
}

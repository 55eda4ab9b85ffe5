/** What both wires say of a task, and how both refuse one. */
import { ProtocolError, ProtocolErrorCode, type CallToolResult } from '@modelcontextprotocol/server';
import { NotFoundError } from '../errors.ts';
import type { InputRequest } from '../task/question.ts';
import type { Task, TerminalState } from '../task/task.ts';
import { servedAgents, type Caller, type ServedAgent, type ServeOptions } from './options.ts';
import { errorResult, toolResult } from './tool.ts';

/** Milliseconds between two polls, as we suggest them. */
export const pollMs = 1000;

export interface TaskFacts {
  taskId: string;
  createdAt: string;
  lastUpdatedAt: string;
  statusMessage?: string;
}

/** `message`: in place of what the task says of itself. */
export function taskFacts(task: Task, message = task.statusMessage ?? defaultMessage(task)): TaskFacts {
  return {
    taskId: task.id,
    createdAt: new Date(task.createdAt).toISOString(),
    lastUpdatedAt: new Date(task.updatedAt).toISOString(),
    ...(message !== undefined && { statusMessage: message }),
  };
}

function defaultMessage(task: Task): string | undefined {
  switch (task.status) {
    case 'input_required':
      return `Waits for an answer: ${openQuestions(task)
        .map(([, request]) => `"${oneLine(request)}"`)
        .join('; ')}.`;
    case 'failed':
      return task.error.message;
    case 'working':
    case 'completed':
    case 'cancelled':
      return undefined;
  }
}

/** By wire key, in the order of asking; none where the task waits for nobody. */
export const openQuestions = (task: Task): [string, InputRequest][] =>
  task.status === 'input_required' ? Object.entries(task.inputRequests) : [];

/** What is asked, in one line for people. */
export function oneLine(request: InputRequest): string {
  switch (request.kind) {
    case 'form':
    case 'url':
      return request.message.split('\n', 1)[0] ?? '';
    case 'sampling':
      return "the caller's model is asked to think";
    case 'roots':
      return "the caller's folders are asked for";
  }
}

/** For a caller that cannot be asked itself. */
export function whereToAnswer(task: Task): string {
  const ways = new Set(openQuestions(task).map(([, request]) => answerWay(task, request)));
  if (ways.size === 0) return 'Nothing is asked now.';
  const commands = [...ways].filter((way) => way.startsWith('deputy ')).map((command) => `"${command}"`);
  const clients = [...ways].filter((way) => !way.startsWith('deputy '));
  return [
    defaultMessage(task),
    ...(commands.length > 0 ? [`A person answers with the command ${commands.join(', ')}.`] : []),
    ...clients.map((client) => `Only ${client} can answer that: look after the task, or call again, from one.`),
  ].join(' ');
}

/** A command for a person, or what a client must be that can answer by itself: nobody else has its model and folders. */
export function answerWay(task: Task, request: InputRequest): string {
  switch (request.kind) {
    case 'form':
    case 'url':
      return answerCommand(task, request);
    case 'sampling':
      return `a client that declares sampling${request.params['tools'] === undefined ? '' : ' with tools'}`;
    case 'roots':
      return 'a client that declares roots';
  }
}

/** The shortest way to the question for a person at a command line. */
const answerCommand = ({ id }: Task, request: InputRequest): string =>
  request.kind === 'form' && request.approval !== undefined
    ? `deputy approvals approve ${request.approval.hash.slice(0, 10)}`
    : `deputy tasks respond ${id}`;

/** Foreign, missing and expired tasks are refused with the same bytes. */
const noSuchTask = (): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, 'Failed to retrieve task: Task not found');

/** @throws ProtocolError as `noSuchTask`, whatever `read` could not find. */
export async function orNoSuchTask<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof NotFoundError) throw noSuchTask();
    throw error;
  }
}

/** @throws ProtocolError as `noSuchTask`. */
export function taskOf({ engine }: ServeOptions, { owner }: Caller, id: string): Promise<Task> {
  return orNoSuchTask(engine.get(id, owner));
}

/**
 * What a plain call of the agent would have answered. The agent may be gone from the configuration meanwhile.
 * @throws ProtocolError the task failed by a fault of ours.
 */
export function answerOf(options: ServeOptions, task: Task & TerminalState): CallToolResult {
  switch (task.status) {
    case 'completed':
      return toolResult(servedAgent(options, task.agent), task, task.result);
    case 'failed':
      throw new ProtocolError(task.error.code, task.error.message);
    case 'cancelled':
      return errorResult('The task was cancelled before it had an answer.', task);
  }
}

const servedAgent = (options: ServeOptions, name: string): ServedAgent | undefined =>
  servedAgents(options).find((agent) => agent.name === name);

export async function isTaskOf({ engine }: ServeOptions, owner: string, id: string): Promise<boolean> {
  try {
    await engine.get(id, owner);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

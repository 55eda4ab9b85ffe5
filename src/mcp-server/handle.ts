/** A task as structured content: what a call is answered with when its caller cannot wait for it, or cannot be asked. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import { redacted } from '../log.ts';
import { text } from '../task/content.ts';
import type { Approval, InputRequest } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { taskKey } from '../meta-keys.ts';
import type { ServeOptions } from './options.ts';
import { answerWay, oneLine, openQuestions, whereToAnswer } from './task-wire.ts';
import { taskMeta } from './tool.ts';

export interface Handle {
  task: string;
  status: Task['status'];
  /** For the model: what is going on, and what it can do. */
  message: string;
  questions?: JsonObject[];
}

export function handleOf(options: ServeOptions, task: Task): Handle {
  const questions = openQuestions(task).map(([key, request]) => shownQuestion(task, key, request));
  return {
    task: task.id,
    status: task.status,
    message: messageOf(options, task),
    ...(questions.length > 0 && { questions }),
  };
}

/** What a call is answered with when it would wait too long, or when somebody else has to answer a question first. */
export function handleResult({ options }: { options: ServeOptions }, task: Task): CallToolResult {
  const handle = handleOf(options, task);
  return {
    content: [text(handle.message)],
    structuredContent: { ...handle },
    _meta: { [taskKey]: taskMeta(task) },
  };
}

function messageOf(options: ServeOptions, task: Task): string {
  const { id, agent } = task;
  switch (task.status) {
    case 'working': {
      const line = options.lines?.of(task) ?? task.statusMessage;
      const now = line === undefined ? '' : ` (${line})`;
      return `${agent} is still at work on task ${id}${now}. Call task_get with this task to wait for its answer.`;
    }
    case 'input_required':
      return options.modelMayAnswer === true
        ? `Task ${id} of ${agent} waits for an answer: answer with task_answer, then call task_get for the result.`
        : `Task ${id} of ${agent} is not over. ${whereToAnswer(task)} Then call task_get for the result.`;
    case 'completed':
      return `Task ${id} of ${agent} is completed.`;
    case 'failed':
      return `Task ${id} of ${agent} has failed: ${task.error.message}`;
    case 'cancelled':
      return `Task ${id} of ${agent} was cancelled.`;
  }
}

function shownQuestion(task: Task, key: string, request: InputRequest): JsonObject {
  const common = { key, kind: request.kind, answer_with: answerWay(task, request) };
  switch (request.kind) {
    case 'form': {
      const { message, schema, approval } = request;
      return { ...common, message, schema, ...(approval !== undefined && { approval: shownApproval(approval) }) };
    }
    case 'url':
      return { ...common, message: request.message, url: request.url };
    case 'sampling':
    case 'roots':
      return { ...common, message: oneLine(request) };
  }
}

/** Whole, but for secrets: the form's few lines may have cut it. */
const shownApproval = ({ tool, bytes, effect, rule, chain, hash, change }: Approval): JsonObject => ({
  tool,
  args: redacted(bytes),
  effect,
  rule,
  chain: [...chain],
  hash,
  ...(change !== undefined && { change }),
});

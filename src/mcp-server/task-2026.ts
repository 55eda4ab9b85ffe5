/** A task as the Tasks extension tells it (`io.modelcontextprotocol/tasks`, specification/draft/tasks.md). */
import type { JsonObject } from '../json.ts';
import type { Task } from '../task/task.ts';
import { activityMeta, metaOf } from './activity.ts';
import type { ServeOptions } from './options.ts';
import { answerOf, openQuestions, pollMs, taskFacts, whereToAnswer } from './task-wire.ts';
import { canAsk, wireRequest, type Askable } from './wire-question.ts';

export const tasksExtension = 'io.modelcontextprotocol/tasks';

/** `CreateTaskResult`: without what a look at the task tells. */
export const createdTask = (task: Task): JsonObject => ({ resultType: 'task', ...common(task), status: task.status });

/**
 * `DetailedTask`. A caller is shown the questions that it can be asked; one that can be asked none of them sees a task
 * that works, and where its questions can be answered: `input_required` with nothing to answer would hang it.
 */
export function detailedTask(options: ServeOptions, task: Task, asks: Askable): JsonObject {
  return { ...stateOf(options, task, asks), ...metaOf(activityMeta(options, task)) };
}

function stateOf(options: ServeOptions, task: Task, asks: Askable): JsonObject {
  switch (task.status) {
    case 'working':
      return { ...common(task, options.lines?.of(task)), status: 'working' };
    case 'input_required': {
      const asked = openQuestions(task).filter(([, request]) => canAsk(asks, request));
      if (asked.length === 0) return { ...common(task, whereToAnswer(task)), status: 'working' };
      const requests = asked.map(([key, request]) => [key, { ...wireRequest(task, request, asks, '2026') }]);
      return { ...common(task), status: 'input_required', inputRequests: Object.fromEntries(requests) as JsonObject };
    }
    case 'completed': {
      const result = answerOf(options, task);
      // ext-tasks 0.2.2 and the Inspector refuse an inlined result that does not say what it is.
      return { ...common(task), status: 'completed', result: { resultType: 'complete', ...(result as JsonObject) } };
    }
    case 'failed':
      return { ...common(task), status: 'failed', error: { ...task.error } };
    case 'cancelled':
      return { ...common(task), status: 'cancelled' };
  }
}

const common = (task: Task, message?: string): JsonObject => ({
  ...taskFacts(task, message),
  ttlMs: task.ttlMs,
  pollIntervalMs: pollMs,
});

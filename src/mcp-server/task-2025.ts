/** A task as 2025-11-25 has it (basic/utilities/tasks, "Task"). */
import { RELATED_TASK_META_KEY } from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import { textOf } from '../task/content.ts';
import type { Task } from '../task/task.ts';
import type { ServeOptions } from './options.ts';
import { answerOf, openQuestions, pollMs, taskFacts, whereToAnswer, type TaskFacts } from './task-wire.ts';
import { canAsk, type Askable } from './wire-question.ts';

export interface Task2025 extends TaskFacts {
  status: Task['status'];
  /** Milliseconds from its creation; null for ever. */
  ttl: number | null;
  /** Milliseconds. */
  pollInterval: number;
}

/**
 * A result that is an error is a failed task on this wire. A client that cannot be asked sees `working`, with the place to
 * answer: `input_required` would make it wait for a question that never comes.
 */
export function task2025(options: ServeOptions, task: Task, asks: Askable): Task2025 {
  const common = { ttl: task.ttlMs, pollInterval: pollMs };
  switch (task.status) {
    case 'working':
      return { ...taskFacts(task, options.lines?.of(task)), ...common, status: 'working' };
    case 'input_required':
      return openQuestions(task).some(([, request]) => canAsk(asks, request))
        ? { ...taskFacts(task), ...common, status: 'input_required' }
        : { ...taskFacts(task, whereToAnswer(task)), ...common, status: 'working' };
    case 'completed': {
      const { isError, content } = answerOf(options, task);
      return isError === true
        ? { ...taskFacts(task, textOf(content).slice(0, 500)), ...common, status: 'failed' }
        : { ...taskFacts(task), ...common, status: 'completed' };
    }
    case 'failed':
    case 'cancelled':
      return { ...taskFacts(task), ...common, status: task.status };
  }
}

/** On everything that belongs to a task and does not name it otherwise ("Related Task Metadata"). */
export const relatedTo = (taskId: string): JsonObject => ({ [RELATED_TASK_META_KEY]: { taskId } });

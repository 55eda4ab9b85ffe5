import { text } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import type { LimitName, StopReason, TaskResult } from '../task/task.ts';
import type { Agent } from './agent.ts';
import type { Budget, Spent } from './limits.ts';
import type { Message, UserMessage } from './model.ts';

/** One agent at work inside a task (or inside a branch of its caller's task). */
export interface Run {
  readonly agent: Agent;
  /** The conversation so far; the loop appends to it. */
  readonly messages: Message[];
  /** What the caller asked: stays word for word whatever is compacted. */
  readonly request: UserMessage['content'];
  readonly context: TaskContext;
  readonly budget: Budget;
  readonly spent: Spent;
  /** Tokens that the newest reply and its prompt took of the context window. */
  filled: number;
  /** How often the model was asked to put its answer right. */
  amendments: number;
  /** A person stopped the task at one of its calls. */
  isStopped: boolean;
  /** The newest text of the model in this run. */
  said: string;
}

/** The result of an agent that could not answer: why, and the last thing that it said. */
export function stopped(run: Run, stop: Exclude<StopReason, 'answer'>, why: string, limit?: LimitName): TaskResult {
  return {
    content: [text(run.said === '' ? why : `${why}\n\nIts last words were:\n${run.said}`)],
    isError: true,
    stop,
    ...(limit !== undefined && { limit }),
    usage: run.spent.usage,
  };
}

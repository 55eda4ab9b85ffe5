import type PQueue from 'p-queue';
import { text, textOf } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import type { LimitName, StopReason, TaskResult } from '../task/task.ts';
import type { Agent } from './agent.ts';
import type { Budget, Spent } from './limits.ts';
import type { Message } from './model.ts';

/** One agent at work inside a task (or inside a branch of its caller's task). */
export interface Run {
  readonly agent: Agent;
  /** The conversation so far; the loop appends to it. */
  readonly messages: Message[];
  readonly context: TaskContext;
  readonly budget: Budget;
  readonly spent: Spent;
  /** Bounds the effects that run side by side; nothing waits in it while it thinks. */
  readonly queue: PQueue;
  /** Tokens that the newest reply and its prompt took of the context window. */
  filled: number;
  /** How often the model was asked to put its answer right. */
  amendments: number;
}

/** The result of an agent that could not answer: why, and the last thing that it said. */
export function stopped(run: Run, stop: Exclude<StopReason, 'answer'>, why: string, limit?: LimitName): TaskResult {
  const said = lastWords(run.messages);
  return {
    content: [text(said === '' ? why : `${why}\n\nIts last words were:\n${said}`)],
    isError: true,
    stop,
    ...(limit !== undefined && { limit }),
    usage: run.spent.usage,
  };
}

function lastWords(messages: readonly Message[]): string {
  const last = messages.findLast((message) => message.role === 'assistant' && textOf(message.content) !== '');
  return last === undefined ? '' : textOf(last.content);
}

/** What the engine's tests are made of: tasks, what becomes of them, and work that is done by hand. */
import { text } from '../../src/task/content.ts';
import type { StartTask, TaskContext, TaskHandler } from '../../src/task/engine.ts';
import type { TaskEvent } from '../../src/task/event.ts';
import type { Via } from '../../src/task/question.ts';
import type { Task, TaskResult } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

export const answer = (words: string): TaskResult => ({ content: [text(words)], stop: 'answer', usage: noUsage });
export const via: Via = { channel: 'test' };
export const request: StartTask = { agent: 'a', input: { message: 'hi' }, owner: 'ann' };

export const collect = async (events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> => {
  const seen: TaskEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
};
/** The statuses among them, and the types of the others. */
export const shapes = (events: readonly TaskEvent[]): string[] =>
  events.map((event) => (event.type === 'status' ? event.task.status : event.type));

/** Each task waits for the test to settle its `result`; it ends by itself when cut off, unless it is `heedless`. */
export function byHand(heedless = false): { handler: TaskHandler; of(task: Task): Promise<Hand> } {
  const hands = new Map<string, PromiseWithResolvers<Hand>>();
  const handOf = (id: string): PromiseWithResolvers<Hand> => {
    const hand = hands.get(id) ?? Promise.withResolvers<Hand>();
    hands.set(id, hand);
    return hand;
  };
  return {
    handler: (task, context) => {
      const result = Promise.withResolvers<TaskResult>();
      if (!heedless) context.signal.addEventListener('abort', () => result.reject(context.signal.reason));
      handOf(task.id).resolve({ context, result });
      return result.promise;
    },
    of: (task) => handOf(task.id).promise,
  };
}
/** The words of its answer. */
export const textOf = (task: Task): string => {
  if (task.status !== 'completed') throw new Error(`it is ${task.status}`);
  return task.result.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
};
export interface Hand {
  context: TaskContext;
  result: PromiseWithResolvers<TaskResult>;
}

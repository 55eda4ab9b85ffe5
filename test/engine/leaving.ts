import { text } from '../../src/task/content.ts';
import type { TaskHandler } from '../../src/task/engine.ts';
import type { TaskResult } from '../../src/task/task.ts';
import { noUsage } from '../../src/task/usage.ts';

const answer = (words: string): TaskResult => ({ content: [text(words)], stop: 'answer', usage: noUsage });

/** A task whose unsafe call leaves and never comes back; where a process before left it, it says what it found. */
export const leaving =
  (sent: () => void): TaskHandler =>
  async (_, context) => {
    await context.step('first', async () => 1);
    const left = context.unfinished('call');
    if (left !== undefined) return answer(left.bytes);
    await context.step('call', async (_signal, commit) => {
      await commit('{"to": "bank"}', 'unsafe');
      sent();
      await new Promise(() => {});
    });
    return answer('never');
  };

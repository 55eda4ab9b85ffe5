import { text } from '../../src/task/content.ts';
import type { TaskHandler } from '../../src/task/engine.ts';
import { noUsage } from '../../src/task/usage.ts';

/** A task that waits until somebody says something to it, then sleeps for an hour, then says what it heard. */
export const listening: TaskHandler = async (_, context) => {
  const heard = await context.step('listen', async (signal) => {
    while (context.inbox.length === 0 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
    return context.inbox.map((sent) => sent.text).join();
  });
  await context.sleep('pause', 3_600_000, 'it heard');
  return { content: [text(heard)], stop: 'answer', usage: noUsage };
};

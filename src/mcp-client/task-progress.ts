/** What is told of a task while it is followed, as progress of the call: each thing once. */
import type { ToolCallOptions } from '../agent/tool.ts';
import { activityBelow } from './agent-activity.ts';
import type { RemoteTask } from './remote-task.ts';
import type { Server } from './server.ts';

export interface TaskProgress {
  seen(task: Partial<RemoteTask>): void;
  /** Its server does not answer, and is asked again. */
  silent(why: string): void;
}

export function taskProgress({ options }: Server, onProgress: ToolCallOptions['onProgress']): TaskProgress {
  let last = JSON.stringify([undefined, undefined]);
  let progress = 0;
  const tell = (message: string | undefined, below?: ReturnType<typeof activityBelow>): void => {
    const now = JSON.stringify([message, below]);
    if (now === last || (message === undefined && below === undefined)) return;
    last = now;
    progress += 1;
    onProgress({ progress, ...(message !== undefined && { message }), ...(below !== undefined && { below }) });
  };
  return {
    seen: ({ message, meta }) => tell(message, options.deputy === true ? activityBelow(options.name, meta) : undefined),
    silent: (why) => tell(`the server "${options.name}" does not answer, and is asked again: ${why}`),
  };
}

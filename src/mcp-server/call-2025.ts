/** The face of a blocking call on the wire up to 2025-11-25. */
import { isTerminal } from '../task/task.ts';
import type { Face } from './call-agent.ts';
import { defaultWaitMs, followTask } from './follow-task.ts';
import { handleResult } from './handle-tools.ts';
import { startTask } from './start-task.ts';
import { answerOf } from './task-wire.ts';
import { errorResult } from './tool.ts';

export const call2025: Face = async (call) => {
  const started = await startTask(call);
  if (started.refused !== undefined) return errorResult(started.refused);
  const { waitMs = defaultWaitMs } = call.options;
  const task = await followTask(call, started.task, { forMs: waitMs });
  return isTerminal(task) ? answerOf(call.options, task) : handleResult(call, task);
};

/** How `tools/call` is answered on the wire up to 2025-11-25: with the answer, with a task's handle, or with a task. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { JsonObject } from '../json.ts';
import { isTerminal } from '../task/task.ts';
import type { Face } from './call-agent.ts';
import { defaultWaitMs, followTask, gathered, isAsking } from './follow-task.ts';
import { handleResult } from './handle.ts';
import type { ServeOptions } from './options.ts';
import { OtherResult } from './sdk-seams.ts';
import { report, streamOf, type Session } from './session-2025.ts';
import { startTask } from './start-task.ts';
import { task2025 } from './task-2025.ts';
import { answerOf } from './task-wire.ts';
import { errorResult } from './tool.ts';

/** Waits for the answer, and asks what the task asks on the call's own stream. */
export const callForAnswer =
  (session: Session): Face =>
  async (call) => {
    const started = await startTask(call);
    if (started.refused !== undefined) return errorResult(started.refused);
    const { options, context, agent } = call;
    if (agent.isPolled === true) context.http?.closeSSE?.();
    const seat = session.dialogs.join(started.task, { route: streamOf(session, context) });
    try {
      const { waitMs = defaultWaitMs } = options;
      let task = await followTask(call, started.task, { forMs: waitMs, until: seat.stuck });
      if (isAsking(task)) task = await gathered(call, task);
      return isTerminal(task) ? answerOf(options, task) : handleResult(call, task);
    } finally {
      seat.leave();
    }
  };

/** @param augmentation the `task` parameter (2025-11-25, tasks, "Creating Tasks"). */
export const callForTask =
  (session: Session, augmentation: JsonObject): Face =>
  async (call) => {
    const { options, agent, asks, context } = call;
    const started = await startTask(call, ttlWithin(options, augmentation['ttl']));
    // A caller that asked for a task understands nothing but a task, or an error.
    if (started.refused !== undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, started.refused);
    const { task } = started;
    report(session, task, context.mcpReq._meta?.progressToken);
    const forModel = `${agent.name} works on this as task ${task.id}; its answer comes later.`;
    return new OtherResult({
      task: { ...task2025(options, task, asks) },
      _meta: { 'io.modelcontextprotocol/model-immediate-response': forModel },
    });
  };

/** The shortest that a task is kept for anybody, so that its answer can be fetched. */
const minTtlMs = 60_000;
const weekMs = 7 * 24 * 3_600_000;

function ttlWithin({ maxTtlMs = weekMs }: ServeOptions, ttl: unknown): number | undefined {
  return typeof ttl === 'number' ? Math.min(Math.max(Math.ceil(ttl), minTtlMs), maxTtlMs) : undefined;
}

/** `tasks/get`, `tasks/result`, `tasks/list` and `tasks/cancel` of 2025-11-25 (basic/utilities/tasks). */
import { ProtocolError, ProtocolErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import type { JsonObject } from '../json.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { activityMeta, metaOf } from './activity.ts';
import { followTask } from './follow-task.ts';
import { unavailableCode } from './meta.ts';
import { declaration2025, report, streamOf, type Session } from './session-2025.ts';
import { relatedTo, task2025 } from './task-2025.ts';
import { answerOf, orNoSuchTask, taskOf } from './task-wire.ts';
import { viaMcp } from './via.ts';

const OneTask = z.looseObject({ taskId: z.string() });
const Page = z.looseObject({ cursor: z.string().optional() });
const Any = z.looseObject({});

const pageSize = 50;

/** Tasks belong to 2025-11-25 alone. */
export const hasTasks = (protocolVersion: string): boolean => protocolVersion === '2025-11-25';

export function serveTasks(session: Session): void {
  const { options, caller } = session;
  const { engine } = options;
  const shown = (task: Task): JsonObject => ({ ...task2025(options, task, session.asks()) });
  const serve = <P>(
    method: string,
    params: z.ZodType<P>,
    handle: (params: P, context: ServerContext) => Promise<JsonObject>,
  ): void =>
    session.server.server.setRequestHandler(method, { params, result: Any }, async (given, context) => {
      if (!hasTasks(declaration2025(session.server).protocolVersion)) {
        throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
      }
      return handle(given, context);
    });

  serve('tasks/get', OneTask, async ({ taskId }) => {
    const task = await taskOf(options, caller, taskId);
    // Who polls wants to know: also after a restart, when nobody remembers who started it.
    report(session, task);
    return { ...shown(task), ...metaOf(activityMeta(options, task)) };
  });

  serve('tasks/result', OneTask, async ({ taskId }, context) =>
    resultOf(session, await taskOf(options, caller, taskId), context),
  );

  serve('tasks/list', Page, async ({ cursor }) => {
    const { owner } = caller;
    if (cursor !== undefined && !(await isTask(session, cursor))) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid cursor: begin again without one');
    }
    const tasks = await engine.list({ owner, limit: pageSize + 1, ...(cursor !== undefined && { after: cursor }) });
    const page = tasks.slice(0, pageSize);
    const last = page.at(-1);
    return { tasks: page.map(shown), ...(last !== undefined && tasks.length > pageSize && { nextCursor: last.id }) };
  });

  serve('tasks/cancel', OneTask, async ({ taskId }) => {
    const task = await taskOf(options, caller, taskId);
    if (isTerminal(task)) throw isOver(session, task);
    const now = await orNoSuchTask(engine.cancel(taskId, caller.owner, viaMcp('tasks/cancel', clientOf(session))));
    // It may have ended by itself in between.
    if (now.status !== 'cancelled') throw isOver(session, now);
    return shown(now);
  });
}

const clientOf = ({ server }: Session): string | undefined => declaration2025(server).client;

const isTask = async ({ options, caller }: Session, id: string): Promise<boolean> =>
  taskOf(options, caller, id).then(
    () => true,
    () => false,
  );

const isOver = ({ options, asks }: Session, task: Task): ProtocolError =>
  new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `Cannot cancel task: already in terminal status '${task2025(options, task, asks()).status}'`,
  );

/** Waits until the task is over; its questions are asked on the stream of this very request. */
async function resultOf(session: Session, task: Task, context: ServerContext): Promise<JsonObject> {
  const { options, caller, dialogs } = session;
  const client = clientOf(session);
  const waiting = { options, caller, context, client, asks: session.asks(), tell: () => undefined };
  const seat = dialogs.join(task, { route: streamOf(session, context, task.id), anew: true });
  caller.onCall?.(1);
  try {
    const until = context.mcpReq.signal;
    const over = await followTask(waiting, task, { forMs: null, leaves: true, until });
    // Nobody hears it but a client whose server goes away: it asks again for the result.
    if (!isTerminal(over)) throw new ProtocolError(unavailableCode, `Task ${task.id} is not over: ask again.`);
    const { _meta, ...result } = answerOf(options, over);
    return { ...result, _meta: { ..._meta, ...relatedTo(task.id) } } as JsonObject;
  } finally {
    caller.onCall?.(-1);
    seat.leave();
  }
}

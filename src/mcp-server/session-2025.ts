/** One 2025 client, for as long as it is connected or its session lasts: how it is asked, and what it is told. */
import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import type { JsonObject } from '../json.ts';
import type { TaskEvent } from '../task/event.ts';
import { isTerminal, type Task } from '../task/task.ts';
import { activityMeta, metaOf, paced } from './activity.ts';
import { describeEvent } from './describe-event.ts';
import { Dialogs, type Route } from './dialogs-2025.ts';
import type { Caller, ServeOptions } from './options.ts';
import type { AgentServer } from './sdk-seams.ts';
import { relatedTo, task2025, type Task2025 } from './task-2025.ts';
import { clientName } from './via.ts';
import { askableOf, type Askable, type WireRequest } from './wire-question.ts';
import type { Declaration } from './wire.ts';

export interface Session {
  readonly server: AgentServer;
  readonly options: ServeOptions;
  readonly caller: Caller;
  readonly dialogs: Dialogs;
  /** Whose ends this session is told of, by id. */
  readonly reported: Set<string>;
  /** What the client declared when it introduced itself. */
  readonly asks: () => Askable;
}

export function openSession(server: AgentServer, options: ServeOptions, caller: Caller): Session {
  const { engine, log, graceMs = 3000 } = options;
  const asks = (): Askable => {
    const { capabilities, protocolVersion } = declaration2025(server);
    return askableOf(capabilities, protocolVersion);
  };
  const dialogs = new Dialogs({
    engine,
    log,
    graceMs,
    asks,
    owner: caller.owner,
    client: () => declaration2025(server).client,
    ownStream: (taskId) => ownStream(server, caller, taskId),
  });
  caller.streams?.onChange(() => dialogs.streamsChanged());
  server.whenClosed(() => dialogs.close());
  return { server, options, caller, dialogs, reported: new Set(), asks };
}

export function declaration2025({ server }: McpServer): Declaration {
  return {
    capabilities: server.getClientCapabilities(),
    protocolVersion: server.getNegotiatedProtocolVersion() ?? '2025-11-25',
    client: clientName(server.getClientVersion()),
  };
}

const anyResult = z.record(z.string(), z.unknown());
/** People take their time: the longest that a timer can wait. */
const timeout = 2 ** 31 - 1;

/** The stream of a request. @param taskId where the client knows of the task: everything sent for it must say so. */
export const streamOf = ({ caller }: Session, { mcpReq }: ServerContext, taskId?: string): Route => ({
  send: (request, signal) => mcpReq.send(about(request, taskId), anyResult, { signal, timeout }),
  isAlive: () => !mcpReq.signal.aborted && caller.streams?.isBroken(mcpReq.id) !== true,
});

/** The session's own stream, which belongs to no request. */
const ownStream = ({ server }: AgentServer, { streams }: Caller, taskId: string): Route => ({
  send: (request, signal) => server.request(about(request, taskId), anyResult, { signal, timeout }),
  isAlive: () => streams?.hasOwn ?? true,
});

function about(request: WireRequest, taskId: string | undefined): WireRequest {
  if (taskId === undefined) return request;
  const _meta = { ...(request.params?.['_meta'] as JsonObject | undefined), ...relatedTo(taskId) };
  return { ...request, params: { ...request.params, _meta } };
}

/** They are kept for clients that come back, beside what matters more; and who wants to know sooner polls. */
const activityGapMs = 5000;

/** Of one session. What is beyond is polled. */
const mostReported = 1000;

/**
 * Tells the session what becomes of a task: its status, its progress, and its questions where nobody comes for them.
 * @param progressToken of the call: it counts as long as the task does (2025-11-25, tasks, "Task Progress Notifications").
 */
export function report(session: Session, task: Task, progressToken?: string | number): void {
  const { server, options, dialogs, reported, asks } = session;
  if (isTerminal(task) || reported.has(task.id) || reported.size >= mostReported) return;
  reported.add(task.id);
  let leaving = 0;
  const send = (method: string, params: Record<string, unknown>): void => {
    leaving += 1;
    server.server
      .notification({ method, params })
      .catch(unheard)
      .finally(() => (leaving -= 1));
  };
  const stateOf = ({ status, statusMessage }: Task2025): string => JSON.stringify([status, statusMessage]);
  // What the client learns by the answer to its request.
  let told = stateOf(task2025(options, task, asks()));
  let current: Task = task;
  const tellTask = (): void =>
    send('notifications/tasks/status', {
      ...task2025(options, current, asks()),
      ...metaOf(activityMeta(options, current)),
    });
  const activity = paced(tellTask, { gapMs: () => activityGapMs, isBehind: () => leaving > 0 });
  let progress = 0;
  const onEvent = (event: TaskEvent): void => {
    if (event.type !== 'status') {
      if (task.mandate !== undefined) activity.poke();
      const message = event.type === 'tool_progress' ? undefined : describeEvent(event);
      if (message === undefined || progressToken === undefined) return;
      progress += 1;
      send('notifications/progress', { progressToken, progress, message, _meta: relatedTo(task.id) });
      return;
    }
    current = event.task;
    const now = task2025(options, current, asks());
    if (stateOf(now) !== told) tellTask();
    told = stateOf(now);
    if (!isTerminal(current)) return;
    activity.stop();
    reported.delete(task.id);
    seat.leave();
  };
  const seat = dialogs.join(task, { onEvent });
}

/** A client that is gone hears nothing. */
const unheard = (): void => undefined;

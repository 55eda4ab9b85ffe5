/** The Tasks extension on the 2026-07-28 wire: a call that becomes a task, and the methods to watch, answer and end it. */
import {
  MissingRequiredClientCapabilityError,
  type ClientCapabilities,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import type { Via } from '../task/question.ts';
import { givenIn, takeAnswers } from './answers.ts';
import type { Face } from './call-agent.ts';
import type { Caller, ServeOptions } from './options.ts';
import { clientInRequest, declaredInRequest, OtherResult } from './sdk-seams.ts';
import { startTask } from './start-task.ts';
import { createdTask, detailedTask, tasksExtension } from './task-2026.ts';
import { orNoSuchTask, taskOf } from './task-wire.ts';
import { errorResult } from './tool.ts';
import { clientName, viaMcp } from './via.ts';
import { askableOf } from './wire-question.ts';

/** Answered with a task at once. */
export const taskCall2026: Face = async (call) => {
  const started = await startTask(call);
  if (started.refused !== undefined) return errorResult(started.refused);
  return new OtherResult(createdTask(started.task));
};

export const declaresTasks = (declared: ClientCapabilities | undefined): boolean =>
  declared?.extensions?.[tasksExtension] !== undefined;

export const tasksRequired = (): MissingRequiredClientCapabilityError =>
  new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [tasksExtension]: {} } } });

const viaOf = (context: ServerContext): Via => viaMcp(context.mcpReq.method, clientName(clientInRequest(context)));

const named = { params: z.looseObject({ taskId: z.string() }) };

export function serveTasks2026({ server }: McpServer, options: ServeOptions, caller: Caller): void {
  const { engine } = options;
  const { owner } = caller;

  server.setRequestHandler('tasks/get', named, async ({ taskId }, context) => {
    const declared = declaredInRequest(context);
    if (!declaresTasks(declared)) throw tasksRequired();
    return detailedTask(options, await taskOf(options, caller, taskId), askableOf(declared, '2026-07-28'));
  });

  server.setRequestHandler('tasks/update', named, async ({ taskId }, context) => {
    if (!declaresTasks(declaredInRequest(context))) throw tasksRequired();
    const answers = takeAnswers(await taskOf(options, caller, taskId), givenIn(context));
    if (Object.keys(answers).length > 0) {
      await orNoSuchTask(engine.respond(taskId, owner, answers, viaOf(context)));
    }
    return {};
  });

  server.setRequestHandler('tasks/cancel', named, async ({ taskId }, context) => {
    if (!declaresTasks(declaredInRequest(context))) throw tasksRequired();
    await orNoSuchTask(engine.cancel(taskId, owner, viaOf(context)));
    return {};
  });
}

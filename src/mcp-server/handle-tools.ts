/**
 * The tools to watch, answer, steer and cancel a task, for callers that know nothing of tasks. They are listed for
 * everybody: lists of 2026 do not vary by caller, and a task that was started on one wire may be looked at on another.
 */
import type { CallToolResult, InputRequiredResult, Tool } from '@modelcontextprotocol/server';
import { longestTimer } from '../agent/limits.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { schemaCheck } from '../json-schema.ts';
import type { InputResponse } from '../task/question.ts';
import { isTerminal, type Task } from '../task/task.ts';
import type { Waiting } from './call.ts';
import { defaultWaitMs } from './follow-task.ts';
import { handleSchema } from './handle-schema.ts';
import { handleOf, handleResult } from './handle.ts';
import { handleToolKey } from '../meta-keys.ts';
import type { ServeOptions } from './options.ts';
import { answerOf, openQuestions, whereToAnswer } from './task-wire.ts';
import { errorResult } from './tool.ts';
import { viaMcp } from './via.ts';
import type { ServedWire } from './wire.ts';

type Shown = CallToolResult | InputRequiredResult;

export interface HandleTool {
  tool: Tool;
  readonly answer: (call: Waiting, args: JsonObject, look: ServedWire['look']) => Promise<Shown>;
}

const taskId = { type: 'string', description: 'The id of the task, as the call of the agent answered it.' };

const waitSeconds = {
  type: 'number',
  minimum: 0,
  description: 'How long to wait for the task to be over. Default: as long as a call may; 0 answers at once.',
};

const answers = {
  type: 'object',
  description: 'By the key of the question. `content` holds the fields of its form.',
  additionalProperties: {
    type: 'object',
    properties: { action: { type: 'string', enum: ['accept', 'decline'] }, content: { type: 'object' } },
    required: ['action'],
  },
};

const message = { type: 'string', minLength: 1, maxLength: 20_000, description: 'What the agent is to know or to do.' };

/** What a call must give besides its task. */
const required = new Set(['answers', 'message']);

/** In the order of their names. */
export const handleTools: readonly HandleTool[] = [
  {
    tool: toolOf('task_answer', 'Answers what a task asks, where its owner lets a model do that.', { answers }),
    answer: answerQuestions,
  },
  {
    tool: toolOf('task_cancel', 'Cancels a task. What it has done stays done.', {}),
    answer: async ({ options, caller, client }, args) =>
      shown(options, await options.engine.cancel(idIn(args), caller.owner, viaMcp('task_cancel', client))),
  },
  {
    tool: toolOf('task_get', 'Waits for a task, and answers with its result, or with what it does.', {
      wait_seconds: waitSeconds,
    }),
    answer: getTask,
  },
  {
    tool: toolOf('task_send', 'Tells a running task something: its agent reads it before its next turn.', { message }),
    answer: sendMessage,
  },
];

function toolOf(name: string, description: string, more: Record<string, JsonObject>): Tool {
  const isLook = name === 'task_get';
  const isSaid = name === 'task_send';
  return {
    name,
    description,
    inputSchema: {
      type: 'object',
      properties: { task: taskId, ...more },
      required: ['task', ...Object.keys(more).filter((field) => required.has(field))],
      additionalProperties: false,
    },
    outputSchema: handleSchema,
    annotations: {
      readOnlyHint: isLook,
      destructiveHint: !isLook && !isSaid,
      idempotentHint: !isSaid,
      openWorldHint: false,
    },
    _meta: { [handleToolKey]: true },
  };
}

const checks = new Map(handleTools.map(({ tool }) => [tool.name, schemaCheck(tool.inputSchema as JsonObject)]));

/** What the caller's model can mend is a result with `isError`; foreign and missing tasks are the same. */
export async function callHandleTool(
  { tool: { name }, answer }: HandleTool,
  call: Waiting,
  args: JsonObject,
  look: ServedWire['look'],
): Promise<Shown> {
  const fault = checks.get(name)?.(args);
  if (fault !== undefined) return errorResult(`Invalid arguments for ${name}: ${fault}`);
  try {
    return await answer(call, args, look);
  } catch (error) {
    if (error instanceof NotFoundError) return errorResult(`There is no task ${idIn(args)}.`);
    if (error instanceof UsageError) return errorResult(error.message);
    throw error;
  }
}

/** The arguments were checked: it is there, and it is text. */
const idIn = ({ task }: JsonObject): string => (typeof task === 'string' ? task : '');

async function getTask(call: Waiting, args: JsonObject, look: ServedWire['look']): Promise<Shown> {
  const { options, caller } = call;
  const task = await options.engine.get(idIn(args), caller.owner);
  const { waitMs = defaultWaitMs } = options;
  const most = waitMs ?? Number.POSITIVE_INFINITY;
  const wanted = args['wait_seconds'];
  const forMs = Math.min(typeof wanted === 'number' ? wanted * 1000 : most, most, longestTimer);
  if (isTerminal(task) || forMs === 0) return shown(options, task);
  const seen = await look({ ...call, args, agent: { name: 'task_get' } }, task, forMs);
  return 'resultType' in seen ? seen : shown(options, seen);
}

async function answerQuestions({ options, caller, client }: Waiting, args: JsonObject): Promise<CallToolResult> {
  const id = idIn(args);
  const given = args['answers'];
  const now = await options.engine.get(id, caller.owner);
  if (options.modelMayAnswer !== true) return errorResult(whereToAnswer(now), now);
  const open = new Set(openQuestions(now).map(([key]) => key));
  const entries = Object.entries(isJsonObject(given) ? given : {});
  const strangers = entries.filter(([key]) => !open.has(key)).map(([key]) => key);
  if (strangers.length > 0) {
    return errorResult(`Not asked, or not any more: ${strangers.join(', ')}. ${handleOf(options, now).message}`, now);
  }
  const responses = Object.fromEntries(entries.map(([key, answer]) => [key, responseOf(answer)]));
  return shown(options, await options.engine.respond(id, caller.owner, responses, viaMcp('task_answer', client)));
}

/** Words to the agent, never an answer to what its task asks. */
async function sendMessage({ options, caller, client }: Waiting, args: JsonObject): Promise<CallToolResult> {
  const said = typeof args['message'] === 'string' ? args['message'] : '';
  const task = await options.engine.send(idIn(args), caller.owner, said, viaMcp('task_send', client));
  return shown(options, task);
}

function responseOf(answer: unknown): InputResponse {
  if (!isJsonObject(answer) || answer['action'] !== 'accept') return { action: 'decline' };
  const { content } = answer;
  return { action: 'accept', content: isJsonObject(content) ? content : {} };
}

/** A task as these tools show it: with its answer, as soon as there is one. */
function shown(options: ServeOptions, task: Task): CallToolResult {
  if (task.status !== 'completed') return handleResult({ options }, task);
  const { content, structuredContent, isError, _meta } = answerOf(options, task);
  const result = structuredContent === undefined ? {} : { result: structuredContent };
  return {
    content,
    structuredContent: { ...handleOf(options, task), ...result },
    ...(isError === true && { isError }),
    ...(_meta !== undefined && { _meta }),
  };
}

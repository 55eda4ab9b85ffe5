/** The `inputResponses` of a 2026 request, as answers to the questions of a task. */
import { ProtocolError, ProtocolErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import type { InputResponse } from '../task/question.ts';
import type { Task } from '../task/task.ts';
import { openQuestions } from './task-wire.ts';
import { inputResponse } from './wire-question.ts';

/** By wire key, as they came. */
export type Given = Map<string, unknown>;

/** The SDK lifts them off every request, and sets aside entries that are no bare responses. */
export function givenIn({ mcpReq }: ServerContext): Given {
  const dropped = (mcpReq.droppedInputResponseKeys ?? []).map((key): [string, unknown] => [key, undefined]);
  return new Map([...Object.entries(mcpReq.inputResponses ?? {}), ...dropped]);
}

/**
 * Takes from `given` what answers an open question; what answers none (any more) stays and means nothing.
 * @throws ProtocolError an answer to an open question that is no answer at all.
 */
export function takeAnswers(task: Task, given: Given): Record<string, InputResponse> {
  const answers: Record<string, InputResponse> = {};
  for (const [key, request] of openQuestions(task)) {
    if (!given.has(key)) continue;
    const response = inputResponse(request, given.get(key));
    if (response === undefined) {
      const what = `inputResponses[${JSON.stringify(key)}] is no result of the request that was made under this key`;
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, what);
    }
    answers[key] = response;
    given.delete(key);
  }
  return answers;
}

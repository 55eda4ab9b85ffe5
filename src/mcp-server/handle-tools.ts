/** A task as structured content, for callers that know nothing of tasks, and the tools to watch, answer and cancel it. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { text } from '../task/content.ts';
import type { Task } from '../task/task.ts';
import type { Call } from './call.ts';

/** What a call is answered with when it would wait too long, or when somebody else has to answer a question first. */
export function handleResult(_call: Call, task: Task): CallToolResult {
  return {
    content: [text(`Task ${task.id} is ${task.status}.`)],
    structuredContent: { task: task.id, status: task.status },
  };
}

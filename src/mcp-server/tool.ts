import type { CallToolResult, Tool } from '@modelcontextprotocol/server';
import { defaultInputSchema } from '../agent/agent-input.ts';
import type { JsonObject } from '../json.ts';
import { blockOf, text, textOf } from '../task/content.ts';
import type { Task, TaskResult } from '../task/task.ts';
import { orHandle } from './handle-schema.ts';
import { agentKey, taskKey } from '../meta-keys.ts';
import type { ServedAgent } from './options.ts';

/** The answer of an agent without an output schema: enough for the caller's model to go on talking to it. */
const defaultOutputSchema = {
  type: 'object',
  properties: {
    answer: { type: 'string' },
    conversation: { type: 'string', description: 'Pass it to the next call to continue this conversation.' },
  },
  required: ['answer', 'conversation'],
};

export const inputSchemaOf = (agent: ServedAgent): JsonObject => agent.input?.schema ?? defaultInputSchema;

/** How an agent stands in `tools/list`. The declaration of an agent is one value for as long as it is the same. */
export function toolOf(agent: ServedAgent): Tool {
  let tool = tools.get(agent);
  if (tool === undefined) tools.set(agent, (tool = newToolOf(agent)));
  return tool;
}

const tools = new WeakMap<ServedAgent, Tool>();

function newToolOf(agent: ServedAgent): Tool {
  return {
    name: agent.name,
    ...(agent.title !== undefined && { title: agent.title }),
    description: agent.description,
    inputSchema: inputSchemaOf(agent) as Tool['inputSchema'],
    outputSchema: orHandle(agent.output?.schema ?? defaultOutputSchema),
    ...(agent.annotations !== undefined && { annotations: agent.annotations }),
    ...(agent.icons !== undefined && { icons: agent.icons }),
    _meta: { [agentKey]: true },
  };
}

/**
 * A finished piece of work as the caller sees it. Everything but an answer is an error that its model can read; so is an
 * answer without its shape, which clients would throw away.
 */
export function toolResult(agent: ServedAgent | undefined, task: Task, result: TaskResult): CallToolResult {
  const structured = agent?.output === undefined ? defaultOutput(task, result) : result.structuredContent;
  const content = result.content.map((block) => blockOf(block) as ContentBlock);
  if (content.length === 0) content.push(text(wordless(result)));
  return {
    content,
    ...(structured !== undefined && { structuredContent: structured }),
    ...((result.isError === true || result.stop !== 'answer' || structured === undefined) && { isError: true }),
    _meta: { [taskKey]: taskMeta(task, result) },
  };
}

export const errorResult = (message: string, task?: Task): CallToolResult => ({
  content: [text(message)],
  isError: true,
  ...(task !== undefined && { _meta: { [taskKey]: taskMeta(task) } }),
});

const defaultOutput = (task: Task, result: TaskResult): JsonObject => ({
  answer: textOf(result.content),
  conversation: task.conversation,
});

/** Older hosts read text only (tools: "SHOULD also return the serialized JSON in a TextContent block"). */
function wordless(result: TaskResult): string {
  if (result.structuredContent !== undefined) return JSON.stringify(result.structuredContent);
  return result.stop === 'answer' ? '' : `stopped: ${result.stop}`;
}

export const taskMeta = (task: Task, result?: TaskResult): JsonObject => ({
  id: task.id,
  conversation: task.conversation,
  status: task.status,
  ...(result !== undefined && { stop: result.stop, usage: result.usage }),
  ...(result?.limit !== undefined && { limit: result.limit }),
  ...(result?.agents !== undefined && { agents: result.agents }),
});

type ContentBlock = CallToolResult['content'][number];

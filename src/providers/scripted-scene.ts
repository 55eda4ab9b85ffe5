/** Where a conversation stands, as a script sees it. */
import type { Message, ModelRequest, ToolSpec } from '../agent/model.ts';
import { textOf } from '../task/content.ts';

export interface Scene {
  /** Assistant messages since the user's last words. */
  turn: number;
  /** The user's last words. */
  user: string;
  /** The last tool result's text; empty where there is none since the user's last words. */
  last: string;
  /** Results of the last turn, in call order. */
  results: { tool: string; text: string; isError: boolean }[];
  messages: readonly Message[];
  tools: readonly ToolSpec[];
  system: string;
}

export function sceneOf({ messages, tools, system }: ModelRequest): Scene {
  const said = messages.findLastIndex((message) => message.role === 'user' && isWords(message));
  const since = messages.slice(said + 1);
  const user = said === -1 ? '' : textOf(messages[said]!.content);
  const results = resultsOf(since);
  const turn = since.filter(({ role }) => role === 'assistant').length;
  return { turn, user, last: results.at(-1)?.text ?? '', results, messages, tools, system };
}

const isWords = ({ content }: Message): boolean => content.every((block) => block.type !== 'tool_result');

function resultsOf(messages: readonly Message[]): Scene['results'] {
  const asked = messages.findLastIndex(({ role }) => role === 'assistant');
  const names = new Map<string, string>();
  for (const block of messages[asked]?.content ?? []) if (block.type === 'tool_call') names.set(block.id, block.name);
  return messages
    .slice(asked + 1)
    .flatMap((message) =>
      message.role === 'assistant'
        ? []
        : message.content
            .filter((block) => block.type === 'tool_result')
            .map(({ callId, content, isError }) => ({ tool: names.get(callId) ?? '', text: textOf(content), isError })),
    );
}

/** The conversation of a composed agent, as its plan reads it. */
import { type Content, text } from '../task/content.ts';
import type { Message, ToolResult, UserMessage } from './model.ts';

/** What the caller said: the first text is its input, all of it. */
export interface Request {
  words: string;
  /** Files and images, and what people sent before the first step. */
  rest: Content[];
}

/** A request of before, and what it was answered. */
export interface Exchange {
  request: string;
  answer: string;
}

/** The calls of one step that were made. */
export interface Round {
  results: ToolResult[];
  /** What people sent meanwhile. */
  sent: Content[];
}

export interface Talk {
  earlier: Exchange[];
  request: Request;
  rounds: Round[];
}

/**
 * What is told of calls stands right behind them; every other message of the user is a request, and the last one is
 * that of now.
 */
export function readTalk(messages: readonly Message[]): Talk {
  const earlier: Exchange[] = [];
  let request: Request = { words: '', rest: [] };
  let rounds: Round[] = [];
  let isAfterCalls = false;
  for (const message of messages) {
    if (message.role === 'assistant') {
      isAfterCalls = message.content.some(({ type }) => type === 'tool_call');
      const answer = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
      if (!isAfterCalls) earlier.push({ request: request.words, answer });
    } else if (isAfterCalls) {
      rounds.push(roundOf(message));
      isAfterCalls = false;
    } else {
      request = requestOf(message);
      rounds = [];
    }
  }
  return { earlier, request, rounds };
}

function requestOf({ content }: UserMessage): Request {
  const said = content.filter((block) => block.type !== 'tool_result');
  const [first = text(''), ...rest] = said;
  return first.type === 'text' ? { words: first.text, rest } : { words: '', rest: said };
}

const roundOf = ({ content }: UserMessage): Round => ({
  results: content.filter((block) => block.type === 'tool_result'),
  sent: content.filter((block) => block.type !== 'tool_result'),
});

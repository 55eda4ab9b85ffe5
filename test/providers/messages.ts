/** Messages as tests write them. */
import type { AssistantMessage, Message, ToolCall, ToolSpec, UserMessage } from '../../src/agent/model.ts';
import { text, type Content } from '../../src/task/content.ts';

export const user = (words: string): Message => ({ role: 'user', content: [text(words)] });

/** A result for every call of `message`. */
export const withResults = (message: AssistantMessage, say: (call: ToolCall) => string): UserMessage => ({
  role: 'user',
  content: message.content
    .filter((block): block is ToolCall => block.type === 'tool_call')
    .map((call) => ({ type: 'tool_result', callId: call.id, content: [text(say(call))], isError: false })),
});

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const image: Content = { type: 'image', data: pixel, mimeType: 'image/png' };
export const pdf: Content = { type: 'resource', uri: 'file:///r.pdf', mimeType: 'application/pdf', blob: 'JVBERi0=' };
export const audio: Content = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' };

export const tools: ToolSpec[] = [
  {
    name: 'add',
    description: 'Adds.',
    inputSchema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] },
  },
  { name: 'now', description: 'The time.', inputSchema: { type: 'object' } },
];

/** When the context window nears its end, the conversation so far is replaced by the model's own summary of it. */
import { text, textOf } from '../task/content.ts';
import { addUsage } from '../task/usage.ts';
import type { Message, ToolResult } from './model.ts';
import type { Run } from './run.ts';
import { sentText } from './steering.ts';
import { think } from './think.ts';

/** The part of the window that a prompt may fill before it is compacted. */
const fullAt = 0.8;
/** A rough measure, on the safe side for English and code. */
const charactersPerToken = 3;
/** Characters of one tool result that the summary is made from. */
const resultExcerpt = 4_000;

const request = `The context window is nearly full. Write a summary that replaces this conversation, for yourself: \
the task and its constraints, word for word where it matters; what was done and found, with names, paths and numbers; \
what failed; what remains to be done. Do not call tools. Do not address the reader.`;

export const isCompactStep = (step: string): boolean => /^turn \d+: compact/.test(step);

/** Decided from what is recorded (usage, messages), so that a replay decides the same. */
export function isNearlyFull({ model, messages, filled }: Run): boolean {
  const window = model.contextWindow;
  if (window === undefined || messages.length < 3) return false;
  const unread = filled === 0 ? messages : messages.slice(-1);
  return filled + sizeOf(unread) / charactersPerToken > window * fullAt;
}

/**
 * Replaces `run.messages` by the request of the caller, what people sent since, and a summary. At most once a turn: its
 * step has one name.
 * @returns false when that cannot help: there is nothing to leave out, or the model gave no summary.
 */
export async function compact(run: Run): Promise<boolean> {
  const { agent, context, messages, spent } = run;
  if (messages.length < 3) return false;
  // The tools stay: some models refuse old calls without them, and prompt caches begin with them.
  const outcome = await think(run, {
    what: 'compact',
    hear: () => [],
    messages: () => [...messages.map(excerpt), { role: 'user', content: [text(request)] }],
  });
  if (outcome.kind !== 'reply') return false;

  spent.usage = addUsage(spent.usage, outcome.reply.usage);
  const said = textOf(outcome.reply.message.content).trim();
  if (said === '' || outcome.reply.stop === 'refusal') return false;

  run.filled = 0;
  const replaced = messages.length;
  const summary = text(`Summary of the work so far:\n\n${said}`);
  messages.splice(0, replaced, { role: 'user', content: [...run.request, ...run.heard.map(sentText), summary] });
  context.emit({ type: 'compacted', agent: agent.name, turn: spent.turns, messages: replaced });
  return true;
}

function excerpt(message: Message): Message {
  if (message.role === 'assistant') return message;
  return {
    ...message,
    content: message.content.map((block) => (block.type === 'tool_result' ? excerptOf(block) : block)),
  };
}

function excerptOf(result: ToolResult): ToolResult {
  const said = textOf(result.content);
  if (said.length <= resultExcerpt && result.content.every((block) => block.type === 'text')) return result;
  return { ...result, content: [text(`${said.slice(0, resultExcerpt)}\n[excerpt of ${said.length} characters]`)] };
}

const imageTokens = 1_600;

function sizeOf(messages: readonly Message[]): number {
  let size = 0;
  for (const message of messages)
    for (const block of message.content) {
      if (block.type === 'tool_result') for (const part of block.content) size += blockSize(part);
      else size += blockSize(block);
    }
  return size;
}

function blockSize(block: Message['content'][number] | ToolResult['content'][number]): number {
  switch (block.type) {
    case 'text':
    case 'thinking':
      return block.text.length;
    case 'tool_call':
      return JSON.stringify(block.args).length;
    case 'resource':
      return 'text' in block ? block.text.length : imageTokens * charactersPerToken;
    case 'image':
    case 'audio':
      return imageTokens * charactersPerToken;
    case 'resource_link':
    case 'tool_result':
      return 100;
  }
}

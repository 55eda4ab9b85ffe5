/**
 * A conversation as every chat API wants it, whatever was stored.
 *
 * Invariants of what it yields: user and assistant alternate; every call has exactly one result, in the user turn
 * that follows it; ids are unique and valid everywhere. A provider's own message keeps its ids, because its native
 * form is sent back unchanged; other messages' calls are numbered by their place, so that the same history always
 * gives the same bytes (a stable prefix is what prompt caches find). `c` and eight digits is what Mistral takes,
 * the strictest of them.
 */
import type { AssistantMessage, Message, ToolCall, ToolResult } from '../agent/model.ts';
import { text, type Content } from '../task/content.ts';
import type { Json } from '../json.ts';

export interface AssistantTurn {
  role: 'assistant';
  message: AssistantMessage;
  /** Of this very model: to be sent back unchanged. */
  native: Json | undefined;
  /** A call's id on the wire. */
  readonly wireId: (call: ToolCall) => string;
}

export interface UserTurn {
  role: 'user';
  /** Results first: APIs want them right after their calls. */
  results: ToolResult[];
  content: Content[];
}

export function* turnsOf(messages: readonly Message[], by: string): Generator<AssistantTurn | UserTurn> {
  let calls = 0;
  /** Calls without a result yet: id as stored, id on the wire. */
  let open = new Map<string, string>();
  let user: UserTurn = { role: 'user', results: [], content: [] };

  const closeUser = (): UserTurn | undefined => {
    for (const callId of open.values()) user.results.push(unanswered(callId));
    open = new Map();
    const closed = user;
    user = { role: 'user', results: [], content: [] };
    return closed.results.length + closed.content.length > 0 ? closed : undefined;
  };

  for (const message of messages) {
    if (message.role === 'user') {
      for (const block of message.content) {
        if (block.type !== 'tool_result') user.content.push(block);
        else if (open.has(block.callId)) {
          user.results.push({ ...block, callId: open.get(block.callId)! });
          open.delete(block.callId);
        } else
          user.content.push(text('[result of a call that is no longer part of this conversation]'), ...block.content);
      }
      continue;
    }
    // Nothing was said: APIs refuse an empty message, and reasoning that leads to nothing.
    if (message.content.every((block) => block.type === 'thinking')) continue;
    const before = closeUser();
    if (before !== undefined) yield before;
    const isOwn = message.native?.by === by;
    const ids = new Map<string, string>();
    for (const block of message.content) {
      if (block.type === 'tool_call') ids.set(block.id, isOwn ? block.id : `c${String(++calls).padStart(8, '0')}`);
    }
    open = new Map(ids);
    yield {
      role: 'assistant',
      message,
      native: isOwn ? message.native?.value : undefined,
      wireId: (call) => ids.get(call.id) ?? call.id,
    };
  }
  const last = closeUser();
  if (last !== undefined) yield last;
}

const unanswered = (callId: string): ToolResult => ({
  type: 'tool_result',
  callId,
  content: [text('No result: the call was not finished.')],
  isError: true,
});

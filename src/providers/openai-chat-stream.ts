/** A Chat Completions reply put together from its stream, with the fields that compatible endpoints add. */
import type { Chat } from 'openai/resources/chat/chat';
import { ModelError, type ModelRequest } from '../agent/model.ts';
import type { Json } from '../json.ts';

/** Every field is optional: compatible endpoints leave out what they like. */
export interface Completion {
  choices?: { message?: ChatMessage | null; finish_reason?: string | null }[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number; cache_write_tokens?: number } | null;
    completion_tokens_details?: { reasoning_tokens?: number } | null;
    /** DeepSeek. */
    prompt_cache_hit_tokens?: number;
  } | null;
  error?: { code?: string | number; message?: string };
}

export interface ChatMessage {
  content?: string | { [key: string]: Json }[] | null;
  refusal?: string | null;
  tool_calls?: WireCall[] | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  reasoning_details?: Json[] | null;
}

export interface WireCall {
  index?: number;
  id?: string;
  function?: { name?: string; arguments?: string };
}

export async function assembleChat(
  chunks: AsyncIterable<Chat.ChatCompletionChunk>,
  onDelta: ModelRequest['onDelta'],
  endpoint: string,
): Promise<Completion> {
  const message: ChatMessage = { content: '' };
  const calls: WireCall[] = [];
  const completion: Completion = {};
  let finish: string | null | undefined;
  for await (const chunk of chunks) {
    if (chunk?.usage) completion.usage = chunk.usage;
    const choice = chunk?.choices?.[0];
    if (choice === undefined) continue;
    finish = choice.finish_reason ?? finish;
    const delta = (choice.delta ?? {}) as ChatMessage;
    if (typeof delta.content === 'string' && delta.content !== '') {
      message.content = `${message.content as string}${delta.content}`;
      onDelta?.({ type: 'text', text: delta.content });
    } else if (Array.isArray(delta.content)) growParts(message, delta.content, onDelta);
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      message.refusal = `${message.refusal ?? ''}${delta.refusal}`;
      onDelta?.({ type: 'text', text: delta.refusal });
    }
    const key = typeof delta.reasoning_content === 'string' ? 'reasoning_content' : 'reasoning';
    const thought = delta[key];
    if (typeof thought === 'string' && thought !== '') {
      message[key] = `${message[key] ?? ''}${thought}`;
      onDelta?.({ type: 'thinking', text: thought });
    }
    if (Array.isArray(delta.reasoning_details)) (message.reasoning_details ??= []).push(...delta.reasoning_details);
    for (const piece of delta.tool_calls ?? []) growCall(calls, piece);
  }
  if (finish === undefined || finish === null) {
    throw new ModelError('unavailable', `${endpoint}: the stream was cut before the reply was whole`);
  }
  if (calls.length > 0) message.tool_calls = calls;
  completion.choices = [{ message, finish_reason: finish }];
  return completion;
}

/** Mistral's text inside parts; its thinking parts are for its own eyes. */
function growParts(message: ChatMessage, parts: { text?: unknown }[], onDelta: ModelRequest['onDelta']): void {
  for (const { text } of parts) {
    if (typeof text !== 'string') continue;
    message.content = `${message.content as string}${text}`;
    onDelta?.({ type: 'text', text });
  }
}

/**
 * Pieces belong together by `index`, and a piece with a new id begins a new call: there are servers that send every
 * call under index 0, and others that send no index at all.
 */
function growCall(calls: WireCall[], { function: piece, ...rest }: WireCall): void {
  const { index, id } = rest;
  const sameIndex = index === undefined ? calls.at(-1) : calls.findLast((call) => call.index === index);
  const begins = id ? sameIndex?.id !== id : index === undefined && piece?.name !== undefined;
  let call = begins ? undefined : sameIndex;
  if (call === undefined) {
    call = { function: {} };
    calls.push(call);
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value !== null && value !== '') Object.assign(call, { [key]: value });
  }
  const grown = call.function!;
  if (piece?.name) grown.name ??= piece.name;
  if (typeof piece?.arguments === 'string') grown.arguments = `${grown.arguments ?? ''}${piece.arguments}`;
  else if (piece?.arguments !== null && piece?.arguments !== undefined)
    grown.arguments = JSON.stringify(piece.arguments);
}

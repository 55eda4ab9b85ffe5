/**
 * Chat Completions (https://platform.openai.com/docs/api-reference/chat), as OpenAI and every compatible endpoint
 * speak it; only what all of them take is sent, unless the endpoint is OpenAI's own.
 *
 * A message's native form is the assistant message with what compatible endpoints add to it and want back:
 * `reasoning_content` (DeepSeek, Qwen), `reasoning` and `reasoning_details` (OpenRouter), `extra_content` of calls
 * (Gemini's thought signatures).
 */
import type { Chat } from 'openai/resources/chat/chat';
import {
  ModelError,
  type Model,
  type ModelReply,
  type ModelRequest,
  type ToolCall,
  type ToolSpec,
} from '../agent/model.ts';
import type { Content } from '../task/content.ts';
import type { Json } from '../json.ts';
import type { Timeouts } from './attempt.ts';
import { assembleChat, type ChatMessage, type Completion, type WireCall } from './openai-chat-stream.ts';
import { fileName, isImage, leftOut, mediaType, partOf } from './content.ts';
import { estimate } from './estimate.ts';
import { idOf, type ModelOptions } from './model-options.ts';
import { ask, effortOf, openaiEndpoint, type OpenAIEndpoint } from './openai-client.ts';
import { strictSchema, toldSchema } from './output-schema.ts';
import { contextWindow, priced, type Tokens } from './price.ts';
import { claimId, count, least, stopOf, toolCall } from './reply.ts';
import { turnsOf, type AssistantTurn, type UserTurn } from './turns.ts';
import { serverFault } from './wire-error.ts';

type Param = Chat.ChatCompletionMessageParam;
type Part = Chat.ChatCompletionContentPart;

export function openaiChatModel(options: ModelOptions, timeouts?: Partial<Timeouts>): Model {
  const id = idOf(options);
  const endpoint = openaiEndpoint(options, timeouts);
  /** Models without eyes are common here, and only their endpoint's refusal tells them apart: learned once. */
  let isBlind = false;

  const once = (request: ModelRequest, withImages: boolean): Promise<ModelReply> =>
    ask<Completion, Chat.ChatCompletionChunk>(endpoint, options, request, {
      create(client, stream, signal) {
        const params = paramsOf(request, options, id, endpoint, withImages);
        const counted = { ...params, stream, stream_options: { include_usage: true } };
        return client.chat.completions.create(stream ? counted : params, { signal });
      },
      assemble: (chunks) => assembleChat(chunks, request.onDelta, endpoint.name),
      read: (completion) => replyOf(completion, request, options, id, endpoint),
    });

  async function generate(request: ModelRequest): Promise<ModelReply> {
    if (isBlind) return once(request, false);
    try {
      return await once(request, true);
    } catch (error) {
      const said =
        error instanceof ModelError && error.kind === 'rejected' ? error.message.slice(endpoint.name.length) : '';
      if (!/image|vision|multi-?modal|content.*string/i.test(said) || !hasImages(request)) throw error;
      const reply = await once(request, false);
      // An image may also be too large, which says nothing of the next one.
      isBlind ||= /support|unsupported|string|unknown variant/i.test(said);
      return reply;
    }
  }

  return {
    id,
    get contextWindow() {
      return contextWindow(options);
    },
    generate,
  };
}

const hasImages = (request: ModelRequest): boolean =>
  request.messages.some(
    ({ role, content }) =>
      role === 'user' &&
      content.some((block) =>
        block.type === 'tool_result' ? block.content.some(({ type }) => type !== 'text') : block.type !== 'text',
      ),
  );

// --- request ---------------------------------------------------------------------------------------------------

function paramsOf(
  request: ModelRequest,
  options: ModelOptions,
  id: string,
  { isOpenAI }: OpenAIEndpoint,
  withImages: boolean,
): Chat.ChatCompletionCreateParamsNonStreaming {
  const { tools, output, toolChoice, cacheKey } = request;
  const effort = effortOf(options);
  const strict = output && strictSchema(output);
  const maxTokens = least(options.maxTokens, request.maxTokens);
  return {
    model: options.model,
    messages: messagesOf(request, id, isOpenAI, withImages),
    ...(tools.length > 0 && { tools: toolsOf(tools) }),
    ...(tools.length > 0 && toolChoice && { tool_choice: toolChoice }),
    ...(output && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: strict ?? output, ...(strict && { strict: true }) },
      },
    }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(isOpenAI && cacheKey !== undefined && { prompt_cache_key: cacheKey.slice(0, 64) }),
    ...(maxTokens !== undefined && (isOpenAI ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens })),
    ...(options.temperature !== undefined && { temperature: options.temperature }),
  };
}

const toolLists = new WeakMap<readonly ToolSpec[], Chat.ChatCompletionTool[]>();

function toolsOf(tools: readonly ToolSpec[]): Chat.ChatCompletionTool[] {
  let list = toolLists.get(tools);
  if (list === undefined) {
    list = tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      function: {
        name,
        description,
        // An object schema without `properties` is refused.
        parameters: 'properties' in inputSchema ? inputSchema : { ...inputSchema, properties: {} },
      },
    }));
    toolLists.set(tools, list);
  }
  return list;
}

function messagesOf(request: ModelRequest, id: string, isOpenAI: boolean, withImages: boolean): Param[] {
  const { messages, output } = request;
  // Many compatible endpoints pass over the format without a word.
  const told = output && !isOpenAI ? toldSchema(output) : '';
  const system = [request.system, told].filter((part) => part !== '').join('\n\n');
  const params: Param[] = system === '' ? [] : [{ role: 'system', content: system }];
  for (const turn of turnsOf(messages, id)) {
    if (turn.role === 'assistant') params.push(assistantMessage(turn));
    else pushUser(params, turn, withImages);
  }
  return params;
}

function assistantMessage(turn: AssistantTurn): Param {
  if (turn.native !== undefined) return turn.native as unknown as Param;
  let said = '';
  const calls: Chat.ChatCompletionMessageFunctionToolCall[] = [];
  for (const block of turn.message.content) {
    if (block.type === 'text') said += block.text;
    if (block.type === 'tool_call') {
      // Servers that render a chat template parse the arguments, so what is no JSON would fail every later turn.
      const written = block.malformed === undefined ? JSON.stringify(block.args) : '{}';
      calls.push({ type: 'function', id: turn.wireId(block), function: { name: block.name, arguments: written } });
    }
  }
  return calls.length === 0
    ? { role: 'assistant', content: said }
    : { role: 'assistant', content: said === '' ? null : said, tool_calls: calls };
}

/** Tool messages take text only: images and files of results follow as a user message, each named by its call. */
function pushUser(params: Param[], { results, content }: UserTurn, withImages: boolean): void {
  const shown: Part[] = [];
  for (const { callId, content: blocks, isError } of results) {
    const lines: string[] = isError ? ['Error:'] : [];
    for (const block of blocks) {
      const part = partFor(block, withImages);
      if (part.type === 'text') lines.push(part.text);
      else {
        lines.push(`[${part.type === 'image_url' ? 'an image' : 'a file'} follows in the next message]`);
        shown.push({ type: 'text', text: `From the result of ${callId}:` }, part);
      }
    }
    params.push({ role: 'tool', tool_call_id: callId, content: lines.join('\n') });
  }
  const parts = [...shown, ...content.map((block) => partFor(block, withImages))];
  if (parts.length === 0) return;
  const isText = (part: Part): part is Chat.ChatCompletionContentPartText => part.type === 'text';
  // Text alone goes as a string: some compatible servers know nothing else.
  const said = parts.every(isText) ? parts.map((part) => part.text).join('\n') : parts;
  params.push({ role: 'user', content: said });
}

function partFor(content: Content, withImages: boolean): Part {
  const part = partOf(content);
  if (part.kind === 'text') return { type: 'text', text: part.text };
  const type = mediaType(part.mimeType);
  const url = `data:${type};base64,${part.data}`;
  if (withImages && isImage(type)) return { type: 'image_url', image_url: { url } };
  if (type === 'audio/wav' || type === 'audio/x-wav') {
    return { type: 'input_audio', input_audio: { data: part.data, format: 'wav' } };
  }
  if (type === 'audio/mpeg' || type === 'audio/mp3') {
    return { type: 'input_audio', input_audio: { data: part.data, format: 'mp3' } };
  }
  if (type === 'application/pdf') return { type: 'file', file: { filename: fileName(part), file_data: url } };
  return { type: 'text', text: leftOut(part) };
}

// --- reply -----------------------------------------------------------------------------------------------------

function replyOf(
  completion: Completion,
  request: ModelRequest,
  options: ModelOptions,
  id: string,
  endpoint: OpenAIEndpoint,
): ModelReply {
  // OpenRouter tells failures of the model behind it in a 200.
  if (completion?.error) {
    const { code, message } = completion.error;
    throw serverFault(endpoint, code === undefined ? undefined : String(code), message ?? 'no reason given');
  }
  const choice = completion?.choices?.[0];
  if (choice?.message === undefined || choice.message === null) {
    throw new ModelError('rejected', `${endpoint.name}: the answer is no Chat Completions reply. Check base_url.`);
  }
  const { message, finish_reason: finish } = choice;
  const content: ModelReply['message']['content'] = [];
  const thoughts = message.reasoning_content ?? message.reasoning;
  if (typeof thoughts === 'string' && thoughts !== '') content.push({ type: 'thinking', text: thoughts });
  const isRefused = finish === 'content_filter' || (typeof message.refusal === 'string' && message.refusal !== '');
  const said = saidIn(message);
  if (said !== '') content.push({ type: 'text', text: said });
  const taken = new Set<string>();
  const calls: Json[] = [];
  for (const written of message.tool_calls ?? []) {
    const call = toolCall(claimId(taken, written.id), written.function?.name, written.function?.arguments);
    content.push(call);
    calls.push(nativeCall(written, call));
  }
  return {
    message: { role: 'assistant', content, native: { by: id, value: nativeOf(message, said, calls) } },
    stop: stopOf(content, isRefused ? 'refusal' : finish === 'length' ? 'length' : 'end'),
    usage: priced(options, completion.usage ? tokensOf(completion.usage) : estimate(request, content)),
    model: id,
  };
}

/** Mistral answers with parts where it thinks; the rest with a string. */
function saidIn({ content, refusal }: ChatMessage): string {
  if (typeof content === 'string' && content !== '') return content;
  if (Array.isArray(content)) {
    return content
      .map((part) => (part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : ''))
      .join('');
  }
  return typeof refusal === 'string' ? refusal : '';
}

/** With the id that the call got, and arguments that every server can parse (an empty text and broken JSON are none). */
function nativeCall(written: WireCall, call: ToolCall): Json {
  const { index: _index, ...rest } = written;
  const text = call.malformed === undefined ? written.function?.arguments : '{}';
  const args = typeof text === 'string' && text.trim() !== '' ? text : JSON.stringify(call.args ?? {});
  return { ...rest, id: call.id, type: 'function', function: { name: call.name, arguments: args } };
}

/** Only what is taken back everywhere: `annotations`, `audio` and the like are refused by strict endpoints. */
function nativeOf(message: ChatMessage, said: string, calls: Json[]): Json {
  const { content, reasoning, reasoning_content: thoughts, reasoning_details: details } = message;
  return {
    role: 'assistant',
    content: Array.isArray(content) ? content : said === '' && calls.length > 0 ? null : said,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(typeof thoughts === 'string' && { reasoning_content: thoughts }),
    // Where both come they say the same, and the details carry the signatures.
    ...(Array.isArray(details) ? { reasoning_details: details } : typeof reasoning === 'string' && { reasoning }),
  };
}

function tokensOf(usage: NonNullable<Completion['usage']>): Tokens {
  return {
    inputTokens: count(usage.prompt_tokens),
    outputTokens: count(usage.completion_tokens),
    cachedInputTokens: count(usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens),
    cacheWriteTokens: count(usage.prompt_tokens_details?.cache_write_tokens),
    reasoningTokens: count(usage.completion_tokens_details?.reasoning_tokens),
  };
}

/**
 * Anthropic's Messages API (https://platform.claude.com/docs/en/api/messages).
 *
 * A message's native form is its `content` array: thinking must come back with its signature, untouched.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { Stream as EventStream } from '@anthropic-ai/sdk/core/streaming';
import { ModelError, type Model, type ModelDelta, type ModelReply, type ModelRequest } from '../agent/model.ts';
import type { ToolResult, ToolSpec } from '../agent/model.ts';
import type { Content } from '../task/content.ts';
import { isJsonObject, type Json } from '../json.ts';
import { attempt, type Attempt, fetchReply, readJson, timeoutsFor, type Timeouts } from './attempt.ts';
import { isImage, leftOut, mediaType, partOf } from './content.ts';
import { estimate } from './estimate.ts';
import { failureWith } from './lost-usage.ts';
import { idOf, mustStream, type ModelOptions } from './model-options.ts';
import { closedSchema, toldSchema } from './output-schema.ts';
import { contextWindow, priced, type Tokens } from './price.ts';
import { claimId, count, stopOf, toolCall } from './reply.ts';
import { turnsOf, type AssistantTurn, type UserTurn } from './turns.ts';
import { endpointName, serverFault, type Endpoint } from './wire-error.ts';

type Params = Anthropic.MessageCreateParamsNonStreaming;
type Blocks = Anthropic.ContentBlockParam[];
type Sdk = { client: Anthropic; Stream: typeof EventStream };

const cached = { cache_control: { type: 'ephemeral' } } as const;

export function anthropicModel(options: ModelOptions, timeouts?: Partial<Timeouts>): Model {
  const id = idOf(options);
  // The environment's key and address belong together; a foreign base_url gets only the key that was given with it.
  const apiKey = options.apiKey ?? (options.baseUrl === undefined ? process.env['ANTHROPIC_API_KEY'] : undefined);
  const url = options.baseUrl ?? process.env['ANTHROPIC_BASE_URL'] ?? 'https://api.anthropic.com';
  const endpoint: Endpoint = { name: endpointName(id, url), secret: apiKey, keyVariable: 'ANTHROPIC_API_KEY' };
  const limits = timeoutsFor(url, timeouts);
  let sdk: Promise<Sdk> | undefined;
  const maxTokens = options.maxTokens ?? defaultMaxTokens(options);

  async function generate(request: ModelRequest): Promise<ModelReply> {
    if (apiKey === undefined && options.baseUrl === undefined) {
      throw new ModelError('auth', `${endpoint.name}: no key. Set ANTHROPIC_API_KEY, or api_key at the model.`);
    }
    const most = Math.min(maxTokens, request.maxTokens ?? maxTokens);
    const streamed = mustStream(request.onDelta !== undefined, false, most);
    // A stream tells what the prompt costs before its first word: that is paid for even if the rest never comes.
    const begun: { message?: Anthropic.Message } = {};
    const body = async ({ signal, watched }: Attempt): Promise<ModelReply> => {
      const { client, Stream } = await (sdk ??= connect(url, apiKey, options.headers, limits.total));
      const params = { ...paramsOf(request, options, id, most), stream: streamed };
      // Not `messages.create`, which writes its notes about old models to the console at every request.
      const response = await client.post('/v1/messages', { body: params, signal, stream: streamed }).asResponse();
      const read = (message: Anthropic.Message): ModelReply => replyOf(message, request, options, id, endpoint);
      if (!streamed) return read(await readJson<Anthropic.Message>(response, endpoint));
      const stream = new AbortController();
      const events = Stream.fromSSEResponse<Anthropic.RawMessageStreamEvent>(watched(response), stream, client);
      return read(await assemble(events, request.onDelta, endpoint, (message) => (begun.message = message)));
    };
    try {
      return await attempt(endpoint, { signal: request.signal, streamed, timeouts: limits }, body);
    } catch (error) {
      const usage = begun.message?.usage;
      if (!(error instanceof ModelError) || usage === undefined || usage === null) throw error;
      throw failureWith(error, priced(options, tokensOf(usage)));
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

/** Loaded at the first request: it takes 200 ms. Connections are kept alive for all clients alike. */
async function connect(
  baseURL: string,
  apiKey: string | undefined,
  headers: Record<string, string> = {},
  timeout: number,
): Promise<Sdk> {
  const [{ default: Client }, { Stream }] = await Promise.all([
    import('@anthropic-ai/sdk'),
    import('@anthropic-ai/sdk/core/streaming'),
  ]);
  const client = new Client({
    baseURL,
    ...(apiKey === undefined ? { authToken: 'none' } : { apiKey }),
    defaultHeaders: apiKey === undefined ? { authorization: null, ...headers } : headers,
    fetch: fetchReply,
    maxRetries: 0,
    timeout,
    logLevel: 'off',
  });
  return { client, Stream };
}

/** Below what every model of the line takes; with thinking, which counts as output, twice as much. */
function defaultMaxTokens({ model, thinking }: ModelOptions): number {
  if (/claude-3-5/.test(model)) return 8192;
  if (/claude-3-(haiku|opus|sonnet)/.test(model)) return 4096;
  return thinking === undefined || thinking === 'off' ? 16_000 : 32_000;
}

// --- request ---------------------------------------------------------------------------------------------------

function paramsOf(request: ModelRequest, options: ModelOptions, id: string, maxTokens: number): Params {
  const { tools, output, toolChoice } = request;
  const messages = messagesOf(request, id);
  const thinking = thinkingOf(options, maxTokens, request, id);
  const format = output && knowsFormat(options.model) ? closedSchema(output) : undefined;
  const told = output && !format ? toldSchema(output) : '';
  const system = [request.system, told].filter((part) => part !== '').join('\n\n');
  const outputConfig: Anthropic.OutputConfig = {
    ...(thinking.effort !== undefined && { effort: thinking.effort }),
    ...(format && { format: { type: 'json_schema', schema: format } }),
  };
  return {
    model: options.model,
    max_tokens: maxTokens,
    messages,
    // The order of the cached prefix is tools, system, messages: one breakpoint after the system covers both.
    ...(system !== '' && { system: [{ type: 'text', text: system, ...cached }] }),
    ...(tools.length > 0 && { tools: toolsOf(tools, system === '') }),
    ...(tools.length > 0 && toolChoice && { tool_choice: { type: toolChoice === 'required' ? 'any' : 'none' } }),
    ...(thinking.config && { thinking: thinking.config }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...(options.temperature !== undefined && { temperature: options.temperature }),
  };
}

const toolLists = new WeakMap<readonly ToolSpec[], Anthropic.Tool[]>();

function toolsOf(tools: readonly ToolSpec[], isPrefixEnd: boolean): Anthropic.Tool[] {
  let list = toolLists.get(tools);
  if (list === undefined) {
    list = tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      input_schema: { ...inputSchema, type: 'object' },
    }));
    toolLists.set(tools, list);
  }
  return isPrefixEnd ? [...list.slice(0, -1), { ...list.at(-1)!, ...cached }] : list;
}

/**
 * Breakpoints at the end of the last two user turns: the API looks back 20 blocks from each, and a turn with many
 * parallel calls is longer than that. With the one at the system, three of the four that are allowed.
 */
function messagesOf(request: ModelRequest, id: string): Anthropic.MessageParam[] {
  const messages: Anthropic.MessageParam[] = [];
  for (const turn of turnsOf(request.messages, id)) {
    const content = turn.role === 'user' ? userBlocks(turn) : assistantBlocks(turn);
    if (content.length > 0) messages.push({ role: turn.role, content });
  }
  let marks = 2;
  for (let index = messages.length - 1; index >= 0 && marks > 0; index--) {
    const message = messages[index]!;
    if (message.role !== 'user') continue;
    const blocks = message.content as Blocks;
    Object.assign(blocks[blocks.length - 1]!, cached);
    marks -= 1;
  }
  return messages;
}

function userBlocks(turn: UserTurn): Blocks {
  const blocks: Blocks = turn.results.map(resultBlock);
  for (const content of turn.content) {
    const block = blockOf(content);
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

function resultBlock({ callId, content, isError }: ToolResult): Anthropic.ToolResultBlockParam {
  const blocks = content.map(blockOf).filter((block) => block !== undefined);
  const [first] = blocks;
  return {
    type: 'tool_result',
    tool_use_id: callId,
    // An error without content is refused.
    content: first === undefined ? '(no content)' : blocks.length === 1 && first.type === 'text' ? first.text : blocks,
    ...(isError && { is_error: true }),
  };
}

/** Undefined for empty text, which the API refuses. */
function blockOf(
  content: Content,
): Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam | undefined {
  const part = partOf(content);
  if (part.kind === 'text') return part.text.trim() === '' ? undefined : { type: 'text', text: part.text };
  const type = mediaType(part.mimeType);
  if (isImage(type)) {
    const source = { type: 'base64', media_type: type as Anthropic.Base64ImageSource['media_type'], data: part.data };
    return { type: 'image', source: source as Anthropic.Base64ImageSource };
  }
  if (type === 'application/pdf') {
    return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: part.data } };
  }
  return { type: 'text', text: leftOut(part) };
}

function assistantBlocks(turn: AssistantTurn): Blocks {
  if (Array.isArray(turn.native)) return turn.native as unknown as Blocks;
  const blocks: Blocks = [];
  for (const block of turn.message.content) {
    if (block.type === 'text' && block.text.trim() !== '') blocks.push({ type: 'text', text: block.text });
    if (block.type === 'tool_call') {
      blocks.push({
        type: 'tool_use',
        id: turn.wireId(block),
        name: block.name,
        input: isJsonObject(block.args) ? block.args : {},
      });
    }
  }
  return blocks;
}

type Effort = 'low' | 'medium' | 'high';
const budgets: Record<Effort, number> = { low: 2048, medium: 8192, high: 16_384 };

/** From Claude 4.6 on the model decides how much it thinks, and an effort guides it; before, a budget is set. */
function thinkingOf(
  { thinking, model }: ModelOptions,
  maxTokens: number,
  request: ModelRequest,
  id: string,
): { config?: Anthropic.ThinkingConfigParam; effort?: Effort } {
  if (thinking === undefined) return {};
  // To be forced to call a tool and to think are not had together.
  if (thinking === 'off' || request.toolChoice === 'required') return { config: { type: 'disabled' } };
  if (!/claude-(3|opus-4-[015]\b|opus-4-2|opus-4@|sonnet-4-[05]\b|sonnet-4-2|sonnet-4@|haiku-4)/.test(model)) {
    return { config: { type: 'adaptive', display: 'summarized' }, effort: thinking };
  }
  const budget = Math.min(budgets[thinking], maxTokens - 1024);
  // With a budget, a turn with tool calls must begin with its thinking; one that another model wrote has none.
  if (budget < 1024 || openTurnIsForeign(request, id)) return {};
  return { config: { type: 'enabled', budget_tokens: budget } };
}

/** Whether a message since the last thing that the user said is not this model's own. */
function openTurnIsForeign({ messages }: ModelRequest, id: string): boolean {
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index]!;
    if (message.role === 'assistant') {
      if (message.native?.by !== id) return true;
    } else if (message.content.every((block) => block.type !== 'tool_result')) return false;
  }
  return false;
}

/** Structured outputs begin with Claude 4.5. */
const knowsFormat = (model: string): boolean =>
  !/claude-(2|3|instant|opus-4-[01]\b|opus-4-2|opus-4@|sonnet-4-0|sonnet-4-2|sonnet-4@)/.test(model);

// --- reply -----------------------------------------------------------------------------------------------------

/**
 * The message that a stream spells out. Tool input is left as the text that was written: `replyOf` parses it.
 * The SDK's own accumulator parses that text again for every piece of it.
 */
async function assemble(
  events: AsyncIterable<Anthropic.RawMessageStreamEvent>,
  onDelta: ((delta: ModelDelta) => void) | undefined,
  endpoint: Endpoint,
  onStart: (message: Anthropic.Message) => void,
): Promise<Anthropic.Message> {
  let message: Anthropic.Message | undefined;
  let isWhole = false;
  const blocks = new Map<number, Record<string, unknown>>();
  for await (const event of events) {
    if (event.type === 'message_start') {
      message = event.message;
      onStart(message);
    } else if (event.type === 'content_block_start') {
      const block = { ...event.content_block } as Record<string, unknown>;
      if (block['type'] === 'tool_use') block['input'] = '';
      blocks.set(event.index, block);
    } else if (event.type === 'content_block_delta') grow(blocks.get(event.index), event.delta, onDelta);
    else if (event.type === 'message_delta' && message !== undefined) {
      Object.assign(message, event.delta);
      // Only what is said: counts of the input come with the start, and often not again.
      for (const [key, value] of Object.entries(event.usage ?? {})) {
        if (value !== null) Object.assign(message.usage ?? (message.usage = {} as Anthropic.Usage), { [key]: value });
      }
      isWhole ||= typeof event.delta?.stop_reason === 'string';
    } else if (event.type === 'message_stop') isWhole = true;
    else if ((event as { type?: string }).type === 'error') {
      const { error } = event as { error?: { type?: string; message?: string } };
      throw serverFault(endpoint, error?.type, error?.message ?? 'the stream ended with an error');
    }
  }
  if (message === undefined || !isWhole) {
    throw new ModelError('unavailable', `${endpoint.name}: the stream was cut before the reply was whole`);
  }
  message.content = [...blocks.entries()].toSorted(([a], [b]) => a - b).map(([, block]) => block as never);
  return message;
}

function grow(
  block: Record<string, unknown> | undefined,
  delta: Anthropic.RawContentBlockDelta,
  onDelta: ((delta: ModelDelta) => void) | undefined,
): void {
  if (block === undefined) return;
  const append = (key: string, piece: string): void => {
    block[key] = `${typeof block[key] === 'string' ? block[key] : ''}${piece}`;
  };
  if (delta.type === 'text_delta') {
    append('text', delta.text);
    onDelta?.({ type: 'text', text: delta.text });
  } else if (delta.type === 'thinking_delta') {
    append('thinking', delta.thinking);
    onDelta?.({ type: 'thinking', text: delta.thinking });
  } else if (delta.type === 'input_json_delta') append('input', delta.partial_json);
  else if (delta.type === 'signature_delta') append('signature', delta.signature);
}

function replyOf(
  message: Anthropic.Message,
  request: ModelRequest,
  options: ModelOptions,
  id: string,
  endpoint: Endpoint,
): ModelReply {
  if (typeof message !== 'object' || message === null || !Array.isArray(message.content)) {
    throw new ModelError('rejected', `${endpoint.name}: the answer is no Messages reply. Check base_url.`);
  }
  const content: ModelReply['message']['content'] = [];
  const native: unknown[] = [];
  const taken = new Set<string>();
  for (const block of message.content) {
    if (block.type === 'text') {
      // Empty text is given, but not taken back.
      if (block.text === '') continue;
      content.push({ type: 'text', text: block.text });
    } else if (block.type === 'thinking') content.push({ type: 'thinking', text: block.thinking });
    else if (block.type === 'tool_use') {
      const call = toolCall(claimId(taken, block.id), block.name, block.input);
      content.push(call);
      block.id = call.id;
      block.input = isJsonObject(call.args) ? call.args : {};
    }
    native.push(block);
  }
  return {
    message: { role: 'assistant', content, native: { by: id, value: native as Json } },
    stop: stopOf(content, endOf(message.stop_reason)),
    usage: priced(options, message.usage ? tokensOf(message.usage) : estimate(request, content)),
    model: id,
  };
}

function endOf(reason: Anthropic.StopReason | null): 'end' | 'length' | 'refusal' {
  if (reason === 'refusal') return 'refusal';
  return reason === 'max_tokens' || reason === 'model_context_window_exceeded' ? 'length' : 'end';
}

/** `input_tokens` counts only what was neither read from nor written to the cache. */
function tokensOf(usage: Partial<Anthropic.Usage>): Tokens {
  const cachedInputTokens = count(usage.cache_read_input_tokens);
  const cacheWriteTokens = count(usage.cache_creation_input_tokens);
  return {
    inputTokens: count(usage.input_tokens) + cachedInputTokens + cacheWriteTokens,
    outputTokens: count(usage.output_tokens),
    cachedInputTokens,
    cacheWriteTokens,
    reasoningTokens: count(usage.output_tokens_details?.thinking_tokens),
  };
}

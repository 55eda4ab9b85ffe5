/**
 * OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses), without state on their side:
 * `store: false`, and reasoning comes back encrypted to be sent along with the next turn.
 *
 * A message's native form is the `output` array of its response.
 */
import type { Responses } from 'openai/resources/responses/responses';
import { ModelError, type Model, type ModelReply, type ModelRequest, type ToolSpec } from '../agent/model.ts';
import type { Content } from '../task/content.ts';
import type { Json } from '../json.ts';
import type { Timeouts } from './attempt.ts';
import { fileName, isImage, leftOut, mediaType, partOf } from './content.ts';
import { estimate } from './estimate.ts';
import { idOf, type ModelOptions } from './model-options.ts';
import { ask, effortOf, isReasoning, openaiEndpoint } from './openai-client.ts';
import { strictSchema } from './output-schema.ts';
import { contextWindow, priced, type Tokens } from './price.ts';
import { claimId, count, least, stopOf, toolCall } from './reply.ts';
import { turnsOf, type AssistantTurn } from './turns.ts';
import { serverFault, type Endpoint } from './wire-error.ts';

type Input = Responses.ResponseInputItem[];
type InputPart = Responses.ResponseInputText | Responses.ResponseInputImage | Responses.ResponseInputFile;

export function openaiModel(options: ModelOptions, timeouts?: Partial<Timeouts>): Model {
  const id = idOf(options);
  const endpoint = openaiEndpoint(options, timeouts);

  const generate = (request: ModelRequest): Promise<ModelReply> =>
    ask<Responses.Response, Responses.ResponseStreamEvent>(endpoint, options, request, {
      create: (client, stream, signal) =>
        client.responses.create({ ...paramsOf(request, options, id), stream }, { signal }),
      assemble: (events) => finalResponse(events, request.onDelta, endpoint),
      read: (response) => replyOf(response, request, options, id, endpoint),
    });

  return {
    id,
    get contextWindow() {
      return contextWindow(options);
    },
    generate,
  };
}

// --- request ---------------------------------------------------------------------------------------------------

function paramsOf(request: ModelRequest, options: ModelOptions, id: string): Responses.ResponseCreateParams {
  const { system, tools, output, toolChoice, cacheKey } = request;
  const maxTokens = least(options.maxTokens, request.maxTokens);
  const effort = effortOf(options);
  const wantsThoughts = effort === 'low' || effort === 'medium' || effort === 'high';
  const strict = output && strictSchema(output);
  return {
    model: options.model,
    input: inputOf(request, id),
    store: false,
    ...(system !== '' && { instructions: system }),
    ...(tools.length > 0 && { tools: toolsOf(tools), parallel_tool_calls: true }),
    ...(tools.length > 0 && toolChoice && { tool_choice: toolChoice }),
    ...(effort !== undefined && { reasoning: { effort, ...(wantsThoughts && { summary: 'auto' }) } }),
    // Models that do not reason refuse to be asked for it.
    ...((wantsThoughts || isReasoning(options.model)) && { include: ['reasoning.encrypted_content'] }),
    ...(output && {
      text: { format: { type: 'json_schema', name: 'answer', schema: strict ?? output, strict: strict !== undefined } },
    }),
    ...(cacheKey !== undefined && { prompt_cache_key: cacheKey.slice(0, 64) }),
    ...(maxTokens !== undefined && { max_output_tokens: maxTokens }),
    ...(options.temperature !== undefined && { temperature: options.temperature }),
  };
}

const toolLists = new WeakMap<readonly ToolSpec[], Responses.FunctionTool[]>();

function toolsOf(tools: readonly ToolSpec[]): Responses.FunctionTool[] {
  let list = toolLists.get(tools);
  if (list === undefined) {
    list = tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      name,
      description,
      // An object schema without `properties` is refused.
      parameters: 'properties' in inputSchema ? inputSchema : { ...inputSchema, properties: {} },
      strict: false,
    }));
    toolLists.set(tools, list);
  }
  return list;
}

function inputOf(request: ModelRequest, id: string): Input {
  const input: Input = [];
  for (const turn of turnsOf(request.messages, id)) {
    if (turn.role === 'assistant') {
      input.push(...assistantItems(turn));
      continue;
    }
    for (const { callId, content, isError } of turn.results) {
      input.push({ type: 'function_call_output', call_id: callId, output: outputOf(content, isError) });
    }
    if (turn.content.length > 0) input.push({ role: 'user', content: simple(turn.content.map(inputPart)) });
  }
  return input;
}

function assistantItems(turn: AssistantTurn): Input {
  if (Array.isArray(turn.native)) return turn.native as unknown as Input;
  const items: Input = [];
  for (const block of turn.message.content) {
    if (block.type === 'text' && block.text !== '') items.push({ role: 'assistant', content: block.text });
    if (block.type === 'tool_call') {
      const written = block.malformed ?? JSON.stringify(block.args);
      items.push({ type: 'function_call', call_id: turn.wireId(block), name: block.name, arguments: written });
    }
  }
  return items;
}

function outputOf(
  content: readonly Content[],
  isError: boolean,
): Responses.ResponseInputItem.FunctionCallOutput['output'] {
  const parts = content.map(inputPart);
  // The API has no flag for a failure: the model must read it.
  if (isError) parts.unshift({ type: 'input_text', text: 'Error:' });
  return simple(parts);
}

/** Text alone goes as a string: shorter, and understood by every server of this API. */
function simple(parts: InputPart[]): string | InputPart[] {
  return parts.every((part) => part.type === 'input_text') ? parts.map((part) => part.text).join('\n') : parts;
}

function inputPart(content: Content): InputPart {
  const part = partOf(content);
  if (part.kind === 'text') return { type: 'input_text', text: part.text };
  const type = mediaType(part.mimeType);
  const url = `data:${type};base64,${part.data}`;
  if (isImage(type)) return { type: 'input_image', image_url: url, detail: 'auto' };
  if (type === 'application/pdf') return { type: 'input_file', filename: fileName(part), file_data: url };
  return { type: 'input_text', text: leftOut(part) };
}

// --- reply -----------------------------------------------------------------------------------------------------

/** The last event carries the whole response; items are kept for servers that leave it empty. */
async function finalResponse(
  events: AsyncIterable<Responses.ResponseStreamEvent>,
  onDelta: ModelRequest['onDelta'],
  endpoint: Endpoint,
): Promise<Responses.Response> {
  const items: Responses.ResponseOutputItem[] = [];
  let final: Responses.Response | undefined;
  for await (const event of events) {
    const { type } = event;
    if (type === 'response.output_text.delta' || type === 'response.refusal.delta') {
      onDelta?.({ type: 'text', text: event.delta });
    } else if (type === 'response.reasoning_summary_text.delta' || type === 'response.reasoning_text.delta') {
      onDelta?.({ type: 'thinking', text: event.delta });
    } else if (type === 'response.output_item.done') items[event.output_index] = event.item;
    else if (type === 'error') throw serverFault(endpoint, event.code, event.message);
    else if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') {
      final = event.response;
    }
  }
  if (final === undefined) {
    throw new ModelError('unavailable', `${endpoint.name}: the stream was cut before the reply was whole`);
  }
  if (!Array.isArray(final.output) || final.output.length === 0) final.output = items.filter(() => true);
  return final;
}

function replyOf(
  response: Responses.Response,
  request: ModelRequest,
  options: ModelOptions,
  id: string,
  endpoint: Endpoint,
): ModelReply {
  if (response?.error) throw serverFault(endpoint, response.error.code, response.error.message);
  if (!Array.isArray(response?.output)) {
    throw new ModelError('rejected', `${endpoint.name}: the answer is no Responses reply. Check base_url.`);
  }
  const content: ModelReply['message']['content'] = [];
  const taken = new Set<string>();
  let isRefused = response.incomplete_details?.reason === 'content_filter';
  for (const item of response.output) {
    if (item.type === 'message') {
      for (const part of item.content ?? []) {
        if (part.type === 'refusal') isRefused = true;
        const text = part.type === 'refusal' ? part.refusal : part.text;
        if (typeof text === 'string' && text !== '') content.push({ type: 'text', text });
      }
    } else if (item.type === 'reasoning') {
      const thoughts = [...(item.summary ?? []), ...(item.content ?? [])].map((part) => part.text).join('\n\n');
      if (thoughts !== '') content.push({ type: 'thinking', text: thoughts });
    } else if (item.type === 'function_call') {
      const call = toolCall(claimId(taken, item.call_id), item.name, item.arguments);
      content.push(call);
      item.call_id = call.id;
    }
  }
  const isCut = response.status === 'incomplete' && !isRefused;
  return {
    message: { role: 'assistant', content, native: { by: id, value: nativeOf(response.output) } },
    stop: stopOf(content, isRefused ? 'refusal' : isCut ? 'length' : 'end'),
    usage: priced(options, response.usage ? tokensOf(response.usage) : estimate(request, content)),
    model: id,
  };
}

/**
 * Reasoning that came without its encrypted content cannot be sent back (nothing is stored there), and an item that
 * followed it is then refused under its id: the server would look for its reasoning.
 */
function nativeOf(output: Responses.ResponseOutputItem[]): Json {
  const isLost = (item: Responses.ResponseOutputItem): boolean => item.type === 'reasoning' && !item.encrypted_content;
  if (!output.some(isLost)) return output as unknown as Json;
  const kept = output.filter((item) => !isLost(item)) as { id?: string | null }[];
  for (const item of kept) delete item.id;
  return kept;
}

function tokensOf(usage: Responses.ResponseUsage): Tokens {
  return {
    inputTokens: count(usage.input_tokens),
    outputTokens: count(usage.output_tokens),
    cachedInputTokens: count(usage.input_tokens_details?.cached_tokens),
    cacheWriteTokens: count(usage.input_tokens_details?.cache_write_tokens),
    reasoningTokens: count(usage.output_tokens_details?.reasoning_tokens),
  };
}

/**
 * What a model is asked by `sampling/createMessage` (2025-11-25 and 2026-07-28, with the tools of SEP-1577), both ways:
 * read from the params of a server that wants our model, and written for a caller whose model we want.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { blockOf, type Content, contentFrom, text, type TextContent } from '../task/content.ts';
import type { Message, ModelRequest, ToolCall, ToolResult, ToolSpec } from './model.ts';
import { SamplingRefused } from './tool.ts';

/** MCP's names of tools, and those that models take (`ToolSpec.name`). */
export interface Names {
  toModel: ReadonlyMap<string, string>;
  toServer: ReadonlyMap<string, string>;
}

export function namesOf(tools: Json | undefined): Names {
  const toModel = new Map<string, string>();
  const toServer = new Map<string, string>();
  for (const { name } of objectsIn(tools)) {
    if (typeof name !== 'string') throw new SamplingRefused('a tool has no name');
    const taken = modelName(name);
    if (toServer.has(taken)) throw new SamplingRefused(`two tools have the name "${taken}"`);
    toModel.set(name, taken);
    toServer.set(taken, name);
  }
  return { toModel, toServer };
}

const modelName = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || '_';

export const toolsFrom = (tools: Json | undefined, { toModel }: Names): ToolSpec[] =>
  objectsIn(tools).map(({ name, description, inputSchema }) => ({
    name: toModel.get(wordOf(name)) ?? '',
    description: wordOf(description),
    inputSchema: isJsonObject(inputSchema) ? inputSchema : { type: 'object' },
  }));

/** Messages side by side of the same role become one, as model APIs want it. */
export function messagesFrom(given: Json | undefined, names: Names): Message[] {
  const messages: Message[] = [];
  /** Calls that have no result yet: the next message must bring them (SEP-1577). */
  let open = new Set<string>();
  for (const { role, content } of objectsIn(given)) {
    const blocks = objectsIn(Array.isArray(content) ? content : [content ?? null]);
    const results = blocks.filter(({ type }) => type === 'tool_result');
    if (results.length > 0 && (results.length < blocks.length || role !== 'user'))
      throw new SamplingRefused('tool results stand alone, in messages of the user');
    const brought = new Set(results.map(({ toolUseId }) => wordOf(toolUseId)));
    if (brought.size !== results.length || !isSame(open, brought))
      throw new SamplingRefused('each tool use needs its one result, in the message that follows it');

    const last = messages.at(-1);
    if (role === 'assistant') {
      const said = blocks.map((block) => assistantBlock(block, names));
      open = new Set(said.flatMap((block) => (block.type === 'tool_call' ? [block.id] : [])));
      if (last?.role === 'assistant') last.content.push(...said);
      else messages.push({ role, content: said });
    } else if (role === 'user') {
      const said = blocks.map(userBlock);
      open = new Set();
      if (last?.role === 'user') last.content.push(...said);
      else messages.push({ role, content: said });
    } else throw new SamplingRefused('a message is of the user or of the assistant');
  }
  if (messages.at(-1)?.role !== 'user') throw new SamplingRefused('the last message must be one of the user');
  return messages;
}

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));

function assistantBlock(block: JsonObject, { toModel }: Names): TextContent | ToolCall {
  const { type, id, name, input } = block;
  if (type === 'text' && typeof block['text'] === 'string') return text(block['text']);
  if (type === 'tool_use' && typeof id === 'string' && typeof name === 'string' && isJsonObject(input))
    return { type: 'tool_call', id, name: toModel.get(name) ?? modelName(name), args: input };
  throw new SamplingRefused('a message of the assistant holds text and tool uses');
}

function userBlock(block: JsonObject): Content | ToolResult {
  const { type, toolUseId, content, structuredContent, isError } = block;
  if (type === 'tool_result') {
    const blocks = objectsIn(content).map((part) => contentFrom(part) ?? text(JSON.stringify(part)));
    if (blocks.length === 0 && isJsonObject(structuredContent)) blocks.push(text(JSON.stringify(structuredContent)));
    return { type, callId: wordOf(toolUseId), content: blocks, isError: isError === true };
  }
  const known = contentFrom(block);
  if (known === undefined) throw new SamplingRefused(`nobody here reads a block of the type ${JSON.stringify(type)}`);
  return known;
}

/** Tokens of one reply: what nearly every model can write. */
export const longestReply = 8_192;

/**
 * The params by which a caller's model is asked. There is no word for the shape of the answer: the model is told of it.
 * Tools are left out where there are none, for only some callers can be sent any.
 */
export function paramsOf({
  system,
  messages,
  tools,
  output,
  maxTokens = longestReply,
  toolChoice,
}: Pick<ModelRequest, 'system' | 'messages' | 'tools' | 'output' | 'maxTokens' | 'toolChoice'>): JsonObject {
  const shape = output === undefined ? [] : [`${answerShape}\n${JSON.stringify(output)}`];
  const prompt = [...(system === '' ? [] : [system]), ...shape].join('\n\n');
  return {
    ...(prompt !== '' && { systemPrompt: prompt }),
    messages: messages.flatMap(samplingMessages),
    maxTokens,
    ...(tools.length > 0 && {
      tools: tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
      ...(toolChoice !== undefined && { toolChoice: { mode: toolChoice } }),
    }),
  };
}

const answerShape = 'Your final answer is one JSON object that fits this JSON Schema, and nothing else:';

/** Results of tools stand alone: what a person sent with them follows in a message of its own. */
function samplingMessages(message: Message): JsonObject[] {
  if (message.role === 'assistant') {
    const said = message.content.flatMap((block): JsonObject[] => {
      if (block.type === 'text') return [{ ...block }];
      if (block.type !== 'tool_call') return [];
      const { id, name, args } = block;
      return [{ type: 'tool_use', id, name, input: isJsonObject(args) ? args : {} }];
    });
    return messageOf('assistant', said);
  }
  const results = message.content.flatMap((block) => (block.type === 'tool_result' ? [resultBlock(block)] : []));
  const said = message.content.flatMap((block) => (block.type === 'tool_result' ? [] : [plainBlock(block)]));
  return [...messageOf('user', results), ...messageOf('user', said)];
}

/** One block goes alone: callers of before SEP-1577 know nothing else. */
function messageOf(role: string, blocks: JsonObject[]): JsonObject[] {
  const [only] = blocks;
  if (only === undefined) return [];
  return [{ role, content: blocks.length === 1 ? only : blocks }];
}

const resultBlock = ({ callId, content, isError }: ToolResult): JsonObject => ({
  type: 'tool_result',
  toolUseId: callId,
  content: content.map(blockOf),
  ...(isError && { isError }),
});

/** Messages hold texts, images and sounds, and nothing else (`SamplingMessageContentBlock`). */
function plainBlock(block: Content): JsonObject {
  switch (block.type) {
    case 'text':
    case 'image':
    case 'audio':
      return { ...block };
    case 'resource': {
      if ('text' in block) return text(`[${block.uri}]\n${block.text}`);
      const { uri, blob, mimeType = '' } = block;
      if (mimeType.startsWith('image/')) return { type: 'image', data: blob, mimeType };
      if (mimeType.startsWith('audio/')) return { type: 'audio', data: blob, mimeType };
      return text(`[the file ${uri}, which cannot be shown]`);
    }
    case 'resource_link':
      return text(
        `[link ${block.name}: ${block.uri}]${block.description === undefined ? '' : ` ${block.description}`}`,
      );
  }
}

export const wordOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

export const objectsIn = (list: Json | undefined): JsonObject[] =>
  Array.isArray(list) ? list.filter(isJsonObject) : [];

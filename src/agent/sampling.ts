/**
 * A server that an agent uses wants a model to think for it: the agent's own model does, within the agent's budget
 * (2025-11-25 and 2026-07-28, `sampling/createMessage`, with the tools of SEP-1577). The server's conversation is its
 * own: nothing of the agent's is shown to it, whatever `includeContext` says.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type Content, contentFrom, text, type TextContent } from '../task/content.ts';
import type { TaskContext } from '../task/engine.ts';
import { addUsage, type Usage } from '../task/usage.ts';
import { limitReached, tokensOf, workTime } from './limits.ts';
import { type AssistantMessage, type Message, ModelError, type ModelReply, type ToolSpec } from './model.ts';
import type { ToolCall, ToolResult } from './model.ts';
import type { Run } from './run.ts';
import { SamplingRefused } from './tool.ts';

/** Tokens of one reply: what nearly every model can write. A server may ask for more and gets less (specification). */
const longestReply = 8_192;

/**
 * For use inside the step of the call in which the server asks.
 * @param params checked against the specification's shape, but for what holds between its messages.
 * @returns the result of `sampling/createMessage`, and what it used, which is to be added to the call's outcome.
 * @throws SamplingRefused with the reason for the server; the signal's reason.
 */
export async function sampled(
  { run, branch }: { run: Run; branch: TaskContext },
  params: JsonObject,
  signal: AbortSignal,
): Promise<{ result: JsonObject; usage: Usage }> {
  const { agent, budget, spent } = run;
  const usage = addUsage(spent.usage, run.sampled);
  const limit = limitReached(budget, { turns: 0, toolCalls: 0, usage }, workTime(branch));
  if (limit !== undefined) throw new SamplingRefused(`${agent.name} may not ask its model: ${limit.message}`);

  if (run.isLent && (budget.tokens !== undefined || budget.cost !== undefined))
    throw new SamplingRefused(
      `${agent.name} may not ask its model now: other agents work with what its budget has left`,
    );

  const names = namesOf(params['tools']);
  const request = { messages: messagesFrom(params['messages'], names), tools: toolsFrom(params['tools'], names) };
  const left = budget.tokens === undefined ? Infinity : Math.ceil(budget.tokens - tokensOf(usage));
  const wanted = typeof params['maxTokens'] === 'number' ? Math.max(1, Math.floor(params['maxTokens'])) : longestReply;
  const choice = isJsonObject(params['toolChoice']) ? params['toolChoice']['mode'] : undefined;

  let reply: ModelReply;
  try {
    reply = await agent.model.generate({
      ...request,
      system: wordOf(params['systemPrompt']),
      maxTokens: Math.min(wanted, longestReply, left),
      ...((choice === 'required' || choice === 'none') && { toolChoice: choice }),
      owner: branch.owner,
      signal,
    });
  } catch (error) {
    if (error instanceof ModelError) throw new SamplingRefused(`the model did not answer: ${error.message}`);
    throw error;
  }
  run.sampled = addUsage(run.sampled, reply.usage);
  return { result: resultOf(reply, stopSequencesIn(params), names), usage: reply.usage };
}

/** MCP's names of tools, and those that models take (`ToolSpec.name`). */
interface Names {
  toModel: ReadonlyMap<string, string>;
  toServer: ReadonlyMap<string, string>;
}

function namesOf(tools: Json | undefined): Names {
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

const toolsFrom = (tools: Json | undefined, { toModel }: Names): ToolSpec[] =>
  objectsIn(tools).map(({ name, description, inputSchema }) => ({
    name: toModel.get(wordOf(name)) ?? '',
    description: wordOf(description),
    inputSchema: isJsonObject(inputSchema) ? inputSchema : { type: 'object' },
  }));

/** Messages side by side of the same role become one, as model APIs want it. */
function messagesFrom(given: Json | undefined, names: Names): Message[] {
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

const wordOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const objectsIn = (list: Json | undefined): JsonObject[] => (Array.isArray(list) ? list.filter(isJsonObject) : []);

const stopSequencesIn = ({ stopSequences }: JsonObject): string[] =>
  Array.isArray(stopSequences) ? stopSequences.map(wordOf).filter((one) => one !== '') : [];

const stopReasons = { end: 'endTurn', tool_calls: 'toolUse', length: 'maxTokens', refusal: 'refusal', failed: 'endTurn' } as const;

function resultOf({ message, model, stop }: ModelReply, ends: readonly string[], names: Names): JsonObject {
  const { content, isCut } = cutAt(ends, message.content);
  const blocks = content.flatMap((block): JsonObject[] => {
    if (block.type === 'text') return [{ type: 'text', text: block.text }];
    if (block.type !== 'tool_call') return [];
    const input = isJsonObject(block.args) ? block.args : {};
    return [{ type: 'tool_use', id: block.id, name: names.toServer.get(block.name) ?? block.name, input }];
  });
  // One block goes alone: servers of before SEP-1577 know nothing else.
  const [only = { type: 'text', text: '' }] = blocks;
  return {
    role: 'assistant',
    content: blocks.length > 1 ? blocks : only,
    model,
    stopReason: isCut ? 'stopSequence' : stopReasons[stop],
  };
}

/** Not every model API has stop sequences: what the model wrote behind the first one is cut off here. */
function cutAt(
  ends: readonly string[],
  content: AssistantMessage['content'],
): { content: AssistantMessage['content']; isCut: boolean } {
  for (const [index, block] of content.entries()) {
    if (block.type !== 'text') continue;
    const found = ends.map((end) => block.text.indexOf(end)).filter((at) => at >= 0);
    if (found.length === 0) continue;
    const kept = text(block.text.slice(0, Math.min(...found)));
    return { content: [...content.slice(0, index), kept], isCut: true };
  }
  return { content, isCut: false };
}

/** What a model has said, as the result of `sampling/createMessage`, both ways: written for a server, read of a caller. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { usageKey } from '../meta-keys.ts';
import { text } from '../task/content.ts';
import { noUsage, usageFrom } from '../task/usage.ts';
import type { AssistantMessage, Message, ModelReply } from './model.ts';
import { type Names, objectsIn, wordOf } from './sampling-request.ts';
import { visible } from './visible.ts';

export const stopSequencesIn = ({ stopSequences }: JsonObject): string[] =>
  Array.isArray(stopSequences) ? stopSequences.map(wordOf).filter((one) => one !== '') : [];

const stopReasons = {
  end: 'endTurn',
  tool_calls: 'toolUse',
  length: 'maxTokens',
  refusal: 'refusal',
  failed: 'endTurn',
} as const;

/** @param tells what was used: to agents of other Deputies, whose caller pays. */
export function resultOf(
  { message, model, stop, usage }: ModelReply,
  ends: readonly string[],
  names: Names,
  tells: boolean,
): JsonObject {
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
    ...(tells && { _meta: { [usageKey]: usage } }),
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

/** Blocks of one reply, characters of its texts and arguments, and characters of a name. */
const most = { blocks: 1_000, size: 4 * 1024 * 1024, name: 200 };

/**
 * What the caller's model said. What it used is the caller's to pay: it is counted where the caller is a Deputy that tells
 * it, and is nothing otherwise.
 * @param messages what it was asked: no call gets the id of an earlier one, which some models would refuse.
 */
export function replyFrom(result: JsonObject, messages: readonly Message[]): ModelReply | { fault: string } {
  const { role, content, model, stopReason, _meta } = result;
  if (role !== 'assistant') return { fault: 'it is not of the role "assistant"' };
  const blocks = objectsIn(Array.isArray(content) ? content : [content ?? null]);
  if (blocks.length > most.blocks) return { fault: `it has more than ${most.blocks} blocks` };
  if (JSON.stringify(blocks).length > most.size) return { fault: `it has more than ${most.size} characters` };

  const ids = new Set(messages.flatMap(idsIn));
  const said: AssistantMessage['content'] = [];
  for (const block of blocks) {
    const { type, id, name, input } = block;
    if (type === 'text' && typeof block['text'] === 'string') said.push(text(block['text']));
    else if (type === 'tool_use' && typeof name === 'string')
      said.push({ type: 'tool_call', id: newId(id, ids), name: name.slice(0, most.name), args: input ?? {} });
    else
      return {
        fault: `it has a block of the type ${JSON.stringify(type ?? null).slice(0, 100)}, or without its members`,
      };
  }
  const isCall = said.some(({ type }) => type === 'tool_call');
  return {
    message: { role: 'assistant', content: said },
    stop: stopReason === 'maxTokens' ? 'length' : stopReason === 'refusal' ? 'refusal' : isCall ? 'tool_calls' : 'end',
    usage: (isJsonObject(_meta) ? usageFrom(_meta[usageKey]) : undefined) ?? noUsage,
    model: `client/${visible(wordOf(model).slice(0, most.name)) || 'unknown'}`,
  };
}

const idsIn = ({ content }: Message): string[] =>
  content.flatMap((block) => (block.type === 'tool_call' ? [block.id] : []));

function newId(given: Json | undefined, taken: Set<string>): string {
  const wish = (typeof given === 'string' && given !== '' ? given : 'call').slice(0, most.name);
  let id = wish;
  for (let nth = 2; taken.has(id); nth += 1) id = `${wish}_${nth}`;
  taken.add(id);
  return id;
}

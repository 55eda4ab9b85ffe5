/**
 * Real traffic, recorded by pydantic-ai's tests: each recorded reply is served over HTTP, and what we send next must
 * say what was sent then: the same messages, calls and results, in the same order (ids by their place, as messages
 * that were not ours get ids of our own).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AssistantMessage, Message, ModelReply, ToolSpec } from '../../src/agent/model.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/json.ts';
import { createModel, type ModelOptions } from '../../src/providers/create-model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { json, modelServer, sse } from './model-server.ts';
import { anthropicWire } from './wire-anthropic.ts';
import { openaiChatWire } from './wire-openai-chat.ts';
import { openaiWire } from './wire-openai.ts';
import { list, word, type Wire } from './wire.ts';

interface Interaction {
  request: { uri: string; parsed_body?: JsonObject; body?: string };
  response: { parsed_body?: JsonObject; body?: string | { string: string }; status?: { code: number } };
}

const folder = fileURLToPath(new URL('../../../shared/recordings/', import.meta.url));
const isHere = existsSync(folder);
const cassettes = isHere
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml'))
      .toSorted()
  : [];

const wireOf = (uri: string): Wire =>
  uri.includes('/messages') ? anthropicWire : uri.includes('/responses') ? openaiWire : openaiChatWire;

/** Kept at the provider, or made by tools that run there: what the conversation was cannot be told from the request. */
const isOnItsOwn = ({ request }: Interaction): boolean =>
  request.parsed_body !== undefined &&
  !('previous_response_id' in request.parsed_body) &&
  !/tool_search_call|additional_tools|server_tool_use/.test(JSON.stringify(request.parsed_body));

describe.skipIf(!isHere)('recorded conversations (skipped where ../shared/recordings is absent)', () => {
  const server = modelServer();
  let total = 0;

  it.each(cassettes)('%s', async (name) => {
    const { interactions } = parse(readFileSync(folder + name, 'utf8')) as { interactions: Interaction[] };
    const replies: ModelReply[] = [];
    let compared = 0;
    for (const interaction of interactions.filter(isOnItsOwn)) {
      const { uri, parsed_body: recorded = {} } = interaction.request;
      const wire = wireOf(uri);
      const { response } = interaction;
      const status = response.status?.code ?? 200;
      const stream = typeof response.body === 'object' ? response.body.string : response.body;
      server.answer(response.parsed_body === undefined ? sse(stream ?? '') : json(response.parsed_body, status));
      const lines = wire.heard(recorded);
      const options: ModelOptions = {
        provider: wire.provider,
        model: word(recorded['model']),
        baseUrl: server.url + wire.base,
        apiKey: 'key',
        // In one piece where it was recorded in one piece.
        maxTokens: 4096,
        fallback: [],
      };
      const reply = createModel(options, { retries: { tries: 1 } }).generate({
        system: lines
          .filter((line) => line.startsWith('system: '))
          .map((line) => line.slice(8))
          .join('\n\n'),
        messages: messagesFrom(lines, replies),
        tools: toolsFrom(recorded),
        signal: new AbortController().signal,
        ...(response.parsed_body === undefined && { onDelta: (): void => {} }),
      });
      if (status === 200) replies.push(await reply);
      else await expect(reply).rejects.toMatchObject({ kind: expect.any(String) as string });
      const sent = server.asked.at(-1)!.body;
      expect(plain(wire.heard(sent))).toEqual(plain(lines));
      expect(toolsFrom(sent).map((tool) => tool.name)).toEqual(toolsFrom(recorded).map((tool) => tool.name));
      compared += 1;
    }
    expect(replies.every(({ usage }) => usage.inputTokens > 0 && usage.outputTokens > 0)).toBe(true);
    for (const { stop, message } of replies) {
      expect(stop === 'tool_calls').toBe(message.content.some(({ type }) => type === 'tool_call'));
    }
    total += compared;
    if (compared === 0) expect(interactions.some((interaction) => !isOnItsOwn(interaction))).toBe(true);
  });

  it('come to more than ninety requests compared', () => {
    expect(total).toBeGreaterThan(90);
  });
});

/** The conversation of a recorded request; assistant messages that we heard before stand as we heard them. */
function messagesFrom(lines: string[], replies: ModelReply[]): Message[] {
  const messages: Message[] = [];
  for (const line of lines) {
    const call = /^call (\S*) (\S+) (.*)$/s.exec(line);
    const result = /^result (\S*?)( error)?: (.*)$/s.exec(line);
    const last = messages.at(-1);
    if (line.startsWith('system: ') || line.startsWith('thinking ')) continue;
    if (call !== null || line.startsWith('assistant: ')) {
      const message: AssistantMessage = last?.role === 'assistant' ? last : { role: 'assistant', content: [] };
      if (message !== last) messages.push(message);
      if (call === null) message.content.push(text(line.slice(11)));
      else
        message.content.push({ type: 'tool_call', id: call[1]!, name: call[2]!, args: JSON.parse(call[3]!) as Json });
      continue;
    }
    const content =
      result === null
        ? text(line.replace(/^\w+: /, ''))
        : {
            type: 'tool_result' as const,
            callId: result[1]!,
            content: [text(result[3]!)],
            isError: result[2] !== undefined,
          };
    if (last?.role === 'user') last.content.push(content);
    else messages.push({ role: 'user', content: [content] });
  }
  return messages.map((message) => replies.find((reply) => isSame(message, reply.message))?.message ?? message);
}

function isSame(message: Message, heard: AssistantMessage): boolean {
  if (message.role === 'user') return false;
  const shape = ({ content }: AssistantMessage): string =>
    JSON.stringify(
      [textOf(content), content.map((block) => (block.type === 'tool_call' ? block.id : ''))].flat().filter(Boolean),
    );
  return shape(message) === shape(heard);
}

const toolsFrom = (body: JsonObject): ToolSpec[] =>
  list(body['tools'])
    .map((tool) => (isJsonObject(tool['function']) ? tool['function'] : tool))
    .filter((tool) => 'name' in tool)
    .map((tool) => ({
      name: word(tool['name']),
      description: word(tool['description'] ?? ''),
      inputSchema: (tool['input_schema'] ?? tool['parameters'] ?? { type: 'object' }) as JsonObject,
    }));

/** Without the system, with neighbouring texts of one speaker as one, and with ids by the order of their calls. */
function plain(lines: string[]): string[] {
  const ids = new Map<string, string>();
  const merged: string[] = [];
  for (const line of lines) {
    if (line.startsWith('system: ') || line === 'thinking ' || line === 'assistant: ') continue;
    const [, kind, id, rest] = /^(call|result) (\S*?)((?: error)?:? .*)$/s.exec(line) ?? [];
    if (kind !== undefined && id !== undefined) {
      if (kind === 'call') ids.set(id, `#${ids.size + 1}`);
      merged.push(`${kind} ${ids.get(id) ?? 'unknown'}${rest}`);
      continue;
    }
    const speaker = /^\w+: /.exec(line)?.[0];
    const last = merged.length - 1;
    if (speaker !== undefined && merged[last]?.startsWith(speaker)) merged[last] += `\n${line.slice(speaker.length)}`;
    else merged.push(line);
  }
  return merged;
}

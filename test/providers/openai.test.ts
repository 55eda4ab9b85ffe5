import { describe, expect, it } from 'vitest';
import type { AssistantMessage, ModelRequest } from '../../src/agent/model.ts';
import type { JsonObject } from '../../src/json.ts';
import { createModel, type ModelOptions } from '../../src/providers/create-model.ts';
import { text } from '../../src/task/content.ts';
import { contract } from './contract.ts';
import { audio, tools, user, withResults } from './messages.ts';
import { json, sse } from './model-server.ts';
import { openaiWire } from './wire-openai.ts';
import { list } from './wire.ts';

describe('openai', () => {
  const server = contract(openaiWire);
  const model = (options: Partial<ModelOptions> = {}) =>
    createModel(
      { provider: 'openai', model: 'gpt-4.1', baseUrl: `${server.url}/v1`, apiKey: 'key', fallback: [], ...options },
      { retries: { tries: 1 } },
    );
  const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
    system: 'S',
    messages: [user('Hello')],
    tools,
    signal: new AbortController().signal,
    ...more,
  });
  async function sent(more: Partial<ModelRequest>, options: Partial<ModelOptions> = {}): Promise<JsonObject> {
    server.answer(json(openaiWire.whole({ text: '{}' })));
    await model({ maxTokens: 1000, ...options }).generate(request(more));
    return server.asked[0]!.body;
  }

  it('keeps nothing at the provider and names the conversation for its cache', async () => {
    const body = await sent({ cacheKey: 'k'.repeat(80) });
    expect(body['store']).toBe(false);
    expect(body['prompt_cache_key']).toBe('k'.repeat(64));
    expect(body['parallel_tool_calls']).toBe(true);
    expect(list(body['tools'])[1]).toEqual({
      type: 'function',
      name: 'now',
      description: 'The time.',
      parameters: { type: 'object', properties: {} },
      strict: false,
    });
  });

  it.each([
    ['gpt-5.4', 'high', { effort: 'high', summary: 'auto' }, true],
    ['gpt-5.4', 'off', { effort: 'none' }, true],
    ['gpt-5-mini', 'off', { effort: 'minimal' }, true],
    ['o3', 'off', { effort: 'low', summary: 'auto' }, true],
    ['gpt-5.4', undefined, undefined, true],
    ['gpt-4.1', undefined, undefined, false],
  ] as const)('asks %s for %s thinking', async (name, thinking, reasoning, isEncrypted) => {
    const body = await sent({}, { model: name, ...(thinking && { thinking }) });
    expect(body['reasoning']).toEqual(reasoning);
    expect(body['include']).toEqual(isEncrypted ? ['reasoning.encrypted_content'] : undefined);
  });

  it.each([
    ['strictly where every property is required', ['n'], true],
    ['loosely where some are not', [], false],
  ])('holds the answer to a schema %s', async (_, required, strict) => {
    const output = { type: 'object', properties: { n: { type: 'integer' } }, required };
    const body = await sent({ output });
    const schema = strict ? { ...output, additionalProperties: false } : output;
    expect(body['text']).toEqual({ format: { type: 'json_schema', name: 'answer', schema, strict } });
  });

  it('sends reasoning back only with its encrypted content, and then drops the ids that point to it', async () => {
    const calls = [{ id: 'x', name: 'now', args: '{}' }];
    server.answer(json(openaiWire.whole({ thinking: 'Hm', calls })), json(openaiWire.whole({ text: 'ok' })));
    const asked = model({ maxTokens: 1000 });
    const { message } = await asked.generate(request());
    await asked.generate(request({ messages: [user('Hello'), message, withResults(message, () => 'r')] }));
    const input = list(server.asked[1]!.body['input']);
    expect(input.map((item) => item['type'] ?? item['role'])).toEqual([
      'user',
      'function_call',
      'function_call_output',
    ]);
    expect(input[1]).not.toHaveProperty('id');
  });

  it('streams to a reasoning model that nobody reads along with, as its silence may be long', async () => {
    server.answer(sse(openaiWire.events({ text: 'Hi' })));
    await model({ model: 'gpt-5.4' }).generate(request());
    expect(server.asked[0]!.body['stream']).toBe(true);
  });

  it('takes the items of a stream whose last event is empty', async () => {
    const events = openaiWire.events({ text: 'Hi', calls: [{ id: 'x', name: 'now', args: '{}' }] });
    const at = events.lastIndexOf('"output":[');
    const end = events.indexOf('],"usage"', at);
    server.answer(sse(`${events.slice(0, at)}"output":[${events.slice(end)}`));
    const { message } = await model().generate(request({ onDelta: () => {} }));
    expect(message.content.map(({ type }) => type)).toEqual(['text', 'tool_call']);
  });

  it('tells a response that failed as the server tells it', async () => {
    const failed = {
      ...openaiWire.whole({}),
      status: 'failed',
      error: { code: 'rate_limit_exceeded', message: 'Slow' },
    };
    server.answer(json(failed));
    await expect(model().generate(request())).rejects.toMatchObject({ kind: 'unavailable' });
    server.answer(json({ ...failed, error: { code: 'invalid_prompt', message: 'No' } }));
    await expect(model().generate(request())).rejects.toMatchObject({ kind: 'rejected' });
  });

  it('says that audio was left out, and sends text results as plain text', async () => {
    const call: AssistantMessage = {
      role: 'assistant',
      content: [{ type: 'tool_call', id: 'x', name: 'now', args: {} }],
    };
    const body = await sent({
      messages: [user('a'), call, withResults(call, () => 'noon'), { role: 'user', content: [text('Hear'), audio] }],
    });
    expect(list(body['input'])[2]).toEqual({ type: 'function_call_output', call_id: 'c00000001', output: 'noon' });
    expect(openaiWire.heard(body).at(-1)).toMatch(/left out: audio\/wav/);
  });
});

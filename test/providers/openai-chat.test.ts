import { describe, expect, it } from 'vitest';
import type { AssistantMessage, ModelReply, ModelRequest } from '../../src/agent/model.ts';
import type { JsonObject } from '../../src/json.ts';
import { createModel, type ModelOptions } from '../../src/providers/create-model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { contract } from './contract.ts';
import { audio, image, tools, user, withResults } from './messages.ts';
import { json, sse } from './model-server.ts';
import { openaiChatWire } from './wire-openai-chat.ts';
import { event, list } from './wire.ts';

describe('openai-chat', () => {
  const server = contract(openaiChatWire);
  const model = (options: Partial<ModelOptions> = {}) =>
    createModel(
      { provider: 'openai-chat', model: 'qwen3', baseUrl: `${server.url}/v1`, apiKey: 'key', fallback: [], ...options },
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
    server.answer(json(openaiChatWire.whole({ text: '{}' })));
    await model({ maxTokens: 1000, ...options }).generate(request(more));
    return server.asked.at(-1)!.body;
  }
  const streamed = (deltas: JsonObject[], finish = 'stop'): Promise<ModelReply> => {
    const chunks = [...deltas, {}].map((delta, index) =>
      event(undefined, { choices: [{ delta, finish_reason: index === deltas.length ? finish : null }] }),
    );
    server.answer(sse(chunks.join('')));
    return model().generate(request({ onDelta: () => {} }));
  };

  it('sends a compatible endpoint nothing that only OpenAI knows', async () => {
    const body = await sent({ cacheKey: 'talk' });
    expect(Object.keys(body).toSorted()).toEqual(['max_tokens', 'messages', 'model', 'tools']);
  });

  it('asks for the answer in a schema, and tells it too, as many endpoints pass over the format', async () => {
    const output = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const body = await sent({ output });
    expect(body['response_format']).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema: { ...output, additionalProperties: false }, strict: true },
    });
    expect(openaiChatWire.heard(body)[0]).toContain(JSON.stringify(output));
  });

  it('shows images of tool results in a user message after all results', async () => {
    const content: AssistantMessage['content'] = ['x', 'y'].map((id) => ({
      type: 'tool_call',
      id,
      name: 'now',
      args: {},
    }));
    const call: AssistantMessage = { role: 'assistant', content };
    const results = withResults(call, ({ id }) => id);
    const [first] = results.content;
    if (first?.type === 'tool_result') first.content.push(image);
    const body = await sent({ messages: [user('a'), call, results] });
    expect(openaiChatWire.heard(body).slice(-5)).toEqual([
      'call c00000002 now {}',
      'result c00000001: x\n[an image follows in the next message]',
      'result c00000002: y',
      'user: From the result of c00000001:',
      'user: <image/png>',
    ]);
  });

  it('leaves images out for a model that refuses them, and remembers it', async () => {
    const refusal = json({ error: { message: 'This model does not support image input', code: 'bad_request' } }, 400);
    const ok = json(openaiChatWire.whole({ text: 'ok' }));
    server.answer(refusal, ok, ok);
    const blind = model();
    const messages = [{ role: 'user' as const, content: [text('Look'), image] }];
    await blind.generate(request({ messages }));
    await blind.generate(request({ messages }));
    expect(server.asked.map(({ body }) => openaiChatWire.heard(body).join().includes('<image/png>'))).toEqual([
      true,
      false,
      false,
    ]);
    expect(openaiChatWire.heard(server.asked[2]!.body).join()).toContain('left out: image/png');
  });

  it('leaves a refused image out of one request only, where the fault is in the image', async () => {
    const refusal = json({ error: { message: 'The image is too large', code: 'bad_request' } }, 400);
    const ok = json(openaiChatWire.whole({ text: 'ok' }));
    server.answer(refusal, ok, ok);
    const seeing = model();
    const messages = [{ role: 'user' as const, content: [text('Look'), image] }];
    await seeing.generate(request({ messages }));
    await seeing.generate(request({ messages }));
    expect(server.asked.map(({ body }) => openaiChatWire.heard(body).join().includes('<image/png>'))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('sends audio', async () => {
    const body = await sent({ messages: [{ role: 'user', content: [text('Hear'), audio] }] });
    expect(openaiChatWire.heard(body).at(-1)).toBe('user: <audio>');
  });

  it('keeps calls apart that a server streams under one index', async () => {
    const call = (id: string, args: string) => ({
      tool_calls: [{ index: 0, id, function: { name: 'add', arguments: args } }],
    });
    const more = (args: string) => ({ tool_calls: [{ index: 0, function: { arguments: args } }] });
    const { message } = await streamed([call('p', '{"a":'), more('1}'), call('q', '{"a":'), more('2}')]);
    expect(message.content).toMatchObject([
      { id: 'p', args: { a: 1 } },
      { id: 'q', args: { a: 2 } },
    ]);
  });

  it('keeps calls apart that a server streams without an index', async () => {
    const call = (id: string, args: string) => ({ tool_calls: [{ id, function: { name: 'add', arguments: args } }] });
    const { message } = await streamed([call('p', '{"a":1}'), call('q', '{"a":2}')]);
    expect(message.content).toMatchObject([
      { id: 'p', args: { a: 1 } },
      { id: 'q', args: { a: 2 } },
    ]);
  });

  it('returns what endpoints add to a message: signatures of calls, details of reasoning', async () => {
    const extra = { google: { thought_signature: 'sig' } };
    const details = [{ type: 'reasoning.encrypted', data: 'abc' }];
    const { message } = await streamed([
      { reasoning: 'Hm', reasoning_details: details },
      { tool_calls: [{ index: 0, id: 'p', extra_content: extra, function: { name: 'now', arguments: '{}' } }] },
    ]);
    expect(message.content[0]).toEqual({ type: 'thinking', text: 'Hm' });
    const body = await sent({ messages: [user('Hello'), message, withResults(message, () => 'noon')] });
    expect(list(body['messages'])[2]).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'p', type: 'function', extra_content: extra, function: { name: 'now', arguments: '{}' } }],
      reasoning_details: details,
    });
  });

  it('reads text that comes in parts, as Mistral sends it', async () => {
    const { message } = await streamed([
      {
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: 'Bon' },
        ],
      },
      { content: 'jour' },
    ]);
    expect(textOf(message.content)).toBe('Bonjour');
  });

  it('estimates usage where the endpoint does not count', async () => {
    const { usage } = await streamed([{ content: 'Hi' }]);
    expect(usage.inputTokens).toBeGreaterThan(10);
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  it.each([
    ['tool_use_failed', 400, 'unavailable'],
    ['insufficient_quota', 429, 'auth'],
  ])('tells %s as what another try can do about it', async (code, status, kind) => {
    server.answer(json({ error: { message: 'No', code } }, status));
    await expect(model().generate(request())).rejects.toMatchObject({ kind });
  });

  it('tells a failure inside a 200', async () => {
    server.answer(json({ error: { code: 502, message: 'Provider returned error' } }));
    await expect(model().generate(request())).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

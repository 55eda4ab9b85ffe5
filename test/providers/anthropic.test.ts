import { describe, expect, it } from 'vitest';
import type { AssistantMessage, Message, ModelRequest } from '../../src/agent/model.ts';
import type { JsonObject } from '../../src/json.ts';
import { createModel, type ModelOptions } from '../../src/providers/create-model.ts';
import { text } from '../../src/task/content.ts';
import { contract } from './contract.ts';
import { audio, tools, user } from './messages.ts';
import { json, sse } from './model-server.ts';
import { anthropicWire } from './wire-anthropic.ts';
import { list } from './wire.ts';

describe('anthropic', () => {
  const server = contract(anthropicWire);

  async function sent(request: Partial<ModelRequest>, options: Partial<ModelOptions> = {}): Promise<JsonObject> {
    server.answer((response, incoming, body) =>
      (body['stream'] === true ? sse(anthropicWire.events({ text: '{}' })) : json(anthropicWire.whole({ text: '{}' })))(
        response,
        incoming,
        body,
      ),
    );
    const model = createModel(
      { provider: 'anthropic', model: 'claude-opus-5', baseUrl: server.url, apiKey: 'key', fallback: [], ...options },
      { retries: { tries: 1 } },
    );
    const base = { system: 'S', messages: [user('Hello')], tools, signal: new AbortController().signal };
    await model.generate({ ...base, ...request });
    return server.asked[0]!.body;
  }
  const schema: JsonObject = {
    type: 'object',
    properties: { n: { type: 'integer', minimum: 1, description: 'How many.' } },
    required: ['n'],
  };

  it('marks the system and the last two user turns for the cache, at most four places', async () => {
    const said = (words: string): AssistantMessage => ({ role: 'assistant', content: [text(words)] });
    const body = await sent({ messages: [user('1'), said('a'), user('2'), said('b'), user('3')] });
    const marked = list(body['messages']).map((message) =>
      list(message['content']).some((block) => 'cache_control' in block),
    );
    expect(marked).toEqual([false, false, true, false, true]);
    expect(list(body['system'])).toEqual([{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }]);
    expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(3);
  });

  it('counts what cut replies have cost: for the reply that comes, or for the failure', async () => {
    const said = { text: 'Once upon a time', usage: { input: 1_000, output: 7 } };
    const events = anthropicWire.events(said);
    const cut = sse(events.slice(0, Math.floor(events.length * 0.7)));
    const asking = (tries: number) => {
      const model = createModel(
        { provider: 'anthropic', model: 'claude-opus-5', baseUrl: server.url, apiKey: 'key', fallback: [] },
        { retries: { tries, sleep: () => Promise.resolve() } },
      );
      const { signal } = new AbortController();
      return model.generate({ system: '', messages: [user('Hello')], tools: [], signal, onDelta: () => {} });
    };
    server.answer(cut, cut, sse(events));
    expect((await asking(3)).usage.inputTokens).toBe(3_000);
    server.answer(cut, cut);
    await expect(asking(2)).rejects.toMatchObject({ kind: 'unavailable', usage: { inputTokens: 2_000 } });
  });

  it('forced to call a tool, it is not asked to think', async () => {
    const body = await sent({ toolChoice: 'required' }, { thinking: 'high' });
    expect([body['tool_choice'], body['thinking']]).toEqual([{ type: 'any' }, { type: 'disabled' }]);
  });

  it('marks the last tool where there is no system', async () => {
    const body = await sent({ system: '' });
    expect(body).not.toHaveProperty('system');
    expect(list(body['tools']).map((tool) => 'cache_control' in tool)).toEqual([false, true]);
  });

  it('holds the answer to a schema beside tools, with bounds told as description', async () => {
    const body = await sent({ output: schema });
    expect(body['output_config']).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: { n: { type: 'integer', description: 'How many. {minimum: 1}' } },
          required: ['n'],
          additionalProperties: false,
        },
      },
    });
    expect(list(body['tools'])).toHaveLength(2);
  });

  it.each([
    ['a schema of free properties', { type: 'object', additionalProperties: { type: 'string' } }, 'claude-opus-5'],
    ['a model that knows no formats', schema, 'claude-3-5-haiku-latest'],
  ])('tells the schema in words for %s', async (_, output, model) => {
    const body = await sent({ output }, { model });
    expect(body).not.toHaveProperty('output_config');
    expect(anthropicWire.heard(body)[0]).toContain(JSON.stringify(output));
  });

  it.each([
    ['claude-opus-5', 'high', { type: 'adaptive', display: 'summarized' }, { effort: 'high' }, 32_000],
    ['claude-sonnet-4-6', 'low', { type: 'adaptive', display: 'summarized' }, { effort: 'low' }, 32_000],
    ['claude-haiku-4-5', 'medium', { type: 'enabled', budget_tokens: 8192 }, undefined, 32_000],
    ['claude-sonnet-4-5-20250929', 'low', { type: 'enabled', budget_tokens: 2048 }, undefined, 32_000],
    ['claude-opus-4-1-20250805', 'high', { type: 'enabled', budget_tokens: 16_384 }, undefined, 32_000],
    ['claude-opus-5', 'off', { type: 'disabled' }, undefined, 16_000],
    ['claude-opus-5', undefined, undefined, undefined, 16_000],
    ['claude-3-haiku-20240307', undefined, undefined, undefined, 4096],
  ] as const)('asks %s for %s thinking in its own way', async (model, thinking, config, outputConfig, maxTokens) => {
    const body = await sent({}, { model, ...(thinking && { thinking }) });
    expect(body['thinking']).toEqual(config);
    expect(body['output_config']).toEqual(outputConfig);
    expect(body['max_tokens']).toBe(maxTokens);
    expect(body['stream']).toBe(maxTokens === 32_000);
  });

  it('thinks without a budget while it goes on with a turn that another model began', async () => {
    const call: AssistantMessage = {
      role: 'assistant',
      content: [{ type: 'tool_call', id: 'x', name: 'add', args: {} }],
    };
    const result: Message = {
      role: 'user',
      content: [{ type: 'tool_result', callId: 'x', content: [], isError: true }],
    };
    const options = { model: 'claude-haiku-4-5', thinking: 'low', maxTokens: 8000 } as const;
    const body = await sent({ messages: [user('Hello'), call, result] }, options);
    expect(body).not.toHaveProperty('thinking');
    expect(anthropicWire.heard(body).at(-1)).toBe('result c00000001 error: (no content)');
  });

  it('says that audio was left out', async () => {
    const body = await sent({ messages: [{ role: 'user', content: [text('Hear'), audio] }] });
    expect(anthropicWire.heard(body).at(-1)).toMatch(/left out: audio\/wav, 1 KiB/);
  });

  it('asks for a key before it asks anybody', async () => {
    const before = process.env['ANTHROPIC_API_KEY'];
    delete process.env['ANTHROPIC_API_KEY'];
    try {
      const model = createModel({ provider: 'anthropic', model: 'claude-opus-5', fallback: [] });
      await expect(
        model.generate({ system: '', messages: [user('x')], tools: [], signal: new AbortController().signal }),
      ).rejects.toMatchObject({ kind: 'auth', message: expect.stringContaining('ANTHROPIC_API_KEY') as string });
    } finally {
      if (before !== undefined) process.env['ANTHROPIC_API_KEY'] = before;
    }
  });
});

/** What every provider keeps, whatever its wire looks like. Each provider's test file runs it on its own wire. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ModelError,
  type Message,
  type ModelDelta,
  type ModelReply,
  type ModelRequest,
} from '../../src/agent/model.ts';
import type { JsonObject } from '../../src/json.ts';
import { createModel, type ModelOptions, type ModelTuning } from '../../src/providers/create-model.ts';
import { text, textOf } from '../../src/task/content.ts';
import { json, modelServer, raw, reset, silent, sse, stalled, torn, type ModelServer } from './model-server.ts';
import { image, pdf, tools, user, withResults } from './messages.ts';
import type { Said, Wire } from './wire.ts';

/** One attempt, no waiting: what a single request does. */
const once: ModelTuning = { retries: { tries: 1 } };

export function contract(wire: Wire): ModelServer {
  const server = modelServer();

  const options = (more: Partial<ModelOptions> = {}): ModelOptions => ({
    provider: wire.provider,
    model: wire.model,
    baseUrl: `${server.url}${wire.base}`,
    apiKey: 'sk-secret-key',
    fallback: [],
    ...more,
  });
  const request = (messages: Message[], more: Partial<ModelRequest> = {}): ModelRequest => ({
    system: 'Be brief.',
    messages,
    tools,
    signal: new AbortController().signal,
    ...more,
  });
  const ask = (more: Partial<ModelRequest> = {}, set: Partial<ModelOptions> = {}, tuning = once): Promise<ModelReply> =>
    createModel(options(set), tuning).generate(request([user('Hello')], more));
  /** Resolves when the connection of the one request is gone. */
  const cutOff = async (): Promise<void> => {
    await expect.poll(() => server.asked).toHaveLength(1);
    await server.asked[0]?.cut;
  };
  const failure = async (promise: Promise<unknown>): Promise<ModelError> => {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ModelError);
    return error as ModelError;
  };
  /** In one piece and as a stream. */
  const ways = [
    ['whole', (said: Said) => json(wire.whole(said)), undefined],
    ['streamed', (said: Said) => sse(wire.events(said)), (): void => {}],
  ] as const;

  describe.each(ways)('%s', (way, answer, onDelta) => {
    const listened = onDelta === undefined ? {} : { onDelta };

    it('answers with text, at the right path, with the key', async () => {
      server.answer(answer({ text: 'Hi there' }));
      const reply = await ask(listened);
      expect(textOf(reply.message.content)).toBe('Hi there');
      expect(reply.stop).toBe('end');
      expect(reply.model).toBe(`${wire.provider}/${wire.model}`);
      const [asked] = server.asked;
      expect(asked?.path.split('?')[0]).toBe(wire.path);
      expect(asked?.body['stream'] ?? false).toBe(way === 'streamed');
      expect(JSON.stringify(asked?.headers)).toContain('sk-secret-key');
      expect(wire.heard(asked!.body)).toEqual(['system: Be brief.', 'user: Hello']);
    });

    it('returns four parallel calls in order', async () => {
      const calls = [1, 2, 3, 4].map((n) => ({ id: `id${n}`, name: 'add', args: `{"a":${n},"b":"é"}` }));
      server.answer(answer({ text: 'Adding', calls }));
      const { message, stop } = await ask(listened);
      expect(stop).toBe('tool_calls');
      expect(message.content.slice(1)).toEqual(
        [1, 2, 3, 4].map((n) => ({ type: 'tool_call', id: `id${n}`, name: 'add', args: { a: n, b: 'é' } })),
      );
    });

    it('holds a tool conversation of three turns, each call with its result', async () => {
      const turn = (n: number): Said => ({
        text: `Turn ${n}`,
        calls: ['a', 'b'].map((name) => ({ id: `${name}${n}`, name: 'add', args: `{"a":${n}}` })),
      });
      server.answer(answer(turn(1)), answer(turn(2)), answer({ text: 'Done' }));
      const model = createModel(options(), once);
      const messages: Message[] = [user('Hello')];
      for (let n = 1; n <= 2; n++) {
        const reply = await model.generate(request(messages, listened));
        messages.push(
          reply.message,
          withResults(reply.message, (call) => `is ${call.id}`),
        );
      }
      const last = await model.generate(request(messages, listened));
      expect(textOf(last.message.content)).toBe('Done');
      const lines = (n: number): string[] => [
        `assistant: Turn ${n}`,
        `call a${n} add {"a":${n}}`,
        `call b${n} add {"a":${n}}`,
        `result a${n}: is a${n}`,
        `result b${n}: is b${n}`,
      ];
      expect(wire.heard(server.asked[2]!.body)).toEqual(['system: Be brief.', 'user: Hello', ...lines(1), ...lines(2)]);
    });

    it('carries thinking over to the next turn with its proof', async () => {
      const said: Said = {
        thinking: 'Two and two',
        proof: 'proof-1',
        text: 'Hm',
        calls: [{ id: 'x', name: 'add', args: '{}' }],
      };
      server.answer(answer(said), answer({ text: 'Four' }));
      const model = createModel(options(), once);
      const { message } = await model.generate(request([user('Hello')], listened));
      expect(message.content[0]).toEqual({ type: 'thinking', text: 'Two and two' });
      expect(message).toEqual(JSON.parse(JSON.stringify(message)));
      await model.generate(request([user('Hello'), message, withResults(message, () => 'ok')], listened));
      const proof = wire.provider === 'openai-chat' ? 'Two and two' : 'proof-1';
      expect(wire.heard(server.asked[1]!.body)).toContain(`thinking ${proof}`);
    });

    it('maps usage and prices it', async () => {
      const usage = { input: 1000, cached: 600, write: 100, output: 50, reasoning: 20 };
      server.answer(answer({ text: 'x', usage }), answer({ text: 'x', usage }));
      const price = { input: 10, output: 100, cachedInput: 1, cacheWrite: 20 };
      const reply = await ask(listened, { price });
      expect(reply.usage).toEqual({
        inputTokens: 1000,
        outputTokens: 50,
        cachedInputTokens: 600,
        cacheWriteTokens: 100,
        reasoningTokens: 20,
        cost: expect.closeTo((300 * 10 + 600 * 1 + 100 * 20 + 50 * 100) / 1e6, 10),
      });
      const unknown = await ask(listened, { model: 'nobody-knows-me' });
      expect(unknown.usage.cost).toBeNull();
    });

    it.each(['refusal', 'length'] as const)('tells %s as an ordinary stop', async (stop) => {
      server.answer(answer({ text: 'I would', stop }));
      expect((await ask(listened)).stop).toBe(stop);
    });

    it('reads what a model says in refusing', async () => {
      server.answer(answer({ refusal: 'I will not' }));
      const { message, stop } = await ask(listened);
      expect(textOf(message.content)).toBe('I will not');
      expect(stop).toBe('refusal');
    });

    it('keeps arguments that are no JSON, and stays able to go on', async () => {
      const calls = [{ id: 'x', name: 'add', args: '{"a": 1,' }];
      server.answer(answer({ calls }), answer({ text: 'Sorry' }));
      const model = createModel(options(), once);
      const { message } = await model.generate(request([user('Hello')], listened));
      expect(message.content).toEqual([{ type: 'tool_call', id: 'x', name: 'add', args: null, malformed: '{"a": 1,' }]);
      await model.generate(request([user('Hello'), message, withResults(message, () => 'no JSON')], listened));
      const sent = JSON.stringify(server.asked[1]!.body);
      if (wire.provider !== 'openai') expect(sent).not.toContain('{\\"a\\": 1,');
      expect(sent).toContain('no JSON');
    });

    it('takes empty arguments for none', async () => {
      server.answer(answer({ calls: [{ id: 'x', name: 'now', args: '' }] }));
      expect((await ask(listened)).message.content).toEqual([{ type: 'tool_call', id: 'x', name: 'now', args: {} }]);
    });

    it('makes doubled and missing ids unique, in the native message too', async () => {
      const args = '{}';
      const calls = [
        { id: 'x', name: 'a', args },
        { id: 'x', name: 'b', args },
        { name: 'c', args },
        { id: '', name: 'd', args },
      ];
      server.answer(answer({ calls }), answer({ text: 'Done' }));
      const model = createModel(options(), once);
      const { message } = await model.generate(request([user('Hello')], listened));
      const ids = message.content.map((block) => (block.type === 'tool_call' ? block.id : ''));
      expect(new Set(ids).size).toBe(4);
      expect(ids).not.toContain('');
      await model.generate(request([user('Hello'), message, withResults(message, (call) => call.name)], listened));
      expect(wire.heard(server.asked[1]!.body).slice(2)).toEqual([
        ...ids.map((id, index) => `call ${id} ${'abcd'[index]} {}`),
        ...ids.map((id, index) => `result ${id}: ${'abcd'[index]}`),
      ]);
    });

    it('survives an empty reply and sends no empty message back', async () => {
      server.answer(answer({}), answer({ text: 'Now' }));
      const model = createModel(options(), once);
      const { message, stop } = await model.generate(request([user('Hello')], listened));
      expect(textOf(message.content)).toBe('');
      expect(stop).toBe('end');
      await model.generate(request([user('Hello'), message, user('Well?')], listened));
      expect(wire.heard(server.asked[1]!.body).filter((line) => line.startsWith('assistant'))).toEqual([]);
    });

    it('takes a call although no tools were given', async () => {
      server.answer(answer({ calls: [{ id: 'x', name: 'ghost', args: '{}' }] }));
      const { message } = await ask({ ...listened, tools: [] });
      expect(message.content).toEqual([{ type: 'tool_call', id: 'x', name: 'ghost', args: {} }]);
      expect(server.asked[0]!.body).not.toHaveProperty('tools');
    });
  });

  it('passes over blocks of a kind that it does not know', async () => {
    server.answer(json(wire.unknownBlocks));
    expect(textOf((await ask()).message.content)).toBe('known');
  });

  it('tells text and thinking as they are written, and the pieces are the reply', async () => {
    const deltas: ModelDelta[] = [];
    server.answer(sse(wire.events({ thinking: 'First this', text: 'then that' })));
    const { message } = await ask({ onDelta: (delta) => void deltas.push(delta) });
    const joined = (type: string): string =>
      textOf(deltas.filter((delta) => delta.type === type).map(({ text: piece }) => text(piece)));
    expect(deltas.length).toBe(4);
    expect(joined('thinking')).toBe('First this');
    expect(joined('text')).toBe('then that');
    expect(textOf(message.content)).toBe('then that');
  });

  it('sends images and files of users and of tools where the API takes them, and says what it left out', async () => {
    server.answer(
      json(wire.whole({ calls: [{ id: 'x', name: 'shot', args: '{}' }] })),
      json(wire.whole({ text: 'Seen' })),
    );
    const model = createModel(options(), once);
    const odd = {
      type: 'resource',
      uri: 'file:///a/b.zip',
      mimeType: 'application/zip',
      blob: 'A'.repeat(4096),
    } as const;
    const link = { type: 'resource_link', uri: 'file:///c.txt', name: 'c.txt', mimeType: 'text/plain' } as const;
    const first: Message = { role: 'user', content: [text('Look'), image, pdf, odd, link] };
    const { message } = await model.generate(request([first]));
    const result: Message = {
      role: 'user',
      content: [{ type: 'tool_result', callId: 'x', content: [text('shot'), image], isError: false }],
    };
    await model.generate(request([first, message, result]));
    const heard = wire.heard(server.asked[1]!.body);
    expect(heard).toContain('user: <image/png>');
    expect(heard).toContain('user: <application/pdf>');
    expect(heard.join('\n')).toMatch(/left out: application\/zip, 3 KiB, file:\/\/\/a\/b\.zip/);
    expect(heard.join('\n')).toContain('[link to c.txt: file:///c.txt (text/plain)]');
    const shown = heard.slice(heard.findIndex((line) => line.startsWith('result x')));
    expect(shown.join('\n')).toContain('shot');
    expect(shown.join('\n')).toContain('<image/png>');
  });

  it('rebuilds what another provider said, and answers calls that were never answered', async () => {
    server.answer(json(wire.whole({ text: 'ok' })));
    const call = (id: string, name: string) => ({ type: 'tool_call', id, name, args: { n: 1 } }) as const;
    const foreign: Message = {
      role: 'assistant',
      content: [
        { type: 'thinking', text: 'secret' },
        text('Hm'),
        call('functions.a:0', 'a'),
        call('functions.b:1', 'b'),
      ],
      native: { by: 'other/model', value: { secret: 'native' } },
    };
    const result: Message = {
      role: 'user',
      content: [{ type: 'tool_result', callId: 'functions.b:1', content: [text('B')], isError: true }],
    };
    await createModel(options(), once).generate(request([user('Hello'), foreign, result, user('And?')]));
    expect(wire.heard(server.asked[0]!.body)).toEqual([
      'system: Be brief.',
      'user: Hello',
      'assistant: Hm',
      'call c00000001 a {"n":1}',
      'call c00000002 b {"n":1}',
      'result c00000002 error: B',
      'result c00000001 error: No result: the call was not finished.',
      'user: And?',
    ]);
    expect(JSON.stringify(server.asked[0]!.body)).not.toContain('secret');
  });

  describe('faults', () => {
    // The SDK is loaded by the first request, and time limits are short here.
    beforeAll(async () => {
      server.answer(json(wire.whole({ text: 'warm' })));
      await ask();
    });

    it.each([
      [429, 'unavailable'],
      [500, 'unavailable'],
      [503, 'unavailable'],
      [529, 'unavailable'],
      [401, 'auth'],
      [403, 'auth'],
      [404, 'rejected'],
      [400, 'rejected'],
      [413, 'context_length'],
    ])('tells %i as %s, with the endpoint and what the server said', async (status, kind) => {
      server.answer(json(wire.errorBody('some_error', 'because of sk-secret-key'), status));
      const error = await failure(ask());
      expect(error.kind).toBe(kind);
      expect(error.message).toContain(`${wire.provider}/${wire.model} at ${server.url}`);
      expect(error.message).toContain('because of [redacted]');
    });

    it.each([
      ['context_length', "This model's maximum context length is 8192 tokens. However, you requested 9000"],
      ['context_length', 'prompt is too long: 210000 tokens > 200000 maximum'],
      ['rejected', 'messages.0: invalid role'],
    ])('tells a 400 as %s by what it says: %s', async (kind, message) => {
      server.answer(json(wire.errorBody('invalid_request_error', message), 400));
      expect((await failure(ask())).kind).toBe(kind);
    });

    it.each([
      ['seconds', { 'retry-after': '7' }, 7000],
      ['milliseconds', { 'retry-after-ms': '250' }, 250],
    ])('reads Retry-After in %s', async (_, headers, wish) => {
      server.answer(json(wire.errorBody('rate_limit_error', 'slow down'), 429, headers));
      expect((await failure(ask())).retryAfterMs).toBe(wish);
    });

    it('reads Retry-After as a date', async () => {
      const headers = { 'retry-after': new Date(Date.now() + 20_000).toUTCString() };
      server.answer(json(wire.errorBody('rate_limit_error', 'slow down'), 429, headers));
      const { retryAfterMs } = await failure(ask());
      expect(retryAfterMs).toBeGreaterThan(15_000);
      expect(retryAfterMs).toBeLessThanOrEqual(20_000);
    });

    const events = wire.events({
      text: 'Something long enough to be cut',
      calls: [{ id: 'x', name: 'a', args: '{"n":1}' }],
    });
    const firstHalf = events.slice(0, Math.floor(events.length / 2));
    const listened = { onDelta: (): void => {} };

    it.each([
      ['a reset connection', reset],
      ['an empty body', raw('', 200, { 'content-type': 'application/json' })],
      ['broken JSON', raw('{"id": "x", "con', 200, { 'content-type': 'application/json' })],
    ])('tells %s as unavailable', async (_, responder) => {
      server.answer(responder);
      expect((await failure(ask())).kind).toBe('unavailable');
    });

    it.each([
      ['a stream that ends early', sse(firstHalf)],
      ['a stream that is torn', torn(firstHalf)],
      ['an empty stream', sse('')],
      [
        'a chunk that is no JSON',
        sse(`${firstHalf.slice(0, firstHalf.lastIndexOf('\n\n') + 2)}event: message_delta\ndata: {"type": \n\n`),
      ],
      ['an error in mid-stream', sse(`${firstHalf.slice(0, firstHalf.lastIndexOf('\n\n') + 2)}${wire.errorEvent}`)],
    ])('tells %s as unavailable', async (_, responder) => {
      server.answer(responder);
      expect((await failure(ask(listened))).kind).toBe('unavailable');
    });

    it('tells an HTML page in words, cut to a readable length', async () => {
      const page = `<html><style>x{}</style><body><h1>502 Bad Gateway</h1>${'filler '.repeat(2000)}</body></html>`;
      server.answer(raw(page, 502, { 'content-type': 'text/html' }));
      const error = await failure(ask());
      expect(error.kind).toBe('unavailable');
      expect(error.message).toContain('502 Bad Gateway');
      expect(error.message).not.toContain('<h1>');
      expect(error.message.length).toBeLessThan(800);
    });

    it.each([
      ['HTML', raw('<html><body>Log in</body></html>', 200, { 'content-type': 'text/html' })],
      ['JSON of something else', json({ hello: 'world' })],
      ['null', json(null)],
      ['nothing in it', json({})],
    ])('rejects a 200 with %s and points to base_url', async (_, responder) => {
      server.answer(responder);
      const error = await failure(ask());
      expect(error.kind).toBe('rejected');
      expect(error.message).toContain('base_url');
    });

    it('gives up on a first byte that does not come, and closes the connection', async () => {
      server.answer(silent);
      const error = await failure(ask(listened, {}, { ...once, timeouts: { firstByte: 500 } }));
      expect(error.kind).toBe('unavailable');
      expect(error.message).toContain('no reply began within 0.5 s');
      await cutOff();
    });

    it('gives up on a stream that falls silent, and closes the connection', async () => {
      server.answer(stalled(firstHalf));
      const error = await failure(ask(listened, {}, { ...once, timeouts: { idle: 500 } }));
      expect(error.message).toContain('nothing more came within 0.5 s');
      await cutOff();
    });

    it('gives up on a reply in one piece that does not come', async () => {
      server.answer(silent);
      const error = await failure(ask({}, {}, { ...once, timeouts: { whole: 500 } }));
      expect(error.message).toContain('no reply came within 0.5 s');
      await cutOff();
    });

    it('gives up on a reply in one piece that stops half-way', async () => {
      const half = JSON.stringify(wire.whole({ text: 'Hi' })).slice(0, 40);
      server.answer((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write(half));
      const error = await failure(ask({}, {}, { ...once, timeouts: { whole: 500 } }));
      expect(error.message).toContain('no reply came within 0.5 s');
      await cutOff();
    });

    it('tells a server that is not there', async () => {
      const error = await failure(ask({}, { baseUrl: 'http://127.0.0.1:1' }));
      expect(error.kind).toBe('unavailable');
      expect(error.message).toMatch(/ECONNREFUSED|bad port/);
      expect(error.message).toContain('base_url');
    });

    it('sends no key of the environment to a foreign base_url', async () => {
      const names = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY'];
      const before = names.map((name) => process.env[name]);
      for (const name of names) process.env[name] = 'sk-of-the-environment';
      try {
        server.answer(json(wire.whole({ text: 'ok' })));
        const { apiKey: _apiKey, ...keyless } = options();
        await createModel(keyless, once).generate(request([user('Hello')]));
        const { headers } = server.asked[0]!;
        expect(headers['authorization']).toBeUndefined();
        expect(headers['x-api-key']).toBeUndefined();
      } finally {
        names.forEach((name, index) => {
          if (before[index] === undefined) delete process.env[name];
          else process.env[name] = before[index];
        });
      }
    });
  });

  describe('abort', () => {
    it('throws the reason without asking where it was aborted before', async () => {
      const reason = new Error('not wanted');
      await expect(ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(server.asked).toEqual([]);
    });

    it('throws the reason and closes the connection in the middle of a stream', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      server.answer(
        stalled(
          wire
            .events({ text: 'Once upon a time' })
            .replace(/event: (message_stop|response.completed)[^]*|data: \[DONE\][^]*/, ''),
        ),
      );
      const asked = ask({ signal: controller.signal, onDelta: () => controller.abort(reason) });
      await expect(asked).rejects.toBe(reason);
      await cutOff();
    });

    it('throws the reason and closes the connection while it waits for a whole reply', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      server.answer(() => controller.abort(reason));
      await expect(ask({ signal: controller.signal })).rejects.toBe(reason);
      await cutOff();
    });
  });

  it('tries a cut stream again and says so to who reads along', async () => {
    const events = wire.events({ text: 'Once upon a time' });
    const told: string[] = [];
    server.answer(json({}, 503), sse(events.slice(0, Math.floor(events.length * 0.7))), sse(events));
    const waits: number[] = [];
    const sleep = async (ms: number): Promise<void> => void waits.push(ms);
    const reply = await ask(
      { onDelta: (delta) => void told.push(delta.text) },
      {},
      { retries: { sleep, random: () => 1 } },
    );
    expect(textOf(reply.message.content)).toBe('Once upon a time');
    expect(waits).toEqual([500, 1000]);
    expect(told.join('')).toMatch(/the reply begins again]\n\nOnce upon a time$/);
  });

  it('writes no more than it is asked for, and calls a tool where it must', async () => {
    const mostIn = (body: JsonObject | undefined): unknown[] =>
      Object.entries(body ?? {}).flatMap(([key, value]) => (/^max_(\w+_)?tokens$/.test(key) ? [value] : []));
    const hi = json(wire.whole({ text: 'Hi' }));
    server.answer(hi, hi, hi);
    await ask({ maxTokens: 50, toolChoice: 'required' });
    await ask({ maxTokens: 50, toolChoice: 'none' }, { maxTokens: 20 });
    await ask({ tools: [], toolChoice: 'none' });
    expect(server.asked.slice(0, 2).map(({ body }) => mostIn(body))).toEqual([[50], [20]]);
    const choices = server.asked.map(({ body }) => JSON.stringify(body['tool_choice']));
    expect(choices).toEqual([
      expect.stringMatching(/^("required"|\{"type":"any"\})$/),
      expect.stringMatching(/^("none"|\{"type":"none"\})$/),
      undefined,
    ]);
  });

  it('falls back to the next model, which says who answered', async () => {
    server.answer(json({}, 404), json(wire.whole({ text: 'Me' })));
    const fallback = [options({ model: 'second' })];
    const reply = await createModel(options({ model: 'first', fallback }), once).generate(request([user('Hello')]));
    expect(reply.model).toBe(`${wire.provider}/second`);
    expect(reply.message.native?.by).toBe(`${wire.provider}/second`);
  });

  it('keeps the prefix of the prompt the same from turn to turn', async () => {
    server.answer(json(wire.whole({ calls: [{ id: 'x', name: 'a', args: '{}' }] })), json(wire.whole({ text: 'ok' })));
    const model = createModel(options(), once);
    const { message } = await model.generate(request([user('Hello')], { cacheKey: 'talk-1' }));
    await model.generate(request([user('Hello'), message, withResults(message, () => 'r')], { cacheKey: 'talk-1' }));
    const stripped = server.asked.map(({ body }) =>
      JSON.stringify(body, (key, value: unknown) => (key === 'cache_control' ? undefined : value)),
    );
    const key = wire.provider === 'openai' ? 'input' : 'messages';
    const first = JSON.stringify((JSON.parse(stripped[0]!) as JsonObject)[key]).slice(0, -1);
    expect(stripped[1]).toContain(first);
  });

  return server;
}

/** Questions of servers of 2026: by an answer that breaks the call off (MRTR), and of tasks. */
import { describe, expect, test } from 'vitest';
import { SamplingRefused } from '../../src/agent/tool.ts';
import type { JsonObject } from '../../src/json.ts';
import type { InputResponse } from '../../src/task/question.ts';
import { said } from './peers.ts';
import { accept, nameSchema, person } from './questions.ts';
import { done, handle, type OnAsked, state, taskPeer } from './task-peer.ts';

const form = (message: string, requestedSchema: object = nameSchema) => ({
  method: 'elicitation/create',
  params: { mode: 'form', message, requestedSchema },
});
const breaksOff = (inputRequests: object, requestState?: string) => ({
  result: { resultType: 'input_required', inputRequests, ...(requestState !== undefined && { requestState }) },
});
const text = (value: string) => ({ result: { content: [{ type: 'text', text: value }] } });
const asks = { server: { asks: true } } as const;

/** Asks for a name, then says it. */
const greets: OnAsked = ({ params }) => {
  const responses = params['inputResponses'] as Record<string, { content?: { name?: string } }> | undefined;
  return responses === undefined
    ? breaksOff({ who: form('Who are you?') }, 'state 1')
    : text(`Hello, ${responses['who']?.content?.name ?? 'nobody'}.`);
};

describe('a call that is broken off to ask', () => {
  test('is made again with the answer, the state and its own arguments, under a new id', async () => {
    const peer = await taskPeer({ 'tools/call': greets }, asks);
    const { ask, answer, asked, isAsked } = person();
    const [commits, references]: [string[], string[]] = [[], []];
    const outcome = peer.act({ ask, commits, references });
    await expect.poll(() => isAsked('Who are you?')).toBe(true);
    expect(asked[0]?.request).toEqual({ kind: 'form', message: 'Who are you?', schema: nameSchema });
    answer('Who', accept({ name: 'Ada' }));
    expect(said(await outcome)).toBe('Hello, Ada.');
    const [first, second] = peer.of('tools/call');
    expect(second?.params).toMatchObject({
      name: 'act',
      arguments: {},
      requestState: 'state 1',
      inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } },
    });
    expect(second?.id).not.toBe(first?.id);
    expect(first?.params['_meta']).toMatchObject({
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    });
    // Each leg is committed; between them the round is stored.
    expect(commits).toEqual(['{}', '{}']);
    expect(references).toHaveLength(1);
  });

  test('asks side by side, and goes on when all is answered', async () => {
    const peer = await taskPeer(
      {
        'tools/call': ({ params }) =>
          params['inputResponses'] === undefined
            ? breaksOff({ a: form('A?'), b: form('B?') })
            : text(JSON.stringify(params['inputResponses'])),
      },
      asks,
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => isAsked('A?') && isAsked('B?')).toBe(true);
    answer('B?', { action: 'decline' });
    expect(peer.count('tools/call')).toBe(1);
    answer('A?', { action: 'expired' });
    expect(JSON.parse(said(await outcome))).toEqual({ a: { action: 'cancel' }, b: { action: 'decline' } });
    // Without a state none is made up.
    expect(peer.of('tools/call')[1]?.params).not.toHaveProperty('requestState');
  });

  test('may ask under the same key again: it is another question', async () => {
    const peer = await taskPeer(
      {
        'tools/call': (_asked, nth) =>
          nth <= 2 ? breaksOff({ who: form(`Again ${nth}?`) }, `state ${nth}`) : text('enough'),
      },
      asks,
    );
    const { ask, answer, asked, isAsked } = person();
    const outcome = peer.act({ ask });
    for (const words of ['Again 1?', 'Again 2?']) {
      await expect.poll(() => isAsked(words)).toBe(true);
      answer(words, accept());
    }
    expect(said(await outcome)).toBe('enough');
    expect(new Set(asked.map(({ key }) => key)).size).toBe(2);
    expect(peer.of('tools/call').map(({ params }) => params['requestState'])).toEqual([
      undefined,
      'state 1',
      'state 2',
    ]);
  });

  test('goes on in another process with what was answered in the first', async () => {
    const peer = await taskPeer({ 'tools/call': greets }, asks);
    const stored = new Map<string, InputResponse>();
    const references: string[] = [];
    const first = person(stored);
    void peer.act({ ask: first.ask, references });
    await expect.poll(() => first.isAsked('Who')).toBe(true);
    first.asked.forEach(({ key }) => stored.set(key, accept({ name: 'Ada' })));

    const commits: string[] = [];
    const outcome = await peer.act({ ask: person(stored).ask, reference: references[0] ?? '', commits });
    expect(said(outcome)).toBe('Hello, Ada.');
    expect(peer.of('tools/call')[1]?.params['requestState']).toBe('state 1');
    expect(commits).toEqual(['{}']);
  });

  test('whose second leg is lost is unknown', async () => {
    const peer = await taskPeer(
      {
        'tools/call': (asked, nth) => (nth === 1 ? greets(asked, nth) : undefined),
      },
      { server: { asks: true, idleTimeout: 1_000 } },
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => isAsked('Who')).toBe(true);
    answer('Who', accept({ name: 'Ada' }));
    expect((await outcome).unknown).toContain('gave no sign of life');
  });

  test('waits for people without a slot', async () => {
    const peer = await taskPeer(
      { 'tools/call': (asked, nth) => (nth === 1 ? greets(asked, nth) : text('quick')) },
      {
        server: { asks: true, concurrency: 1 },
      },
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => isAsked('Who')).toBe(true);
    expect(said(await peer.act())).toBe('quick');
    answer('Who', accept({ name: 'Ada' }));
    expect(said(await outcome)).toBe('quick');
  });

  test('that is cancelled meanwhile withdraws its questions', async () => {
    const peer = await taskPeer({ 'tools/call': greets }, asks);
    const { ask, withdrawn, isAsked } = person();
    const stop = new AbortController();
    const outcome = peer.act({ ask, signal: stop.signal });
    await expect.poll(() => isAsked('Who')).toBe(true);
    stop.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(withdrawn).toHaveLength(1);
  });

  test('with nothing to ask is made again after a moment', async () => {
    const peer = await taskPeer({
      'tools/call': (_asked, nth) =>
        nth <= 3 ? { result: { resultType: 'input_required', requestState: `busy ${nth}` } } : text('free'),
    });
    expect(said(await peer.act())).toBe('free');
    expect(peer.of('tools/call').at(-1)?.params['requestState']).toBe('busy 3');
  });

  test('of a resource is made again as well', async () => {
    const peer = await taskPeer(
      {
        'server/discover': () => ({
          result: {
            supportedVersions: ['2026-07-28'],
            capabilities: { tools: {}, resources: {} },
            ttlMs: 0,
            cacheScope: 'private',
          },
        }),
        'resources/read': ({ params }) =>
          params['inputResponses'] === undefined
            ? breaksOff({ who: form('Who reads?') }, 's')
            : { result: { contents: [{ uri: 'test://a', text: 'read' }], ttlMs: 0, cacheScope: 'private' } },
      },
      asks,
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.use('read_resource', { uri: 'test://a' }, { ask });
    await expect.poll(() => isAsked('Who reads?')).toBe(true);
    answer('Who reads?', accept({ name: 'Ada' }));
    expect((await outcome).content).toMatchObject([{ type: 'resource', text: 'read' }]);
    expect(peer.of('resources/read')[1]?.params).toMatchObject({ uri: 'test://a', requestState: 's' });
  });
});

test('a call whose arguments are mirrored into headers is made again with them', async () => {
  const region = { type: 'string', 'x-mcp-header': 'Region' };
  const inputSchema = { type: 'object', properties: { region } };
  const peer = await taskPeer(
    {
      'tools/list': () => ({ result: { tools: [{ name: 'act', inputSchema }], ttlMs: 0, cacheScope: 'private' } }),
      'tools/call': greets,
    },
    asks,
  );
  const { ask, answer, isAsked } = person();
  const outcome = peer.use('act', { region: 'north' }, { ask });
  await expect.poll(() => isAsked('Who')).toBe(true);
  answer('Who', accept({ name: 'Ada' }));
  expect(said(await outcome)).toBe('Hello, Ada.');
  const [first, second] = peer.of('tools/call');
  expect(second?.params).toMatchObject({ arguments: { region: 'north' }, requestState: 'state 1' });
  expect(second?.headers['mcp-param-region']).toBe(first?.headers['mcp-param-region']);
  expect(second?.headers['mcp-param-region']).toBe('north');
});

describe('what a server may not ask', () => {
  test('is not offered, and ends the call without an answer', async () => {
    const peer = await taskPeer({ 'tools/call': greets });
    expect(said(await peer.act())).toMatch(/asks for "Who are you\?" before it goes on\. Nobody could be asked/);
    expect(JSON.stringify(peer.asked)).not.toContain('"elicitation"');
  });

  test('ends a call whose other questions may be asked', async () => {
    const peer = await taskPeer({ 'tools/call': () => breaksOff({ dirs: { method: 'roots/list' } }) }, asks);
    expect(said(await peer.act())).toMatch(/the call has ended: refused: nobody here answers roots\/list/);
  });

  test.each([
    ['javascript:alert(1)'],
    ['data:text/html,hi'],
    ['http://login.example/x'],
    ['https://evil.example/x'],
    ['https://login.example.evil.com/x'],
    ['https://user:pass@login.example/x'],
    ['no address'],
  ])('is a page at %s: it is declined and nobody sees it', async (url) => {
    const page = { method: 'elicitation/create', params: { mode: 'url', message: 'Open', url, elicitationId: 'e' } };
    const peer = await taskPeer(
      {
        'tools/call': ({ params }) =>
          params['inputResponses'] === undefined ? breaksOff({ page }) : text(JSON.stringify(params['inputResponses'])),
      },
      { server: { asks: true, urlHosts: ['login.example'] } },
    );
    const { ask, asked } = person();
    expect(said(await peer.act({ ask }))).toBe('{"page":{"action":"decline"}}');
    expect(asked).toEqual([]);
  });
});

test.each([
  ['https://login.example/x?y=1#z', 'https://login.example/x?y=1#z'],
  ['https://a.b.pages.example/', 'https://a.b.pages.example/'],
  ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:8080/cb'],
  ['https://LOGIN.example/\u200B', 'https://login.example/%E2%80%8B'],
])('a page at %s on an allowed host is asked for, whole', async (url, shown) => {
  const page = { method: 'elicitation/create', params: { mode: 'url', message: 'Open', url, elicitationId: 'e' } };
  const peer = await taskPeer(
    { 'tools/call': (_asked, nth) => (nth === 1 ? breaksOff({ page }) : text('opened')) },
    { server: { asks: true, urlHosts: ['login.example', '*.pages.example', '127.0.0.1'] } },
  );
  const { ask, answer, asked, isAsked } = person();
  const outcome = peer.act({ ask });
  await expect.poll(() => isAsked('Open')).toBe(true);
  expect(asked[0]?.request).toEqual({ kind: 'url', message: 'Open', url: shown, elicitationId: 'e' });
  answer('Open', accept());
  expect(said(await outcome)).toBe('opened');
  expect(peer.of('tools/call')[0]?.params['_meta']).toMatchObject({
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} } },
  });
});

describe('sampling', () => {
  const think = {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: 'Think.' } }], maxTokens: 5 },
  };
  const thinks: OnAsked = ({ params }) =>
    params['inputResponses'] === undefined ? breaksOff({ think }) : text(JSON.stringify(params['inputResponses']));

  test('is answered by the model where the server may use it', async () => {
    const peer = await taskPeer({ 'tools/call': thinks }, { server: { sampling: true } });
    const wanted: JsonObject[] = [];
    const thought = { role: 'assistant', content: { type: 'text', text: '42' }, model: 'm', stopReason: 'endTurn' };
    const outcome = await peer.act({ sample: async (params) => (wanted.push(params), thought) });
    expect(JSON.parse(said(outcome))).toEqual({ think: thought });
    expect(wanted).toEqual([think.params]);
    expect(peer.of('tools/call')[0]?.params['_meta']).toMatchObject({
      'io.modelcontextprotocol/clientCapabilities': { sampling: { tools: {} } },
    });
  });

  test('that the policy refuses ends the call with the reason', async () => {
    const peer = await taskPeer({ 'tools/call': thinks }, { server: { sampling: true } });
    const outcome = await peer.act({ sample: () => Promise.reject(new SamplingRefused('the budget is used up')) });
    expect(said(outcome)).toContain('the call has ended: the budget is used up');
  });
});

describe('a task that asks', () => {
  const waiting = (inputRequests: object) => state('input_required', { inputRequests });

  test('is told each answer as it comes, and what is not asked any more is withdrawn', async () => {
    let open: Record<string, object> = { a: form('A?'), b: form('B?'), c: form('C?') };
    const peer = await taskPeer(
      {
        'tasks/get': () => (Object.keys(open).length === 0 ? done() : waiting(open)),
        'tasks/update': ({ params }) => {
          for (const key of Object.keys(params['inputResponses'] as object))
            open = Object.fromEntries(Object.entries(open).filter(([name]) => name !== key));
          return { result: {} };
        },
      },
      asks,
    );
    const { ask, answer, isAsked, withdrawn, asked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => ['A?', 'B?', 'C?'].every(isAsked)).toBe(true);
    answer('B?', accept({ name: 'Bob' }));
    await expect.poll(() => peer.count('tasks/update')).toBe(1);
    expect(peer.of('tasks/update')[0]?.params).toMatchObject({
      taskId: 't1',
      inputResponses: { b: { action: 'accept', content: { name: 'Bob' } } },
    });
    open = { a: form('A?') };
    await expect.poll(() => withdrawn.length).toBe(1);
    answer('A?', { action: 'decline' });
    expect(said(await outcome)).toBe('done');
    expect(asked).toHaveLength(3);
    expect(peer.count('tasks/update')).toBe(2);
  });

  test('and is gone on with by another process asks again, and gets the stored answer', async () => {
    let isAnswered = false;
    const peer = await taskPeer(
      {
        'tasks/get': () => (isAnswered ? done() : waiting({ a: form('A?') })),
        'tasks/update': () => ((isAnswered = true), { result: {} }),
      },
      asks,
    );
    const stored = new Map<string, InputResponse>();
    const first = person(stored);
    const stop = new AbortController();
    const references: string[] = [];
    void peer.act({ ask: first.ask, references }).catch(() => {});
    await expect.poll(() => first.isAsked('A?')).toBe(true);
    stored.set(first.asked[0]?.key ?? '', accept({ name: 'Ada' }));
    const second = person(stored);
    expect(said(await peer.act({ ask: second.ask, reference: references[0] ?? '' }))).toBe('done');
    expect(second.asked.map(({ key }) => key)).toEqual(first.asked.map(({ key }) => key));
    stop.abort();
  });

  test('an answer that does not get through is sent again', async () => {
    let isAnswered = false;
    const peer = await taskPeer(
      {
        'tasks/get': () => (isAnswered ? done() : waiting({ a: form('A?') })),
        'tasks/update': (_asked, nth) => (nth === 1 ? undefined : ((isAnswered = true), { result: {} })),
      },
      { ...asks, timings: { list: 100 } },
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => isAsked('A?')).toBe(true);
    answer('A?', accept());
    expect(said(await outcome)).toBe('done');
  });

  test('of a kind that was not offered is cancelled, and that is said', async () => {
    const peer = await taskPeer({ 'tasks/get': () => waiting({ a: { method: 'roots/list' } }) }, asks);
    expect(said(await peer.act())).toMatch(/nobody here answers roots\/list.*It was cancelled\./s);
    expect(peer.count('tasks/cancel')).toBe(1);
  });

  test('uses no time while people think', async () => {
    let isAnswered = false;
    const peer = await taskPeer(
      {
        'tools/call': () => handle(),
        'tasks/get': () => (isAnswered ? done() : waiting({ a: form('A?') })),
        'tasks/update': () => ((isAnswered = true), { result: {} }),
      },
      { server: { asks: true, hardTimeout: 2_000 } },
    );
    const { ask, answer, isAsked } = person();
    const outcome = peer.act({ ask });
    await expect.poll(() => isAsked('A?')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    answer('A?', accept());
    expect(said(await outcome)).toBe('done');
  });
});

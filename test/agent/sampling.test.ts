/** A server thinks with the agent's model: in MCP's shapes (2025-11-25, SEP-1577), within the agent's budget. */
import { describe, expect, test, vi } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Limits } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { ModelError, type ModelReply } from '../../src/agent/model.ts';
import { newRun } from '../../src/agent/run.ts';
import { openSampling } from '../../src/agent/sampling.ts';
import { SamplingRefused, type ToolOutcome } from '../../src/agent/tool.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { text } from '../../src/task/content.ts';
import { addUsage, noUsage } from '../../src/task/usage.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, usage } from './fakes.ts';
import { accept, answered, at, begun } from './supervised.ts';

const { signal } = new AbortController();
const user = (content: Json) => ({ role: 'user', content });
const assistant = (content: Json) => ({ role: 'assistant', content });
const words = (value: string): JsonObject => ({ type: 'text', text: value });
const hello = { messages: [user(words('hello'))], maxTokens: 100 };

async function sample(params: JsonObject, lines: (ModelReply | Error)[] = [says('hi')], limits: Partial<Limits> = {}) {
  const model = fakeModel(lines);
  const { context } = rehearsal();
  const run = newRun(fakeAgent({ model, limits }), asks('SECRET of the agent'), context, undefined);
  const sampling = openSampling(
    { run, branch: context, lent: undefined },
    { step: 'call', isAgent: false, away: (wait) => wait() },
  );
  const result = await sampling.sample(params, signal);
  return { run, result, usage: sampling.total(undefined), asked: model.asked[0] };
}

test('the model is asked what the server asks, and nothing of what the agent knows', async () => {
  const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' };
  const {
    asked,
    result,
    usage: used,
  } = await sample({
    messages: [user([words('look'), image]), assistant(words('at what?')), user(words('at that'))],
    systemPrompt: 'You see.',
    maxTokens: 50,
    includeContext: 'allServers',
  });
  expect(asked).toMatchObject({ system: 'You see.', tools: [], maxTokens: 50 });
  expect(asked?.messages).toEqual([
    { role: 'user', content: [text('look'), image] },
    { role: 'assistant', content: [text('at what?')] },
    { role: 'user', content: [text('at that')] },
  ]);
  expect(JSON.stringify(asked)).not.toContain('SECRET');
  expect(result).toEqual({ role: 'assistant', content: words('hi'), model: 'fake/model', stopReason: 'endTurn' });
  expect(used).toEqual(usage());
});

test('its tools are its own, by the names that it gave them, and their results come back', async () => {
  const tools = [{ name: 'get.weather', description: 'W', inputSchema: { type: 'object' } }];
  const use = { type: 'tool_use', id: 'u1', name: 'get.weather', input: { city: 'Rome' } };
  const first = await sample({ ...hello, tools, toolChoice: { mode: 'required' } }, [
    calls([
      { id: 'x', name: 'get_weather', args: { city: 'Rome' } },
      { id: 'y', name: 'get_weather', args: null, malformed: '{' },
    ]),
  ]);
  expect(first.asked).toMatchObject({ toolChoice: 'required', tools: [{ name: 'get_weather', description: 'W' }] });
  expect(first.result).toMatchObject({
    stopReason: 'toolUse',
    content: [
      { type: 'tool_use', id: 'x', name: 'get.weather', input: { city: 'Rome' } },
      { type: 'tool_use', id: 'y', name: 'get.weather', input: {} },
    ],
  });
  const result = { type: 'tool_result', toolUseId: 'u1', content: [words('sunny')] };
  const failed = { type: 'tool_result', toolUseId: 'u2', content: [], structuredContent: { n: 1 }, isError: true };
  const second = await sample({
    ...hello,
    tools,
    messages: [user(words('hello')), assistant([use, { ...use, id: 'u2' }]), user([result, failed])],
  });
  expect(second.asked?.messages.slice(1)).toEqual([
    {
      role: 'assistant',
      content: ['u1', 'u2'].map((id) => ({ type: 'tool_call', id, name: 'get_weather', args: { city: 'Rome' } })),
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', callId: 'u1', content: [text('sunny')], isError: false },
        { type: 'tool_result', callId: 'u2', content: [text('{"n":1}')], isError: true },
      ],
    },
  ]);
});

test.each([
  ['end', says('x'), 'endTurn'],
  ['length', says('x', { stop: 'length' }), 'maxTokens'],
  ['refusal', says('no', { stop: 'refusal' }), 'refusal'],
  ['nothing said', says(''), 'endTurn'],
] as const)('%s has its stop reason, and one block that goes alone', async (_, reply, stopReason) => {
  const { result } = await sample(hello, [reply]);
  expect(result['stopReason']).toBe(stopReason);
  expect(result['content']).toMatchObject({ type: 'text' });
});

test('what stands behind a stop sequence is cut off, calls included', async () => {
  const reply = calls([['t']], { message: { role: 'assistant', content: [text('one STOP two'), text('three')] } });
  const { result } = await sample({ ...hello, stopSequences: ['two', 'STOP'] }, [reply]);
  expect(result).toMatchObject({ content: words('one '), stopReason: 'stopSequence' });
});

test('a reply is no longer than a model can write, or than the budget has left', async () => {
  expect((await sample({ ...hello, maxTokens: 1e9 })).asked?.maxTokens).toBe(8_192);
  expect((await sample({ ...hello, maxTokens: 1e9 }, undefined, { tokens: 300 })).asked?.maxTokens).toBe(300);
});

test('what a reply used is told to agents of other Deputies alone, and counted once', async () => {
  const { context } = rehearsal();
  const run = newRun(fakeAgent({ model: fakeModel([says('hi'), says('hi')]) }), asks('go'), context, undefined);
  const calling = { run, branch: context, lent: undefined };
  const open = (isAgent: boolean) => openSampling(calling, { step: 'call', isAgent, away: (wait) => wait() });
  const other = open(false);
  expect(await other.sample(hello, signal)).not.toHaveProperty('_meta');
  expect(other.total(usage(1, 1))).toEqual(addUsage(usage(), usage(1, 1)));
  const deputy = open(true);
  expect((await deputy.sample(hello, signal))['_meta']).toEqual({ 'dev.deputy-mcp/usage': usage() });
  expect(deputy.total(usage(100, 50, 1))).toEqual(usage(100, 50, 1));
  expect(deputy.total(noUsage)).toEqual(usage());
  expect(deputy.total(undefined)).toEqual(usage());
});

test('thinking stays with us', async () => {
  const reply = says('', { message: { role: 'assistant', content: [{ type: 'thinking', text: 'hm' }, text('out')] } });
  expect(JSON.stringify((await sample(hello, [reply])).result)).not.toContain('hm');
});

describe('refused, with the reason for the server, before anything is asked', () => {
  const result = { type: 'tool_result', toolUseId: 'u1', content: [] };
  const use = { type: 'tool_use', id: 'u1', name: 't', input: {} };
  test.each([
    ['no messages', { messages: [] }, /last message must be one of the user/],
    ['the last word is the model’s', { messages: [user(words('a')), assistant(words('b'))] }, /last message/],
    ['a result without its use', { messages: [user([result])] }, /each tool use needs its one result/],
    ['a use without its result', { messages: [user(words('a')), assistant(use), user(words('b'))] }, /each tool use/],
    ['one result twice', { messages: [user(words('a')), assistant(use), user([result, result])] }, /each tool use/],
    ['results beside words', { messages: [user(words('a')), assistant(use), user([result, words('b')])] }, /alone/],
    [
      'an image of the assistant',
      { messages: [assistant({ type: 'image', data: '', mimeType: '' })] },
      /text and tool/,
    ],
    ['a block of an unknown kind', { messages: [user({ type: 'video' })] }, /nobody here reads .* "video"/],
    ['a third role', { messages: [{ role: 'system', content: words('a') }] }, /of the user or of the assistant/],
    ['two tools of one name', { ...hello, tools: [{ name: 'a.b' }, { name: 'a_b' }] }, /two tools have the name "a_b"/],
  ] as const)('%s', async (_, params, why) => {
    const asking = sample(params as unknown as JsonObject, []);
    await expect(asking).rejects.toThrow(SamplingRefused);
    await expect(asking).rejects.toThrow(why);
  });
});

test('a model that fails is a refusal; an abort is not', async () => {
  await expect(sample(hello, [new ModelError('unavailable', 'overloaded')])).rejects.toThrow(
    new SamplingRefused('the model did not answer: overloaded'),
  );
  await expect(sample(hello, [new Error('aborted')])).rejects.not.toBeInstanceOf(SamplingRefused);
});

test('it lives on the budget of the agent, and its calls see what one another have used', async () => {
  const params = hello;
  const told: string[] = [];
  const tool = fakeTool('t', async (_, options) => {
    const asked = await options.sample(params, options.signal).then(
      () => 'answered',
      (error: unknown) => (error instanceof SamplingRefused ? error.message : 'a fault'),
    );
    told.push(asked);
    return ok(asked);
  });
  const one = usage(40, 0);
  const model = fakeModel([
    calls(
      [
        ['t', { n: 1 }],
        ['t', { n: 2 }],
        ['t', { n: 3 }],
        ['t', { n: 4 }],
      ],
      { usage: one },
    ),
    says('sampled', { usage: one }),
    says('sampled', { usage: one }),
  ]);
  const agent = fakeAgent({ model, tools: [tool], limits: { tokens: 100, parallelTools: 1 } });
  const { context, records } = rehearsal();
  const result = await runAgent(agent, asks('go'), context);
  expect(told).toEqual([
    'answered',
    'answered',
    'agent may not ask its model: it has used 120 of its 100 tokens',
    'agent may not ask its model: it has used 120 of its 100 tokens',
  ]);
  expect(result).toMatchObject({ stop: 'limit', limit: 'tokens', usage: { inputTokens: 120 } });
  // On record with the call, so that a crash refunds nothing.
  expect(records[1]?.value).toMatchObject({ usage: { inputTokens: 40 } });
  expect((await runAgent(agent, asks('go'), rehearsal(records).context)).usage).toEqual(result.usage);
});

test('a call that asks many times at once oversteps by one reply, like an agent', async () => {
  const model = fakeModel(Array.from({ length: 9 }, () => says('hi', { usage: usage(40, 0) })));
  const { context } = rehearsal();
  const run = newRun(fakeAgent({ model, limits: { tokens: 100 } }), asks('go'), context, undefined);
  const calling = { run, branch: context, lent: undefined };
  const sampling = openSampling(calling, { step: 'call', isAgent: false, away: (wait) => wait() });
  const told = await Promise.allSettled(Array.from({ length: 9 }, () => sampling.sample(hello, signal)));
  expect(told.map(({ status }) => status)).toEqual([...Array(3).fill('fulfilled'), ...Array(6).fill('rejected')]);
  expect(model.asked).toHaveLength(3);
});

test('without a bound of tokens or cost nothing waits for its turn', async () => {
  const { promise, resolve } = Promise.withResolvers<ModelReply>();
  const model = fakeModel([() => promise, says('second')]);
  const { context } = rehearsal();
  const run = newRun(fakeAgent({ model }), asks('go'), context, undefined);
  const calling = { run, branch: context, lent: undefined };
  const sampling = openSampling(calling, { step: 'call', isAgent: false, away: (wait) => wait() });
  const first = sampling.sample(hello, signal);
  expect(await sampling.sample(hello, signal)).toMatchObject({ content: words('second') });
  resolve(says('first'));
  expect(await first).toMatchObject({ content: words('first') });
});

describe('what a reply used is counted', () => {
  const model = () => fakeModel([calls([['t']]), says('sampled', { usage: usage(40, 0, 0) }), says('done')]);

  test('where the call is cut off at its deadline', async () => {
    vi.useFakeTimers({ now: 0 });
    try {
      const tool = fakeTool('t', async (_, options) => {
        await options.sample(hello, options.signal);
        const cut = Promise.withResolvers<ToolOutcome>();
        options.signal.addEventListener('abort', () => cut.reject(new Error('cut off')));
        void vi.advanceTimersByTimeAsync(1_000);
        return cut.promise;
      });
      const agent = fakeAgent({ model: model(), tools: [tool], limits: { time: 500 } });
      const result = await runAgent(agent, asks('go'), rehearsal().context);
      expect(result).toMatchObject({ stop: 'limit', limit: 'time', usage: { inputTokens: 50 } });
    } finally {
      vi.useRealTimers();
    }
  });

  test('where nobody knows whether the call happened, and a person has it run again', async () => {
    let times = 0;
    const tool = fakeTool('t', async (args, options) => {
      await options.commit(JSON.stringify(args), 'unsafe');
      if ((times += 1) > 1) return ok('did');
      await options.sample(hello, options.signal);
      return { ...ok(''), unknown: 'it went silent' };
    });
    const world = await begun(fakeAgent({ model: model(), tools: [tool] }));
    await answered(world, at(1, 'unknown 1'), accept({ decision: 'run' }));
    expect(world.result).toMatchObject({ stop: 'answer', usage: { inputTokens: 60 } });
  });
});

test('beside agents that have all of the budget, there is none for a server', async () => {
  const told: string[] = [];
  const tool = fakeTool('t', async (_, options) => {
    await options.sample(hello, options.signal).then(
      () => told.push('answered'),
      (error: unknown) => told.push(error instanceof SamplingRefused ? error.message : 'a fault'),
    );
    return ok('done');
  });
  const child = fakeAgent({ name: 'child', model: fakeModel([says('below')]) });
  const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
  const both = () => [
    calls([['t'], ['child', { message: 'x' }]]),
    calls([['t', { n: 2 }]]),
    says('sampled'),
    says('end'),
  ];
  const parts = { tools: [tool], agents: [agentTool(() => child, spec)] };
  const limited = fakeAgent({ ...parts, model: fakeModel(both()), limits: { tokens: 1_000 } });
  expect((await runAgent(limited, asks('go'), rehearsal().context)).stop).toBe('answer');
  expect(told).toEqual([
    'agent may not ask its model now: other agents work with what its budget has left',
    'answered',
  ]);
});

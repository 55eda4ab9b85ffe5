import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Agent } from '../../src/agent/agent.ts';
import { runAgent } from '../../src/agent/loop.ts';
import { ModelError, type ModelReply } from '../../src/agent/model.ts';
import type { AgentTool, ToolOutcome } from '../../src/agent/tool.ts';
import { UnavailableError } from '../../src/errors.ts';
import { textOf } from '../../src/task/content.ts';
import { cpuTimeOf } from '../cpu-time.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, usage } from './fakes.ts';

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const nestedTool = (agent: Agent): AgentTool =>
  agentTool(() => agent, {
    name: agent.name,
    description: '',
    inputSchema: { type: 'object' },
    check: () => undefined,
  });

async function run(agent: Agent, words = 'go', rehearsed = rehearsal()) {
  const messages = asks(words);
  const result = await runAgent(agent, messages, rehearsed.context);
  return { ...rehearsed, messages, result, said: textOf(result.content) };
}
const resultsIn = (messages: readonly { content: readonly object[] }[], at = 2): object[] => [
  ...(messages[at]?.content ?? []),
];

describe('calls of one turn', () => {
  test('an answer without calls ends the work', async () => {
    const { result, messages } = await run(fakeAgent({ model: fakeModel([says('42')]) }));
    expect(result).toEqual({ content: [{ type: 'text', text: '42' }], stop: 'answer', usage: usage() });
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  });

  test('run side by side up to the bound; results stand in call order, whatever ended first', async () => {
    const gates = new Map<string, PromiseWithResolvers<ToolOutcome>>();
    const tool = fakeTool('t', ({ n }) => {
      const gate = Promise.withResolvers<ToolOutcome>();
      gates.set(JSON.stringify(n), gate);
      return gate.promise;
    });
    const model = fakeModel([calls([1, 2, 3, 4, 5].map((n) => ['t', { n }])), says('done')]);
    const running = run(fakeAgent({ model, tools: [tool], limits: { parallelTools: 2 } }));
    const begun: string[][] = [];
    for (const n of ['2', '1', '3', '5', '4']) {
      await turns();
      begun.push([...gates.keys()]);
      gates.get(n)?.resolve(ok(`result ${n}`));
    }
    const { messages, result } = await running;
    expect(begun.map((names) => names.length)).toEqual([2, 3, 4, 5, 5]);
    expect(resultsIn(messages)).toMatchObject(
      [1, 2, 3, 4, 5].map((n) => ({ callId: `c${n}`, content: [{ text: `result ${n}` }] })),
    );
    expect(result.stop).toBe('answer');
  });

  test('C1: any order of completion gives the same journal keys, the same branches and the same messages', async () => {
    const outcomeOf = async (order: readonly number[], parallelTools: number) => {
      const waiting = new Map<number, () => void>();
      const tool = fakeTool(
        't',
        ({ n }) => new Promise((resolve) => waiting.set(Number(n), () => resolve(ok(`r${JSON.stringify(n)}`)))),
      );
      const four: [string, { n: number }][] = [0, 1, 2, 3].map((n) => ['t', { n }]);
      const model = fakeModel([calls(four), calls([['nope'], ...four.slice(2)]), says('end')]);
      const agent = fakeAgent({ model, tools: [tool], limits: { parallelTools } });
      const state = { isOver: false };
      const running = run(agent).finally(() => (state.isOver = true));
      while (!state.isOver) {
        await turns();
        const next = order.find((n) => waiting.has(n));
        if (next === undefined) continue;
        waiting.get(next)?.();
        waiting.delete(next);
      }
      const { messages, opened, records, result } = await running;
      return { messages, opened, result, keys: records.map(({ key }) => key).toSorted() };
    };
    const expected = await outcomeOf([0, 1, 2, 3], 8);
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    await fc.assert(
      fc.asyncProperty(order, fc.integer({ min: 1, max: 5 }), async (order, parallel) => {
        expect(await outcomeOf(order, parallel)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test('what the model can mend is a result: unknown tool, no JSON, misfit, failure, a server that went away', async () => {
    const tools = [
      fakeTool('fine'),
      fakeTool('fails', async () => ({ ...ok('disk is full'), isError: true })),
      fakeTool('gone', () => Promise.reject(new UnavailableError('The server files is down.'))),
    ];
    const asked = calls([
      ['typo'],
      { name: 'fine', args: null, malformed: '{"a":' },
      ['fine', { wrong: 1 }],
      ['fine', [1]],
      ['fails'],
      ['gone'],
      ['fine'],
    ]);
    const { messages } = await run(fakeAgent({ model: fakeModel([asked, says('ok')]), tools }));
    const told = resultsIn(messages) as { isError: boolean; content: { text: string }[] }[];
    expect(told.map(({ isError }) => isError)).toEqual([true, true, true, true, true, true, false]);
    expect(told.map(({ content }) => content[0]?.text)).toEqual([
      'There is no tool "typo". You have: fine, fails, gone.',
      'The arguments for fine are not JSON: {"a":',
      'The arguments for fine do not fit its input schema:\nwrong must not be there',
      'The arguments for fine do not fit its input schema:\nthe value must be an object',
      'disk is full',
      'The server files is down.',
      '{}',
    ]);
  });

  test('of a reply that was cut at its length no call is run, and the model is told', async () => {
    let ran = 0;
    const tool = fakeTool('write', async () => ok(String((ran += 1))));
    const model = fakeModel([calls([['write'], ['write']], { stop: 'length' }), says('smaller')]);
    const { messages, result } = await run(fakeAgent({ model, tools: [tool] }));
    expect(ran).toBe(0);
    expect(JSON.stringify(resultsIn(messages))).toMatch(/cut at its output limit.*cut at its output limit/);
    expect(result.stop).toBe('answer');
  });

  test('cancelling rejects, and calls that wait for their turn never begin', async () => {
    let begun = 0;
    const tool = fakeTool('t', (_, { signal }) => {
      begun += 1;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    const agent = fakeAgent({
      model: fakeModel([calls([['t'], ['t'], ['t']])]),
      tools: [tool],
      limits: { parallelTools: 1 },
    });
    const rehearsed = rehearsal();
    const running = run(agent, 'go', rehearsed);
    await turns();
    rehearsed.abort.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await turns();
    expect(begun).toBe(1);
  });

  test('events come in order, with the path of their branch', async () => {
    const child = fakeAgent({
      name: 'child',
      model: fakeModel([calls([['t']]), says('below')]),
      tools: [fakeTool('t')],
    });
    const agent = fakeAgent({
      model: fakeModel([calls([['child', { message: 'x' }]]), says('above')]),
      agents: [nestedTool(child)],
    });
    const { events } = await run(agent);
    expect(events.map(({ type, path }) => `${path}|${type}`)).toEqual([
      '|agent_start',
      '|turn_start',
      '|turn_end',
      'turn 1: call 1|tool_start',
      'turn 1: call 1|agent_start',
      'turn 1: call 1|turn_start',
      'turn 1: call 1|turn_end',
      'turn 1: call 1/turn 1: call 1|tool_start',
      'turn 1: call 1/turn 1: call 1|tool_end',
      'turn 1: call 1|turn_start',
      'turn 1: call 1|turn_end',
      'turn 1: call 1|agent_end',
      'turn 1: call 1|tool_end',
      '|turn_start',
      '|turn_end',
      '|agent_end',
    ]);
  });
});

describe('limits end with a result that names them', () => {
  const busy = (reply: Partial<ModelReply> = {}) =>
    Array.from({ length: 9 }, (_, turn) =>
      calls(
        [
          ['t', { turn, n: 1 }],
          ['t', { turn, n: 2 }],
        ],
        reply,
      ),
    );
  const limited = (limits: Agent['limits'] | object, replies = busy()) =>
    run(fakeAgent({ model: fakeModel(replies), tools: [fakeTool('t')], limits }));

  test.each([
    ['turns', { turns: 2 }, 'agent stopped: it has used its 2 turns.'],
    ['tokens', { tokens: 40 }, 'agent stopped: it has used 45 of its 40 tokens.'],
    ['cost', { cost: 0.025 }, 'agent stopped: it has spent 0.03 of its 0.025 USD.'],
  ])('%s', async (limit, limits, words) => {
    const { result, said } = await limited(limits);
    expect(result).toMatchObject({ isError: true, stop: 'limit', limit });
    expect(said).toBe(words);
  });

  test('tool calls: the part of a turn that is left is run, the rest is told', async () => {
    const { result, messages, said } = await limited({ toolCalls: 3 });
    expect(result).toMatchObject({ stop: 'limit', limit: 'tool_calls' });
    expect(said).toBe('agent stopped: it asked for more than its 3 tool calls.');
    expect(resultsIn(messages, 4)).toMatchObject([
      { isError: false },
      { isError: true, content: [{ text: 'Not run: the limit of 3 tool calls is reached.' }] },
    ]);
  });

  test('an agent that used exactly its tool calls may still answer', async () => {
    expect((await limited({ toolCalls: 2 }, [calls([['t'], ['t']]), says('done')])).result.stop).toBe('answer');
  });

  test('a cost limit that cannot be kept, for want of a price, stops', async () => {
    const { result, said } = await limited({ cost: 1 }, busy({ usage: usage(1, 1, null) }));
    expect(result).toMatchObject({ stop: 'limit', limit: 'cost' });
    expect(said).toMatch(/price of a model is unknown/);
  });

  test('time, by the clock of the records, also when it passed inside a call', async () => {
    let now = 0;
    const model = fakeModel(busy());
    const tool = fakeTool('t', async () => {
      now += 60_000;
      return ok('slow');
    });
    const agent = fakeAgent({ model, tools: [tool], limits: { time: 100_000 } });
    const { context } = rehearsal([], Infinity, () => now);
    const start = Date.now();
    // The effects themselves run against the real clock: it stands far before this deadline.
    const shifted = { ...context, now: start };
    Object.defineProperty(shifted, 'now', { get: () => start + context.now });
    const result = await runAgent(agent, asks('go'), shifted);
    expect(result).toMatchObject({ stop: 'limit', limit: 'time' });
    expect(model.asked).toHaveLength(1);
  });

  test.each(['model', 'tool'])('time cuts a %s that is at work', async (what) => {
    const hang = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const model = fakeModel([what === 'model' ? ({ signal }) => hang(signal) : calls([['t']])]);
    const tool = fakeTool('t', (_, { signal }) => hang(signal));
    const { context } = rehearsal();
    const begun = Date.now(); // Nothing but the limit ends what hangs.
    const at = Object.defineProperty({ ...context }, 'now', { get: () => Math.max(begun, context.now) });
    const result = await runAgent(fakeAgent({ model, tools: [tool], limits: { time: 30.5 } }), asks('go'), at);
    expect(result).toMatchObject({ isError: true, stop: 'limit', limit: 'time' });
  });

  test('a limit of many days sets no timer that fires at once', async () => {
    const { context } = rehearsal();
    const at = Object.defineProperty({ ...context }, 'now', { get: () => Date.now() });
    const agent = fakeAgent({ model: fakeModel([says('x')]), limits: { time: 90 * 86_400_000 } });
    expect((await runAgent(agent, asks('go'), at)).stop).toBe('answer');
  });

  test('what an earlier task of the conversation said is not among the last words', async () => {
    const messages = [...asks('before'), says('old answer').message, ...asks('now')];
    const agent = fakeAgent({ model: fakeModel([new ModelError('auth', 'no key')]) });
    expect(textOf((await runAgent(agent, messages, rehearsal().context)).content)).toBe('no key');
  });
});

describe('a model that gives no answer', () => {
  test.each([
    ['refusal', says('no', { stop: 'refusal' }), 'refusal', /declined/],
    ['a refused call', calls([['t']], { stop: 'refusal' }), 'refusal', /declined/],
    ['a cut reply', says('half', { stop: 'length' }), 'length', /cut at its output limit[^]*half/],
    ['no model', new ModelError('auth', 'ANTHROPIC_API_KEY is missing'), 'model_unavailable', /API_KEY/],
    ['no server', new UnavailableError('files is down'), 'server_unavailable', /files is down/],
  ])('%s', async (_, line, stop, words) => {
    const { result, said } = await run(fakeAgent({ model: fakeModel([line]) }));
    expect(result).toMatchObject({ isError: true, stop });
    expect(said).toMatch(words);
  });

  test('a fault of ours is no result: it rejects', async () => {
    await expect(run(fakeAgent({ model: fakeModel([new TypeError('bug')]) }))).rejects.toThrow('bug');
    const broken = fakeTool('t', () => Promise.reject(new TypeError('bug')));
    await expect(run(fakeAgent({ model: fakeModel([calls([['t']])]), tools: [broken] }))).rejects.toThrow('bug');
  });
});

describe('an answer with a shape', () => {
  const output = {
    schema: { type: 'object' },
    check: (value: unknown) =>
      typeof value === 'object' && value !== null && 'n' in value ? undefined : 'n is missing',
  };
  const shaped = (...lines: string[]) => run(fakeAgent({ model: fakeModel(lines.map((line) => says(line))), output }));

  test.each(['{"n":1}', ' ```json\n{"n":1}\n``` ', '```\n{"n":1}```'])('%j is read', async (line) => {
    expect((await shaped(line)).result).toMatchObject({ stop: 'answer', structuredContent: { n: 1 } });
  });

  test('may be put right twice, then it is given up', async () => {
    expect((await shaped('oh', '{}', '{"n":2}')).result.structuredContent).toEqual({ n: 2 });
    const { result, said, messages } = await shaped('oh', '{}', '[1]');
    expect(result).toMatchObject({ isError: true, stop: 'bad_output' });
    expect(said).toMatch(/never fitted its output schema: n is missing[^]*\[1\]/);
    expect(JSON.stringify(messages[2])).toMatch(/it is not JSON/);
    const list = await run(
      fakeAgent({
        model: fakeModel(['[]', '[]', '[]'].map((line) => says(line))),
        output: { ...output, check: () => undefined },
      }),
    );
    expect(list.said).toMatch(/it is not a JSON object/);
  });

  test('an answer of newlines alone does not stall us', async () => {
    const lines = ['```' + '\n'.repeat(200_000), '`'.repeat(100_000), `\`\`\`json${'\n'.repeat(200_000)}x`];
    expect(await cpuTimeOf(() => shaped(...lines))).toBeLessThan(2_000);
  });
});

describe('nested agents', () => {
  const child = (limits = {}, replies = [says('from below')]) =>
    fakeAgent({ name: 'child', model: fakeModel(replies), limits });

  test('are tools: their usage adds up once, their answer is the result', async () => {
    const agent = fakeAgent({
      model: fakeModel([calls([['child', { message: 'do' }]]), says('up')]),
      agents: [nestedTool(child())],
    });
    const { result, messages } = await run(agent);
    expect(result.usage).toMatchObject({ inputTokens: 30, outputTokens: 15, cost: 0.03 });
    expect(resultsIn(messages)).toMatchObject([{ isError: false, content: [{ text: 'from below' }] }]);
  });

  test('get an equal part of what is left, and never more', async () => {
    const replies = Array.from({ length: 20 }, (_, n) => calls([['nope', { n }]], { usage: usage(10, 10) }));
    const [one, two] = [child({}, replies), { ...child({ tokens: 9e9 }, [...replies]), name: 'two' }];
    const model = fakeModel([
      calls(
        [
          ['child', { message: '' }],
          ['two', { message: '' }],
        ],
        { usage: usage(20, 20) },
      ),
      says('up'),
    ]);
    const { result, messages } = await run(
      fakeAgent({ model, limits: { tokens: 200 }, agents: [nestedTool(one), nestedTool(two)] }),
    );
    expect(JSON.stringify(resultsIn(messages))).toMatch(/80 of its 80 tokens.*80 of its 80 tokens/);
    expect(result).toMatchObject({ stop: 'limit', limit: 'tokens' });
    expect(result.usage.inputTokens + result.usage.outputTokens).toBe(200);
  });

  test('stop at the depth that their outermost caller allows', async () => {
    const parts = { name: 'self', limits: { depth: 2 } };
    const self: Agent = fakeAgent({
      ...parts,
      model: fakeModel([
        ...Array.from({ length: 3 }, () => calls([['self', { message: 'x' }]])),
        says('3'),
        says('2'),
        says('1'),
      ]),
    });
    const agent: Agent = {
      ...self,
      agents: [
        nestedTool({
          ...self,
          get agents() {
            return agent.agents;
          },
        }),
      ],
    };
    const { result, records } = await run(agent);
    expect(result.stop).toBe('answer');
    expect(JSON.stringify(records)).toContain('limits.depth');
    expect(records.filter(({ key }) => key.endsWith('model')).length).toBe(6);
  });
});

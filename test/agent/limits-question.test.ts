/** At a limit an agent may ask to go on (`on_limit: ask`); and the same call again and again is a limit. */
import { describe, expect, test } from 'vitest';
import { agentTool } from '../../src/agent/agent-tool.ts';
import type { Limits } from '../../src/agent/limits.ts';
import { runAgent } from '../../src/agent/loop.ts';
import type { ModelReply } from '../../src/agent/model.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { text, textOf } from '../../src/task/content.ts';
import { asks, calls, fakeAgent, fakeModel, fakeTool, ok, rehearsal, says, usage } from './fakes.ts';

const goOn: InputResponse = { action: 'accept', content: { decision: 'continue' } };
const stop: InputResponse = { action: 'accept', content: { decision: 'stop' } };
const busy = (turns: number, reply: Partial<ModelReply> = {}): ModelReply[] =>
  Array.from({ length: turns }, (_, turn) =>
    calls(
      [
        ['t', { turn, n: 1 }],
        ['t', { turn, n: 2 }],
      ],
      reply,
    ),
  );

interface Asked {
  key: string;
  request: InputRequest & { kind: 'form' };
}

async function run(limits: Partial<Limits>, replies: readonly ModelReply[], answers: readonly InputResponse[] = []) {
  const asked: Asked[] = [];
  const rehearsed = rehearsal([], Infinity, undefined, (key, request) => {
    if (request.kind !== 'form') throw new Error('a form was expected');
    asked.push({ key, request });
    const answer = answers[asked.length - 1];
    if (answer === undefined) throw new Error(`nobody answers ${key}`);
    return answer;
  });
  const model = fakeModel(replies);
  const ran: unknown[] = [];
  const tool = fakeTool('t', async (args) => {
    ran.push(args);
    return ok('did');
  });
  const agent = fakeAgent({ model, tools: [tool], limits: { onLimit: 'ask', ...limits } });
  const messages = asks('go');
  const result = await runAgent(agent, messages, rehearsed.context);
  return { ...rehearsed, result, messages, asked, ran, turns: model.asked.length };
}

describe('a limit that is reached', () => {
  test.each([
    ['turns', { turns: 2 }, 'it has used its 2 turns', 2, '2 more turns'],
    ['tool_calls', { toolCalls: 4 }, 'it asks for more than its 4 tool calls', 3, '4 more tool calls'],
    ['tokens', { tokens: 30 }, 'it has used 30 of its 30 tokens', 2, '30 more tokens'],
    ['cost', { cost: 0.02 }, 'it has spent 0.02 of its 0.02 USD', 2, '0.02 more USD'],
  ] as const)(
    '%s: a person lets it go on by as much again, as often as they like',
    async (_, limits, why, turns, adds) => {
      const { result, asked, ran } = await run(limits, [...busy(5), says('done')], [goOn, goOn, goOn]);
      expect(result).toMatchObject({ stop: 'answer', content: [text('done')] });
      expect(ran).toHaveLength(10);
      expect(asked.map(({ key }) => key)).toEqual(asked.map((_, index) => `limit ${index + 1}`));
      expect(asked).toHaveLength(2);
      expect(asked[0]?.request.message).toContain(
        `agent has come to a limit: ${why}.\nSo far it used ${turns} turns, 4 tool calls`,
      );
      expect(asked[0]?.request.message).toContain(`To continue gives it ${adds}.`);
    },
  );

  test('the form has one required choice, and to stop comes first', async () => {
    const { asked } = await run({ turns: 1 }, busy(1), [stop]);
    const { properties, required } = asked[0]?.request.schema ?? {};
    expect(required).toEqual(['decision']);
    expect(properties).toEqual({
      decision: {
        type: 'string',
        title: 'May it go on?',
        oneOf: [
          { const: 'stop', title: 'Stop here' },
          { const: 'continue', title: 'Continue: 1 more turn' },
        ],
      },
    });
  });

  test.each([
    ['stop', stop],
    ['decline', { action: 'decline' }],
    ['expiry', { action: 'expired' }],
    ['withdrawal', { action: 'withdrawn' }],
    ['a choice that is none', { action: 'accept', content: {} }],
  ] as const)('%s ends it with the result of the limit, and nothing is asked twice', async (_, answer) => {
    const { result, asked } = await run({ turns: 2, tokens: 31 }, busy(5), [answer]);
    expect(result).toMatchObject({ isError: true, stop: 'limit', limit: 'turns' });
    expect(asked).toHaveLength(1);
  });

  test('calls over the limit: with a no the part that is left is run, and the rest is told', async () => {
    const { result, asked, ran, messages } = await run({ toolCalls: 3 }, busy(3), [stop]);
    expect(result).toMatchObject({ stop: 'limit', limit: 'tool_calls' });
    expect(asked).toHaveLength(1);
    expect(ran).toHaveLength(3);
    expect(JSON.stringify(messages[4])).toContain('Not run: the limit of 3 tool calls is reached.');
  });

  test('time that ran out in the middle of a question to the model is asked about, and the question is asked again', async () => {
    const asked: string[] = [];
    const { context, records } = rehearsal([], Infinity, undefined, (key) => {
      asked.push(key);
      return goOn;
    });
    const begun = Date.now();
    const at = Object.defineProperty({ ...context }, 'now', { get: () => Math.max(begun, context.now) });
    const model = fakeModel([
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      // More than one: where the machine is slow, a second try may be cut too.
      ...Array.from({ length: 100 }, () => says('in time')),
    ]);
    const agent = fakeAgent({ model, limits: { time: 50, turns: 1_000, onLimit: 'ask' } });
    expect(await runAgent(agent, asks('go'), at)).toMatchObject({ stop: 'answer', content: [text('in time')] });
    expect(records[0]).toMatchObject({ key: 'turn 1: model', value: { kind: 'stopped', limit: 'time' } });
    expect(asked[0]).toBe('limit 1');
  });

  test('a cost that nobody knows is no question: to go on could not be bounded', async () => {
    const { result, asked } = await run({ cost: 1 }, busy(2, { usage: usage(1, 1, null) }));
    expect(result).toMatchObject({ stop: 'limit', limit: 'cost' });
    expect(asked).toEqual([]);
  });

  test('without on_limit: ask nobody is asked', async () => {
    const { result } = await run({ turns: 1, onLimit: 'stop' }, busy(2));
    expect(result).toMatchObject({ stop: 'limit', limit: 'turns' });
  });

  test('one that oversteps by far is asked about once, and goes on from where it is', async () => {
    const { result, asked } = await run({ tokens: 30 }, [...busy(1, { usage: usage(100, 0) }), says('done')], [goOn]);
    expect(result.stop).toBe('answer');
    expect(asked[0]?.request.message).toContain('it has used 100 of its 30 tokens');
    expect(asked[0]?.request.message).toContain('To continue gives it 30 more tokens.');
  });
});

describe('an agent below another', () => {
  const nested = async (own: Partial<Limits>, caller: Partial<Limits>) => {
    const asked: string[] = [];
    const rehearsed = rehearsal([], Infinity, undefined, (key) => {
      asked.push(key);
      return goOn;
    });
    const child = fakeAgent({
      name: 'child',
      model: fakeModel([...busy(9), says('below')]),
      tools: [fakeTool('t')],
      limits: { onLimit: 'ask', ...own },
    });
    const spec = { name: 'child', description: '', inputSchema: {}, check: () => undefined };
    const model = fakeModel([calls([['child', { message: 'x' }]]), says('up')]);
    const agent = fakeAgent({ model, agents: [agentTool(() => child, spec)], limits: caller });
    const messages = asks('go');
    await runAgent(agent, messages, rehearsed.context);
    return { asked, told: JSON.stringify(messages[2]) };
  };

  test('asks in its own branch, where the task has room for more', async () => {
    const { asked, told } = await nested({ turns: 5 }, {});
    expect(asked).toEqual(['turn 1: call 1/limit 1']);
    expect(told).toContain('below');
  });

  test('gets no more than its caller has left, however often it is allowed', async () => {
    const { asked, told } = await nested({ tokens: 30 }, { tokens: 85 });
    expect(told).toContain('child stopped: it has used 75 of its 70 tokens');
    expect(asked).toEqual(['turn 1: call 1/limit 1', 'turn 1: call 1/limit 2']);
  });

  test("is not asked about where the limit is its caller's", async () => {
    const { asked, told } = await nested({}, { tokens: 60 });
    expect(told).toContain('of its 45 tokens');
    expect(asked).toEqual([]);
  });
});

describe('the same call with the same arguments', () => {
  const again = (times: number): ModelReply[] => Array.from({ length: times }, () => calls([['t', { a: 1 }]]));

  test('is made three times; the fourth stops, and none of its turn is run', async () => {
    const replies = [
      ...again(3),
      calls([
        ['t', { b: 1 }],
        ['t', { a: 1 }],
      ]),
    ];
    const { result, ran } = await run({ onLimit: 'stop' }, replies);
    expect(result).toMatchObject({ isError: true, stop: 'limit', limit: 'same_call' });
    expect(textOf(result.content)).toBe('agent stopped: it asked for "t" with the same arguments 4 times.');
    expect(ran).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
  });

  test('side by side counts as well, other arguments and other tools do not', async () => {
    const same = await run({ onLimit: 'stop' }, [calls(Array.from({ length: 4 }, () => ['t', {}]))]);
    expect(same.result.limit).toBe('same_call');
    const other = [
      ...again(3),
      calls([
        ['t', { a: 2 }],
        ['u', { a: 1 }],
      ]),
      says('done'),
    ];
    expect((await run({ onLimit: 'stop' }, other)).result.stop).toBe('answer');
  });

  test('a person may let it go on', async () => {
    const { result, asked, ran } = await run({}, [...again(6), says('done')], [goOn]);
    expect(result.stop).toBe('answer');
    expect(ran).toHaveLength(6);
    expect(asked[0]?.request.message).toContain('it asked for "t" with the same arguments 4 times');
    expect(asked[0]?.request.message).toContain('3 more calls of this kind');
  });

  test('its number is a limit like any other', async () => {
    const { result, ran } = await run({ sameCall: 1, onLimit: 'stop' }, again(2));
    expect(result.limit).toBe('same_call');
    expect(ran).toHaveLength(1);
  });

  test('calls of a reply that was cut are not made and do not count', async () => {
    const cut = Array.from({ length: 5 }, () => calls([['t', { a: 1 }]], { stop: 'length' }));
    expect((await run({ onLimit: 'stop' }, [...cut, says('done')])).result.stop).toBe('answer');
  });
});
